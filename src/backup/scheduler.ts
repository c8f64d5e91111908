/** Placeholder. */
import type { Log } from '../platform/log.ts';
import type { Schedule } from './schedule.ts';
export function startScheduler(_: {
  schedule: Schedule;
  statePath: string;
  now: () => number;
  log: Log;
  run: (signal: AbortSignal) => Promise<void>;
}): { stop(): Promise<void>; next(): number | null } {
  throw new Error('later');
}
