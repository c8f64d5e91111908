/** The threads that scan; small work is done at once, where starting a thread would take longer. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import { runTask, type ScanTask, type SegmentResult } from './task.ts';

/** The bundle has the worker in a file of its own beside it. */
declare const CHS_SCAN_WORKER: string | undefined;

const THREADS_MAX = 8;
/** For terms, scanned in a few milliseconds, in which nobody else has to wait. */
const INLINE_BYTES_MAX = 1024 * 1024;
const IDLE_MS = 30_000;

export interface ScanPool {
  readonly threads: number;
  /** @param bytes about how much there is to scan in all, of which this is a part */
  run(task: ScanTask, bytes: number): Promise<SegmentResult[]>;
  close(): Promise<void>;
}

/** @param threads 0 for as many as there are cores, up to 8 */
export function createScanPool(threads: number, { inlineBytesMax = INLINE_BYTES_MAX } = {}): ScanPool {
  const count = threads > 0 ? threads : Math.min(THREADS_MAX, availableParallelism());
  let pool: Promise<Piscina> | null = null;
  return {
    threads: count,
    async run(task, bytes) {
      // What an expression takes is known by nobody beforehand.
      if (bytes <= inlineBytesMax && task.query.regex === null) return runTask(task, null);
      pool ??= open(count);
      return (await pool).run(task);
    },
    async close() {
      await (await pool)?.destroy();
    },
  };
}

async function open(threads: number): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const worker = typeof CHS_SCAN_WORKER === 'string' ? CHS_SCAN_WORKER : './worker.js';
  return new Piscina({
    filename: fileURLToPath(new URL(worker, import.meta.url)),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MS,
    // Lines live for a moment: a small nursery is collected as fast, and takes less memory.
    resourceLimits: { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 },
  });
}
