/** The one client: turns a table of operations into functions, over whatever sends requests. */
import { Readable } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import type * as z from 'zod';
import { type DialectName, type Operation, type Operations, pathParameters } from './operation.ts';
import { ChsError, isErrorCode } from './platform/errors.ts';
import type { Language } from './platform/messages.ts';

/** A request on its way, whether to a socket or to the app in this process. */
export interface OutgoingRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | null;
  readonly signal: AbortSignal | undefined;
  /** The reply may be silent for as long as it likes: whoever reads it knows when it is too long. */
  readonly openEnd?: boolean;
}

export interface IncomingReply {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Readable;
}

/** Where requests go. Nothing above it can tell a remote daemon from the same process. */
export interface Transport {
  /** For messages: the server's URL, or `the local data directory`. */
  readonly name: string;
  send(request: OutgoingRequest): Promise<IncomingReply>;
  close(): Promise<void>;
}

/** A file to send. */
export interface OutgoingFile {
  readonly bytes: Readable;
  readonly sizeBytes: number | null;
}

/** A file that arrives; `bytes` must be read or destroyed. */
export interface Download {
  readonly bytes: Readable;
  readonly sizeBytes: number | null;
  readonly fileName: string | null;
  /** From the ETag, in hex. */
  readonly sha256: string | null;
}

/** Events as they come. Iterated once; the connection ends with the iteration. */
export interface ReceivedEvents<Event> extends AsyncIterable<Event> {
  /** From where another call would go on, also where no event came; null while that is not known. */
  readonly position: number | null;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

type ResultOf<O extends Operation> = O['stream'] extends z.core.$ZodType
  ? ReceivedEvents<z.output<O['stream']>>
  : O['output'] extends z.core.$ZodType
    ? z.output<O['output']>
    : Download;

type ClientCall<O extends Operation> = O extends { readonly body: unknown }
  ? (input: z.input<O['input']>, file: OutgoingFile, options?: CallOptions) => Promise<ResultOf<O>>
  : (input: z.input<O['input']>, options?: CallOptions) => Promise<ResultOf<O>>;

export type Client<T extends Operations> = { readonly [Name in keyof T]: ClientCall<T[Name]> };

export interface ClientOptions {
  readonly transport: Transport;
  readonly apiKey: string | undefined;
  readonly language: Language;
  /** What is wrong with a reply; null when nothing is. Left out where the operations themselves answer. */
  readonly check?: ((operation: Operation, value: unknown) => string | null) | undefined;
}

/** Calls one operation; what `createClient` gives is this, bound and typed. */
type Dispatch = (
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
  file: OutgoingFile | null,
  options: CallOptions,
) => Promise<unknown>;

/**
 * @returns one function an operation; each rejects with the ChsError that the server's reply names
 */
export function createClient<T extends Operations>(operations: T, options: ClientOptions): Client<T> {
  const dispatch = createDispatch(options);
  const calls = Object.entries(operations).map(([name, operation]) => [
    name,
    operation.body
      ? (input: Record<string, unknown>, file: OutgoingFile, call: CallOptions = {}) =>
          dispatch(operation, input, file, call)
      : (input: Record<string, unknown>, call: CallOptions = {}) => dispatch(operation, input, null, call),
  ]);
  return Object.fromEntries(calls);
}

function createDispatch({ transport, apiKey, language, check }: ClientOptions): Dispatch {
  return async (operation, input, file, { signal }) => {
    const isStream = operation.reply === 'events';
    const accept = isStream ? 'text/event-stream, application/json' : 'application/json';
    const headers: Record<string, string> = { accept, 'accept-language': language };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    const fields =
      operation.method === 'POST' && !file ? Buffer.from(JSON.stringify(inBody(operation, input))) : null;
    const sizeBytes = fields?.length ?? file?.sizeBytes ?? null;
    if (fields) headers['content-type'] = 'application/json';
    if (file) headers['content-type'] = 'application/octet-stream';
    if (sizeBytes !== null) headers['content-length'] = String(sizeBytes);
    const reply = await transport.send({
      method: operation.method,
      path: encodePath(operation, fields ? inPath(operation, input) : input),
      headers,
      body: fields ? Readable.from([fields]) : (file?.bytes ?? null),
      signal,
      ...(isStream ? { openEnd: true } : {}),
    });
    if (reply.status >= 400 || (reply.status === 206 && operation.reply === 'json'))
      throw await wireError(reply, transport.name, operation);
    if (operation.reply === 'bytes') return download(reply, transport.name);
    const checked = (value: unknown): unknown => {
      const wrong = check?.(operation, value) ?? null;
      if (wrong !== null) throw new ChsError('SERVER_REPLY', { server: transport.name, reason: wrong });
      return value;
    };
    if (isStream) {
      const { receiveEvents } = await import('./received-events.ts');
      return receiveEvents(reply, transport.name, checked, signal);
    }
    return checked(unwrap(await readReply(reply, transport.name, operation), operation));
  };
}

type Fields = Readonly<Record<string, unknown>>;

function inPath(operation: Operation, input: Fields): Fields {
  return Object.fromEntries(pathParameters(operation.path).map((name) => [name, input[name]]));
}

function inBody(operation: Operation, input: Fields): Fields {
  const names = pathParameters(operation.path);
  return Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)));
}

