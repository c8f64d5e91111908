/** One look into the table for all who watch: several processes share it, so nobody can be told by another. */
import { ChsError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { EventPage, EventRow, EventStore } from './store.ts';

/** How long an event of another process may go unnoticed. */
const POLL_MS = 500;
const PAGE_ROWS = 500;
/** What is kept at hand for those who watch; who falls behind further reads on from the table. */
const RECENT_ROWS_MAX = 1000;

export interface EventFeed {
  /**
   * Counts one more watcher until `leave` is called. Gives the ID of the newest event.
   *
   * @throws ChsError SHUTTING_DOWN, DATABASE_BUSY
   */
  join(): Promise<{ readonly newestId: number; leave(): void }>;
  /** What comes after `id`: no rows as long as there is nothing. Rejects when the table cannot be read. */
  after(id: number): Promise<Pick<EventPage, 'rows' | 'oldestId'>>;
  /** Resolves when there is something after `id`, when `signal` is aborted, and when the feed is closed. */
  more(id: number, signal: AbortSignal): Promise<void>;
  readonly watchers: number;
  readonly closed: boolean;
  close(): void;
}

/** @param log told when the table cannot be read; the watchers' streams end then */
export function createFeed(store: EventStore, log: Log): EventFeed {
  let watchers = 0;
  let closed = false;
  let polling: Poll | null = null;
  let failure: unknown = null;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of [...waiting]) resolve();
  };
  const stopPolling = (): void => {
    polling?.stop();
    polling = null;
  };
  const failed = (error: unknown): void => {
    log.error('Events cannot be read', {}, error);
    failure = error;
    stopPolling();
    wake();
  };

  return {
    async join() {
      if (closed) throw new ChsError('SHUTTING_DOWN');
      watchers += 1;
      let here = true;
      const leave = (): void => {
        if (here) watchers -= 1;
        here = false;
        if (watchers === 0) stopPolling();
      };
      try {
        const { newestId } = await store.after(Number.MAX_SAFE_INTEGER, 1);
        failure = null;
        if (here && !closed) polling ??= startPoll(store, newestId, { wake, failed });
        return { newestId, leave };
      } catch (error) {
        leave();
        throw error;
      }
    },
    async after(id) {
      if (failure !== null) throw failure;
      const known = polling?.after(id);
      if (known) return { rows: known, oldestId: null };
      const page = await store.after(id, PAGE_ROWS);
      // Somebody emptied the table: what the poll has seen of it is where it begins.
      const isGone = page.rows.length === 0 && polling !== null && polling.completeAfter() > id;
      return isGone ? { rows: [], oldestId: (polling?.completeAfter() ?? id) + 1 } : page;
    },
    more(id, signal) {
      if (signal.aborted || closed || failure !== null) return Promise.resolve();
      if (polling && polling.newestId() > id) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          waiting.delete(done);
          resolve();
        };
        signal.addEventListener('abort', done, { once: true });
        waiting.add(done);
      });
    },
    get watchers() {
      return watchers;
    },
    get closed() {
      return closed;
    },
    close() {
      closed = true;
      stopPolling();
      wake();
    },
  };
}

interface Poll {
  /** From memory; null for what is too long ago to be there. */
  after(id: number): readonly EventRow[] | null;
  /** Everything after this one is in memory. */
  completeAfter(): number;
  newestId(): number;
  stop(): void;
}

interface PollEnds {
  readonly wake: () => void;
  readonly failed: (error: unknown) => void;
}

/** Looks at once after this process has written, and now and then for what others wrote. */
function startPoll(store: EventStore, newestId: number, { wake, failed }: PollEnds): Poll {
  let recent: EventRow[] = [];
  let completeAfter = newestId;
  let stopped = false;
  let looking = false;
  let again = false;

  const newest = (): number => recent.at(-1)?.id ?? completeAfter;
  const take = (rows: readonly EventRow[]): void => {
    recent.push(...rows);
    const excess = recent.length - RECENT_ROWS_MAX;
    if (excess > 0) completeAfter = recent[excess - 1]?.id ?? completeAfter;
    if (excess > 0) recent = recent.slice(excess);
    wake();
  };
  const look = async (): Promise<void> => {
    again = true;
    if (looking) return;
    looking = true;
    try {
      while (again && !stopped) {
        again = false;
        const { rows } = await store.after(newest(), PAGE_ROWS);
        if (rows.length === PAGE_ROWS) again = true;
        if (rows.length > 0 && !stopped) take(rows);
      }
    } catch (error) {
      // What another process holds now, it gives back; the next look finds the rest.
      if (!stopped && !(error instanceof ChsError && error.retryable)) failed(error);
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(look, POLL_MS);
  const forget = store.onWritten(() => void look());
  return {
    after(id) {
      if (id < completeAfter) return null;
      const start = recent.findIndex((row) => row.id > id);
      return start < 0 ? [] : recent.slice(start);
    },
    completeAfter: () => completeAfter,
    newestId: newest,
    stop() {
      stopped = true;
      clearInterval(timer);
      forget();
    },
  };
}
