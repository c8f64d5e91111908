/** How replies are made: as a `Response` for the socket, as a plain object for a caller in the same process. */
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { WireReply } from './dialects/dialect.ts';
import type { AppEnv } from './mount.ts';

export type ReplyHeaders = Readonly<Record<string, string>>;

/** A reply before anyone has decided what carries it. */
export interface Reply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: string | Readable | null;
  /** How much of the body may wait for a slow reader. */
  readonly bufferBytes?: number;
}

const BUFFER_BYTES = 512 * 1024;

/** What reads headers: those of a request over the socket, or of one in the same process. */
export type HeaderReader = Pick<Headers, 'get'>;

/**
 * Answers a request. The headers that every reply has come first, so that a reply's own may differ.
 *
 * Node.js loads its whole fetch implementation when `Response` is first touched, which takes as long
 * as starting Node.js itself; a command that works on the local data has no use for it.
 */
export function answer(c: Context<AppEnv>, { status, headers, body, bufferBytes }: Reply): Response {
  const all = { ...c.var.headers, ...headers };
  if (c.env?.direct) return c.env.direct({ status, headers: all, body });
  return new Response(body instanceof Readable ? webStream(body, bufferBytes) : body, {
    status,
    headers: all,
  });
}

/** JSON that no cache keeps: most of it changes, and some of it is secret. */
export function answerJson(
  c: Context<AppEnv>,
  { status, body }: { readonly status: number; readonly body: unknown },
  headers: ReplyHeaders = {},
): Response {
  const json = JSON.stringify(body);
  return answer(c, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: json,
  });
}

/** What a dialect makes of success or failure: JSON as good as always, or lines of text. */
export function answerInDialect(c: Context<AppEnv>, reply: WireReply, headers: ReplyHeaders = {}): Response {
  if (!('text' in reply)) return answerJson(c, reply, headers);
  const { status, text } = reply;
  const own = {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    ...headers,
  };
  return answer(c, { status, headers: own, body: text });
}

function webStream(bytes: Readable, bufferBytes = BUFFER_BYTES): ReadableStream<Uint8Array> {
  return Readable.toWeb(bytes, {
    strategy: new ByteLengthQueuingStrategy({ highWaterMark: bufferBytes }),
  }) as ReadableStream<Uint8Array>;
}
