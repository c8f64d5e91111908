/** Retention in SQL: what is old, what is needed, and how it goes. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { CleanupStore, FileTotal, Place, PlacedFile, SymbolFile } from '../../crash/cleanup-store.ts';
import type { FileKind } from '../../crash/store.ts';
import type { SqlBackend } from './backend.ts';
import { insertEvent } from './event-store.ts';
import { isReferenced, removeRow } from './file-rows.ts';
import type { Schema } from './schema.ts';
import { isNeeded, lastArrivals, modulesByFile } from './symbol-needs.ts';

const HOUR_MS = 3_600_000;
const IDS_A_STATEMENT = 500;
/** A run that began so much later than now did not begin under this clock. */
const CLOCK_SLACK_MS = 60_000;
/** A run that has not finished after so long was killed; where it was not, two runs at once do no harm. */
const UNFINISHED_MS = 3_600_000;

const ARRIVAL = { minidumps: 'created_ms', pdbs: 'uploaded_ms', exes: 'uploaded_ms' } as const;

/** @param backend an open database, migrated to today's tables */
export function createCleanupStore(backend: SqlBackend): CleanupStore {
  return {
    ...totals(backend),
    ...places(backend),
    ...tasks(backend),
    remove: (files) =>
      backend.write(
        async (db) => {
          const removed: boolean[] = [];
          const mayShareFile: boolean[] = [];
          let noLongerDebuggable = 0;
          for (const { kind, id } of files) {
            const isKept = kind !== 'minidumps' && (await isNeeded(db, kind, id));
            const gone = isKept ? null : await removeRow(db, kind, id, { toldAtMs: null });
            removed.push(gone?.removed === true);
            mayShareFile.push(gone?.mayShareFile === true);
            noLongerDebuggable += gone?.noLongerDebuggable ?? 0;
          }
          return { removed, mayShareFile, noLongerDebuggable };
        },
        { makesRoom: true },
      ),
    isReferenced: (filePath) => backend.read((db) => isReferenced(db, filePath)),
    tell: (type, data, atMs) => backend.write((db) => insertEvent(db, { type, data, atMs })),
  };
}

type TotalMethods = 'total' | 'minidumpHours' | 'minidumpsUpTo' | 'debuggableBeyond';

function totals(backend: SqlBackend): Pick<CleanupStore, TotalMethods> {
  return {
    total: (kind, beforeMs) =>
      backend.read((db) => totalOf(db, kind, sql`${sql.ref(ARRIVAL[kind])} < ${beforeMs}`)),
    minidumpHours: (fromMs, beforeMs) =>
      backend.read(async (db) => {
        const { rows } = await sql<{ hour: number; bytes: number }>`
          select created_ms / ${sql.lit(HOUR_MS)} as hour, sum(coalesce(size_bytes, 0)) as bytes from minidumps
          where created_ms >= ${fromMs} and created_ms < ${beforeMs} group by 1 order by 1`.execute(db);
        return rows.map(({ hour, bytes }) => ({ hour: Number(hour), bytes: Number(bytes) }));
      }),
    minidumpsUpTo: (place) => backend.read((db) => totalOf(db, 'minidumps', upTo(place))),
    debuggableBeyond: (place, moduleIds) =>
      backend.read(async (db) => {
        let count = 0;
        for (let start = 0; start < moduleIds.length; start += IDS_A_STATEMENT) {
          const ids = moduleIds.slice(start, start + IDS_A_STATEMENT);
          const { rows } = await sql<{ total: number }>`
            select count(*) as total from modules join minidumps on minidumps.key_module_id = modules.id
            where modules.id in (${sql.join(ids)}) and modules.has_pdb = 1 and not (${upTo(place)})`.execute(
            db,
          );
          count += Number(rows[0]?.total ?? 0);
        }
        return count;
      }),
  };
}

