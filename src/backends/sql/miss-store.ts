/** The missed symbols in SQL, the same on every database. */
import { type Kysely, sql } from 'kysely';
import type { MissStore } from '../../crash/miss-store.ts';
import type { SqlBackend } from './backend.ts';
import type { Schema } from './schema.ts';

/** A statement has a limited number of parameters (SQLite: 32,766). */
const ROWS_A_STATEMENT = 500;

/** @param backend an open database, migrated to today's tables */
export function createMissStore(backend: SqlBackend): MissStore {
  return {
    async record(misses, rowsMax) {
      if (misses.length === 0) return;
      await backend.write(async (db) => {
        for (let at = 0; at < misses.length; at += ROWS_A_STATEMENT)
          await add(db, misses.slice(at, at + ROWS_A_STATEMENT));
        await evict(db, rowsMax);
      });
    },
    list: ({ limit }) =>
      backend.read(async (db) => {
        const rows = await db
          .selectFrom('symbol_misses')
          .selectAll()
          .orderBy('request_count', 'desc')
          .orderBy('last_ms', 'desc')
          .orderBy('file')
          .orderBy('key')
          .limit(limit)
          .execute();
        return rows.map((row) => ({
          file: row.file,
          key: row.key,
          requestCount: row.request_count,
          firstMs: row.first_ms,
          lastMs: row.last_ms,
        }));
      }),
  };
}

async function add(db: Kysely<Schema>, misses: Parameters<MissStore['record']>[0]): Promise<void> {
  const rows = misses.map((miss) => ({
    file: miss.file,
    key: miss.key,
    request_count: miss.requestCount,
    first_ms: miss.firstMs,
    last_ms: miss.lastMs,
  }));
  await db
    .insertInto('symbol_misses')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['file', 'key']).doUpdateSet({
        request_count: sql`symbol_misses.request_count + excluded.request_count`,
        last_ms: sql`case when excluded.last_ms > symbol_misses.last_ms
          then excluded.last_ms else symbol_misses.last_ms end`,
      }),
    )
    .execute();
}

/** What is there now is not missed any more; for the transaction in which it arrives. */
export async function forgetMisses(db: Kysely<Schema>, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await db.deleteFrom('symbol_misses').where('key', 'in', keys).execute();
}

async function evict(db: Kysely<Schema>, rowsMax: number): Promise<void> {
  const { rows } = await sql<{ total: number }>`select count(*) as total from symbol_misses`.execute(db);
  const excess = Number(rows[0]?.total ?? 0) - rowsMax;
  if (excess <= 0) return;
  await sql`
    delete from symbol_misses where (file, key) in (
      select file, key from symbol_misses order by last_ms, file, key limit ${excess}
    )`.execute(db);
}