/** Under which of its paths an operation is called. */
const PREFIXES: Readonly<Record<DialectName, string>> = {
  crash: '/api',
  plain: '',
  submit: '/api',
  symbols: '/api',
  tools: '/v1/tools',
};

/** Path parameters into the path, everything else into the query; the crash dialect lives below /api. */
function encodePath(operation: Operation, input: Readonly<Record<string, unknown>>): string {
  const inPath = new Set(pathParameters(operation.path));
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name])),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input)) {
    if (inPath.has(name) || value === undefined) continue;
    query.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const prefix = PREFIXES[operation.dialect];
  return `${prefix}${path}${query.size > 0 ? `?${query}` : ''}`;
}

function unwrap(value: unknown, operation: Operation): unknown {
  if (operation.dialect !== 'crash') return value;
  return typeof value === 'object' && value !== null && 'data' in value ? value.data : value;
}

async function readJson(reply: IncomingReply, server: string): Promise<unknown> {
  try {
    return await json(reply.body);
  } catch (error) {
    throw new ChsError(
      'SERVER_REPLY',
      { server, reason: `status ${reply.status}, no JSON` },
      { cause: error },
    );
  }
}

/** What a reply of any dialect says, by name. */
function readReply(reply: IncomingReply, server: string, { dialect }: Operation): Promise<unknown> {
  return dialect === 'submit' ? readLines(reply) : readJson(reply, server);
}

/** `CrashID=ID`, or `Discarded=REASON` and `Error=WORDS`: one a line. */
async function readLines({ body }: IncomingReply): Promise<Record<string, string | undefined>> {
  const lines = Object.fromEntries(
    (await text(body))
      .split('\n')
      .map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
  return { crash_id: lines.CrashID, code: lines.Discarded?.toUpperCase(), error: lines.Error };
}

async function wireError(reply: IncomingReply, server: string, operation: Operation): Promise<ChsError> {
  const value = await readReply(reply, server, operation);
  const { code, error, hint } = fieldsOf(value);
  const retryAfter = Number(reply.headers.get('retry-after'));
  const retryAfterMs = retryAfter > 0 ? retryAfter * 1000 : undefined;
  if (!isErrorCode(code) || typeof error !== 'string') {
    return new ChsError('SERVER_REPLY', { server, reason: `status ${reply.status}` }, { retryAfterMs });
  }
  const rendered = { message: error, hint: typeof hint === 'string' ? hint : undefined };
  return new ChsError(code, {}, { rendered, retryAfterMs });
}

function fieldsOf(value: unknown): { code?: unknown; error?: unknown; hint?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}

/**
 * The file of a reply that was asked for without the typed client, as its request needs headers of its own.
 *
 * @throws ChsError what the reply says, or SERVER_REPLY
 */
export async function downloadIn(
  reply: IncomingReply,
  server: string,
  operation: Operation,
): Promise<Download> {
  if (reply.status >= 400) throw await wireError(reply, server, operation);
  return download(reply, server);
}

function download(reply: IncomingReply, server: string): Download {
  const length = reply.headers.get('content-length');
  const disposition = reply.headers.get('content-disposition');
  if (disposition === null) {
    // A page that a stranger's server gives to whoever asks.
    reply.body.destroy();
    throw new ChsError('SERVER_REPLY', { server, reason: 'it is not a file' });
  }
  return {
    bytes: reply.body,
    sizeBytes: length === null ? null : Number(length),
    fileName: fileNameOf(disposition),
    sha256: /^"([0-9a-f]{64})"$/.exec(reply.headers.get('etag') ?? '')?.[1] ?? null,
  };
}

/** The name in a Content-Disposition header (RFC 6266); the extended form wins. */
function fileNameOf(header: string): string | null {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  if (extended) {
    try {
      return decodeURIComponent(extended);
    } catch {
      return null;
    }
  }
  return /filename="([^"]*)"/i.exec(header)?.[1] ?? null;
}
