/** What an operation is, and the types that its readers (routes, client, flags, documents) derive from it. */
import type { Readable } from 'node:stream';
import type * as z from 'zod';
import type { Access, Principal } from './platform/access.ts';
import type { ErrorCode } from './platform/errors.ts';
import type { Log } from './platform/log.ts';
import type { Language } from './platform/messages.ts';

/** How a family of routes reads input and wraps success and failure; each lives in daemon/dialects/. */
export type DialectName = 'crash' | 'plain' | 'submit' | 'symbols' | 'tools';

/** What is said of an operation, besides its input and output. */
interface OperationFacts {
  /** One line for help, OpenAPI and manual pages; starts with a verb, no full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path with `{name}` segments; each name is a key of the input. */
  readonly path: `/${string}`;
  readonly dialect: DialectName;
  /** Which keys may call it. `public` needs none. */
  readonly access: Access;
  /** Its clients can set no headers: the key may stand in the query as `key`. */
  readonly keyInQuery?: true;
  /** Present when the request carries a file. */
  readonly body?: BodySpec;
  /**
   * Its function writes a line of its own for each ChsError that it ends with, and whoever serves it writes none. What
   * keeps the function from being called is an error in the log, too, whatever its status.
   */
  readonly logsFailures?: true;
  /** The errors of its own that it may give, besides those that any route may (see `commonErrors`). */
  readonly errors: readonly ErrorCode[];
}

/** One thing that chs can do. */
export interface Operation extends OperationFacts {
  /** Path parameters, query and JSON body (or multipart `metadata`) together: an object schema. */
  readonly input: z.core.$ZodType;
  /** What a JSON reply carries. Null when the reply is bytes or a stream of events. */
  readonly output: z.core.$ZodType | null;
  /** One event, where the reply is a stream of them. */
  readonly stream: z.core.$ZodType | null;
  readonly reply: 'json' | 'bytes' | 'events';
}

/**
 * An operation as it is written down, once. Schemas are functions: making all of them takes longer
 * than a command that needs one should take to start.
 */
interface Declaration extends OperationFacts {
  readonly input: () => z.core.$ZodType;
  /** Null where the reply is bytes, or what `stream` says. */
  readonly output: (() => z.core.$ZodType) | null;
  /** One event of a reply that goes on. Its input has a field `after`: the ID of the last event that the caller has. */
  readonly stream?: () => z.core.$ZodType;
}

/** The operation of a declaration, with the declaration's own types. */
type Declared<D extends Declaration> = Omit<D, 'input' | 'output' | 'stream'> & {
  readonly input: ReturnType<D['input']>;
  readonly output: D['output'] extends () => infer Schema ? Schema : null;
  readonly stream: D extends { readonly stream: () => infer Schema } ? Schema : null;
  readonly reply: Operation['reply'];
};

/** A request's file: multipart under `part` with the input as JSON in `metadata`, or the raw body. */
export interface BodySpec {
  readonly part: string;
  /** The configuration key that bounds its size. */
  readonly limit: string;
  /** The input is what else there is: every other part, the members of a JSON part `extra`, the query. */
  readonly annotated?: true;
}

/** The errors that every route may give. */
export const commonErrors = [
  'INVALID_INPUT',
  'UNAUTHORIZED',
  'KEY_EXPIRED',
  'FORBIDDEN',
  'ADDRESS_REFUSED',
  'DATABASE_BUSY',
  'SHUTTING_DOWN',
  'INTERNAL',
] as const satisfies readonly ErrorCode[];

/** The errors that a body of JSON may lead to besides. */
const jsonBodyErrors = [
  'BODY_TOO_LARGE',
  'UNSUPPORTED_ENCODING',
  'CALLER_GONE',
] as const satisfies readonly ErrorCode[];

/** Every error that a call of an operation may end with. */
export function errorsOf({ method, body, errors }: OperationFacts): readonly ErrorCode[] {
  const ofBody = method === 'POST' && !body ? jsonBodyErrors : [];
  return [...new Set([...errors, ...ofBody, ...commonErrors])];
}

/** A table of operations by name. */
export type Operations = Readonly<Record<string, Operation>>;

/**
 * Makes a table of operations of their declarations.
 *
 * @throws Error for a declaration that is not complete: at once for what can be seen at once, at the
 *   first use of an input that lacks a path parameter
 */
export function defineOperations<const T extends Readonly<Record<string, Declaration>>>(
  table: T,
): { readonly [Name in keyof T]: Declared<T[Name]> } {
  const operations = Object.entries(table).map(([name, declaration]) => {
    if (!/^[A-Z].*[^.]$/.test(declaration.summary))
      throw new Error(`${name}: summary must be one plain line`);
    if (declaration.body && declaration.method !== 'POST')
      throw new Error(`${name}: only POST carries a file`);
    if (declaration.stream && (declaration.output !== null || declaration.method !== 'GET'))
      throw new Error(`${name}: a stream of events is all that a GET replies`);
    return [name, operationOf(name, declaration)];
  });
  return Object.fromEntries(operations);
}

function operationOf(name: string, declaration: Declaration): Operation {
  let input: z.core.$ZodType | undefined;
  let output: z.core.$ZodType | null | undefined;
  let stream: z.core.$ZodType | null | undefined;
  const reply = declaration.stream ? 'events' : declaration.output === null ? 'bytes' : 'json';
  return {
    ...declaration,
    reply,
    get input() {
      input ??= checkedInput(name, declaration);
      return input;
    },
    get output() {
      if (output === undefined) output = declaration.output?.() ?? null;
      return output;
    },
    get stream() {
      if (stream === undefined) stream = declaration.stream?.() ?? null;
      return stream;
    },
  };
}

