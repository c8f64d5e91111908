/** A stream of events as the client sees it: checked, bounded, and given up when it falls silent. */
import type { IncomingReply, ReceivedEvents } from './connect.ts';
import { createBlockReader, HEARTBEAT_MS, type ReceivedBlock } from './event-stream.ts';
import { ChsError } from './platform/errors.ts';

/** So many signs of life may be late or missing before the connection counts as dead. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
/** No event of ours is as long. */
const EVENT_CHARS_MAX = 1024 * 1024;

/**
 * @param server for messages
 * @param checked gives a value back, or throws where it is not what the operation gives
 * @throws ChsError SERVER_REPLY at once where the reply is no stream of events; the iteration throws it, too, and
 *   SERVER_UNREACHABLE when the connection ends otherwise than the server wants, and ends when it wants that
 */
export function receiveEvents<Event>(
  reply: IncomingReply,
  server: string,
  checked: (value: unknown) => unknown,
  signal: AbortSignal | undefined,
  silenceMs = SILENCE_MS,
): ReceivedEvents<Event> {
  const { body } = reply;
  if (!/^text\/event-stream\b/i.test(reply.headers.get('content-type') ?? '')) {
    body.destroy();
    throw new ChsError('SERVER_REPLY', { server, reason: 'it is not a stream of events' });
  }
  let position: number | null = null;
  const read = createBlockReader(EVENT_CHARS_MAX);
  const take = ({ lastId, data }: ReceivedBlock): Event | null => {
    if (lastId !== null && /^\d{1,15}$/.test(lastId)) position = Number(lastId);
    return data === null ? null : (checked(jsonIn(data)) as Event);
  };

  async function* events(): AsyncGenerator<Event> {
    const stop = (): void => void body.destroy(new ChsError('INTERRUPTED'));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    let silence: NodeJS.Timeout | undefined;
    const listen = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => body.destroy(unreachable(server, new Error('it fell silent'))), silenceMs);
    };
    try {
      listen();
      for await (const piece of body.setEncoding('utf8')) {
        // Not while somebody thinks about an event: what arrives meanwhile waits to be read.
        clearTimeout(silence);
        for (const block of read(String(piece))) {
          const event = take(block);
          if (event !== null) yield event;
        }
        listen();
      }
    } catch (error) {
      if (error instanceof ChsError) throw error;
      if (error instanceof RangeError || error instanceof SyntaxError)
        throw new ChsError('SERVER_REPLY', { server, reason: error.message }, { cause: error });
      throw unreachable(server, error);
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', stop);
      body.destroy();
    }
  }
  return {
    [Symbol.asyncIterator]: events,
    get position() {
      return position;
    },
  };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError('no JSON', { cause: error });
  }
}

function unreachable(server: string, error: unknown): ChsError {
  const isCut = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
  const reason = isCut ? 'the connection was cut' : error instanceof Error ? error.message : String(error);
  return new ChsError('SERVER_UNREACHABLE', { server, reason }, { cause: error });
}
