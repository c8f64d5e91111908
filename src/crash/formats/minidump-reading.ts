/** Bounded reading inside a minidump: what lies beyond the end is unknown, and is noted, never zero. */
import { type Parsing, viewOf } from './bytes.ts';

/** What a parse carries along: the size it must stay within, and what it noticed on its way. */
export interface MinidumpReading {
  readonly sizeBytes: number;
  /** Set as soon as something that the dump names lies beyond its end. */
  truncated: boolean;
  readonly warnings: string[];
  /** Characters of JSON that names and paths may still take, over the whole dump; negative: no more. */
  nameCharsLeft: number;
  /** The names read so far by their RVAs, which any number of modules and threads may share. */
  readonly names: Map<number, string | null>;
}

/** Several times what the names and paths of the largest processes take. */
const NAMES_CHARS_MAX = 1 << 20;

/** Begins to read a dump of `sizeBytes`. */
export function beginReading(sizeBytes: number): MinidumpReading {
  return { sizeBytes, truncated: false, warnings: [], nameCharsLeft: NAMES_CHARS_MAX, names: new Map() };
}

/** MINIDUMP_LOCATION_DESCRIPTOR: `sizeBytes` at the file offset `rva`; nothing of it is verified. */
export interface Location {
  readonly sizeBytes: number;
  readonly rva: number;
}

/** MINIDUMP_HEADER; no stream and no string can begin inside it. */
export const HEADER_BYTES = 32;
export const STRING_BYTES_MAX = 64 * 1024;

const WARNINGS_MAX = 32;
const CHUNK_BYTES_MAX = 16 * 1024;
/** More records than this in one list cannot come from a real process. */
const COUNT_MAX = 1_000_000;

const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true });

/** Adds a sentence to the dump's warnings, once, and no more than 32 in all. */
export function warn(reading: MinidumpReading, sentence: string): void {
  const { warnings } = reading;
  if (warnings.length < WARNINGS_MAX && !warnings.includes(sentence)) warnings.push(sentence);
}

/** How many of `length` bytes at `rva` the file has. Notes when they are fewer. */
export function bytesThere(reading: MinidumpReading, rva: number, length: number): number {
  if (length <= 0) return 0;
  if (rva < HEADER_BYTES) {
    warn(reading, 'Something points into the header and is left out.');
    return 0;
  }
  const there = Math.max(0, Math.min(length, reading.sizeBytes - rva));
  if (there < length) reading.truncated = true;
  return there;
}

/**
 * Notes when what a location names, and nobody here reads, lies beyond the end. An RVA of zero is what
 * writers leave where there is nothing, or where it is found by its address in the memory list.
 */
export function noteLocation(reading: MinidumpReading, { rva, sizeBytes }: Location): void {
  if (rva !== 0) bytesThere(reading, rva, sizeBytes);
}

/** The first bytes at a location: at most `lengthMax`, fewer where the location or the file is shorter. */
export function* readStart(
  reading: MinidumpReading,
  location: Location | null | undefined,
  lengthMax: number,
): Parsing<Uint8Array> {
  const wanted = location ? Math.min(location.sizeBytes, lengthMax) : 0;
  const length = location ? bytesThere(reading, location.rva, wanted) : 0;
  if (!location || length === 0) return new Uint8Array(0);
  return yield { offset: location.rva, length };
}

/** Exactly `length` bytes at `rva`, or null when the file does not have them all. */
function* readWhole(reading: MinidumpReading, rva: number, length: number): Parsing<Uint8Array | null> {
  if (length <= 0 || bytesThere(reading, rva, length) < length) return null;
  return yield { offset: rva, length };
}

/** A counted list as read: what the list says it holds, and the records kept of it. */
export interface RecordList {
  readonly count: number;
  readonly records: readonly Uint8Array[];
}

/**
 * Reads a stream of a 32-bit count and `count` records of `recordBytes`; null when there is no such
 * stream or its count cannot be true. Some writers align the records to eight bytes: a stream that
 * is exactly four bytes too long has them after its count (Breakpad: MinidumpModuleList::Read).
 */
export function* readRecords(
  reading: MinidumpReading,
  location: Location | null | undefined,
  recordBytes: number,
  recordsMax: number,
  what: string,
): Parsing<RecordList | null> {
  if (!location) return null;
  const head = yield* readStart(reading, location, 4);
  if (head.length < 4) return null;
  const count = viewOf(head).getUint32(0, true);
  const bytes = count * recordBytes;
  if (count > COUNT_MAX || bytes + 4 > location.sizeBytes) {
    warn(
      reading,
      `The ${what} list says that it holds ${count} records, more than its bytes; it is left out.`,
    );
    return null;
  }
  const first = location.rva + (location.sizeBytes === bytes + 8 ? 8 : 4);
  const whole = Math.floor(bytesThere(reading, first, bytes) / recordBytes);
  const kept = Math.min(whole, recordsMax);
  if (count > recordsMax) warn(reading, `Only the first ${recordsMax} of ${count} ${what} records are kept.`);

  const records: Uint8Array[] = [];
  const perChunk = Math.floor(CHUNK_BYTES_MAX / recordBytes);
  for (let index = 0; index < kept; index += perChunk) {
    const inChunk = Math.min(perChunk, kept - index);
    const chunk: Uint8Array = yield { offset: first + index * recordBytes, length: inChunk * recordBytes };
    for (let at = 0; at < chunk.length; at += recordBytes) records.push(chunk.subarray(at, at + recordBytes));
  }
  return { count, records };
}

/** UTF-16LE as text, cut at U+0000; unpaired surrogates become U+FFFD. */
export function utf16Text(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  let end = 0;
  while (end + 2 <= bytes.length && view.getUint16(end, true) !== 0) end += 2;
  // Where the text was cut, the cut may have parted a surrogate pair.
  const last = end >= 2 && end + 2 > bytes.length ? view.getUint16(end - 2, true) : 0;
  if (last >= 0xd800 && last <= 0xdbff) end -= 2;
  return utf16.decode(bytes.subarray(0, end));
}

/** UTF-8 as text, cut at U+0000; what is not UTF-8 becomes U+FFFD, a character cut at the end is dropped. */
export function utf8Text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end), { stream: true });
}

/**
 * Reads a length-prefixed run of UTF-8 (Crashpad: MinidumpUTF8String, MinidumpByteArray), of which
 * at most 64 KiB are kept; null when it is beyond the end.
 */
export function* readText8(reading: MinidumpReading, rva: number): Parsing<string | null> {
  const head = rva === 0 ? null : yield* readWhole(reading, rva, 4);
  if (!head) return null;
  const length = viewOf(head).getUint32(0, true);
  if (length === 0) return '';
  if (bytesThere(reading, rva + 4, length) < length) return null;
  if (length > STRING_BYTES_MAX) warn(reading, 'A text of more than 64 KiB is cut.');
  return utf8Text(yield { offset: rva + 4, length: Math.min(length, STRING_BYTES_MAX) });
}

/** The MINIDUMP_LOCATION_DESCRIPTOR at `at` of a record. */
export function locationAt(view: DataView, at: number): Location {
  return { sizeBytes: view.getUint32(at, true), rva: view.getUint32(at + 4, true) };
}
