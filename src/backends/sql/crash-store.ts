/** The crash store in SQL, the same on every database. Lists are in minidump-list.ts. */
import { type ExpressionBuilder, type Kysely, type RawBuilder, sql } from 'kysely';
import {
  type CrashStore,
  type ExeRow,
  type FileKind,
  NO_AGE,
  type PdbRow,
  PORTABLE_AGE,
  type Redeclaration,
  type RowOf,
  type SymbolFilter,
} from '../../crash/store.ts';
import { createAnnotationStore, insertAnnotations } from './annotation-store.ts';
import type { SqlBackend } from './backend.ts';
import { tellArrival, tellRedeclaration } from './crash-events.ts';
import { first, isReferenced, removeRow } from './file-rows.ts';
import { listMinidumps } from './minidump-list.ts';
import { forgetMisses } from './miss-store.ts';
import { countModules, matchArrival } from './module-index.ts';
import type { Schema } from './schema.ts';

/** More candidates than this for one identity are never looked at. */
const MATCHES_MAX = 50;

/** @param backend an open database, migrated to today's tables */
export function createCrashStore(backend: SqlBackend): CrashStore {
  return {
    ...additions(backend),
    ...rows(backend),
    ...lists(backend),
    ...matches(backend),
    ...createAnnotationStore(backend),
  };
}

type AddMethods = 'addMinidump' | 'addPdb' | 'addExe' | 'addDeclaration';

function additions(backend: SqlBackend): Pick<CrashStore, AddMethods> {
  return {
    addMinidump: (row, details, { index, annotations = [] } = {}) =>
      backend.write(async (db) => {
        const existing = await sameBytes(db, 'minidumps', row);
        if (existing) return { added: false, row: existing, newlyDebuggable: 0 };
        const indexed = index ? await countModules(db, index, row.timestamp_ms) : {};
        const stored = await insertRow(db, 'minidumps', { ...row, ...indexed });
        await db.insertInto('minidump_details').values({ minidump_id: row.id, details }).execute();
        await insertAnnotations(db, row.id, annotations);
        await tellArrival(db, 'minidumps', stored, 0);
        return { added: true, row: stored, newlyDebuggable: 0 };
      }),
    addPdb: (row) =>
      backend.write(async (db) => {
        const existing = await sameBytes(db, 'pdbs', row);
        if (existing) return { added: false, row: existing, newlyDebuggable: 0 };
        const stored = await insertRow(db, 'pdbs', row);
        await forgetMisses(db, pdbKeys(row));
        const newlyDebuggable = await matchArrival(db, 'pdbs', row.id);
        await tellArrival(db, 'pdbs', stored, newlyDebuggable);
        return { added: true, row: stored, newlyDebuggable };
      }),
    addExe: (row, debugIds) =>
      backend.write(async (db) => {
        const existing = await sameBytes(db, 'exes', row);
        if (existing) return { added: false, row: existing, newlyDebuggable: 0 };
        const stored = await insertRow(db, 'exes', row);
        const identities = debugIds.map(({ guidKey, age }) => ({ exe_id: row.id, guid_key: guidKey, age }));
        if (identities.length > 0) {
          await db
            .insertInto('exe_debug_ids')
            .values(identities)
            .onConflict((c) => c.doNothing())
            .execute();
        }
        await forgetMisses(db, imageKeys(row));
        const newlyDebuggable = await matchArrival(db, 'exes', row.id);
        await tellArrival(db, 'exes', stored, newlyDebuggable);
        return { added: true, row: stored, newlyDebuggable };
      }),
    addDeclaration: (kind, id, declared) => backend.write((db) => addDeclaration(db, kind, id, declared)),
  };
}

async function addDeclaration<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  id: string,
  { atMs, ...declared }: Redeclaration & { readonly atMs: number },
): Promise<{ row: RowOf[K]; newlyDebuggable: number } | null> {
  if (kind !== 'minidumps') await fillIn(db, kind, id, declared);
  const row = await first(db, kind, 'id', id);
  if (!row) return null;
  if (declared.debugId) {
    const { guidKey, age } = declared.debugId;
    await db
      .insertInto('declared_ids')
      .values({ kind, file_id: id, guid_key: guidKey, age })
      .onConflict((c) => c.doNothing())
      .execute();
  }
  // A name that was filled in may be the one that an image is known by.
  const newlyDebuggable = kind === 'minidumps' ? 0 : await matchArrival(db, kind, id);
  if (newlyDebuggable > 0) await tellRedeclaration(db, kind, row, { newlyDebuggable, atMs });
  return { row, newlyDebuggable };
}

