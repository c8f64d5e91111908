/** A lock that one process of this machine holds at a time, and that goes when its holder does. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { loadDriver, nativeBinding } from './driver.ts';

/** Takers of one instant get into each other's way, and all fail: then each tries again after a while of its own. */
const TRIES_MAX = 8;
const PAUSE_MS = 60;

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Takes the lock, without waiting for whoever has it. It is an exclusive transaction on an empty SQLite database: the
 * kernel takes the file's locks back when the process ends, however it does, so none is ever left over. Containers
 * that share the folder share the lock.
 *
 * @param path absolute path of the lock's file; it is made, and stays. Nothing else may open it.
 * @returns null while another one has it, in this process or another
 * @throws ChsError STORAGE_FULL; BACKUP_TARGET when there can be no lock at `path`
 */
export async function takeRunLock(path: string): Promise<RunLock | null> {
  try {
    await makeFolder(dirname(path), 0o750);
    for (let attempt = 1; ; attempt += 1) {
      const lock = tryToTake(path);
      if (lock !== null || attempt === TRIES_MAX) return lock;
      await sleep(Math.random() * PAUSE_MS);
    }
  } catch (error) {
    throw translated(error, path);
  }
}

function tryToTake(path: string): RunLock | null {
  const Driver = loadDriver();
  const binding = nativeBinding();
  const database = new Driver(path, { timeout: 0, ...(binding ? { nativeBinding: binding } : {}) });
  try {
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (codeOf(error)?.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  // Closing ends the transaction; nothing was written.
  return { release: async () => void database.close() };
}

function translated(error: unknown, path: string): unknown {
  const code = codeOf(error) ?? '';
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) {
    return new ChsError('STORAGE_FULL', { path }, { cause: error });
  }
  if (!/^(SQLITE_|E[A-Z]+$)/.test(code)) return error;
  const reason = code.startsWith('SQLITE_NOTADB')
    ? 'a file of another kind stands where the lock should be'
    : 'its lock cannot be taken: permission denied, or the disk knows no locks';
  return new ChsError('BACKUP_TARGET', { place: path, reason }, { cause: error });
}