function checkedInput(name: string, { input, path, stream }: Declaration): z.core.$ZodType {
  const schema = input();
  const needed = [...pathParameters(path), ...(stream ? ['after'] : [])];
  const missing = needed.find((parameter) => !keysOf(schema).includes(parameter));
  if (missing !== undefined) throw new Error(`${name}: {${missing}} is not in its input`);
  return schema;
}

/** The names of an operation's input fields, in the order of their declaration. */
export function inputKeys(operation: Operation): readonly string[] {
  return keysOf(operation.input);
}

function keysOf(schema: z.core.$ZodType): readonly string[] {
  const definition: { type: string; shape?: Record<string, unknown> } = schema._zod.def;
  if (definition.type !== 'object' || !definition.shape) throw new Error('an operation takes an object');
  return Object.keys(definition.shape);
}

/** The `{names}` in a path, in order. */
export function pathParameters(path: string): readonly string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? '');
}

/** What surrounds one call of an operation, whether it came over a socket or from the same process. */
export interface Call {
  readonly requestId: string;
  /** Aborted when the caller goes away, the time is up or the server stops. */
  readonly signal: AbortSignal;
  readonly principal: Principal;
  /** True for a HEAD: bytes of the reply would go nowhere, and need not be made. */
  readonly headOnly?: boolean;
  /** The caller's address, or `embedded`. */
  readonly address: string;
  readonly language: Language;
  readonly log: Log;
}

/** Something received that is worthless unless the rest of the request holds. */
export interface Discardable {
  discard(): Promise<void>;
}

/** The file of a request while it arrives. */
export interface IncomingFile {
  readonly bytes: Readable;
  /** As the client named it; untrusted. */
  readonly fileName: string | null;
}

/** A request with a file, whose parts may come in either order. */
export interface Upload<Input> {
  /**
   * Reads the whole request, handing the file to `take` as it arrives. If anything else about the
   * request is wrong, what `take` gave is discarded and the error is thrown.
   */
  receive<T extends Discardable>(take: (file: IncomingFile) => Promise<T>): Promise<Received<Input, T>>;
}

export interface Received<Input, T> {
  readonly input: Input;
  /** Fields that the client sent and nobody knows; worth a warning. */
  readonly unknownFields: readonly string[];
  /** What else came and is not kept: sentences, each worth a warning. */
  readonly notKept?: readonly string[];
  readonly taken: T;
  readonly fileName: string | null;
}

/**
 * How a reply ended: its last byte was taken, the caller or the server cut it off, its bytes could not be read, or it
 * had none (HEAD, 304, 412, a failure before the first byte).
 */
export type ReplyEnd = 'sent' | 'cut_off' | 'failed' | 'bodyless';

/** A reply that is a file. */
export interface BytesReply {
  /** Null where it is not known before all bytes are made: such a reply has neither a length nor ranges. */
  readonly sizeBytes: number | null;
  /** Left out: bytes, of whatever kind. */
  readonly contentType?: string;
  /** A strong validator: the bytes' SHA-256 in hex; null when it was never computed. */
  readonly sha256: string | null;
  /** Another strong validator instead, in letters, digits and dashes. */
  readonly etag?: string;
  readonly fileName: string;
  readonly modifiedAt: Date | null;
  /** Opens the bytes from `start` to `end`, both included; 0 to Infinity where the size is not known. */
  open(start: number, end: number): Readable;
  /** Gives up what the reply was made from. Called exactly once, when the reply is over in whatever way. */
  release?(end: ReplyEnd): Promise<void>;
}

/** What every event of a stream has; the operation's `stream` says the rest. */
export interface StreamedEvent {
  readonly id: number;
  /** Such as `pdb.uploaded`: letters, digits, dots, underscores. */
  readonly type: string;
}

/** A reply that goes on until the caller has enough. */
export interface EventsReply<Event extends StreamedEvent = StreamedEvent> {
  /** Ends when the call's signal is aborted, and when the server stops. Read once. */
  readonly events: AsyncIterable<Event>;
  /** The caller has seen everything up to here, or did not ask for it; from here a next call goes on. */
  position(): number;
}

type InputOf<O extends Operation> = z.output<O['input']>;
type OutputOf<O extends Operation> = O['output'] extends z.core.$ZodType ? z.input<O['output']> : never;
type EventOf<O extends Operation> = O['stream'] extends z.core.$ZodType
  ? z.input<O['stream']> & StreamedEvent
  : never;

/** The function behind an operation. */
export type Handler<O extends Operation> = O extends { readonly body: BodySpec }
  ? (upload: Upload<InputOf<O>>, call: Call) => Promise<OutputOf<O>>
  : O['stream'] extends z.core.$ZodType
    ? (input: InputOf<O>, call: Call) => Promise<EventsReply<EventOf<O>>>
    : O['output'] extends null
      ? (input: InputOf<O>, call: Call) => Promise<BytesReply>
      : (input: InputOf<O>, call: Call) => Promise<OutputOf<O>>;

/** A domain's half of its table: one function an operation. */
export type Handlers<T extends Operations> = { readonly [Name in keyof T]: Handler<T[Name]> };