/** What a symbol file did not know of itself, and a later upload of the same bytes says. */
async function fillIn(
  db: Kysely<Schema>,
  kind: 'pdbs' | 'exes',
  id: string,
  { version, fileName }: Redeclaration,
): Promise<void> {
  const name = sql.ref(NAME_COLUMNS[kind]);
  await sql`
    update ${sql.table(kind)}
    set exe_version = coalesce(exe_version, ${version}), ${name} = coalesce(${name}, ${fileName})
    where id = ${id}`.execute(db);
}

/** The column of a file's own name. */
const NAME_COLUMNS = { pdbs: 'pdb_filename', exes: 'exe_filename' } as const;

type RowMethods = 'find' | 'findBySha256' | 'remove' | 'isReferenced' | 'minidumpDetails' | 'debugIds';

function rows(backend: SqlBackend): Pick<CrashStore, RowMethods> {
  return {
    find: (kind, id) => backend.read((db) => first(db, kind, 'id', id)),
    findBySha256: (kind, sha256) => backend.read((db) => first(db, kind, 'sha256', sha256)),
    remove: (kind, id, atMs) =>
      backend.write((db) => removeRow(db, kind, id, { toldAtMs: atMs }), { makesRoom: true }),
    isReferenced: (filePath) => backend.read((db) => isReferenced(db, filePath)),
    minidumpDetails: (id) =>
      backend.read(async (db) => {
        const query = db.selectFrom('minidump_details').select('details').where('minidump_id', '=', id);
        return (await query.executeTakeFirst())?.details ?? null;
      }),
    debugIds: (exeId) =>
      backend.read(async (db) => {
        const rows = await db.selectFrom('exe_debug_ids').selectAll().where('exe_id', '=', exeId).execute();
        return rows.map((row) => ({ guidKey: row.guid_key, age: row.age }));
      }),
  };
}

function lists(backend: SqlBackend): Pick<CrashStore, 'listMinidumps' | 'listPdbs' | 'listExes'> {
  return {
    listMinidumps: (filter, page) => backend.read((db) => listMinidumps(db, filter, page)),
    listPdbs: (filter, page) => backend.read((db) => listSymbols(db, 'pdbs', filter, page)),
    listExes: (filter, page) => backend.read((db) => listSymbols(db, 'exes', filter, page)),
  };
}

function matches(backend: SqlBackend): Pick<CrashStore, 'pdbsByDebugId' | 'exesByGuid' | 'exesByImage'> {
  return {
    pdbsByDebugId: ({ guidKey, age }, source) =>
      backend.read((db) =>
        db
          .selectFrom('pdbs')
          .selectAll()
          .where((e) =>
            source === 'parsed'
              ? e.and([
                  e('parsed_guid_key', '=', guidKey),
                  e.or([e('parsed_age', '=', age), e('format', '=', 'portable')]),
                ])
              : e.or([
                  e.and([
                    e('guid_key', '=', guidKey),
                    e.or([e('exe_age', '=', age), e('format', '=', 'portable')]),
                  ]),
                  e('id', 'in', declaredIds(e, 'pdbs', guidKey).where('age', 'in', [age, NO_AGE])),
                ]),
          )
          .orderBy('uploaded_ms', 'desc')
          .orderBy('id')
          .limit(MATCHES_MAX)
          .execute(),
      ),
    exesByGuid: (guidKey, source) =>
      backend.read((db) =>
        db
          .selectFrom('exes')
          .selectAll()
          .where((e) =>
            source === 'parsed'
              ? e('id', 'in', e.selectFrom('exe_debug_ids').select('exe_id').where('guid_key', '=', guidKey))
              : e.or([e('guid_key', '=', guidKey), e('id', 'in', declaredIds(e, 'exes', guidKey))]),
          )
          .orderBy('uploaded_ms', 'desc')
          .orderBy('id')
          .limit(MATCHES_MAX)
          .execute(),
      ),
    exesByImage: (timeDateStamp, sizeOfImage) =>
      backend.read((db) =>
        db
          .selectFrom('exes')
          .selectAll()
          .where('time_date_stamp', '=', timeDateStamp)
          .where('size_of_image', '=', sizeOfImage)
          .orderBy('uploaded_ms', 'desc')
          .orderBy('id')
          .limit(MATCHES_MAX)
          .execute(),
      ),
  };
}

