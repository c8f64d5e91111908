/** The daemon's app inside this process, for commands that work on the local data directory. */
import { Readable } from 'node:stream';
import { TrieRouter } from 'hono/router/trie-router';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Chs, createBackupsAlone, createChs } from '../src/compose.ts';
import type { Principal } from '../src/platform/access.ts';
import type { HeaderReader, Reply } from './answer.ts';
import { type App, createApp } from './app.ts';
import { openLazyLog } from './log/lazy.ts';
import type { OpenLog } from './log/open.ts';

/** A request from the same process. `path` includes the query. */
export interface DirectRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | null;
  readonly signal: AbortSignal | undefined;
}

export interface DirectReply {
  readonly status: number;
  readonly headers: HeaderReader;
  readonly body: Readable;
}

export interface Embedded {
  readonly app: App;
  /** `app.fetch` for callers that have streams and want streams (see `answer`). */
  send(request: DirectRequest): Promise<DirectReply>;
  close(): Promise<void>;
}

/** Which part of chs a command works with: all of it, or what needs no database of chs. */
export type Part = 'all' | 'backup';

/** @throws ChsError DATABASE_UNUSABLE, DATABASE_BUSY; never for `backup` */
export async function openEmbedded({ config }: LoadedConfig, part: Part = 'all'): Promise<Embedded> {
  const log = openLazyLog(config.logging);
  const chs =
    part === 'backup'
      ? await createBackupsAlone(config, { log })
      : await createChs(config, { log, keys: [] });
  return embed(chs, { config, log });
}

/** A whole chs for callers in this process; closing it closes the log, too. */
export function embed(
  chs: Chs,
  { config, log }: { config: Config; log: Omit<OpenLog, 'setLevel'> },
): Embedded {
  const app = createApp(chs, { config, log, router: new TrieRouter() });
  const replies = new Map<Readable, Promise<void>>();
  return {
    app,
    send: (request) => sendDirectly(app, request, replies),
    async close() {
      // What nobody read to its end is over now.
      for (const body of replies.keys()) body.destroy();
      await Promise.all(replies.values());
      await chs.close();
      await log.close();
    },
  };
}

const owner: Principal = { kind: 'owner', name: 'owner', scope: 'admin' };
let requestCount = 0;

/** @param open gets the reply's body while it is not over, with what is done when it is */
async function sendDirectly(
  app: App,
  request: DirectRequest,
  open: Map<Readable, Promise<void>>,
): Promise<DirectReply> {
  const { method, path, headers, body, signal = new AbortController().signal } = request;
  requestCount += 1;
  const requestId = `local-${process.pid}-${requestCount}`;
  // All that the app reads of a request; the body goes beside it, as a socket's does.
  const raw = {
    method,
    url: `http://localhost${path}`,
    headers: readerOf({ ...headers, 'x-request-id': requestId }),
    body: null,
    signal,
  };
  const kept: { reply: Reply | null; over: Promise<void> | null } = { reply: null, over: null };
  const until = (over: Promise<void>): void => {
    kept.over = over;
  };
  const direct = (reply: Reply): Response => {
    kept.reply = reply;
    // What passes through the router is looked at by nobody but the access log.
    return { status: reply.status, headers: readerOf(reply.headers) } as Response;
  };
  // A body that nobody goes on sending ends here, as one does whose socket is cut.
  const cut = (): void => void body?.destroy();
  if (signal.aborted) cut();
  signal.addEventListener('abort', cut, { once: true });
  await app.fetch(raw as Request, { direct, until, principal: owner, ...(body ? { body } : {}) });
  signal.removeEventListener('abort', cut);
  if (!kept.reply) throw new Error(`${method} ${path} was not answered`);
  const { status, headers: replyHeaders, body: content } = kept.reply;
  if (content instanceof Readable && kept.over) {
    const done = kept.over.then(() => void open.delete(content));
    open.set(content, done);
  }
  const bytes =
    content instanceof Readable ? content : Readable.from(content === null ? [] : [Buffer.from(content)]);
  return { status, headers: readerOf(replyHeaders), body: bytes };
}

/** Names of headers are written in lower case throughout chs. */
function readerOf(headers: Readonly<Record<string, string>>): HeaderReader {
  return { get: (name) => headers[name.toLowerCase()] ?? null };
}
