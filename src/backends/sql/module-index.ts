/** Keeps the index of modules true while dumps, PDBs and images come and go; always inside their transactions. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { MinidumpIndex, ModuleIdentity } from '../../crash/module-store.ts';
import { NO_AGE } from '../../crash/store.ts';
import type { Schema } from './schema.ts';

/** Rows of one statement: SQLite takes 32,766 values at most. */
const ROWS_A_STATEMENT = 500;

/** What goes into the row of a dump. */
interface Indexed {
  readonly serial: number;
  readonly key_module_id: number | null;
  readonly signature: string | null;
}

/**
 * Counts a dump with its modules.
 *
 * @param crashedMs epoch milliseconds, for the first and last time that a module was seen
 */
export async function countModules(
  db: Kysely<Schema>,
  { modules, keyModule, signature }: MinidumpIndex,
  crashedMs: number,
): Promise<Indexed> {
  const known = modules.filter(({ guidKey, timeDateStamp }) => guidKey !== null || timeDateStamp !== null);
  const distinct = new Map(known.map((module) => [identityOf(module), module]));
  const ids = new Map<string, number>();
  const fresh: number[] = [];
  for (const chunk of chunksOf([...distinct])) {
    const counted = await upsert(db, chunk, crashedMs);
    for (const { id, identity, dump_count } of counted) {
      ids.set(identity, id);
      if (dump_count === 1) fresh.push(id);
    }
  }
  await rematch(db, fresh);
  const serial = await nextSerial(db);
  for (const chunk of chunksOf([...ids.values()])) {
    const rows = chunk.map((id) => ({ serial, module_id: id }));
    await db.insertInto('minidump_modules').values(rows).execute();
  }
  const key = keyModule === null ? undefined : modules[keyModule];
  const keyId = (key && ids.get(identityOf(key))) ?? null;
  if (keyId !== null) await sql`update modules set key_count = key_count + 1 where id = ${keyId}`.execute(db);
  return { serial, key_module_id: keyId, signature };
}

interface Counted {
  readonly id: number;
  readonly identity: string;
  readonly dump_count: number;
}

async function upsert(
  db: Kysely<Schema>,
  modules: readonly (readonly [identity: string, module: ModuleIdentity])[],
  crashedMs: number,
): Promise<readonly Counted[]> {
  const rows = modules.map(([identity, module]) => ({
    identity,
    name: withoutNul(module.name),
    debug_file: withoutNul(module.debugFile),
    guid_key: module.guidKey,
    age: module.age,
    time_date_stamp: module.timeDateStamp,
    size_of_image: module.sizeOfImage,
    version: withoutNul(module.version),
    is_system: module.isSystem ? 1 : 0,
    has_pdb: 0,
    has_image: 0,
    dump_count: 1,
    key_count: 0,
    first_ms: crashedMs,
    last_ms: crashedMs,
  }));
  return db
    .insertInto('modules')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('identity').doUpdateSet({
        dump_count: sql`modules.dump_count + 1`,
        // A module is the system's own only where every dump has it in the system's folders.
        is_system: sql`case when excluded.is_system = 0 then 0 else modules.is_system end`,
        first_ms: sql`case when excluded.first_ms < modules.first_ms then excluded.first_ms else modules.first_ms end`,
        last_ms: sql`case when excluded.last_ms > modules.last_ms then excluded.last_ms else modules.last_ms end`,
      }),
    )
    .returning(['id', 'identity', 'dump_count'])
    .execute();
}

/** Dumps are numbered as they arrive, so that of two with the same time one is the older. */
async function nextSerial(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ serial: number }>`
    select coalesce(max(serial), 0) + 1 as serial from minidumps where serial is not null`.execute(db);
  return Number(rows[0]?.serial ?? 1);
}

/** All that tells one build from another, as one text; names are the same in any case. */
function identityOf(module: ModuleIdentity): string {
  const { guidKey, age, timeDateStamp, sizeOfImage, name, debugFile } = module;
  return JSON.stringify([
    guidKey,
    age,
    timeDateStamp,
    sizeOfImage,
    name?.toLowerCase(),
    debugFile?.toLowerCase(),
  ]);
}

/** The modules that a PDB may serve: by its identities, and through images that have no CodeView record in a dump. */
export async function modulesOfPdb(db: Kysely<Schema>, pdbId: string): Promise<readonly number[]> {
  const guids = sql`
    select guid_key from pdbs where id = ${pdbId}
    union select parsed_guid_key from pdbs where id = ${pdbId}
    union select guid_key from declared_ids where kind = 'pdbs' and file_id = ${pdbId}`;
  return idsOf(
    db,
    sql`
    select id from modules where guid_key in (${guids})
    union select modules.id from exe_debug_ids
      join exes on exes.id = exe_debug_ids.exe_id
      join modules on modules.time_date_stamp = exes.time_date_stamp
        and modules.size_of_image = exes.size_of_image and modules.guid_key is null
      where exe_debug_ids.guid_key in (${guids})`,
  );
}

