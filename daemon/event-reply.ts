/** Replies with a stream of events: written as they come, no faster than they are read, ended from either side. */
import { Readable } from 'node:stream';
import { encodeEvent, encodeHeartbeat, encodeStart, HEARTBEAT_MS } from '../src/event-stream.ts';
import type { EventsReply } from '../src/operation.ts';
import type { Log } from '../src/platform/log.ts';
import type { Reply } from './answer.ts';

/** So much waits for a slow reader; the rest stays where the events are kept. */
const BUFFER_BYTES = 16 * 1024;

/** Headers that keep proxies from collecting what should arrive at once. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

/** The reply to HEAD: what a GET would say first. */
export const eventsHead: Reply = { status: 200, headers: HEADERS, body: null };

/**
 * @param over aborted when the stream has ended, for whatever reason
 * @param log told why the events ended when they failed; half of the reply is out then
 */
export function eventsReply(
  reply: EventsReply,
  over: AbortController,
  log: Log,
  heartbeatMs = HEARTBEAT_MS,
): Reply {
  const pieces = encoded(reply, heartbeatMs);
  const body = new Readable({
    highWaterMark: BUFFER_BYTES,
    read() {
      pieces.next().then(
        ({ done, value }) => body.push(done ? null : value),
        (error: unknown) => {
          log.error('A stream of events ended early', {}, error);
          body.push(null);
        },
      );
    },
    destroy(error, done) {
      over.abort();
      done(error);
    },
  });
  return { status: 200, headers: HEADERS, body, bufferBytes: BUFFER_BYTES };
}

async function* encoded(
  { events, position }: EventsReply,
  heartbeatMs: number,
): AsyncGenerator<string, void> {
  yield encodeStart(position());
  const iterator = events[Symbol.asyncIterator]();
  let next = iterator.next();
  for (;;) {
    const result = await within(next, heartbeatMs);
    if (result === null) yield encodeHeartbeat(position());
    else if (result.done) return;
    else {
      yield encodeEvent(result.value);
      next = iterator.next();
    }
  }
}

/** Null when it takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, milliseconds, null);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