function places(backend: SqlBackend): Pick<CleanupStore, 'minidumps' | 'symbols'> {
  return {
    minidumps: (after, last, limit) =>
      backend.read(async (db) => {
        const isAfter = after === null ? sql`1 = 1` : sql`created_ms >= ${after.ms} and not (${upTo(after)})`;
        const { rows } = await sql<PlacedRow>`
          select id, file_path, size_bytes, created_ms as ms from minidumps
          where created_ms <= ${last.ms} and ${isAfter} and (${upTo(last)})
          order by created_ms, id limit ${limit}`.execute(db);
        return rows.map((row): PlacedFile => ({ kind: 'minidumps', ...placed(row) }));
      }),
    symbols: (beforeMs) =>
      backend.read(async (db) => {
        const lastArrivalMs = await lastArrivals(db);
        const modulesOf = { pdbs: await modulesByFile(db, 'pdbs'), exes: await modulesByFile(db, 'exes') };
        const files: SymbolFile[] = [];
        for (const kind of ['pdbs', 'exes'] as const) {
          const { rows } = await sql<PlacedRow>`
            select id, file_path, size_bytes, uploaded_ms as ms from ${sql.table(kind)}
            where uploaded_ms < ${beforeMs}`.execute(db);
          for (const row of rows) {
            const file = placed(row);
            let { ms } = file;
            for (const module of modulesOf[kind].get(row.id) ?? [])
              ms = Math.max(ms, lastArrivalMs.get(module) ?? ms);
            files.push({ kind, ...file, ms, uploadedMs: file.ms });
          }
        }
        return { files, modulesOf: modulesOf.pdbs, lastArrivalMs };
      }),
  };
}

type TaskMethods = 'claimTask' | 'finishTask' | 'releaseTask';

function tasks(backend: SqlBackend): Pick<CleanupStore, TaskMethods> {
  const isDue = async (
    db: Kysely<Schema>,
    name: string,
    nowMs: number,
    intervalMs: number,
  ): Promise<boolean> => {
    const last = await db
      .selectFrom('tasks')
      .select(['started_ms', 'finished_ms'])
      .where('name', '=', name)
      .executeTakeFirst();
    if (!last) return true;
    const pauseMs = last.finished_ms === null ? Math.min(intervalMs, UNFINISHED_MS) : intervalMs;
    return last.started_ms <= nowMs - pauseMs || last.started_ms > nowMs + CLOCK_SLACK_MS;
  };
  return {
    async claimTask(name, nowMs, intervalMs) {
      // Nearly always it is not, which must not cost a write.
      if (!(await backend.read((db) => isDue(db, name, nowMs, intervalMs)))) return null;
      return backend.write(async (db) => {
        if (!(await isDue(db, name, nowMs, intervalMs))) return null;
        const run = { started_ms: nowMs, finished_ms: null, outcome: null };
        await db
          .insertInto('tasks')
          .values({ name, ...run })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(run))
          .execute();
        return { name, startedMs: nowMs };
      });
    },
    finishTask: ({ name, startedMs }, nowMs, outcome) =>
      backend.write(async (db) => {
        await db
          .updateTable('tasks')
          .set({ finished_ms: nowMs, outcome })
          .where('name', '=', name)
          .where('started_ms', '=', startedMs)
          .execute();
      }),
    releaseTask: ({ name, startedMs }) =>
      backend.write(async (db) => {
        await db.deleteFrom('tasks').where('name', '=', name).where('started_ms', '=', startedMs).execute();
      }),
  };
}

interface PlacedRow {
  readonly id: string;
  readonly file_path: string;
  readonly size_bytes: number | null;
  readonly ms: number | null;
}

function placed({ id, file_path, size_bytes, ms }: PlacedRow) {
  return { id, filePath: file_path, sizeBytes: Number(size_bytes ?? 0), ms: Number(ms ?? 0) };
}

/** Minidumps up to a place: the symbols of one time come after all of its minidumps. */
function upTo({ ms, kind, id }: Place): RawBuilder<unknown> {
  if (kind !== 'minidumps') return sql`minidumps.created_ms <= ${ms}`;
  return sql`minidumps.created_ms < ${ms} or (minidumps.created_ms = ${ms} and minidumps.id <= ${id})`;
}

async function totalOf(db: Kysely<Schema>, kind: FileKind, where: RawBuilder<unknown>): Promise<FileTotal> {
  const arrival = sql.ref(ARRIVAL[kind]);
  const { rows } = await sql<Record<'files' | 'bytes' | 'oldest' | 'newest', number | null>>`
    select count(*) as files, sum(size_bytes) as bytes, min(${arrival}) as oldest, max(${arrival}) as newest
    from ${sql.table(kind)} where ${where}`.execute(db);
  const [row] = rows;
  const known = (value: number | null | undefined): number | null => (value == null ? null : Number(value));
  return {
    files: Number(row?.files ?? 0),
    bytes: Number(row?.bytes ?? 0),
    oldestMs: known(row?.oldest),
    newestMs: known(row?.newest),
  };
}
