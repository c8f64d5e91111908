/** How log sessions are deleted in SQL: hidden at once, emptied in steps. */
import type { Kysely } from 'kysely';
import type { LogStore } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { GOING } from './log-rows.ts';
import type { Schema } from './schema.ts';

/** What one transaction deletes: others wait for it, and so does this process. */
const ROWS_DELETED_A_STEP = 5000;
/** Searches are larger: a snapshot names every file. */
const SEARCHES_DELETED_A_STEP = 200;
const SESSIONS_EXPIRED_A_CALL = 100;

export function logDeletionMethods(backend: SqlBackend): Pick<LogStore, 'deleteSession' | 'expireSessions'> {
  return {
    async deleteSession(id) {
      const wasThere = await backend.write((db) => hide(db, [id]), { makesRoom: true });
      if (wasThere > 0) await empty(backend, id);
      return wasThere > 0;
    },
    async expireSessions(usedBeforeMs) {
      // Those that somebody began to delete and did not get done are among them.
      const old = (db: Kysely<Schema>) =>
        db
          .selectFrom('sessions')
          .select('id')
          .where('used_at', '<', usedBeforeMs)
          .orderBy('used_at')
          .limit(SESSIONS_EXPIRED_A_CALL)
          .execute();
      if ((await backend.read(old)).length === 0) return 0;
      const ids = await backend.write(
        async (db) => {
          const found = (await old(db)).map(({ id }) => id);
          await hide(db, found);
          return found;
        },
        { makesRoom: true },
      );
      for (const id of ids) await empty(backend, id);
      return ids.length;
    },
  };
}

/** From now on nobody sees them, and their directories can have new ones. Gives how many were still seen. */
async function hide(db: Kysely<Schema>, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ used_at: GOING, directory: null })
    .where('id', 'in', ids)
    .where('used_at', '>', GOING)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Deletes what a hidden session holds, from the leaves to the root, and then the session. */
async function empty(backend: SqlBackend, id: string): Promise<void> {
  let isLeft = true;
  while (isLeft) isLeft = await backend.write((db) => deleteStep(db, id), { makesRoom: true });
}

/** @returns whether there is more */
async function deleteStep(db: Kysely<Schema>, id: string): Promise<boolean> {
  for (const table of ['facts', 'search_hits', 'search_records'] as const) {
    const rowsMax = table === 'search_records' ? SEARCHES_DELETED_A_STEP : ROWS_DELETED_A_STEP;
    const some = db.selectFrom(table).select('serial').where('session_id', '=', id).limit(rowsMax);
    const { numDeletedRows } = await db
      .deleteFrom(table)
      .where('serial', 'in', some)
      .executeTakeFirstOrThrow();
    if (numDeletedRows > 0n) return true;
  }
  const { numDeletedRows } = await db
    .deleteFrom('session_files')
    .where('session_id', '=', id)
    .where('path', 'in', (query) =>
      query
        .selectFrom('session_files')
        .select('path')
        .where('session_id', '=', id)
        .limit(ROWS_DELETED_A_STEP),
    )
    .executeTakeFirstOrThrow();
  if (numDeletedRows > 0n) return true;
  await db.deleteFrom('sessions').where('id', '=', id).execute();
  return false;
}
