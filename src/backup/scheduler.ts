/** Runs backups when they are due: by the clock of the wall, once for each time, whoever watches. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../platform/log.ts';
import { reasonOf } from './catalogue.ts';
import type { Schedule } from './schedule.ts';
import { abandoned, decide, mayRetry, released } from './schedule-claim.ts';
import { readState, type ScheduleClaim, writeState } from './state.ts';

/** Timers know nothing of a machine that slept or a clock that was set; so soon it is noticed. */
const CHECK_MS = 30_000;
/** What failed is tried once more: a database that was locked, a server that was started anew. */
const RETRY_MS = 600_000;

export interface SchedulerOptions {
  readonly schedule: Schedule;
  /** `backup_state.json`, which all processes on the same data share. */
  readonly statePath: string;
  /** Makes the backup, and says in the state how it ended. It fails by throwing; `signal` is that of `stop`. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  readonly checkMs?: number;
  readonly retryMs?: number;
  /** Whether the timers keep the process alive; a daemon has its socket for that. */
  readonly keepsAlive?: boolean;
}

export interface Scheduler {
  /** Ends a run that is under way, and waits for it. A later start makes up for it. */
  stop(): Promise<void>;
  /** When the next backup is due, or the last one tried again; null where none ever is. */
  next(): number | null;
}

interface Memory {
  retryAtMs: number | null;
  /** The last trouble with the state that was logged: it comes again with every look. */
  trouble: string | null;
}

/**
 * Starts to watch the schedule. A time that was missed while nobody watched is made up for at once, one run for all of
 * them. Of several processes one takes each time on: it is written in the state before the run begins. A run that
 * fails is logged and tried once more, ten minutes later, unless another time has come by then.
 */
export function startScheduler(options: SchedulerOptions): Scheduler {
  const stopping = new AbortController();
  const memory: Memory = { retryAtMs: null, trouble: null };
  const { now = Date.now, schedule } = options;
  const done = watch(options, memory, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
    next: () => earlier(schedule.next(now()), memory.retryAtMs),
  };
}

async function watch(options: SchedulerOptions, memory: Memory, signal: AbortSignal): Promise<void> {
  const { schedule, now = Date.now, checkMs = CHECK_MS, keepsAlive = true } = options;
  while (!signal.aborted) {
    const claim = await takeOn(options, memory);
    if (claim) {
      memory.retryAtMs = null;
      await carryOut(options, memory, claim, signal);
      continue;
    }
    const nowMs = now();
    const dueMs = earlier(schedule.next(nowMs), memory.retryAtMs) ?? Number.POSITIVE_INFINITY;
    // One that is due and was not taken on waits for the state, or belongs to another process.
    const waitMs = dueMs > nowMs ? Math.min(checkMs, dueMs - nowMs) : checkMs;
    await sleep(waitMs, undefined, { signal, ref: keepsAlive }).catch(() => {});
  }
}

/** What this process has to run now, and may; null for nothing. */
async function takeOn(
  { schedule, statePath, log, now = Date.now }: SchedulerOptions,
  memory: Memory,
): Promise<ScheduleClaim | null> {
  const nowMs = now();
  try {
    // Most looks find nothing, and need no lock for that.
    const seen = await readState(statePath);
    if (decide(seen, schedule, nowMs, memory.retryAtMs).state === seen) {
      memory.trouble = null;
      // Another process has taken a later time on: what failed before is past.
      if (memory.retryAtMs !== null && memory.retryAtMs <= nowMs) memory.retryAtMs = null;
      return null;
    }
    let claim: ScheduleClaim | null = null;
    await writeState(statePath, (state) => {
      const decision = decide(state, schedule, nowMs, memory.retryAtMs);
      claim = decision.claim;
      return decision.state;
    });
    memory.trouble = null;
    return claim;
  } catch (error) {
    // Nothing is run that could not be written down: it would be run again and again.
    const reason = reasonOf(error);
    if (reason !== memory.trouble) log.error('the backup schedule waits', { reason }, error);
    memory.trouble = reason;
    return null;
  }
}

async function carryOut(
  { statePath, run, log, now = Date.now, retryMs = RETRY_MS }: SchedulerOptions,
  memory: Memory,
  claim: ScheduleClaim,
  signal: AbortSignal,
): Promise<void> {
  const { due, attempt } = claim;
  log.info('a scheduled backup begins', { due, attempt });
  let change = released;
  try {
    await run(signal);
  } catch (error) {
    const reason = reasonOf(error);
    if (signal.aborted) {
      change = abandoned;
      log.info('a scheduled backup was ended before its time', { due });
    } else if (mayRetry(claim)) {
      memory.retryAtMs = now() + retryMs;
      const retry = new Date(memory.retryAtMs).toISOString();
      log.warn('a scheduled backup failed and is tried again', { due, reason, retry });
      return;
    } else {
      log.error('a scheduled backup failed', { due, reason }, error);
    }
  }
  try {
    await writeState(statePath, (state) => change(state, claim));
  } catch (error) {
    log.error('the state of backups cannot be written', { reason: reasonOf(error) }, error);
  }
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
