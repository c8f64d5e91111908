/** Collects nothing but how many hits there are. */
import { isInWindow, type TimeWindow } from './query.ts';
import type { Collector } from './segment-types.ts';

export function createCounter(window: TimeWindow | null): Collector<number> {
  let count = 0;
  return {
    take(found, { clock }) {
      if (!window || isInWindow(clock.timeOf(found.start, found.end).epochMs, window)) count += 1;
      return true;
    },
    result: () => count,
  };
}
