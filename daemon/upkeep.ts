/** What a daemon does now and then besides answering: shortly after its start, and every few minutes. */
import type { Log } from '../src/platform/log.ts';

const FIRST_MS = 3_000;
const EVERY_MS = 300_000;

export interface Upkeep {
  /** Ends what is under way after its present step; nothing begins any more. */
  stop(): Promise<void>;
}

/**
 * @param work is told by its signal when it should end; it is never run twice at a time. What it fails with is logged.
 */
export function startUpkeep(
  work: (signal: AbortSignal) => Promise<void>,
  log: Log,
  { firstMs = FIRST_MS, everyMs = EVERY_MS } = {},
): Upkeep {
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout;
  const run = async (): Promise<void> => {
    try {
      await work(stopping.signal);
    } catch (error) {
      log.error('Upkeep failed', {}, error);
    }
  };
  const schedule = (afterMs: number): void => {
    timer = setTimeout(() => {
      running = run().finally(() => {
        running = null;
        if (!stopping.signal.aborted) schedule(everyMs);
      });
    }, afterMs).unref();
  };
  schedule(firstMs);
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
