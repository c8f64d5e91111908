/** Makes routes of operations: the same for every domain, whatever it does. */
import { Readable } from 'node:stream';
import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { Domain } from '../src/compose.ts';
import {
  type BytesReply,
  type Call,
  type EventsReply,
  errorsOf,
  inputKeys,
  type Operation,
} from '../src/operation.ts';
import { type Access, type Principal, permits } from '../src/platform/access.ts';
import { ChsError } from '../src/platform/errors.ts';
import { readableSize } from '../src/platform/size.ts';
import { answer, answerInDialect, type HeaderReader, type Reply, type ReplyHeaders } from './answer.ts';
import type { BackupRequest } from './backup-access.ts';
import { decodeTexts, parseInput, parseJsonObject, valuesOf } from './decode.ts';
import type { Dialect } from './dialects/dialect.ts';
import { dialects } from './dialects/table.ts';
import { eventsHead, eventsReply } from './event-reply.ts';
import { answerFile } from './file-answer.ts';
import { createUpload, type UploadLimits } from './receive/upload.ts';

/**
 * What stands beside a request. `incoming` is there for requests over a socket; `body` and `direct`
 * for those of the same process, which brings its own stream and its own way to get the reply.
 */
export interface AppEnv {
  Bindings: Partial<HttpBindings> & {
    body?: Readable;
    /** Told of what belongs to the request and may end after its reply; a server that stops waits for it a little. */
    until?: (over: Promise<void>) => void;
    /** There where the client holds the body back until it is asked for (`Expect: 100-continue`). */
    askForBody?: () => void;
    direct?: (reply: Reply) => Response;
    /** Who calls, where that needs no key: whoever may read the data directory may do everything. */
    principal?: Principal;
  };
  Variables: {
    call: Call;
    headers: ReplyHeaders;
    /** Whoever failed wrote a line about it already. */
    isLogged?: boolean;
    /** How far a request has come whose every failure is an error in the log. */
    stage?: 'access' | 'request' | 'send';
  };
}

/** Keys of clients that cannot send headers; null where there is none, or the route takes none there. */
export interface KeysInUrl {
  /** Counts alone where there is one. */
  readonly inPath: string | null;
  readonly inQuery: string | null;
}

export interface MountOptions {
  /** Which paths there are here, of those that an operation has. */
  readonly isServed: (path: string) => boolean;
  readonly authenticate: (headers: HeaderReader, keys: KeysInUrl) => Promise<Principal>;
  /** What the configuration makes of an operation's access, for callers that present no token in the path. */
  readonly accessOf: (access: Access) => Access;
  /** Who calls where the access is `backup`. */
  readonly backupCaller: (request: BackupRequest) => Promise<Principal>;
  readonly uploadLimits: (operation: Operation) => UploadLimits;
  readonly maxJsonBytes: (operation: Operation) => number;
}

/** So long a stream may go on after its key was revoked. */
const RECHECK_MS = 5_000;

type AnyHandler = (input: unknown, call: Call) => Promise<unknown>;

export function mount(app: Hono<AppEnv>, domain: Domain, options: MountOptions): void {
  for (const [name, operation] of Object.entries(domain.operations)) {
    const dialect = dialects[operation.dialect];
    const handler = domain.handlers[name] as AnyHandler | undefined;
    if (!handler) throw new Error(`${name} has no handler`);
    for (const path of dialect.paths(operation.path).filter(options.isServed)) {
      app.on(operation.method, path.replace(/\{(\w+)\}/g, ':$1'), (c) =>
        run(c, operation, handler, dialect, options).catch((error: unknown) => {
          throw declared(error, operation, c.var.call);
        }),
      );
    }
  }
}

