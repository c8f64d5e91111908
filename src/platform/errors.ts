/** Every failure that chs can report, as one table: code, HTTP status, exit code, message, hint. */
import { type Language, messages } from './messages.ts';
import { reasonInChinese } from './reasons.ts';

interface ErrorRow {
  /** HTTP status of the reply. */
  readonly status: number;
  /** Exit code of the command: 1 a negative answer, 2 a failure, 64 wrong usage. */
  readonly exit: 1 | 2 | 64;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable?: true;
}

/** The closed list. Texts live in messages.ts under the same names; the compiler holds both together. */
export const errorTable = {
  // What the caller sent.
  INVALID_INPUT: { status: 400, exit: 2 },
  INVALID_METADATA: { status: 400, exit: 2 },
  NOT_MULTIPART: { status: 400, exit: 2 },
  BAD_MULTIPART: { status: 400, exit: 2 },
  MISSING_PART: { status: 400, exit: 2 },
  UNKNOWN_PART: { status: 400, exit: 2 },
  REPEATED_PART: { status: 400, exit: 2 },
  BODY_TRUNCATED: { status: 400, exit: 2 },
  BAD_ENCODING: { status: 400, exit: 2 },
  UNSUPPORTED_ENCODING: { status: 415, exit: 2 },
  BODY_TOO_LARGE: { status: 413, exit: 2 },
  MALFORMED_REQUEST: { status: 400, exit: 2 },
  HEADERS_TOO_LARGE: { status: 431, exit: 2 },
  EXPECTATION_FAILED: { status: 417, exit: 2 },
  // Files.
  EMPTY_FILE: { status: 400, exit: 2 },
  FILE_TOO_LARGE: { status: 400, exit: 2 },
  WRONG_FILE_TYPE: { status: 400, exit: 2 },
  UNSUPPORTED_FORMAT: { status: 400, exit: 2 },
  UNPARSABLE_FILE: { status: 400, exit: 2 },
  IDENTITY_MISMATCH: { status: 400, exit: 2 },
  UNSAFE_NAME: { status: 400, exit: 2 },
  ANNOTATION_LIMIT: { status: 400, exit: 2 },
  INVALID_ANNOTATIONS: { status: 400, exit: 2 },
  // Who is asking.
  UNAUTHORIZED: { status: 401, exit: 2 },
  SYMBOLS_NOT_PUBLIC: { status: 401, exit: 2 },
  KEY_EXPIRED: { status: 401, exit: 2 },
  FORBIDDEN: { status: 403, exit: 2 },
  ADDRESS_REFUSED: { status: 403, exit: 2 },
  ORIGIN_REFUSED: { status: 403, exit: 2 },
  // What is not there.
  MINIDUMP_NOT_FOUND: { status: 404, exit: 2 },
  PDB_NOT_FOUND: { status: 404, exit: 2 },
  EXE_NOT_FOUND: { status: 404, exit: 2 },
  FILE_MISSING: { status: 404, exit: 2 },
  NO_RETENTION_POLICY: { status: 400, exit: 64 },
  NO_MATCHING_PDB: { status: 404, exit: 1 },
  NO_MATCHING_EXE: { status: 404, exit: 1 },
  SYMBOL_NOT_FOUND: { status: 404, exit: 1 },
  TOKEN_NOT_FOUND: { status: 404, exit: 2 },
  ROUTE_NOT_FOUND: { status: 404, exit: 2 },
  METHOD_NOT_ALLOWED: { status: 405, exit: 2 },
  PRECONDITION_FAILED: { status: 412, exit: 2 },
  RANGE_NOT_SATISFIABLE: { status: 416, exit: 2 },
  // Log search; codes and statuses are those of the documents.
  SESSION_NOT_FOUND: { status: 404, exit: 2 },
  FILE_DENIED: { status: 403, exit: 2 },
  INVALID_ENCODING: { status: 400, exit: 2 },
  BAD_TIME_RANGE: { status: 400, exit: 2 },
  SEARCH_TIMEOUT: { status: 408, exit: 2, retryable: true },
  REGEX_TIMEOUT: { status: 408, exit: 2, retryable: true },
  REGEX_ERROR: { status: 400, exit: 2 },
  TOO_MANY_HITS: { status: 206, exit: 2, retryable: true },
  QUOTA_EXCEEDED: { status: 429, exit: 2, retryable: true },
  CURSOR_EXPIRED: { status: 400, exit: 2, retryable: true },
  RATE_LIMITED: { status: 429, exit: 2, retryable: true },
  DATABASE_ERROR: { status: 500, exit: 2, retryable: true },
  IO_ERROR: { status: 500, exit: 2, retryable: true },
  CONFIG_ERROR: { status: 500, exit: 2 },
  // Backups.
  BACKUP_NOT_FOUND: { status: 404, exit: 2 },
  BACKUP_FILE_NOT_FOUND: { status: 404, exit: 2 },
  BACKUP_RUNNING: { status: 429, exit: 2, retryable: true },
  BACKUP_TOKEN: { status: 401, exit: 2 },
  BACKUP_LOCAL_ONLY: { status: 403, exit: 2 },
  BACKUP_FAILED: { status: 500, exit: 2 },
  BACKUP_DAMAGED: { status: 500, exit: 1 },
  BACKUP_NO_ROOM: { status: 507, exit: 2, retryable: true },
  BACKUP_TARGET: { status: 502, exit: 2, retryable: true },
  NO_SUCH_DATABASE: { status: 400, exit: 2 },
  SOURCE_MISSING: { status: 404, exit: 2 },
  SOURCE_UNREADABLE: { status: 500, exit: 2 },
  SOURCE_DAMAGED: { status: 500, exit: 1 },
  SOURCE_BUSY: { status: 503, exit: 2, retryable: true },
  DATABASE_SERVER: { status: 502, exit: 2, retryable: true },
  DATABASE_TOOL: { status: 500, exit: 2 },
  RESTORE_REFUSED: { status: 409, exit: 2 },
  BACKUP_KEY: { status: 500, exit: 2 },
  // What the machine cannot do now.
  REQUEST_TIMEOUT: { status: 408, exit: 2, retryable: true },
  CALLER_GONE: { status: 499, exit: 2 },
  INTERNAL: { status: 500, exit: 2 },
  STORAGE_UNWRITABLE: { status: 500, exit: 2 },
  TOO_BUSY: { status: 503, exit: 2, retryable: true },
  DATABASE_BUSY: { status: 503, exit: 2, retryable: true },
  SHUTTING_DOWN: { status: 503, exit: 2, retryable: true },
  STORAGE_FULL: { status: 507, exit: 2, retryable: true },
  // What a command finds out by itself, before or after any request.
  USAGE: { status: 400, exit: 64 },
  NO_MATCH: { status: 404, exit: 1 },
  CONFIG_INVALID: { status: 500, exit: 2 },
  DATABASE_UNUSABLE: { status: 500, exit: 2 },
  LOCAL_FILE: { status: 400, exit: 2 },
  SERVER_UNREACHABLE: { status: 503, exit: 2, retryable: true },
  SERVER_REPLY: { status: 502, exit: 2 },
  DOWNLOAD_DAMAGED: { status: 502, exit: 2, retryable: true },
  PORT_TAKEN: { status: 500, exit: 2 },
  LISTEN_FAILED: { status: 500, exit: 2 },
  PORT_NOT_ALLOWED: { status: 500, exit: 2 },
  UNSAFE_LISTEN: { status: 500, exit: 2 },
  KEY_UNUSABLE: { status: 500, exit: 2 },
  KEY_UNWRITABLE: { status: 500, exit: 2 },
  INTERRUPTED: { status: 499, exit: 2 },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/** Values that a message names; they are data, never trusted as text that may contain control characters. */
export type ErrorParams = Readonly<Record<string, string | number>>;

interface ErrorOptions {
  readonly cause?: unknown;
  /** Text that a server already rendered; wins over the table's own. */
  readonly rendered?: { readonly message: string; readonly hint?: string | undefined };
  readonly retryAfterMs?: number | undefined;
}

/** Parts of the program that are loaded apart have this class once more; what one throws the other has to know. */
const isChsError = Symbol.for('chs.ChsError');

/** A failure from the table. `message` is English; `describe` renders it in a language. */
export class ChsError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && isChsError in value;
  }

  override readonly name = 'ChsError';
  readonly [isChsError] = true;
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  readonly retryAfterMs: number | undefined;
  readonly #rendered: { readonly message: string; readonly hint?: string | undefined } | undefined;

  constructor(code: ErrorCode, params: ErrorParams = {}, options: ErrorOptions = {}) {
    super(options.rendered?.message ?? render('en', code, params).message, { cause: options.cause });
    this.code = code;
    this.params = params;
    this.retryAfterMs = options.retryAfterMs;
    this.#rendered = options.rendered;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get exitCode(): number {
    return errorTable[this.code].exit;
  }

  get retryable(): boolean {
    const row: ErrorRow = errorTable[this.code];
    return row.retryable === true;
  }

  /** The message and, where the table has one, what to do about it. */
  describe(language: Language): { message: string; hint: string | null } {
    if (this.#rendered) return { message: this.#rendered.message, hint: this.#rendered.hint ?? null };
    return render(language, this.code, this.params);
  }
}

