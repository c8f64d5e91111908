/** Opens a SQLite database for the stores: WAL, durable commits, migrations, patient writers. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { ChsError } from '../../platform/errors.ts';
import type { SqlBackend } from '../sql/backend.ts';
import type { Schema } from '../sql/schema.ts';
import { loadDriver } from './driver.ts';
import { LATEST_MIGRATION, migrate } from './migrations.ts';

/** While another process writes, the thread may stand still this long at most before it lets others run. */
const BLOCKING_WAIT_MS = 20;
const RETRY_PAUSE_MS = 25;

export interface SqliteOptions {
  /** Absolute path; the folder is made when it is missing. */
  readonly path: string;
  /** How long a write waits for other writers before it fails with DATABASE_BUSY. */
  readonly busyTimeoutMs: number;
}

/**
 * @throws ChsError DATABASE_UNUSABLE when the file is no database, cannot be written, or was made
 *   by a newer chs; DATABASE_BUSY
 */
export async function openSqlite({ path, busyTimeoutMs }: SqliteOptions): Promise<SqlBackend> {
  const database = openFile(path);
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });

  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const deadline = Date.now() + busyTimeoutMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error)) throw translated(error, path);
        if (Date.now() >= deadline) throw new ChsError('DATABASE_BUSY', {}, { cause: error });
        await sleep(RETRY_PAUSE_MS);
      }
    }
  };

  const backend: SqlBackend = {
    db,
    read: (work) => patiently(() => work(db)),
    write: (work) =>
      patiently(() =>
        db.connection().execute(async (connection) => {
          // A transaction that begins as a reader fails at once when it has to wait to write; this one waits.
          await sql`begin immediate`.execute(connection);
          try {
            const result = await work(connection);
            await sql`commit`.execute(connection);
            return result;
          } catch (error) {
            if (database.inTransaction) await sql`rollback`.execute(connection);
            throw error;
          }
        }),
      ),
    async check() {
      await patiently(() => sql`select count(*) from sqlite_master`.execute(db));
    },
    close: () => db.destroy(),
  };

  try {
    const version = database.pragma('user_version', { simple: true });
    if (Number(version) > LATEST_MIGRATION) {
      throw new ChsError('DATABASE_UNUSABLE', { path, reason: 'it was made by a newer version of chs' });
    }
    if (Number(version) < LATEST_MIGRATION) await backend.write(async () => migrate(database));
    return backend;
  } catch (error) {
    await db.destroy();
    throw translated(error, path);
  }
}

function openFile(path: string): InstanceType<ReturnType<typeof loadDriver>> {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const Database = loadDriver();
    const database = new Database(path, { timeout: BLOCKING_WAIT_MS });
    enterWal(database);
    // A commit must survive a power cut, not only the process: an upload is acknowledged after it.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    return database;
  } catch (error) {
    throw translated(error, path);
  }
}

/** Several processes may open a new database at once; switching to WAL needs it alone for a moment. */
function enterWal(database: InstanceType<ReturnType<typeof loadDriver>>): void {
  if (database.pragma('journal_mode', { simple: true }) === 'wal') return;
  for (let attempt = 0; ; attempt += 1) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || attempt >= 100) throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));
}

/** SQLite's own words for what is wrong with the file, in the table's terms; anything else as it is. */
function translated(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code.startsWith('SQLITE_FULL')) return new ChsError('STORAGE_FULL', { path }, { cause: error });
  if (isBusy(error)) return new ChsError('DATABASE_BUSY', {}, { cause: error });
  if (/^(SQLITE_(NOTADB|CORRUPT|CANTOPEN|READONLY|PERM|IOERR)|E[A-Z]+$)/.test(code)) {
    const reason = error instanceof Error ? error.message : code;
    return new ChsError('DATABASE_UNUSABLE', { path, reason }, { cause: error });
  }
  return error;
}