async function run(
  c: Context<AppEnv>,
  operation: Operation,
  handler: AnyHandler,
  dialect: Dialect,
  options: MountOptions,
): Promise<Response> {
  const stage = (name: 'access' | 'request' | 'send'): void => {
    if (operation.logsFailures) c.set('stage', name);
  };
  stage('access');
  await authorize(c, operation, dialect, options);
  stage('request');
  const { call } = c.var;
  const texts = { ...textsOf(c, operation), ...resumption(c, operation) };
  if (operation.body) {
    const upload = createUpload(
      {
        operation,
        body: () => bodyOf(c),
        contentLength: lengthOf(c),
        contentType: c.req.header('content-type') ?? null,
        contentEncoding: c.req.header('content-encoding') ?? null,
        texts,
      },
      options.uploadLimits(operation),
    );
    return answerInDialect(c, dialect.success(await handler(upload, call)));
  }
  const input =
    operation.method === 'POST'
      ? parseInput(operation, {
          ...withoutNulls(
            operation,
            onlyKnown(operation, await jsonBody(c, options.maxJsonBytes(operation))),
          ),
          ...valuesOf(operation, texts),
        })
      : decodeTexts(operation, texts);
  if (operation.reply === 'events') {
    const isWelcome = () => authorize(c, operation, dialect, options);
    return streamEvents(c, (own) => handler(input, own), call, isWelcome);
  }
  const output = await handler(input, call).catch((error: unknown) => {
    // What is in no table is a fault in the code, which nobody expected; better twice than never.
    if (operation.logsFailures && error instanceof ChsError) c.set('isLogged', true);
    throw error;
  });
  stage('send');
  if (operation.reply === 'bytes') return answerFile(c, output as BytesReply);
  return answerInDialect(c, dialect.success(output));
}

/** Where a stream goes on. A client that comes back by itself uses its first URL again, so the header is newer. */
function resumption(c: Context<AppEnv>, { reply }: Operation): Record<string, string> {
  const lastId = reply === 'events' ? c.req.header('last-event-id') : undefined;
  return lastId ? { after: lastId } : {};
}

/** What the handler set up for the stream goes when the stream does, however that ends. */
async function streamEvents(
  c: Context<AppEnv>,
  open: (call: Call) => Promise<unknown>,
  call: Call,
  isWelcome: () => Promise<void>,
): Promise<Response> {
  if (c.req.method === 'HEAD') return answer(c, eventsHead);
  const over = new AbortController();
  // A key that was revoked, or has ended, ends what it began.
  const watch = setInterval(() => {
    isWelcome().catch((error: unknown) => {
      if (error instanceof ChsError && error.status < 500) over.abort();
    });
  }, RECHECK_MS);
  over.signal.addEventListener('abort', () => clearInterval(watch), { once: true });
  try {
    const signal = AbortSignal.any([call.signal, over.signal]);
    return answer(c, eventsReply((await open({ ...call, signal })) as EventsReply, over, call.log));
  } catch (error) {
    over.abort();
    throw error;
  }
}

/**
 * Keeps the list of an operation's errors closed: what it did not declare is nobody's business but
 * the log's, as its text was written for whoever runs the server.
 */
function declared(error: unknown, operation: Operation, { requestId, signal }: Call): unknown {
  if (signal.aborted && error === signal.reason) return new ChsError('CALLER_GONE', {}, { cause: error });
  const known = errorsOf(operation);
  if (!(error instanceof ChsError) || known.includes(error.code)) return error;
  // The documents of the log service have a code for it; where the file lies is nobody's business.
  if (error.code === 'DATABASE_UNUSABLE' && known.includes('DATABASE_ERROR'))
    return new ChsError('DATABASE_ERROR', { reason: error.params.reason ?? '' }, { cause: error });
  return new ChsError('INTERNAL', { requestId }, { cause: error });
}

/**
 * Finds out who calls, for the rest of the request. A public route answers whoever asks, with or without a
 * key, right or wrong.
 *
 * @throws ChsError UNAUTHORIZED, KEY_EXPIRED, FORBIDDEN; for a backup also BACKUP_TOKEN, BACKUP_LOCAL_ONLY,
 *   ORIGIN_REFUSED
 */
