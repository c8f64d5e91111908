/** Telling text from other bytes, as far as nobody would search in them. */

/** Formats whose beginning is mostly text, or short. */
const MAGICS: readonly string[] = [
  '%PDF-',
  'PK\x03\x04',
  'PK\x05\x06',
  '\x7fELF',
  'SQLite format 3\0',
  '\x89PNG',
  'BZh91AY',
  '\xfd7zXZ\0',
  '\x28\xb5\x2f\xfd',
  'LPKSHHRH',
  'ElfFile\0',
];

/** A file that is cut while its writer stays where it was begins with a hole. Runs of this length are holes. */
const HOLE_BYTES = 512;
/** A crash of the machine leaves some NUL bytes in a log. */
const NUL_SHARE_MAX = 0.001;
/** In a small log a few of them are a large share. */
const NULS_MAX = 15;
/** Of a few bytes so many say enough. */
const NUL_SHARE_OF_FEW_MAX = 0.1;
const CONTROL_SHARE_MAX = 0.05;

/** Whether these bytes, in no encoding of 16 or 32 bits, are something else than a text. */
export function looksBinary(sample: Buffer): boolean {
  const head = sample.toString('latin1', 0, 16);
  if (MAGICS.some((magic) => head.startsWith(magic))) return true;
  let nuls = 0;
  let controls = 0;
  let inHoles = 0;
  for (let at = 0; at < sample.length; at += 1) {
    const byte = sample[at] ?? 0;
    if (byte === 0) {
      let end = at + 1;
      while (end < sample.length && sample[end] === 0) end += 1;
      if (end - at >= HOLE_BYTES) inHoles += end - at;
      else nuls += end - at;
      at = end - 1;
    } else if (isOddControl(byte)) controls += 1;
  }
  const text = sample.length - inHoles;
  if (sample.length > 0 && text === 0) return true;
  const nulsMax = Math.max(
    text * NUL_SHARE_MAX,
    Math.min(NULS_MAX, Math.max(1, text * NUL_SHARE_OF_FEW_MAX)),
  );
  return nuls > nulsMax || controls > text * CONTROL_SHARE_MAX;
}

/** Controls that texts have no use for; 0x01 parts the fields of FIX messages, 0x0E and 0x0F shift, 0x1B colours. */
function isOddControl(byte: number): boolean {
  if (byte >= 0x20) return byte === 0x7f;
  return byte !== 0x01 && !(byte >= 0x07 && byte <= 0x0f) && byte !== 0x1b && byte < 0x1c;
}
