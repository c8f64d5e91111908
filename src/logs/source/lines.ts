/** Cutting bytes into lines, each with the offset where it begins. */
import type { SampleLine } from '../time/times.ts';
import type { Codec } from './codec.ts';

/** So much of one line is looked at. */
export const LINE_BYTES_MAX = 64 * 1024;

export interface Cut {
  /** Offset of the first byte in the text. */
  readonly offset: number;
  /** The bytes begin somewhere in a line: what stands before the first line end is left out. */
  readonly beginsInside?: boolean;
  /** The bytes end before the text does: what stands behind the last line end is left out. */
  readonly endsInside?: boolean;
  /** So many characters of each line are decoded, about. */
  readonly charsMax?: number;
}

/**
 * Decodes lines one by one, without their line ends.
 *
 * @param bytes begin at a multiple of the encoding's unit
 */
export function* linesOf(bytes: Buffer, codec: Codec, cut: Cut): Generator<SampleLine> {
  const bytesMax = Math.min(LINE_BYTES_MAX, (cut.charsMax ?? LINE_BYTES_MAX) * 4);
  let start = cut.beginsInside ? afterLineEnd(bytes, 0, codec) : 0;
  while (start !== -1 && start < bytes.length) {
    const next = afterLineEnd(bytes, start, codec);
    if (next === -1 && cut.endsInside) return;
    const end = next === -1 ? bytes.length : next - codec.unitBytes;
    const text = codec.decode(bytes, start, Math.min(end, start + bytesMax));
    yield { offset: cut.offset + start, text: text.endsWith('\r') ? text.slice(0, -1) : text };
    start = next;
  }
}

/** Where the line after the next line end begins; -1 without a line end. */
export function afterLineEnd(bytes: Buffer, from: number, { unitBytes, bigEndian }: Codec): number {
  if (unitBytes === 1) {
    const at = bytes.indexOf(0x0a, from);
    return at === -1 ? -1 : at + 1;
  }
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    const first = bigEndian ? at - unitBytes + 1 : at;
    if (first % unitBytes !== 0 || first < from) continue;
    const others = bytes.subarray(first, first + unitBytes);
    if (others.length === unitBytes && others.every((byte, index) => byte === 0 || first + index === at)) {
      return first + unitBytes;
    }
  }
  return -1;
}