export async function authorize(
  c: Context<AppEnv>,
  operation: Pick<Operation, 'access' | 'keyInQuery'>,
  dialect: Dialect,
  { authenticate, accessOf, backupCaller }: MountOptions,
): Promise<void> {
  const inPath = dialect.tokenIn?.(c.req.path) ?? null;
  const inQuery = (operation.keyInQuery && c.req.query('key')) ?? null;
  const needed = inPath === null ? accessOf(operation.access) : operation.access;
  if (needed === 'public') return;
  if (needed === 'backup' && !c.env?.principal) {
    const { headers } = c.req.raw;
    const request = { incoming: c.env?.incoming, headers, tokenInQuery: c.req.query('token') };
    c.set('call', { ...c.var.call, principal: await backupCaller(request) });
    return;
  }
  const principal = c.env?.principal ?? (await authenticate(c.req.raw.headers, { inPath, inQuery }));
  if (principal.scope === null) throw new ChsError('UNAUTHORIZED');
  if (!permits(principal.scope, needed)) {
    throw new ChsError('FORBIDDEN', { scope: principal.scope, needed });
  }
  c.set('call', { ...c.var.call, principal });
}

/** Path parameters and query, without a key or token that stands there. */
function textsOf(c: Context<AppEnv>, { access, keyInQuery }: Operation): Record<string, string> {
  const { key, token, ...query } = c.req.query();
  return {
    ...query,
    ...(key === undefined || keyInQuery ? {} : { key }),
    ...(token === undefined || access === 'backup' ? {} : { token }),
    ...c.req.param(),
  };
}

/** Null where the client does not say it beforehand. */
function lengthOf(c: Context<AppEnv>): number | null {
  const length = c.req.header('content-length');
  return length === undefined ? null : Number(length);
}

/**
 * The body, to be read from now on; not earlier, so that a client that waits for leave to send it can
 * be refused before. The socket's own stream where there is one: it is faster than the web stream around it.
 */
function bodyOf(c: Context<AppEnv>): Readable {
  c.env?.askForBody?.();
  const ownStream = c.env?.body ?? c.env?.incoming;
  if (ownStream) return ownStream;
  const { body } = c.req.raw;
  return body ? Readable.fromWeb(body as import('node:stream/web').ReadableStream) : Readable.from([]);
}

/** Clients of typed languages write null where a field is left out; the documents' own interfaces are such. */
function withoutNulls({ dialect }: Operation, body: Record<string, unknown>): Record<string, unknown> {
  if (dialect !== 'tools') return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/**
 * What was written on purpose and means nothing here may be a limit or a precaution that was misspelt; to go on
 * without it could delete what should stay.
 *
 * @throws ChsError INVALID_INPUT
 */
function onlyKnown(operation: Operation, body: Record<string, unknown>): Record<string, unknown> {
  const known = inputKeys(operation);
  const field = Object.keys(body).find((name) => !known.includes(name));
  if (field !== undefined) throw new ChsError('INVALID_INPUT', { field, reason: 'there is no such field' });
  return body;
}

/** @throws ChsError INVALID_INPUT, UNSUPPORTED_ENCODING, BODY_TOO_LARGE, CALLER_GONE */
async function jsonBody(c: Context<AppEnv>, maxBytes: number): Promise<Record<string, unknown>> {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (!/^\s*(identity)?\s*$/i.test(encoding)) throw new ChsError('UNSUPPORTED_ENCODING', { encoding });
  const text = await textOf(bodyOf(c), maxBytes);
  if (text.trim() === '') return {};
  return parseJsonObject(text, (reason) => new ChsError('INVALID_INPUT', { field: 'body', reason }));
}

async function textOf(body: Readable, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of body.iterator({ destroyOnReturn: false })) {
      bytes += piece.length;
      if (bytes > maxBytes) throw new ChsError('BODY_TOO_LARGE', { limit: readableSize(maxBytes) });
      pieces.push(piece);
    }
  } catch (error) {
    // A body fails to arrive only when its sender is gone.
    throw error instanceof ChsError ? error : new ChsError('CALLER_GONE', {}, { cause: error });
  }
  return Buffer.concat(pieces).toString('utf8');
}
