/** Names in a minidump, of modules, threads, a service pack: each is bounded, and all of them in total. */
import { type Parsing, viewOf } from './bytes.ts';
import { bytesThere, type MinidumpReading, utf16Text, warn } from './minidump-reading.ts';

/** More than this of a name is in no index entry and on no terminal line. */
const NAME_CHARS_MAX = 1024;
/** 65,536 UTF-16 units; a longer "length" is some other field read by mistake. */
const NAME_BYTES_MAX = 2 * 64 * 1024;
/** Most names fit in this, so that one span brings length and text together. */
const NAME_BYTES_EXPECTED = 512;
const CHUNK_BYTES_MAX = 4096;

/**
 * Gives `text` back while it and all before it take no more than 1 Mi characters of JSON, which writes a
 * control character in six; from the first that does not fit on, null. A dump whose thousands of modules
 * and threads all point at the same text would otherwise come out a hundred times its size.
 */
export function withinBudget(reading: MinidumpReading, text: string | null): string | null {
  if (text === null || reading.nameCharsLeft < 0) return null;
  reading.nameCharsLeft -= JSON.stringify(text).length - 2;
  if (reading.nameCharsLeft >= 0) return text;
  warn(reading, 'The names and paths take more than 1 Mi characters in all; the rest are left out.');
  return null;
}

/**
 * Reads the MINIDUMP_STRING at `rva` (a 32-bit length in bytes, then UTF-16LE, cut at U+0000) as a name;
 * null when it is empty, beyond the end, of a length that no name has, or when the dump's names have used
 * up what they may take in all. Of a longer name the last 1024 UTF-16 units are kept, as the file name is
 * at the end of a path (`\\?\` paths have up to 32,767 of them).
 */
export function* readName(reading: MinidumpReading, rva: number): Parsing<string | null> {
  if (rva === 0 || bytesThere(reading, rva, 4) < 4 || reading.nameCharsLeft < 0) return null;
  let name = reading.names.get(rva);
  if (name === undefined) {
    name = yield* readNameAt(reading, rva);
    reading.names.set(rva, name);
  }
  return withinBudget(reading, name);
}

function* readNameAt(reading: MinidumpReading, rva: number): Parsing<string | null> {
  const expected = Math.min(4 + NAME_BYTES_EXPECTED, reading.sizeBytes - rva);
  const start: Uint8Array = yield { offset: rva, length: expected };
  const length = viewOf(start).getUint32(0, true);
  if (length > NAME_BYTES_MAX) {
    warn(reading, 'A name is longer than any name can be and is left out.');
    return null;
  }
  if (bytesThere(reading, rva + 4, length) < length) return null;
  // Half a UTF-16 unit at the end is no character.
  const whole = length - (length % 2);
  if (whole <= start.length - 4) return utf16Text(start.subarray(4, 4 + whole)) || null;
  return (yield* readNameEnd(rva + 4, whole)) || null;
}

/** The last 1024 units of the text at `offset`, which ends at a U+0000 or after `length` bytes. */
function* readNameEnd(offset: number, length: number): Parsing<string> {
  let end = length;
  for (let from = 0; from < end; from += CHUNK_BYTES_MAX) {
    const chunk = viewOf(yield { offset: offset + from, length: Math.min(CHUNK_BYTES_MAX, end - from) });
    for (let at = 0; at < chunk.byteLength && from + at < end; at += 2) {
      if (chunk.getUint16(at, true) === 0) end = from + at;
    }
  }
  const from = Math.max(0, end - 2 * NAME_CHARS_MAX);
  const kept: Uint8Array = yield { offset: offset + from, length: end - from };
  // The second half of a surrogate pair whose first half was left out is no character.
  const isParted = from > 0 && ((kept[1] ?? 0) & 0xfc) === 0xdc;
  return utf16Text(isParted ? kept.subarray(2) : kept);
}
