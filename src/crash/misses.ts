/** Counts what debuggers asked for in vain, in memory, and writes it down now and then: a miss costs no write. */
import type { Log } from '../platform/log.ts';
import type { MissStore, SymbolMiss } from './miss-store.ts';
import { safeSegment } from './names.ts';
import type { SymbolPath } from './symbol-path.ts';

/** So long after the first miss they are written. */
const FLUSH_MS = 1000;
/** So many different ones are written at once. */
const FLUSH_COUNT = 200;
/** While a write takes its time, no more than so many wait for the next one. */
const WAITING_MAX = 2000;

export interface Misses {
  /** Never fails, never waits. */
  record(path: SymbolPath): void;
  /** Writes what is waiting; a failure is for the log alone. */
  flush(): Promise<void>;
  /** Writes what is waiting, and nothing afterwards. */
  close(): Promise<void>;
}

export interface MissesContext {
  readonly store: MissStore;
  /** A function, as a reload may change it; 0 keeps nothing. */
  readonly rowsMax: () => number;
  readonly now: () => number;
  readonly log: Log;
}

export function createMisses({ store, rowsMax, now, log }: MissesContext): Misses {
  let waiting = new Map<string, SymbolMiss>();
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const write = async (): Promise<void> => {
    const batch = [...waiting.values()];
    waiting = new Map();
    if (batch.length === 0) return;
    await store.record(batch, rowsMax()).catch((error: unknown) => {
      log.warn(`missed symbols not written: count=${batch.length} error=${String(error)}`);
    });
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    writing = writing.then(write);
    return writing;
  };

  return {
    record({ file, key }) {
      if (isClosed || rowsMax() === 0 || !isFileName(file)) return;
      const atMs = now();
      const slot = `${key}/${file}`;
      const known = waiting.get(slot);
      if (!known && waiting.size >= WAITING_MAX) return;
      const requestCount = (known?.requestCount ?? 0) + 1;
      waiting.set(slot, { file, key, requestCount, firstMs: known?.firstMs ?? atMs, lastMs: atMs });
      if (waiting.size === FLUSH_COUNT) void flush();
      else timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
    },
    flush,
    async close() {
      isClosed = true;
      await flush();
    },
  };
}

/** Whatever else somebody may ask for is nothing that anybody could upload. */
function isFileName(file: string): boolean {
  try {
    return safeSegment('file', file) === file;
  } catch {
    return false;
  }
}
