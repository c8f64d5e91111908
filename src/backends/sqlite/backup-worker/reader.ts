/** A reader of a live database, and the read transaction that pins what it sees. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SnapshotSource } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';
import { type Database, keepCacheSmall, openExisting } from './database.ts';
import { failed, sourceFailure } from './failure.ts';
import { whenNotBusy } from './waiting.ts';

/** A copy reads each page once, in the order of the file. */
const COPY_CACHE_KIBIBYTES = 64;

export interface Reader {
  readonly source: SnapshotSource;
  readonly database: Database;
  /** Device and inode: the same file under two names has one. */
  readonly identity: string;
  /** Starts the read transaction; from here on the reader sees one state. */
  pin(): void;
}

/**
 * Opens a source for reading.
 *
 * @throws what `failureOf` knows: SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_BUSY, SOURCE_DAMAGED
 */
export function openReader(source: SnapshotSource, busyTimeoutMs: number): Reader {
  try {
    const identity = identityOf(source);
    const database = openExisting(source.path, { readonly: true, timeoutMs: 0 });
    return { source, database, identity, pin: () => pin(source, database, identity, busyTimeoutMs) };
  } catch (error) {
    throw unreadable(source, error);
  }
}

/** `stat` by path is all that is ever done to a live file but through SQLite. */
function identityOf(source: SnapshotSource): string {
  const stats = statSync(source.path, { bigint: true });
  if (!stats.isFile()) {
    const reason = stats.isDirectory() ? 'it is a folder' : 'it is not a file';
    const { name, path } = source;
    throw failed({ code: 'SOURCE_UNREADABLE', params: { name, path, reason }, reason });
  }
  return `${stats.dev}:${stats.ino}`;
}

function pin(source: SnapshotSource, database: Database, identity: string, busyTimeoutMs: number): void {
  try {
    try {
      whenNotBusy(busyTimeoutMs, () => begin(database));
    } catch (error) {
      if (!needsRecovery(error)) throw error;
      recover(source.path, busyTimeoutMs);
      begin(database);
    }
    keepCacheSmall(database, COPY_CACHE_KIBIBYTES);
    // Between `stat` and the first lock somebody may have deleted or replaced it.
    if (identityOf(source) !== identity) throw new Error('the file was replaced while it was opened');
  } catch (error) {
    throw unreadable(source, error);
  }
}

function begin(database: Database): void {
  try {
    database.exec('begin');
    // BEGIN alone pins nothing: the first read does.
    database.prepare('select count(*) from sqlite_schema').get();
  } catch (error) {
    if (database.inTransaction) database.exec('rollback');
    throw error;
  }
}

/** A process died in the middle of a transaction, and only a connection that may write can take that back. */
function needsRecovery(error: unknown): boolean {
  return /^SQLITE_(READONLY_(ROLLBACK|RECOVERY|CANTINIT)|BUSY_RECOVERY)$/.test(codeOf(error) ?? '');
}

/** What every program does that opens the database for writing. */
function recover(path: string, timeoutMs: number): void {
  const database = openExisting(path, { readonly: false, timeoutMs });
  try {
    database.prepare('select count(*) from sqlite_schema').get();
  } finally {
    database.close();
  }
}

function unreadable(source: SnapshotSource, error: unknown): Error {
  const { name, path } = source;
  const code = codeOf(error) ?? '';
  // SQLite says only that it cannot open it.
  if (/^SQLITE_(CANTOPEN|READONLY)/.test(code)) {
    const reason = whyNotOpened(path);
    if (reason !== null)
      return failed({ code: 'SOURCE_UNREADABLE', params: { name, path, reason }, reason }, error);
    try {
      statSync(path);
    } catch (missing) {
      return sourceFailure(source, missing);
    }
  }
  return sourceFailure(source, error);
}

function whyNotOpened(path: string): string | null {
  if (!allows(path, constants.R_OK)) return statsOf(path) ? 'permission denied' : null;
  if (!allows(dirname(path), constants.W_OK) || !allows(path, constants.W_OK))
    return 'it is in WAL mode, and its -shm file cannot be made or written in this folder';
  return null;
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function statsOf(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
