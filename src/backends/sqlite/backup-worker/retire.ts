/** Puts a restored file in the place of a database, at no instant of which the database is lost or mixed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { RetireInput, RetireOutput } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';
import { type Database, openExisting } from './database.ts';
import { isBusy } from './failure.ts';
import { syncFolder } from './files.ts';
import { holderIn } from './probe.ts';

/** Whoever writes now will be done in a moment, or has it open for longer. */
const LOCK_WAIT_MS = 1000;
/** What SQLite keeps beside a database, and would apply to whichever file has its name. */
const BESIDE = ['-wal', '-shm', '-journal'];
/** Why it cannot be locked: SQLite cannot read it. */
const DAMAGED = Symbol('damaged');

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
 * What is damaged cannot be locked, and no commit of it has to be brought into the one file: it is moved as it lies.
 */
export async function retire(input: RetireInput): Promise<RetireOutput> {
  if (!existsSync(input.path)) return placeNew(input);
  const db = openOld(input.path);
  if (typeof db === 'string') return { refused: db, kept: false };
  try {
    const refused = lock(db, input) ?? openedBy(input.path);
    if (refused === DAMAGED) return moveDamaged(input, db);
    if (refused !== null) return { refused, kept: false };
    removeBeside(input.path);
    await hold(input);
    // Windows moves no file over one that is open.
    if (process.platform === 'win32') db.close();
    renameSync(input.replacement, input.path);
    renameSync(input.held, input.keepAs);
    syncFolder(dirname(input.path));
    return { refused: null, kept: true };
  } finally {
    db.close();
  }
}

/** Nothing is replaced. A link never overwrites: who made a database meanwhile keeps it. */
function placeNew({ path, replacement, links }: RetireInput): RetireOutput {
  removeBeside(path);
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
  syncFolder(dirname(path));
  return { refused: null, kept: false };
}

/** @returns the reason where it cannot be opened */
function openOld(path: string): Database | string {
  try {
    return openExisting(path, { readonly: false, timeoutMs: LOCK_WAIT_MS });
  } catch (error) {
    return reasonOf(error);
  }
}

/** @returns why it cannot be locked, or that it is damaged; null when this connection alone has it */
function lock(db: Database, { links, notDatabase }: RetireInput): string | typeof DAMAGED | null {
  try {
    db.pragma('synchronous = FULL');
    // A checkpoint of its own, as leaving WAL mode makes one with whatever `synchronous` is at that time.
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
    // A copy is made by a reader, while nobody can write.
    if (!links) db.exec('ROLLBACK; BEGIN IMMEDIATE');
    // Between these two somebody may have come and made it a WAL again.
    if (db.pragma('journal_mode', { simple: true }) !== 'delete') return 'another process has it open';
    return null;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code.startsWith('SQLITE_CORRUPT') || (notDatabase && code === 'SQLITE_NOTADB')) return DAMAGED;
    return reasonOf(error);
  }
}

/**
 * Exchanges a database that SQLite cannot read. What lies beside it may be of use to whoever tries to save something
 * of it, and is kept under its new name. Killed in between, it is in the private folder, whole.
 */
function moveDamaged(input: RetireInput, db: Database): RetireOutput {
  const { path, held, keepAs, links } = input;
  db.close();
  const refused = openedBy(path);
  if (refused !== null) return { refused, kept: false };
  const beside = ['-wal', '-journal'].filter((suffix) => existsSync(`${path}${suffix}`));
  for (const suffix of beside) renameSync(`${path}${suffix}`, `${held}${suffix}`);
  if (links) linkSync(path, held);
  else renameSync(path, held);
  syncFolder(dirname(held));
  removeBeside(path);
  renameSync(input.replacement, path);
  for (const suffix of ['', ...beside]) renameSync(`${held}${suffix}`, `${keepAs}${suffix}`);
  syncFolder(dirname(path));
  return { refused: null, kept: true };
}

/** An idle connection without a WAL holds no lock: only the system knows of it. */
function openedBy(path: string): string | null {
  const holder = holderIn('/proc', path);
  return holder === null ? null : `${holder} has it open`;
}

function removeBeside(path: string): void {
  for (const suffix of BESIDE) rmSync(`${path}${suffix}`, { force: true });
  syncFolder(dirname(path));
}

/** Makes `held` durable: a second name of the old file, or a copy of it. */
async function hold({ path, held, links }: RetireInput): Promise<void> {
  if (links) {
    linkSync(path, held);
  } else {
    // What is held is always whole.
    const copying = join(dirname(dirname(held)), 'copying.db');
    const reader = openExisting(path, { readonly: true, timeoutMs: LOCK_WAIT_MS });
    try {
      await reader.backup(copying);
    } finally {
      reader.close();
    }
    const copy = openSync(copying, 'r+');
    try {
      fsyncSync(copy);
    } finally {
      closeSync(copy);
    }
    renameSync(copying, held);
  }
  syncFolder(dirname(held));
}

function reasonOf(error: unknown): string {
  if (isBusy(error)) return 'another process has it open';
  const code = codeOf(error) ?? '';
  if (code === 'SQLITE_NOTADB') return 'what is there is no SQLite database';
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN')
    return 'what is there may not be written';
  if (code.startsWith('SQLITE_')) return `SQLite says ${code}`;
  throw error;
}
