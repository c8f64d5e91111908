/** What is asked of the index of modules and signatures, in SQL. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type {
  ModuleStore,
  SignatureCount,
  SignatureFilter,
  SignatureTotals,
  UnindexedMinidump,
  WantedModule,
} from '../../crash/module-store.ts';
import { insertAnnotations } from './annotation-store.ts';
import type { SqlBackend } from './backend.ts';
import { countModules } from './module-index.ts';
import type { Schema } from './schema.ts';

const DAY_MS = 86_400_000;

/** @param backend an open database, migrated to today's tables */
export function createModuleStore(backend: SqlBackend): ModuleStore {
  return { ...indexing(backend), ...modules(backend), ...signatures(backend) };
}

type IndexMethods = 'unindexed' | 'countUnindexed' | 'index' | 'withPdb';

function indexing(backend: SqlBackend): Pick<ModuleStore, IndexMethods> {
  return {
    unindexed: (limit) =>
      backend.read(async (db) => {
        const { rows } = await sql<UnindexedMinidump>`
          select minidumps.id, file_path, state, details, exe_name, exe_guid, exe_age, exe_version,
            exception_code, timestamp_ms
          from minidumps left join minidump_details on minidump_id = minidumps.id
          where serial is null order by created_ms, minidumps.id limit ${limit}`.execute(db);
        return rows;
      }),
    countUnindexed: () =>
      backend.read(async (db) =>
        countOf(db, sql`select count(*) as total from minidumps where serial is null`),
      ),
    index: (entries) =>
      backend.write(async (db) => {
        for (const { id, index, annotations } of entries) {
          const row = await db
            .selectFrom('minidumps')
            .select('timestamp_ms')
            .where('id', '=', id)
            .where('serial', 'is', null)
            .executeTakeFirst();
          if (!row) continue;
          const indexed = await countModules(db, index, row.timestamp_ms);
          await db.updateTable('minidumps').set(indexed).where('id', '=', id).execute();
          await insertAnnotations(db, id, annotations);
        }
      }),
    withPdb: (moduleIds) =>
      backend.read(async (db) => {
        if (moduleIds.length === 0) return new Set<number>();
        const query = db
          .selectFrom('modules')
          .select('id')
          .where('id', 'in', moduleIds)
          .where('has_pdb', '=', 1);
        return new Set((await query.execute()).map(({ id }) => Number(id)));
      }),
  };
}

type WantedMethods = 'wanted' | 'countWanted' | 'wantedByDebugId';

function modules(backend: SqlBackend): Pick<ModuleStore, WantedMethods> {
  // Written as an index has it, with each kind on its own: so both are read in order, the most wanted first.
  const most = (db: Kysely<Schema>, isSystem: 0 | 1, limit: number): Promise<readonly WantedModule[]> =>
    wantedWhere(
      db,
      sql`has_pdb = 0 and is_system = ${isSystem} and guid_key is not null
        order by dump_count desc limit ${limit}`,
    );
  return {
    wanted: ({ system, limit }) =>
      backend.read(async (db) => {
        const own = await most(db, 0, limit);
        const all = system ? [...own, ...(await most(db, 1, limit))] : own;
        return all.toSorted((one, other) => other.dumpCount - one.dumpCount).slice(0, limit);
      }),
    countWanted: () =>
      backend.read(async (db) => {
        const count = (isSystem: 0 | 1): Promise<number> =>
          countOf(
            db,
            sql`select count(*) as total from modules
              where has_pdb = 0 and is_system = ${isSystem} and guid_key is not null`,
          );
        return { own: await count(0), system: await count(1) };
      }),
    wantedByDebugId: (guidKey, age) =>
      backend.read(async (db) => {
        const found = await wantedWhere(
          db,
          sql`guid_key = ${guidKey} and age = ${age} order by dump_count desc limit 1`,
        );
        return found[0] ?? null;
      }),
  };
}

async function wantedWhere(db: Kysely<Schema>, condition: RawBuilder<unknown>): Promise<WantedModule[]> {
  const { rows } = await sql<Schema['modules'] & { id: number }>`
    select * from modules where ${condition}`.execute(db);
  return rows.map((row) => ({
    name: row.name,
    debugFile: row.debug_file,
    guidKey: row.guid_key,
    age: row.age,
    timeDateStamp: row.time_date_stamp,
    sizeOfImage: row.size_of_image,
    version: row.version,
    isSystem: row.is_system === 1,
    dumpCount: row.dump_count,
    keyCount: row.key_count,
    hasImage: row.has_image === 1,
    firstMs: row.first_ms,
    lastMs: row.last_ms,
  }));
}

type SignatureMethods = 'topSignatures' | 'signatureTotals' | 'versionsOf' | 'daysOf';

