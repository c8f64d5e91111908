/** CodeView records: the debug identity that a PE file and a minidump module carry of their PDB. */
import { type Parsing, viewOf } from './bytes.ts';

/** A debug identity: GUID (upper case, dashes), age (unsigned 32 bit). */
export interface DebugId {
  readonly guid: string;
  readonly age: number;
}

/** A record that names a PDB. `debugId` is null where it has no usable identity. */
export interface PdbCodeView {
  readonly format: 'RSDS' | 'NB10';
  readonly debugId: DebugId | null;
  readonly pdbPath: string | null;
}

/** A record that names no PDB but an ELF image, by its build id (lower-case hexadecimal digits). */
export interface ElfCodeView {
  readonly format: 'ELF';
  /** The build id as Breakpad's symbol files have it: its first 16 bytes as a GUID, age 0. */
  readonly debugId: DebugId | null;
  readonly pdbPath: null;
  readonly buildId: string;
}

/** What a CodeView record says. */
export type CodeView = PdbCodeView | ElfCodeView;

/** The RSDS header: signature, GUID, age. */
const RSDS_BYTES = 24;
/** The NB10 header: signature, offset, a 32-bit timestamp in place of a GUID, age. */
const NB10_BYTES = 16;
/** The ELF header is the signature alone. */
const ELF_BYTES = 4;
/** Linkers make build ids of 8 to 20 bytes, or of as many as they are told. */
const BUILD_ID_BYTES_MAX = 64;
/** So many first bytes of a record are enough for all of it but its path. */
export const CODEVIEW_IDENTITY_BYTES = ELF_BYTES + BUILD_ID_BYTES_MAX;
const PATH_CHARS_MAX = 1024;
/** No UTF-16 unit needs more than three bytes of UTF-8; up to three more belong to a character that is cut. */
const PATH_BYTES_KEPT = PATH_CHARS_MAX * 3 + 3;
/** Windows has paths of up to 32,767 UTF-16 units. */
const RECORD_BYTES_MAX = RSDS_BYTES + 32_768 * 3;
/** Almost every record fits in this. */
const RECORD_BYTES_EXPECTED = 4096;
const GUID_BYTES = 16;
const ZERO_GUID = '00000000-0000-0000-0000-000000000000';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads the CodeView record of `length` bytes at `offset`, of which at most 96 KiB are looked at; what
 * comes of it is as with `readCodeView`.
 */
export function* readCodeViewAt(offset: number, length: number): Parsing<CodeView | null> {
  const whole = Math.min(length, RECORD_BYTES_MAX);
  const start: Uint8Array = yield { offset, length: Math.min(whole, RECORD_BYTES_EXPECTED) };
  const view = readCodeView(start);
  const pathEnds =
    start.length === whole || start.includes(0, view?.format === 'NB10' ? NB10_BYTES : RSDS_BYTES);
  if (pathEnds || !view?.pdbPath) return view;
  return readCodeView(yield { offset, length: whole });
}

/**
 * Reads a CodeView record; null when it is of another kind than CodeView's or too short. Never throws.
 * An NB10 record has no GUID and an all-zero GUID names nothing: both give `debugId` null. Of a path
 * longer than 1024 characters the last 1024 are kept, as the file name is at its end.
 * The layout is that of LLVM's `codeview::PDB70DebugInfo` and `PDB20DebugInfo`, and of Breakpad's
 * `MDCVInfoELF`, whose build id is kept to 64 bytes.
 */
export function readCodeView(record: Uint8Array): CodeView | null {
  if (record.length < 4) return null;
  const view = viewOf(record);
  const signature = String.fromCharCode(...record.subarray(0, 4));
  if (signature === 'RSDS' && record.length >= RSDS_BYTES) {
    return {
      format: 'RSDS',
      debugId: debugIdOf(record.subarray(4, 20), view.getUint32(20, true)),
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
  if (signature === 'LEpB' && record.length > ELF_BYTES) {
    const buildId = record.subarray(ELF_BYTES, ELF_BYTES + BUILD_ID_BYTES_MAX);
    return {
      format: 'ELF',
      debugId: debugIdOf(buildId.subarray(0, GUID_BYTES), 0),
      pdbPath: null,
      buildId: Buffer.from(buildId).toString('hex'),
    };
  }
  return null;
}

function debugIdOf(guidBytes: Uint8Array, age: number): DebugId | null {
  const guid = formatGuid(guidBytes);
  return guid === ZERO_GUID ? null : { guid, age };
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

/** The end of the path, which itself ends at its NUL or with the record; null when there is none. */
function readPath(bytes: Uint8Array): string | null {
  const nul = bytes.indexOf(0);
  const end = nul < 0 ? bytes.length : nul;
  let from = Math.max(0, end - PATH_BYTES_KEPT);
  // A cut must not part the bytes of one character (10xxxxxx continues it), nor the halves of a surrogate pair.
  const isCut = from > 0;
  for (let left = 3; isCut && left > 0 && ((bytes[from] ?? 0) & 0xc0) === 0x80; left -= 1) from += 1;
  const text = utf8.decode(bytes.subarray(from, end)).slice(-PATH_CHARS_MAX);
  return text.replace(/^[\uDC00-\uDFFF]/, '') || null;
}
