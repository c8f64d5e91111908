/** Tries again what may succeed later, after waits that grow, and with `--wait` for as long as it takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChsError } from '../../src/platform/errors.ts';
import { describeFailure } from '../failure.ts';
import type { Run } from '../run.ts';

const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
/** A server may ask for patience, not for a day of it. */
const RETRY_AFTER_MS_MAX = 300_000;

/** How long a run does not give up; shared by all that it does. */
export interface Patience {
  /** Attempts after the first one. */
  readonly retries: number;
  /** With `--wait`: gives up when nothing at all got through for this long. Null counts attempts instead. */
  readonly waitMs: number | null;
  /** Epoch milliseconds of what got through last, or of the start. */
  lastSuccessMs: number;
}

export interface Trial {
  readonly run: Pick<Run, 'out' | 'signal' | 'language'>;
  readonly patience: Patience;
  /** What is tried, for people. */
  readonly label: string;
  /** Takes a line of progress off the terminal before a remark. */
  readonly clear?: () => void;
}

/**
 * @param attempt made anew each time
 * @throws what the last attempt threw; ChsError INTERRUPTED
 */
export async function withRetries<T>(trial: Trial, attempt: () => Promise<T>): Promise<T> {
  const { run, patience, label } = trial;
  for (let failures = 0; ; ) {
    try {
      const result = await attempt();
      patience.lastSuccessMs = Date.now();
      return result;
    } catch (error) {
      run.signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      const delayMs = nextDelay(error, failures, patience);
      if (delayMs === null) throw error;
      failures += 1;
      trial.clear?.();
      run.out.note(`${label}: ${remark(error, delayMs, failures, trial)}`);
      await pause(delayMs, run.signal);
    }
  }
}

/** Whether the same request may succeed later: by the table, and what gateways say for a server that is away. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof ChsError)) return false;
  const { reason } = error.params;
  return (
    error.retryable ||
    (error.code === 'SERVER_REPLY' && /^status (408|425|429|502|503|504)\b/.test(String(reason)))
  );
}

/** Milliseconds until the next attempt; null when it is time to give up. */
export function nextDelay(
  error: unknown,
  failures: number,
  { retries, waitMs, lastSuccessMs }: Patience,
  random = Math.random,
): number | null {
  if (waitMs === null && failures >= retries) return null;
  const backoffMs = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** Math.min(failures, 16));
  const askedMs = error instanceof ChsError ? Math.min(error.retryAfterMs ?? 0, RETRY_AFTER_MS_MAX) : 0;
  // Half of it by chance, so that many who failed together do not come back together.
  const delayMs = Math.max(askedMs, backoffMs / 2 + (random() * backoffMs) / 2);
  if (waitMs === null) return delayMs;
  const leftMs = lastSuccessMs + waitMs - Date.now();
  return leftMs <= 0 ? null : Math.min(delayMs, leftMs);
}

function remark(error: unknown, delayMs: number, failures: number, { run, patience }: Trial): string {
  const { message } = describeFailure(error, run.language);
  const again = `trying again in ${(delayMs / 1000).toFixed(1)} s`;
  return patience.waitMs === null
    ? `${message}; ${again} (${failures} of ${patience.retries})`
    : `${message}; ${again}`;
}

/** @throws ChsError INTERRUPTED */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
