/** Opens SQLite databases for the backup worker: small caches, and nothing left beside what nobody else writes to. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../../platform/system-error.ts';
import { loadDriver, nativeBinding } from '../driver.ts';

export type Database = InstanceType<ReturnType<typeof loadDriver>>;

/** A check goes through the trees, and comes back to the upper pages; a larger cache only takes memory. */
const CHECK_CACHE_KIBIBYTES = 1024;
const SIDE_FILES = ['-wal', '-shm', '-journal'];

export interface OpenOptions {
  readonly readonly: boolean;
  /** How long a lock of somebody else is waited for. */
  readonly timeoutMs: number;
}

/** Opens a file that exists; nothing is read yet. Throws what the driver throws. */
export function openExisting(path: string, { readonly, timeoutMs }: OpenOptions): Database {
  const Driver = loadDriver();
  const binding = nativeBinding();
  return new Driver(path, {
    readonly,
    fileMustExist: true,
    timeout: Math.max(0, Math.min(Math.trunc(timeoutMs), 0x7fffffff)),
    ...(binding ? { nativeBinding: binding } : {}),
  });
}

/** Reads the schema, and so may be busy where nothing was read before. Pages are not mapped: SQLite's default. */
export function keepCacheSmall(database: Database, kibibytes: number): void {
  database.pragma(`cache_size = -${kibibytes}`);
}

/**
 * Reads a file that nobody else writes to, and leaves nothing beside it.
 *
 * The driver is built without URIs, so there is no `immutable=1`: of a file whose header names a WAL, SQLite makes
 * `-wal` and `-shm`, and those that were not there before go again. Where the folder takes no new files, a copy in the
 * folder for temporary files is read in its place.
 */
export function readQuietly<T>(path: string, read: (database: Database) => T): T {
  const made = SIDE_FILES.map((suffix) => `${path}${suffix}`).filter((side) => !existsSync(side));
  try {
    return readWith(path, read);
  } catch (error) {
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(codeOf(error) ?? '') || !statSync(path).isFile()) throw error;
    return readCopy(path, read);
  } finally {
    for (const side of made) rmSync(side, { force: true });
  }
}

function readCopy<T>(path: string, read: (database: Database) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'chs-check-'));
  try {
    const copy = join(folder, 'copy.db');
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    return readWith(copy, read);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readWith<T>(path: string, read: (database: Database) => T): T {
  const database = openExisting(path, { readonly: true, timeoutMs: 0 });
  try {
    keepCacheSmall(database, CHECK_CACHE_KIBIBYTES);
    return read(database);
  } finally {
    database.close();
  }
}