function signatures(backend: SqlBackend): Pick<ModuleStore, SignatureMethods> {
  return {
    topSignatures: (filter, limit) => backend.read((db) => topSignatures(db, filter, limit)),
    signatureTotals: (filter) => backend.read((db) => signatureTotals(db, filter)),
    versionsOf: (signature, filter, limit) =>
      backend.read(async (db) => {
        const conditions = [sql`signature = ${signature}`, ...conditionsOf(filter)];
        const { rows } = await sql<{ version: string | null; count: number }>`
          select exe_version as version, count(*) as count from minidumps ${where(conditions)}
          group by exe_version order by count desc, exe_version desc limit ${limit}`.execute(db);
        return rows.map(({ version, count }) => ({ version, count: Number(count) }));
      }),
    daysOf: (signature, startMs, filter) =>
      backend.read(async (db) => {
        const conditions = [
          sql`signature = ${signature}`,
          sql`timestamp_ms >= ${startMs}`,
          ...conditionsOf(filter),
        ];
        const { rows } = await sql<{ day: number; count: number }>`
          select cast((timestamp_ms - ${startMs}) / ${sql.lit(DAY_MS)} as integer) as day, count(*) as count
          from minidumps ${where(conditions)} group by 1 order by 1`.execute(db);
        return rows.map(({ day, count }) => ({ day: Number(day), count: Number(count) }));
      }),
  };
}

async function topSignatures(
  db: Kysely<Schema>,
  filter: SignatureFilter,
  limit: number,
): Promise<readonly SignatureCount[]> {
  const counts: SignatureCount[] = [];
  for (const { signature, count } of await mostFrequent(db, filter, limit)) {
    const matching = where([sql`signature = ${signature}`, ...conditionsOf(filter)]);
    const oldest = await sql<{ timestamp_ms: number }>`
      select timestamp_ms from minidumps ${matching} order by timestamp_ms, id limit 1`.execute(db);
    const newest = await sql<{ id: string; timestamp_ms: number }>`
      select id, timestamp_ms from minidumps ${matching} order by timestamp_ms desc, id desc limit 1`.execute(
      db,
    );
    const last = newest.rows[0];
    const first = oldest.rows[0];
    if (!first || !last) continue;
    const firstMs = Number(first.timestamp_ms);
    counts.push({ signature, count, firstMs, lastMs: Number(last.timestamp_ms), lastId: last.id });
  }
  return counts;
}

async function signatureTotals(db: Kysely<Schema>, filter: SignatureFilter): Promise<SignatureTotals> {
  const conditions = conditionsOf(filter);
  const query =
    conditions.length === 0
      ? sql`select (select sum(row_count) from minidump_hours) as minidumps,
          count(*) as signatures, sum(row_count) as signed from minidump_tallies where kind = 'signature'`
      : sql`select count(*) as minidumps, count(distinct signature) as signatures, count(signature) as signed
          from minidumps ${where(conditions)}`;
  const { rows } = await (query as RawBuilder<Record<string, number | null>>).execute(db);
  const [signatures, minidumps, signed] = ['signatures', 'minidumps', 'signed'].map((name) =>
    Number(rows[0]?.[name] ?? 0),
  ) as [number, number, number];
  return { signatures, minidumps, unsigned: minidumps - signed };
}

/** All dumps together are counted already; those of a time or a version have to be. */
async function mostFrequent(
  db: Kysely<Schema>,
  filter: SignatureFilter,
  limit: number,
): Promise<readonly { readonly signature: string; readonly count: number }[]> {
  const conditions = conditionsOf(filter);
  const query =
    conditions.length === 0
      ? sql`select key as signature, row_count as count from minidump_tallies where kind = 'signature'`
      : sql`select signature, count(*) as count from minidumps
          ${where([sql`signature is not null`, ...conditions])} group by signature`;
  const { rows } = await sql<{ signature: string; count: number }>`
    ${query} order by count desc, signature limit ${limit}`.execute(db);
  return rows.map(({ signature, count }) => ({ signature, count: Number(count) }));
}

function conditionsOf({ startMs, endMs, version }: SignatureFilter): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (startMs !== undefined) conditions.push(sql`timestamp_ms >= ${startMs}`);
  if (endMs !== undefined) conditions.push(sql`timestamp_ms <= ${endMs}`);
  if (version !== undefined) conditions.push(sql`exe_version = ${version}`);
  return conditions;
}

function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}

async function countOf(db: Kysely<Schema>, query: RawBuilder<unknown>): Promise<number> {
  const { rows } = await (query as RawBuilder<{ total: number }>).execute(db);
  return Number(rows[0]?.total ?? 0);
}
