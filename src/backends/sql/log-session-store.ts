/** Log sessions in SQL. */
import { type Kysely, sql } from 'kysely';
import type { LogStore, SessionRow, SessionSummary } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { GOING, rowBytes } from './log-rows.ts';
import type { Schema, SessionsTable } from './schema.ts';

const TOUCH_INTERVAL_MS = 60_000;

type SessionMethods = Pick<
  LogStore,
  'createSession' | 'session' | 'sessionSummary' | 'sessionForDirectory' | 'sessions' | 'touch'
>;

export function logSessionMethods(backend: SqlBackend): SessionMethods {
  return {
    createSession: (row) =>
      backend.write(async (db) => {
        await db.insertInto('sessions').values(tableRow(row)).execute();
      }),
    session: (id) =>
      backend.read(async (db) => {
        const row = await visible(db).where('id', '=', id).executeTakeFirst();
        return row ? sessionRow(row) : null;
      }),
    sessionSummary: (id) =>
      backend.read(async (db) => {
        const row = await visible(db).where('id', '=', id).executeTakeFirst();
        return row ? summary(db, row) : null;
      }),
    async sessionForDirectory(row) {
      const find = async (db: Kysely<Schema>): Promise<SessionRow | null> => {
        const found = await visible(db).where('directory', '=', row.directory).executeTakeFirst();
        return found ? sessionRow(found) : null;
      };
      // Nearly always it is there, which must not cost a write.
      const known = await backend.read(find);
      if (known) return { row: known, created: false };
      return backend.write(async (db) => {
        const made = await find(db);
        if (made) return { row: made, created: false };
        await db.insertInto('sessions').values(tableRow(row)).execute();
        return { row, created: true };
      });
    },
    sessions: (limit, { withPrivate, owner }) =>
      backend.read(async (db) => {
        const privacy = withPrivate ? [0, 1] : [0];
        const rows = await visible(db)
          .where('is_private', 'in', privacy)
          .$if(owner !== null, (query) => query.where('owner', '=', owner ?? ''))
          .orderBy('used_at', 'desc')
          .orderBy('id')
          .limit(limit)
          .execute();
        const counted: SessionSummary[] = [];
        for (const row of rows) counted.push(await summary(db, row));
        const { total } = await db
          .selectFrom('sessions')
          .select(sql<number>`count(*)`.as('total'))
          .where('used_at', '>', GOING)
          .where('is_private', 'in', privacy)
          .$if(owner !== null, (query) => query.where('owner', '=', owner ?? ''))
          .executeTakeFirstOrThrow();
        return { rows: counted, total: Number(total) };
      }),
    async touch(id, nowMs) {
      const dueBeforeMs = nowMs - TOUCH_INTERVAL_MS;
      const row = await backend.read((db) => visible(db).where('id', '=', id).executeTakeFirst());
      if (!row || row.used_at > dueBeforeMs) return;
      await backend.write(async (db) => {
        await db
          .updateTable('sessions')
          .set({ used_at: nowMs })
          .where('id', '=', id)
          .where('used_at', '>', GOING)
          .where('used_at', '<=', dueBeforeMs)
          .execute();
      });
    },
  };
}

function visible(db: Kysely<Schema>) {
  return db.selectFrom('sessions').selectAll().where('used_at', '>', GOING);
}

function tableRow(row: SessionRow): Pick<SessionsTable, keyof SessionsTable> {
  const { id, timezone, hint, owner, directory } = row;
  const bytes = rowBytes([id, timezone, hint, owner, directory]);
  const kept = { id, timezone, hint, owner, directory, created_at: row.createdAt, used_at: row.usedAt };
  const is_private = row.isPrivate ? 1 : 0;
  return { ...kept, bytes, is_private, file_count: 0, file_bytes: 0 };
}

function sessionRow(row: SessionsTable): SessionRow {
  const { id, timezone, hint, owner, directory } = row;
  const times = { createdAt: row.created_at, usedAt: row.used_at };
  return { id, ...times, timezone, hint, owner, directory, isPrivate: row.is_private === 1 };
}

async function summary(db: Kysely<Schema>, row: SessionsTable): Promise<SessionSummary> {
  const searches = await db
    .selectFrom('search_records')
    .select([sql<number>`count(*)`.as('records'), sql<number>`coalesce(sum(hit_count), 0)`.as('hits')])
    .where('session_id', '=', row.id)
    .executeTakeFirstOrThrow();
  const countOf = async (table: 'facts' | 'memories'): Promise<number> => {
    const { count } = await db
      .selectFrom(table)
      .select(sql<number>`count(*)`.as('count'))
      .where('session_id', '=', row.id)
      .executeTakeFirstOrThrow();
    return Number(count);
  };
  return {
    ...sessionRow(row),
    files: row.file_count,
    sizeBytes: row.file_bytes,
    searches: Number(searches.records),
    hits: Number(searches.hits),
    facts: await countOf('facts'),
    memories: await countOf('memories'),
    storedBytes: row.bytes,
  };
}