/** The modules that an image may be. */
export async function modulesOfExe(db: Kysely<Schema>, exeId: string): Promise<readonly number[]> {
  return idsOf(
    db,
    sql`
    select modules.id from exes
      join modules on modules.time_date_stamp = exes.time_date_stamp
        and modules.size_of_image = exes.size_of_image
      where exes.id = ${exeId}
    union select id from modules where guid_key in (
      select guid_key from exes where id = ${exeId}
      union select guid_key from exe_debug_ids where exe_id = ${exeId}
      union select guid_key from declared_ids where kind = 'exes' and file_id = ${exeId})`,
  );
}

async function idsOf(db: Kysely<Schema>, query: RawBuilder<unknown>): Promise<readonly number[]> {
  const { rows } = await (query as RawBuilder<{ id: number }>).execute(db);
  return rows.map(({ id }) => Number(id));
}

/** Dumps that the PDBs of these modules make debuggable. */
async function debuggableBy(db: Kysely<Schema>, moduleIds: readonly number[]): Promise<number> {
  let count = 0;
  for (const ids of chunksOf(moduleIds)) {
    const { rows } = await sql<{ dumps: number | null }>`
      select sum(key_count) as dumps from modules where id in (${sql.join(ids)}) and has_pdb = 1`.execute(db);
    count += Number(rows[0]?.dumps ?? 0);
  }
  return count;
}

/** Looks again whether the PDBs and images of these modules are stored. */
async function rematch(db: Kysely<Schema>, moduleIds: readonly number[]): Promise<void> {
  for (const ids of chunksOf(moduleIds)) {
    await sql`
      update modules set
        has_pdb = case when ${pdbOf(sql`modules.guid_key`, sql`modules.age`)} or ${pdbThroughImage} then 1 else 0 end,
        has_image = case when ${imageStored} then 1 else 0 end
      where id in (${sql.join(ids)})`.execute(db);
  }
}

/** A module that only a client described has no size; then what clients said of PDBs counts as much. */
const isDeclared = sql`modules.size_of_image is null`;
/** Nobody could read the file, or nobody has tried. */
const takenAtItsWord = sql`(pdbs.state = 'unparsed' or pdbs.state is null or ${isDeclared})`;

/** Whether a PDB is stored that debuggers take for an identity. */
function pdbOf(guid: RawBuilder<unknown>, age: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    exists (select 1 from pdbs where pdbs.parsed_guid_key = ${guid}
      and (pdbs.parsed_age = ${age} or pdbs.format = 'portable'))
    or exists (select 1 from pdbs where pdbs.guid_key = ${guid}
      and (pdbs.exe_age = ${age} or pdbs.format = 'portable') and ${takenAtItsWord})
    or exists (select 1 from declared_ids join pdbs on pdbs.id = declared_ids.file_id
      where declared_ids.kind = 'pdbs' and declared_ids.guid_key = ${guid}
      and declared_ids.age in (${age}, ${NO_AGE}) and ${takenAtItsWord}))`;
}

/** TimeDateStamps of 0 and of all ones identify nothing. */
const sameStamp = sql`exes.time_date_stamp = modules.time_date_stamp and exes.size_of_image = modules.size_of_image
  and modules.time_date_stamp not in (0, 4294967295)
  and (exes.exe_filename is null or modules.name is null or lower(exes.exe_filename) = lower(modules.name))`;

const pdbThroughImage = sql`(modules.guid_key is null and exists (
  select 1 from exes join exe_debug_ids on exe_debug_ids.exe_id = exes.id
  where ${sameStamp} and ${pdbOf(sql`exe_debug_ids.guid_key`, sql`exe_debug_ids.age`)}))`;

const imageStored = sql`(exists (select 1 from exes where ${sameStamp})
  or exists (select 1 from exe_debug_ids
    where exe_debug_ids.guid_key = modules.guid_key and exe_debug_ids.age = modules.age)
  or exists (select 1 from exes where exes.guid_key = modules.guid_key
    and (exes.state = 'unparsed' or exes.state is null or ${isDeclared})))`;

/** U+0000, which a hostile file may have in its names: PostgreSQL refuses it, and SQLite's functions end at it. */
function withoutNul(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\ufffd');
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += ROWS_A_STATEMENT)
    chunks.push(items.slice(start, start + ROWS_A_STATEMENT));
  return chunks;
}

/** What changes by a PDB or an image that comes or goes: runs `change`, and gives how the debuggable dumps differ. */
export async function whileMatching<T>(
  db: Kysely<Schema>,
  moduleIds: readonly number[],
  change: () => Promise<T>,
): Promise<{ readonly result: T; readonly difference: number }> {
  const before = await debuggableBy(db, moduleIds);
  const result = await change();
  await rematch(db, moduleIds);
  return { result, difference: (await debuggableBy(db, moduleIds)) - before };
}

/** @returns how many more dumps are debuggable now that the file is there */
export async function matchArrival(db: Kysely<Schema>, kind: 'pdbs' | 'exes', id: string): Promise<number> {
  const moduleIds = await (kind === 'pdbs' ? modulesOfPdb(db, id) : modulesOfExe(db, id));
  const { difference } = await whileMatching(db, moduleIds, async () => undefined);
  return Math.max(0, difference);
}
