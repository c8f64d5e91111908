/** The events domain: the function behind its operation. */
import type { EventsReply, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { EventFeed } from './feed.ts';
import { EVENTS_LOST, type eventOperations } from './operations.ts';
import type { EventRow } from './store.ts';

/** Who finds no place now may ask again then. */
const RETRY_AFTER_MS = 5_000;

export interface EventsContext {
  readonly feed: EventFeed;
  readonly limits: { readonly maxStreams: number };
  readonly now: () => number;
}

interface ShownEvent {
  readonly id: number;
  readonly type: string;
  /** ISO 8601, to the millisecond. */
  readonly at: string;
  readonly data: Record<string, unknown>;
}

export function createEvents({ feed, limits, now }: EventsContext): Handlers<typeof eventOperations> {
  return {
    async watchEvents({ after, types }, { signal }) {
      if (feed.watchers >= limits.maxStreams)
        throw new ChsError('TOO_BUSY', {}, { retryAfterMs: RETRY_AFTER_MS });
      const { newestId, leave } = await feed.join();
      // Whoever carries the reply aborts the signal when it is over, read to its end or not even begun.
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      return follow({ feed, newestId, after, isAskedFor: filterOf(types), signal, now });
    },
  };
}

interface Following {
  readonly feed: EventFeed;
  readonly newestId: number;
  readonly after: number | undefined;
  readonly isAskedFor: (type: string) => boolean;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** However slowly somebody reads, nothing is kept for them but their place. */
function follow({ feed, newestId, after, isAskedFor, signal, now }: Following): EventsReply<ShownEvent> {
  let position = after ?? newestId;
  const lost = (id: number, oldestId: number | null): ShownEvent => ({
    id,
    type: EVENTS_LOST,
    at: new Date(now()).toISOString(),
    data: { after: position, oldest_id: oldestId },
  });

  async function* events(): AsyncGenerator<ShownEvent> {
    // An ID that nothing has yet: it is of another database, or of this one before it was restored.
    if (position > newestId) {
      yield lost(newestId, null);
      position = newestId;
    }
    while (!signal.aborted && !feed.closed) {
      const { rows, oldestId } = await feed.after(position);
      if (oldestId !== null && oldestId > position + 1) {
        yield lost(oldestId - 1, oldestId);
        position = oldestId - 1;
      }
      for (const row of rows) {
        if (signal.aborted || feed.closed) return;
        if (isAskedFor(row.type)) yield shown(row);
        // Only who asks for the next one has taken this one.
        position = row.id;
      }
      if (rows.length === 0) await feed.more(position, signal);
    }
  }
  return { events: events(), position: () => position };
}

/** @param types as the operation takes them; undefined for all */
function filterOf(types: string | undefined): (type: string) => boolean {
  if (types === undefined) return () => true;
  const names = new Set(types.split(','));
  return (type) => names.has(type) || names.has(type.replace(/\.[^.]*$/, '.*'));
}

function shown({ id, type, atMs, data }: EventRow): ShownEvent {
  return { id, type, at: new Date(atMs).toISOString(), data: objectIn(data) };
}

/** JSON that chs wrote itself; what something else wrote is shown without it. */
function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
