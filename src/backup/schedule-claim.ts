/** Who makes the backup that is due: decided on the state that processes share, pure. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { codeOf } from '../platform/system-error.ts';
import type { Schedule } from './schedule.ts';
import type { BackupState, ScheduleClaim } from './state.ts';

/** A time that is further ahead was written by a clock that was wrong. */
const AHEAD_MS = 3_600_000;
const ATTEMPTS_MAX = 2;

/** Tells this process from one that had its number before: in a container each start has the same. */
const PROCESS = randomBytes(8).toString('hex');

export interface Decision {
  /** What the state is then; the very same object where nothing is to be written. */
  readonly state: BackupState;
  /** What is to be run now; null for nothing. */
  readonly claim: ScheduleClaim | null;
}

/**
 * What is to be done at `nowMs`. Whoever writes the decision's state, under the lock of the state, may run the claim.
 *
 * However many times were missed, one run catches up with them, as `last_scheduled` is set to now. The first time
 * that there is a schedule nothing was missed. A run that died with its process is made up for once.
 *
 * @param retryAtMs when this process tries again what failed; null for nothing
 */
export function decide(
  state: BackupState,
  schedule: Schedule,
  nowMs: number,
  retryAtMs: number | null = null,
): Decision {
  const at = new Date(nowMs).toISOString();
  const since = state.last_scheduled ?? state.scheduled_since;
  if (since === null) return { state: { ...state, scheduled_since: at }, claim: null };
  const sinceMs = Date.parse(since);
  if (sinceMs > nowMs + AHEAD_MS) return { state: { ...state, last_scheduled: at }, claim: null };
  const dueMs = schedule.next(sinceMs);
  if (dueMs !== null && dueMs <= nowMs) {
    const claim = claimOf(new Date(dueMs).toISOString(), 1);
    return { state: { ...state, last_scheduled: at, claimed: claim }, claim };
  }
  const { claimed } = state;
  if (!claimed) return { state, claim: null };
  const isRetry = claimed.process === PROCESS && retryAtMs !== null && retryAtMs <= nowMs;
  if (!isRetry && !isAbandoned(claimed)) return { state, claim: null };
  const claim = claimed.attempt < ATTEMPTS_MAX ? claimOf(claimed.due, claimed.attempt + 1) : null;
  return { state: { ...state, claimed: claim }, claim };
}

function claimOf(due: string, attempt: number): ScheduleClaim {
  const token = randomBytes(8).toString('hex');
  return { due, attempt, token, pid: process.pid, host: hostname(), process: PROCESS };
}

/** The state when a claim has been dealt with, for good or not; another's claim is left alone. */
export function released(state: BackupState, { token }: ScheduleClaim): BackupState {
  return state.claimed?.token === token ? { ...state, claimed: null } : state;
}

/** The state when a run is ended before its time: whoever comes next makes up for it. */
export function abandoned(state: BackupState, { token }: ScheduleClaim): BackupState {
  if (state.claimed?.token !== token) return state;
  return { ...state, claimed: { ...state.claimed, pid: 0, process: '' } };
}

/** Whether a second attempt follows one that failed. */
export function mayRetry({ attempt }: ScheduleClaim): boolean {
  return attempt < ATTEMPTS_MAX;
}

/** Of a process on another machine nobody can tell. */
function isAbandoned({ pid, host, process: owner }: ScheduleClaim): boolean {
  if (pid === 0) return true;
  if (host !== hostname()) return false;
  if (pid === process.pid) return owner !== PROCESS;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
