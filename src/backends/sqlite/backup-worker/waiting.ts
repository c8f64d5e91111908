/** Waits for locks of other processes, in a process that has nothing else to do meanwhile. */
import { isBusy } from './failure.ts';

/**
 * Who writes without a pause gives its lock up for some microseconds only, and those have to be met: SQLite's own
 * handler looks ten times a second after a while.
 */
export const LOOK_EVERY_MS = 0.5;

/** Tries until it is not busy any more, for `waitMs` at most. @throws what `work` throws; the last time busy too */
export function whenNotBusy(waitMs: number, work: () => void): void {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadlineMs) throw error;
    }
    pause(LOOK_EVERY_MS);
  }
}

export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