/** Whether `code` is one of the table's, for codes that come over the wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code);
}

function render(
  language: Language,
  code: ErrorCode,
  params: ErrorParams,
): { message: string; hint: string | null } {
  const row = messages[code];
  const text = language === 'zh' ? row.zh : row.en;
  const hint = language === 'zh' ? row.hintZh : row.hint;
  const inLanguage = language === 'zh' ? withChineseReason(params) : params;
  return { message: fill(text, inLanguage), hint: hint ? fill(hint, inLanguage) : null };
}

/** Reasons are written in English where something fails, which knows nothing of languages. */
function withChineseReason(params: ErrorParams): ErrorParams {
  const { reason } = params;
  return typeof reason === 'string' ? { ...params, reason: reasonInChinese(reason) } : params;
}

/** Replaces `{name}` by the parameter's value; control characters in values become spaces. */
function fill(text: string, params: ErrorParams): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    return value === undefined ? whole : printable(String(value));
  });
}

/** One line of text that cannot move a cursor, forge a log line, or show its letters in another order. */
export function printable(text: string, lengthMax = 500): string {
  // biome's noControlCharactersInRegex is why this is a property escape and not a range.
  const line = text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, ' ');
  return line.length > lengthMax ? `${line.slice(0, lengthMax - 1)}…` : line;
}
