/** Finds out whether anybody has a SQLite file open: by its locks, and on Linux by the descriptors of all processes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { ProbeInput, ProbeOutput } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';
import { openExisting } from './database.ts';
import { isBusy } from './failure.ts';

const LOCK_WAIT_MS = 50;
const SOMEBODY = 'another process';

/**
 * What each way finds:
 * - /proc (Linux): every process whose descriptors may be read (one's own user's; root: all), whatever it does.
 * - Locks: in WAL mode every connection that has read anything, as it keeps a shared lock until it is closed; with a
 *   rollback journal only one in the middle of a transaction.
 *
 * So an idle connection to a database with a rollback journal is seen on Linux only. Nothing is written, with one
 * exception that cannot be helped: where a process died and left a WAL or a hot journal, and nobody else has the file
 * open, the lock can only be tried by a connection that recovers it, as any program that opens it would.
 */
export function probeFile({ path }: ProbeInput): ProbeOutput {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { exists: false, openBy: null, isDatabase: false };
  if (!stats.isFile()) return { exists: true, openBy: null, isDatabase: false };
  const holder = holderIn('/proc', path);
  // Whoever has it open is not to be disturbed by a lock; a look at its schema takes none that anybody waits for.
  if (holder !== null) return { exists: true, openBy: holder, isDatabase: isDatabase(path) };
  return { exists: true, ...tryLock(path) };
}

function isDatabase(path: string): boolean {
  try {
    const database = openExisting(path, { readonly: true, timeoutMs: LOCK_WAIT_MS });
    try {
      database.pragma('schema_version');
    } finally {
      database.close();
    }
    return true;
  } catch (error) {
    return codeOf(error) !== 'SQLITE_NOTADB';
  }
}

function tryLock(path: string): Pick<ProbeOutput, 'openBy' | 'isDatabase'> {
  try {
    const database = openExisting(path, { readonly: false, timeoutMs: LOCK_WAIT_MS });
    try {
      // A WAL is then opened only when the file itself can be locked exclusively, which any other connection prevents.
      database.pragma('locking_mode = exclusive');
      database.exec('begin exclusive');
      database.exec('rollback');
      return { openBy: null, isDatabase: true };
    } finally {
      database.close();
    }
  } catch (error) {
    if (isBusy(error)) return { openBy: SOMEBODY, isDatabase: true };
    const code = codeOf(error) ?? '';
    if (code === 'SQLITE_NOTADB') return { openBy: null, isDatabase: false };
    // A file that may not be written cannot be locked, and what is damaged can be replaced all the same.
    if (/^SQLITE_(READONLY|CORRUPT|CANTOPEN|IOERR)/.test(code)) return { openBy: null, isDatabase: true };
    throw error;
  }
}

/** @param proc where Linux shows its processes @returns such as `process 4711 (chs)`; null where nobody is found */
export function holderIn(proc: string, path: string): string | null {
  const wanted = new Set<string>();
  for (const suffix of ['', '-wal', '-shm']) {
    const identity = identityOf(`${path}${suffix}`);
    if (identity !== null) wanted.add(identity);
  }
  for (const pid of listOf(proc)) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    for (const descriptor of listOf(`${proc}/${pid}/fd`)) {
      const identity = identityOf(`${proc}/${pid}/fd/${descriptor}`);
      if (identity !== null && wanted.has(identity)) return `process ${pid} (${nameOf(proc, pid)})`;
    }
  }
  return null;
}

/** Follows links: what a descriptor leads to, even where its name is gone. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Empty where there is no such folder, the process is gone, or it is somebody else's. */
function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function nameOf(proc: string, pid: string): string {
  try {
    return readFileSync(`${proc}/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
