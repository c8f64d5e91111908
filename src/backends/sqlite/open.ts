/** Opens a SQLite database for the stores: WAL, durable commits, migrations, patient writers. */
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { ChsError } from '../../platform/errors.ts';
import type { SqlBackend } from '../sql/backend.ts';
import type { Schema } from '../sql/schema.ts';
import { loadDriver, nativeBinding } from './driver.ts';
import { LATEST_MIGRATION, migrate } from './migrations.ts';
import { type Reserve, reserveBeside } from './reserve.ts';

/** While another process writes, the thread may stand still this long at most before it lets others run. */
const BLOCKING_WAIT_MS = 20;
const RETRY_PAUSE_MS = 25;
/** Enough that the inner pages of all indexes of a million rows stay in memory. */
const CACHE_KIBIBYTES = 16 * 1024;

export interface SqliteOptions {
  /** Absolute path; the folder is made when it is missing. */
  readonly path: string;
  /** How long a write waits for other writers before it fails with DATABASE_BUSY. */
  readonly busyTimeoutMs: number;
}

type Database = InstanceType<ReturnType<typeof loadDriver>>;

/**
 * @throws ChsError DATABASE_UNUSABLE when the file is no database, cannot be written, or was made
 *   by a newer chs; DATABASE_BUSY
 */
export async function openSqlite(options: SqliteOptions): Promise<SqlBackend> {
  const reserve = reserveBeside(options.path);
  try {
    return await openWith(options, reserve);
  } catch (error) {
    // The index of the WAL takes room, even for whoever only wants to delete something.
    if (!isFull(error) || !reserve.releaseSome()) throw error;
    return openWith(options, reserve);
  }
}

async function openWith(options: SqliteOptions, reserve: Reserve): Promise<SqlBackend> {
  const { path } = options;
  const patiently = <T>(work: () => Promise<T>): Promise<T> => whileBusy(options, work);
  const database = openFile(path);
  try {
    await patiently(async () => enterWal(database));
    // A commit must survive a power cut, not only the process: an upload is acknowledged after it.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma(`cache_size = -${CACHE_KIBIBYTES}`);
    refuseUnusable(database, path);
    await patiently(async () => migrateToLatest(database, path));
  } catch (error) {
    database.close();
    throw error instanceof ChsError ? error : translated(error, path);
  }

  const inode = statSync(path).ino;
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
  const listeners = new Set<() => void>();
  const transaction = <T>(
    begin: 'begin' | 'begin immediate',
    work: (db: Kysely<Schema>) => Promise<T>,
  ): Promise<T> =>
    patiently(() =>
      db.connection().execute(async (connection) => {
        await sql.raw(begin).execute(connection);
        try {
          const result = await work(connection);
          await sql`commit`.execute(connection);
          return result;
        } catch (error) {
          if (database.inTransaction) await sql`rollback`.execute(connection);
          throw error;
        }
      }),
    );

  return {
    db,
    // One snapshot for all queries of a read: a page and its total belong together.
    read: (work) => transaction('begin', work),
    // A transaction that begins as a reader fails at once when it has to wait to write; this one waits.
    async write(work, { makesRoom = false } = {}) {
      const result = await transaction('begin immediate', work).catch((error: unknown) => {
        if (!makesRoom || !isFull(error)) throw error;
        reserve.release();
        // What is in the database itself needs no place in the WAL, which then begins anew, over its own blocks.
        database.pragma('wal_checkpoint(PASSIVE)');
        return transaction('begin immediate', work);
      });
      reserve.keep();
      for (const listener of listeners) listener();
      return result;
    },
    onWritten(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async check() {
      // A file that was moved or replaced goes on working through the open handle, for nobody else.
      const { ino } = await stat(path);
      if (ino !== inode) throw new ChsError('DATABASE_UNUSABLE', { path, reason: 'the file was replaced' });
      await patiently(() => sql`select count(*) from sqlite_master`.execute(db));
    },
    async close() {
      await db.destroy();
      // Kysely closes only what it has used, and an open handle keeps the WAL from being folded in.
      database.close();
    },
  };
}

/** Tries again as long as another process writes, up to the time that the options give it. */
async function whileBusy<T>({ path, busyTimeoutMs }: SqliteOptions, work: () => Promise<T>): Promise<T> {
  // Monotonic, as a clock that is set must not end the wait.
  const uptimeMs = (): number => process.uptime() * 1000;
  const deadlineMs = uptimeMs() + busyTimeoutMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error)) throw translated(error, path);
      if (uptimeMs() >= deadlineMs)
        throw new ChsError('DATABASE_BUSY', {}, { cause: error, retryAfterMs: 1000 });
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

function openFile(path: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const Driver = loadDriver();
    const binding = nativeBinding();
    const isNew = !existsSync(path);
    const database = new Driver(path, {
      timeout: BLOCKING_WAIT_MS,
      ...(binding ? { nativeBinding: binding } : {}),
    });
    // Hashes of tokens are in it: it is for its owner and their group.
    if (isNew) chmodSync(path, 0o640);
    return database;
  } catch (error) {
    throw translated(error, path);
  }
}

/**
 * Switching to WAL needs the database alone for a moment, which several processes that open a new
 * one at once all want; SQLite fails without waiting then.
 */
function enterWal(database: Database): void {
  if (database.pragma('journal_mode', { simple: true }) === 'wal') return;
  database.pragma('journal_mode = WAL');
}

/** @throws ChsError DATABASE_UNUSABLE */
function refuseUnusable(database: Database, path: string): void {
  const version = versionOf(database);
  if (version > LATEST_MIGRATION) {
    throw new ChsError('DATABASE_UNUSABLE', { path, reason: 'it was made by a newer version of chs' });
  }
  // A file that may not be written is opened all the same, for reading only; better to know it now.
  try {
    database.exec(`begin immediate; pragma user_version = ${version}; rollback`);
  } catch (error) {
    if (database.inTransaction) database.exec('rollback');
    if (!isBusy(error)) throw error;
  }
}

/**
 * All steps or none; of several processes that want to, one does it and the others find it done.
 *
 * @throws ChsError DATABASE_UNUSABLE, with the tables as they were
 */
function migrateToLatest(database: Database, path: string): void {
  if (versionOf(database) === LATEST_MIGRATION) return;
  try {
    database.transaction(() => migrate(database)).immediate();
  } catch (error) {
    if (isBusy(error) || codeOf(error).startsWith('SQLITE_FULL')) throw error;
    const reason = `its tables could not be brought up to date: ${error instanceof Error ? error.message : error}`;
    throw new ChsError('DATABASE_UNUSABLE', { path, reason }, { cause: error });
  }
}

function versionOf(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));
}

function isFull(error: unknown): boolean {
  return error instanceof ChsError && error.code === 'STORAGE_FULL';
}

/** SQLite's own words for what is wrong with the file, in the table's terms; anything else as it is. */
function translated(error: unknown, path: string): unknown {
  const code = codeOf(error);
  // The second: no room for the index of the WAL.
  if (/^SQLITE_(FULL|IOERR_SHMSIZE)/.test(code))
    return new ChsError('STORAGE_FULL', { path }, { cause: error });
  if (isBusy(error)) return new ChsError('DATABASE_BUSY', {}, { cause: error });
  if (/^(SQLITE_(NOTADB|CORRUPT|CANTOPEN|READONLY|PERM|IOERR)|E[A-Z]+$)/.test(code)) {
    const reason = error instanceof Error ? error.message : code;
    return new ChsError('DATABASE_UNUSABLE', { path, reason }, { cause: error });
  }
  return error;
}
