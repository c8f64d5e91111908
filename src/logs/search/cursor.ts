/** Cursors: where a search goes on, in a form that nobody can change, and that ends by itself. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ChsError } from '../../platform/errors.ts';

/** How far a file was searched, and its lines up to there. */
export type Reached = readonly [part: number, offset: number, lines: number];

/** The first seven are the documented ones. */
export interface Cursor {
  readonly session_id: string;
  readonly file: string;
  readonly byte_off: number;
  /** RFC 3339: the time of the last hit before it; empty where that has none. */
  readonly ts_floor: string;
  /** The search that it goes on with. */
  readonly pattern_cache_id: string;
  readonly page_size: number;
  /** Epoch milliseconds. */
  readonly issued_at: number;
  /** The file's place among those of the search. */
  readonly part: number;
  readonly starts_line: boolean;
  /** Line ends in the file before `byte_off`. */
  readonly lines: number;
  /** Hits given so far, of those that `max_hits` allows. */
  readonly found: number;
  /** Where the hit that was given last begins, when it is in the same file. */
  readonly last: number | null;
  /** Of a search that is followed: the files that earlier pages came to the end of. */
  readonly done?: readonly Reached[];
  /** What is written later: goes on behind what was searched of each file. */
  readonly tail?: readonly Reached[];
}

export function signCursor(cursor: Cursor, key: Uint8Array): string {
  const sig = signatureOf(cursor, key).toString('base64url');
  return Buffer.from(JSON.stringify({ ...cursor, sig })).toString('base64url');
}

/** @throws ChsError CURSOR_EXPIRED for one that is too old, was changed, or is none */
export function readCursor(
  text: string,
  key: Uint8Array,
  { nowMs, ttlMs }: { nowMs: number; ttlMs: number },
): Cursor {
  const { sig, ...cursor } = parsed(text);
  const given = Buffer.from(sig, 'base64url');
  const right = signatureOf(cursor, key);
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new ChsError('CURSOR_EXPIRED', { reason: 'it is not one of this server' });
  if (nowMs - cursor.issued_at > ttlMs)
    throw new ChsError('CURSOR_EXPIRED', { reason: `it is older than ${Math.round(ttlMs / 1000)} s` });
  return cursor;
}

function signatureOf(cursor: Cursor, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(cursor)).digest();
}

function parsed(text: string): Cursor & { sig: string } {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (isCursor(value)) return value;
  } catch {
    // No cursor, then.
  }
  throw new ChsError('CURSOR_EXPIRED', { reason: 'it is not a cursor' });
}

/** Only what was signed here is read any further, so its shape is that of `Cursor`. */
function isCursor(value: unknown): value is Cursor & { sig: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sig' in value &&
    typeof value.sig === 'string' &&
    'issued_at' in value &&
    typeof value.issued_at === 'number'
  );
}
