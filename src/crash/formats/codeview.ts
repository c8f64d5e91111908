/** CodeView records: the debug identity that a PE file and a minidump module carry of their PDB. */
import { viewOf } from './bytes.ts';

/** A debug identity: GUID (upper case, dashes), age (unsigned 32 bit). */
export interface DebugId {
  readonly guid: string;
  readonly age: number;
}

/** What a CodeView record says. `debugId` is null where the record has no usable identity. */
export interface CodeView {
  readonly format: 'RSDS' | 'NB10';
  readonly debugId: DebugId | null;
  readonly pdbPath: string | null;
}

/** The RSDS header: signature, GUID, age. */
const RSDS_BYTES = 24;
/** The NB10 header: signature, offset, a 32-bit timestamp in place of a GUID, age. */
const NB10_BYTES = 16;
const PATH_CHARS_MAX = 1024;
/** No UTF-16 unit needs more than three bytes of UTF-8, so this is enough for the longest path kept. */
const PATH_BYTES_MAX = PATH_CHARS_MAX * 4;
const ZERO_GUID = '00000000-0000-0000-0000-000000000000';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads a CodeView record; null when it is neither RSDS nor NB10 or too short. Never throws.
 * An NB10 record has no GUID and an all-zero GUID names nothing: both give `debugId` null.
 * The layout is that of LLVM's `codeview::PDB70DebugInfo` and `PDB20DebugInfo`.
 */
export function readCodeView(record: Uint8Array): CodeView | null {
  if (record.length < 4) return null;
  const view = viewOf(record);
  const signature = String.fromCharCode(...record.subarray(0, 4));
  if (signature === 'RSDS' && record.length >= RSDS_BYTES) {
    const guid = formatGuid(record.subarray(4, 20));
    const debugId = guid === ZERO_GUID ? null : { guid, age: view.getUint32(20, true) };
    return {
      format: 'RSDS',
      debugId,
      pdbPath: readPath(record.subarray(RSDS_BYTES)),
    };
  }
  if (signature === 'NB10' && record.length >= NB10_BYTES) {
    return {
      format: 'NB10',
      debugId: null,
      pdbPath: readPath(record.subarray(NB10_BYTES)),
    };
  }
  return null;
}

/**
 * A GUID's 16 bytes (mixed-endian, as Windows stores them) as upper-case text with dashes.
 * The first three fields are little-endian numbers, the last eight bytes stand as they are
 * (Microsoft: GUID structure). Fewer than 16 bytes read as if zeros followed.
 */
export function formatGuid(bytes: Uint8Array): string {
  const digits = (...indexes: number[]): string =>
    indexes.map((index) => (bytes[index] ?? 0).toString(16).padStart(2, '0')).join('');
  const fields = [
    digits(3, 2, 1, 0),
    digits(5, 4),
    digits(7, 6),
    digits(8, 9),
    digits(10, 11, 12, 13, 14, 15),
  ];
  return fields.join('-').toUpperCase();
}

/** VS_FIXEDFILEINFO's (ms, ls), each an unsigned 32-bit pair of 16-bit numbers, as `a.b.c.d`. */
export function formatVersion(ms: number, ls: number): string {
  return [ms >>> 16, ms & 0xffff, ls >>> 16, ls & 0xffff].join('.');
}

/** The path up to its NUL or the record's end; null when there is none. */
function readPath(bytes: Uint8Array): string | null {
  const bounded = bytes.subarray(0, PATH_BYTES_MAX);
  const end = bounded.indexOf(0);
  const text = utf8.decode(end < 0 ? bounded : bounded.subarray(0, end)).slice(0, PATH_CHARS_MAX);
  // A cut between the halves of a surrogate pair would leave text that no database takes.
  return text.replace(/[\uD800-\uDBFF]$/, '') || null;
}
