/** `backup_state.json`: when backups ran last, kept beside the data; several processes may write it. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { makeFolder, syncDirectory, writeSynced } from '../platform/durable.ts';
import { ChsError } from '../platform/errors.ts';
import { codeOf } from '../platform/system-error.ts';

/** Its name in the folder of the data. */
export const STATE_FILE = 'backup_state.json';

/** Times are ISO 8601 in UTC, as `Date.toISOString` or to the second. */
export interface BackupState {
  /** Since when there is a schedule: what was due earlier was not missed. */
  readonly scheduled_since: string | null;
  /** The last run, by whomever it was started. */
  readonly last_run: { readonly at: string; readonly ok: boolean; readonly reason: string | null } | null;
  /** When a time of the schedule was taken on last: what was due until then is dealt with, well or not. */
  readonly last_scheduled: string | null;
  /** The run that was begun for it and has not ended yet. */
  readonly claimed: ScheduleClaim | null;
  readonly last_verified: {
    readonly id: string;
    /** The backup's own. */
    readonly timestamp: string;
    readonly verified_at: string;
    readonly databases: readonly string[];
  } | null;
}

/** Who has taken a time of the schedule on. */
export interface ScheduleClaim {
  /** The time of the schedule. */
  readonly due: string;
  /** 1, or 2 for the run that makes up for a failed one. */
  readonly attempt: number;
  readonly token: string;
  /** The process, 0 for none any more; and what tells it from others of that number. */
  readonly pid: number;
  readonly host: string;
  readonly process: string;
}

const NOTHING: BackupState = {
  scheduled_since: null,
  last_run: null,
  last_scheduled: null,
  claimed: null,
  last_verified: null,
};

const STATE_BYTES_MAX = 4 * 1024 * 1024;
const LOCK_POLL_MS = 20;
/** Held for milliseconds; a lock that is the same one for so long was left by a process that died. */
const LOCK_STALE_MS = 10_000;

const instant = z
  .string()
  .max(40)
  .refine((at) => !Number.isNaN(Date.parse(at)));

/** Each field by itself: a damaged one takes no other with it. */
const stateSchema = z.object({
  scheduled_since: instant.nullable().catch(null),
  last_run: z.object({ at: instant, ok: z.boolean(), reason: z.string().nullable() }).nullable().catch(null),
  last_scheduled: instant.nullable().catch(null),
  claimed: z
    .object({
      due: instant,
      attempt: z.int().min(1),
      token: z.string(),
      pid: z.int().min(0),
      host: z.string(),
      process: z.string(),
    })
    .nullable()
    .catch(null),
  last_verified: z
    .object({ id: z.string(), timestamp: instant, verified_at: instant, databases: z.array(z.string()) })
    .nullable()
    .catch(null),
});

/**
 * What is known; a file that is missing or damaged knows nothing.
 *
 * @throws ChsError STORAGE_UNWRITABLE where the file is there and cannot be read
 */
export async function readState(path: string): Promise<BackupState> {
  try {
    if ((await stat(path)).size > STATE_BYTES_MAX) return NOTHING;
    const { data } = stateSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return data ?? NOTHING;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return NOTHING;
    throw failure(error);
  }
}

/**
 * Changes the state, one process after the other, and gives what it is then. `change` is handed what is there; it may
 * give that very object back, and nothing is written.
 *
 * @throws ChsError STORAGE_FULL, STORAGE_UNWRITABLE
 */
export async function writeState(
  path: string,
  change: (state: BackupState) => BackupState,
): Promise<BackupState> {
  try {
    await makeFolder(dirname(path), 0o700);
    const release = await takeLock(`${path}.lock`);
    try {
      const before = await readState(path);
      const after = change(before);
      if (after === before) return after;
      const draft = `${path}.new`;
      await writeSynced(draft, `${JSON.stringify(after, null, 2)}\n`);
      await rename(draft, path);
      await syncDirectory(dirname(path));
      return after;
    } finally {
      await release();
    }
  } catch (error) {
    throw error instanceof ChsError ? error : failure(error);
  }
}

function failure(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ChsError('STORAGE_FULL', {}, { cause: error });
  return new ChsError('STORAGE_UNWRITABLE', { reason: code }, { cause: error });
}

/** Gives what releases it. */
async function takeLock(path: string): Promise<() => Promise<void>> {
  const owner = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}`;
  let seen: string | null = null;
  let seenSinceMs = 0;
  for (;;) {
    if (await createLock(path, owner)) return () => releaseLock(path, owner);
    const holder = await readOwner(path);
    // Not the time of the file: clocks jump, and those of file servers differ.
    const nowMs = performance.now();
    if (holder !== seen) {
      seen = holder;
      seenSinceMs = nowMs;
    }
    const isStale = nowMs - seenSinceMs > LOCK_STALE_MS;
    if (holder !== null && (isStale || isDead(holder))) await breakLock(path, holder);
    await sleep(LOCK_POLL_MS);
  }
}

async function createLock(path: string, owner: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(owner);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    // Windows says EPERM of a file that is being removed.
    if (codeOf(error) === 'EEXIST' || (codeOf(error) === 'EPERM' && process.platform === 'win32'))
      return false;
    throw error;
  }
}

/** It may have been taken for a dead one's, and be another's now. */
async function releaseLock(path: string, owner: string): Promise<void> {
  if ((await readOwner(path)) === owner) await rm(path, { force: true });
}

async function readOwner(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).slice(0, 1000);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function isDead(owner: string): boolean {
  const [pid = '', host = ''] = owner.split(' ');
  if (host !== hostname() || !/^[1-9]\d{0,9}$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Two may come upon the same dead lock, and the slower one must not break what the quicker one took meanwhile. */
async function breakLock(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
    if ((await readOwner(aside)) !== holder) await link(aside, path);
  } catch (error) {
    // Somebody else has broken it, or taken it.
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
