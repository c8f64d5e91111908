/** Which PDBs and EXEs the minidumps need: those whose identity a listed module asks for, parsed or declared. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { NO_AGE } from '../../crash/store.ts';
import type { Schema } from './schema.ts';

const SERIALS_A_STATEMENT = 500;

type SymbolKind = 'pdbs' | 'exes';

/** An identity of PDBs: where it stands, whose it is, and whether an age is its own. */
interface PdbIdentity {
  readonly from: RawBuilder<unknown>;
  readonly file: RawBuilder<unknown>;
  readonly guid: RawBuilder<unknown>;
  readonly hasAge: (age: RawBuilder<unknown>) => RawBuilder<unknown>;
}

const declared = (kind: SymbolKind): PdbIdentity => ({
  from: sql`(select * from declared_ids where kind = ${kind}) as declared`,
  file: sql`declared.file_id`,
  guid: sql`declared.guid_key`,
  hasAge: (age) => sql`declared.age in (${age}, ${NO_AGE})`,
});

const pdbIdentities: readonly PdbIdentity[] = [
  {
    from: sql`pdbs`,
    file: sql`pdbs.id`,
    guid: sql`pdbs.parsed_guid_key`,
    hasAge: (age) => sql`(pdbs.parsed_age = ${age} or pdbs.format = 'portable')`,
  },
  {
    from: sql`pdbs`,
    file: sql`pdbs.id`,
    guid: sql`pdbs.guid_key`,
    hasAge: (age) => sql`(pdbs.exe_age = ${age} or pdbs.exe_age is null or pdbs.format = 'portable')`,
  },
  declared('pdbs'),
];

/** TimeDateStamps of 0 and of all ones identify nothing. */
const sameImage = sql`modules.time_date_stamp = exes.time_date_stamp and modules.size_of_image = exes.size_of_image
  and modules.time_date_stamp not in (0, 4294967295)`;

/**
 * Pairs of `file_id` and `module_id`, some of them several times. Only modules that a minidump lists are in the
 * index. What was declared counts even where the bytes say otherwise: a file that stays too long does no harm.
 *
 * @param fileId all files when it is left out
 */
function servedModules(kind: SymbolKind, fileId?: string): RawBuilder<unknown> {
  const only = (file: RawBuilder<unknown>): RawBuilder<unknown> =>
    fileId === undefined ? sql`1 = 1` : sql`${file} = ${fileId}`;
  const selects = kind === 'pdbs' ? pdbsServing(only) : exesServing(only);
  return sql.join(selects, sql` union all `);
}

type Only = (file: RawBuilder<unknown>) => RawBuilder<unknown>;

function pdbsServing(only: Only): RawBuilder<unknown>[] {
  const direct = pdbIdentities.map(
    ({ from, file, guid, hasAge }) => sql`
      select ${file} as file_id, modules.id as module_id from ${from}
        join modules on modules.guid_key = ${guid} and ${hasAge(sql`modules.age`)}
        where ${only(file)}`,
  );
  // A module without a CodeView record asks for the PDB of the image that it is.
  const throughImages = pdbIdentities.map(
    ({ from, file, guid, hasAge }) => sql`
      select ${file} as file_id, modules.id as module_id from ${from}
        join exe_debug_ids on exe_debug_ids.guid_key = ${guid} and ${hasAge(sql`exe_debug_ids.age`)}
        join exes on exes.id = exe_debug_ids.exe_id
        join modules on ${sameImage} and modules.guid_key is null
        where ${only(file)}`,
  );
  return [...direct, ...throughImages];
}

function exesServing(only: Only): RawBuilder<unknown>[] {
  const { from, file, guid, hasAge } = declared('exes');
  return [
    sql`select exes.id as file_id, modules.id as module_id from exes join modules on ${sameImage}
      where ${only(sql`exes.id`)}`,
    sql`select exe_debug_ids.exe_id as file_id, modules.id as module_id from exe_debug_ids
      join modules on modules.guid_key = exe_debug_ids.guid_key and modules.age = exe_debug_ids.age
      where ${only(sql`exe_debug_ids.exe_id`)}`,
    sql`select exes.id as file_id, modules.id as module_id from exes
      join modules on modules.guid_key = exes.guid_key and (modules.age = exes.exe_age or exes.exe_age is null)
      where ${only(sql`exes.id`)}`,
    sql`select ${file} as file_id, modules.id as module_id from ${from}
      join modules on modules.guid_key = ${guid} and ${hasAge(sql`modules.age`)}
      where ${only(file)}`,
  ];
}

/** Whether any minidump needs the file now; one that no index knows may need anything. */
export async function isNeeded(db: Kysely<Schema>, kind: SymbolKind, fileId: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from minidumps where serial is null
    union all select 1 from (${servedModules(kind, fileId)}) as served limit 1`.execute(db);
  return rows.length > 0;
}

/** The modules that each file may serve, some of them several times; files that serve none are left out. */
export async function modulesByFile(
  db: Kysely<Schema>,
  kind: SymbolKind,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { rows } = await sql<{ file_id: string; module_id: number }>`
    ${servedModules(kind)}`.execute(db);
  const modules = new Map<string, number[]>();
  for (const { file_id, module_id } of rows) {
    const known = modules.get(file_id);
    if (known) known.push(Number(module_id));
    else modules.set(file_id, [Number(module_id)]);
  }
  return modules;
}

/**
 * The arrival of the newest minidump that lists each module. Minidumps are numbered as they are indexed, nearly always
 * as they arrive: the newest of a module is then the one with the highest number, which is one look into an index.
 * The others are those that arrived after one with a higher number (an older store was indexed late, or a clock was
 * set back); they are few, and looked at one by one.
 */
export async function lastArrivals(db: Kysely<Schema>): Promise<ReadonlyMap<number, number>> {
  const last = new Map<number, number>();
  const take = (rows: readonly { module_id: number; ms: number }[]): void => {
    for (const { module_id, ms } of rows)
      if (ms >= (last.get(Number(module_id)) ?? Number.NEGATIVE_INFINITY))
        last.set(Number(module_id), Number(ms));
  };
  const numbered = await sql<{ module_id: number; ms: number }>`
    select modules.id as module_id, minidumps.created_ms as ms from modules join minidumps on minidumps.serial =
      (select max(serial) from minidump_modules where minidump_modules.module_id = modules.id)`.execute(db);
  take(numbered.rows);
  const { rows: misplaced } = await sql<{ serial: number; created_ms: number }>`
    select serial, created_ms from (
      select serial, created_ms, max(serial) over (
        order by created_ms, serial rows between unbounded preceding and 1 preceding
      ) as highest from minidumps where serial is not null
    ) as numbered where serial < highest`.execute(db);
  for (let start = 0; start < misplaced.length; start += SERIALS_A_STATEMENT) {
    const serials = misplaced.slice(start, start + SERIALS_A_STATEMENT).map(({ serial }) => serial);
    const { rows } = await sql<{ module_id: number; ms: number }>`
      select minidump_modules.module_id, max(minidumps.created_ms) as ms
      from minidumps join minidump_modules on minidump_modules.serial = minidumps.serial
      where minidumps.serial in (${sql.join(serials)}) group by minidump_modules.module_id`.execute(db);
    take(rows);
  }
  return last;
}