/** The files whose bytes were uploaded again under this GUID. */
function declaredIds(e: ExpressionBuilder<Schema, 'pdbs' | 'exes'>, kind: 'pdbs' | 'exes', guidKey: string) {
  return e
    .selectFrom('declared_ids')
    .select('file_id')
    .where('declared_ids.kind', '=', kind)
    .where('declared_ids.guid_key', '=', guidKey);
}

/** The same bytes are stored once: whoever comes second, even in the same instant, gets the first row. */
async function sameBytes<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  { sha256 }: RowOf[K],
): Promise<RowOf[K] | null> {
  return sha256 ? first(db, kind, 'sha256', sha256) : null;
}

/** @returns the row as it is stored */
async function insertRow<K extends FileKind>(db: Kysely<Schema>, kind: K, row: RowOf[K]): Promise<RowOf[K]> {
  const stored = withoutNul(row);
  const columns = Object.keys(stored).map((name) => sql.ref(name));
  const values = Object.values(stored).map((value) => sql.val(value));
  await sql`insert into ${sql.table(kind)} (${sql.join(columns)}) values (${sql.join(values)})`.execute(db);
  return stored;
}

/** Under which keys debuggers find a PDB: by its bytes, or by its declaration where nobody could read them. */
function pdbKeys({ guid_key, exe_age, parsed_guid_key, parsed_age, format, parsed }: PdbRow): string[] {
  const guidKey = parsed === null ? guid_key : parsed_guid_key;
  const age = format === 'portable' ? PORTABLE_AGE : parsed === null ? exe_age : parsed_age;
  return guidKey === null || age === null ? [] : [`${guidKey}${hexDigits(age)}`];
}

function imageKeys({ time_date_stamp, size_of_image }: ExeRow): string[] {
  if (time_date_stamp === null || size_of_image === null) return [];
  return [`${hexDigits(time_date_stamp).padStart(8, '0')}${hexDigits(size_of_image)}`];
}

function hexDigits(value: number): string {
  return value.toString(16).toUpperCase();
}

/** U+0000, which a hostile file may have in its names: PostgreSQL refuses it, and SQLite's functions end at it. */
function withoutNul<Row extends object>(row: Row): Row {
  const entries = Object.entries(row).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value,
  ]);
  return Object.fromEntries(entries) as Row;
}

/** Every identity that finds the file, each by an index of its own. */
function withGuid(kind: 'pdbs' | 'exes', guidKey: string): RawBuilder<unknown> {
  const parsed =
    kind === 'pdbs'
      ? sql`parsed_guid_key = ${guidKey}`
      : sql`id in (select exe_id from exe_debug_ids where guid_key = ${guidKey})`;
  const declared = sql`select file_id from declared_ids where kind = ${kind} and guid_key = ${guidKey}`;
  return sql`(guid_key = ${guidKey} or ${parsed} or id in (${declared}))`;
}

async function listSymbols<K extends 'pdbs' | 'exes'>(
  db: Kysely<Schema>,
  kind: K,
  filter: SymbolFilter,
  page: { offset: number; limit: number },
): Promise<{ rows: RowOf[K][]; total: number }> {
  const conditions = [sql`1 = 1`];
  if (filter.version !== undefined) {
    conditions.push(sql`(exe_version = ${filter.version} or parsed_version = ${filter.version})`);
  }
  if (filter.guidKey !== undefined) conditions.push(withGuid(kind, filter.guidKey));
  if (filter.name !== undefined)
    conditions.push(sql`lower(${sql.ref(NAME_COLUMNS[kind])}) = lower(${filter.name})`);
  const where = sql`where ${sql.join(conditions, sql` and `)}`;
  const { rows } = await sql<RowOf[K]>`
    select * from ${sql.table(kind)} ${where}
    order by uploaded_ms desc, id desc limit ${page.limit} offset ${page.offset}`.execute(db);
  const counted = await sql<{
    total: number;
  }>`select count(*) as total from ${sql.table(kind)} ${where}`.execute(db);
  return { rows, total: Number(counted.rows[0]?.total ?? 0) };
}
