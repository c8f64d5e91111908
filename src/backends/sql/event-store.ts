/** Events in SQL: written by whatever makes them true, in its own transaction, and read by whoever watches. */
import type { Kysely } from 'kysely';
import type { EventStore } from '../../events/store.ts';
import type { SqlBackend } from './backend.ts';
import type { Schema } from './schema.ts';

export interface NewEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/**
 * Writes an event down; it is there for others when the transaction is committed. On SQLite one transaction writes
 * at a time, so that IDs become visible in their order and without gaps.
 *
 * @param db the transaction that makes it true
 */
export async function insertEvent(db: Kysely<Schema>, { type, data, atMs }: NewEvent): Promise<void> {
  await db
    .insertInto('events')
    .values({ type, data: JSON.stringify(data), at_ms: atMs })
    .execute();
}

export function createEventStore(backend: SqlBackend): EventStore {
  return {
    after: (id, limit) =>
      backend.read(async (db) => {
        const rows = await db
          .selectFrom('events')
          .selectAll()
          .where('id', '>', id)
          .orderBy('id')
          .limit(limit)
          .execute();
        const shown = rows.map((row) => ({ id: row.id, atMs: row.at_ms, type: row.type, data: row.data }));
        return { rows: shown, ...(await bounds(db)) };
      }),
    async keepNewest(count) {
      const excess = async (db: Kysely<Schema>): Promise<number> => {
        const { oldestId, newestId } = await bounds(db);
        return oldestId === null ? 0 : newestId - oldestId + 1 - count;
      };
      // Nearly always there is nothing to do, which must not cost a write.
      if ((await backend.read(excess)) <= count / 10) return 0;
      return backend.write(
        async (db) => {
          const { newestId } = await bounds(db);
          const { numDeletedRows } = await db
            .deleteFrom('events')
            .where('id', '<=', newestId - count)
            .executeTakeFirstOrThrow();
          return Number(numDeletedRows);
        },
        { makesRoom: true },
      );
    },
    onWritten: (listener) => backend.onWritten(listener),
  };
}

/** Each is one look at the end of an index. */
async function bounds(db: Kysely<Schema>): Promise<{ oldestId: number | null; newestId: number }> {
  const end = async (direction: 'asc' | 'desc'): Promise<number | null> => {
    const row = await db
      .selectFrom('events')
      .select('id')
      .orderBy('id', direction)
      .limit(1)
      .executeTakeFirst();
    return row?.id ?? null;
  };
  return { oldestId: await end('asc'), newestId: (await end('desc')) ?? 0 };
}
