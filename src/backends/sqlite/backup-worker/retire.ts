/** Puts a restored file in the place of a database, at no instant of which the database is lost or mixed. */
import { existsSync, linkSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { RetireInput, RetireOutput } from '../../../backup/worker/protocol.ts';
import { syncDirectory } from '../../../platform/durable.ts';
import { codeOf } from '../../../platform/system-error.ts';
import { loadDriver, nativeBinding } from '../driver.ts';

/** Whoever writes now will be done in a moment, or has it open for longer. */
const LOCK_WAIT_MS = 1000;
/** What SQLite keeps beside a database, and would apply to whichever file has its name. */
const BESIDE = ['-wal', '-shm', '-journal'];

/**
 * The order is what makes it safe to be killed anywhere:
 *
 * 1. SQLite gives up the WAL (`journal_mode = DELETE`): every commit is in the one file then. It refuses where
 *    another connection is open in WAL mode.
 * 2. An exclusive lock, held to the end, so that nobody reads, writes or begins a new WAL.
 * 3. What still lies beside it (a zeroed journal) goes, durably. The old database is whole without.
 * 4. A second name for the old file, in a folder that nobody looks into.
 * 5. The new file is renamed over it; then the old one gets the name under which it is kept. Whoever is killed in
 *    between leaves it in the private folder, where the next restore finds it.
 *
 * The database is never opened other than through SQLite: to close it here would drop the lock of 2.
 *
 * @param holders who else has the file open, as far as the system tells: an idle connection without a WAL holds no lock
 */
export async function retire(
  input: RetireInput,
  holders: (path: string) => string | null | Promise<string | null> = () => null,
): Promise<RetireOutput> {
  if (!existsSync(input.path)) return placeNew(input);
  const db = openOld(input.path);
  if (typeof db === 'string') return { refused: db, kept: false };
  try {
    const refused = lock(db) ?? (await openedBy(holders, input.path));
    if (refused !== null) return { refused, kept: false };
    await removeBeside(input.path);
    await hold(db, input);
    // Windows moves no file over one that is open.
    if (process.platform === 'win32') db.close();
    renameSync(input.replacement, input.path);
    renameSync(input.held, input.keepAs);
    await syncDirectory(dirname(input.path));
    return { refused: null, kept: true };
  } finally {
    db.close();
  }
}

/** Nothing is replaced. A link never overwrites: who made a database meanwhile keeps it. */
async function placeNew({ path, replacement, links }: RetireInput): Promise<RetireOutput> {
  await removeBeside(path);
  if (links) {
    try {
      linkSync(replacement, path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return { refused: 'somebody has just made a file there', kept: false };
      throw error;
    }
    unlinkSync(replacement);
  } else {
    if (existsSync(path)) return { refused: 'somebody has just made a file there', kept: false };
    renameSync(replacement, path);
  }
  await syncDirectory(dirname(path));
  return { refused: null, kept: false };
}

/** @returns the reason where it cannot be opened */
function openOld(path: string): BetterSqlite3.Database | string {
  const Driver = loadDriver();
  const nativeFile = nativeBinding();
  try {
    return new Driver(path, {
      fileMustExist: true,
      timeout: LOCK_WAIT_MS,
      ...(nativeFile === undefined ? {} : { nativeBinding: nativeFile }),
    });
  } catch (error) {
    return reasonOf(error);
  }
}

/** @returns why it cannot be locked; null when this connection alone has it */
function lock(db: BetterSqlite3.Database): string | null {
  try {
    db.pragma('synchronous = FULL');
    // A checkpoint of its own, as leaving WAL mode makes one with whatever `synchronous` is at that time.
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
    // Between these two somebody may have come and made it a WAL again.
    if (db.pragma('journal_mode', { simple: true }) !== 'delete') return 'another process has it open';
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

async function openedBy(
  holders: (path: string) => string | null | Promise<string | null>,
  path: string,
): Promise<string | null> {
  const holder = await holders(path);
  return holder === null ? null : `${holder} has it open`;
}

async function removeBeside(path: string): Promise<void> {
  for (const suffix of BESIDE) rmSync(`${path}${suffix}`, { force: true });
  await syncDirectory(dirname(path));
}

/** Makes `held` durable: a second name of the old file, or a copy of it. */
async function hold(db: BetterSqlite3.Database, { path, held, links }: RetireInput): Promise<void> {
  if (links) {
    linkSync(path, held);
  } else {
    // Through this very connection: another one would meet the lock. What is held is always whole.
    const copying = join(dirname(dirname(held)), 'copying.db');
    await db.backup(copying);
    const copy = await open(copying, 'r+');
    await copy.sync().finally(() => copy.close());
    renameSync(copying, held);
  }
  await syncDirectory(dirname(held));
}

function reasonOf(error: unknown): string {
  const code = codeOf(error) ?? '';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
    return 'another process has it open';
  if (code === 'SQLITE_NOTADB') return 'what is there is no SQLite database';
  if (code.startsWith('SQLITE_CORRUPT')) return 'what is there is damaged, move it away first';
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN')
    return 'what is there may not be written';
  if (code.startsWith('SQLITE_')) return `SQLite says ${code}`;
  throw error;
}
