/** Line ends in the bytes of a text: where the next is, and how many there are. */

/** How the lines of an encoding end. All positions are indexes into the buffer. */
export interface LineEnds {
  /** Bytes of one line end. */
  readonly bytes: number;
  /** The first line end at or after `from` that begins before `to`; -1 where there is none. */
  next(buffer: Buffer, from: number, to: number): number;
  /** The last line end that lies wholly in [`floor`, `before`); -1 where there is none. */
  previous(buffer: Buffer, floor: number, before: number): number;
  /** How many line ends begin in [`from`, `to`). */
  count(buffer: Buffer, from: number, to: number): number;
  /** Where the text of a line ends that is [start, end): without a carriage return. */
  textEnd(buffer: Buffer, start: number, end: number): number;
}

const LF = 0x0a;
const CR = 0x0d;
/** Few lines are longer; up to here a loop is faster than a call into the engine. */
const NEAR_BYTES = 256;

const singleByte: LineEnds = {
  bytes: 1,
  next(buffer, from, to) {
    const near = Math.min(to, from + NEAR_BYTES);
    for (let at = from; at < near; at += 1) if (buffer[at] === LF) return at;
    if (near >= to) return -1;
    const found = buffer.indexOf(LF, near);
    return found >= 0 && found < to ? found : -1;
  },
  previous(buffer, floor, before) {
    const near = Math.max(floor, before - NEAR_BYTES);
    for (let at = before - 1; at >= near; at -= 1) if (buffer[at] === LF) return at;
    if (near <= floor) return -1;
    const found = buffer.lastIndexOf(LF, near - 1);
    return found >= floor ? found : -1;
  },
  count: countByte,
  textEnd: (buffer, start, end) => (end > start && buffer[end - 1] === CR ? end - 1 : end),
};

/** Counts four bytes at a time: a byte of a word is a line feed where the word's exclusive or with line feeds has a zero. */
function countByte(buffer: Buffer, from: number, to: number): number {
  let count = 0;
  let at = from;
  while (at < to && (buffer.byteOffset + at) % 4 !== 0) {
    if (buffer[at] === LF) count += 1;
    at += 1;
  }
  if (at >= to) return count;
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset + at, (to - at) >> 2);
  for (let index = 0; index < words.length; index += 1) {
    const word = (words[index] ?? 0) ^ 0x0a0a0a0a;
    const zeros = ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f);
    if (zeros !== 0)
      count += ((zeros >>> 7) & 1) + ((zeros >>> 15) & 1) + ((zeros >>> 23) & 1) + (zeros >>> 31);
  }
  for (at += words.length * 4; at < to; at += 1) if (buffer[at] === LF) count += 1;
  return count;
}

/** Encodings of two or four bytes a unit: a line feed lies at a multiple of the unit. */
function wide(unitBytes: 2 | 4, bigEndian: boolean): LineEnds {
  const low = bigEndian ? unitBytes - 1 : 0;
  const isUnit = (buffer: Buffer, at: number, code: number): boolean => {
    for (let index = 0; index < unitBytes; index += 1)
      if (buffer[at + index] !== (index === low ? code : 0)) return false;
    return true;
  };
  const ends: LineEnds = {
    bytes: unitBytes,
    next(buffer, from, to) {
      for (
        let at = from + ((unitBytes - (from % unitBytes)) % unitBytes);
        at + unitBytes <= buffer.length && at < to;
        at += unitBytes
      )
        if (isUnit(buffer, at, LF)) return at;
      return -1;
    },
    previous(buffer, floor, before) {
      // A text that was cut in the middle of a unit has a rest that is none.
      for (let at = before - (before % unitBytes) - unitBytes; at >= floor; at -= unitBytes)
        if (isUnit(buffer, at, LF)) return at;
      return -1;
    },
    count(buffer, from, to) {
      let count = 0;
      for (let at = from + ((unitBytes - (from % unitBytes)) % unitBytes); at < to; at += unitBytes)
        if (isUnit(buffer, at, LF)) count += 1;
      return count;
    },
    textEnd: (buffer, start, end) =>
      end - unitBytes >= start && isUnit(buffer, end - unitBytes, CR) ? end - unitBytes : end,
  };
  return ends;
}

const kinds: Readonly<Record<string, LineEnds>> = {
  '2le': wide(2, false),
  '2be': wide(2, true),
  '4le': wide(4, false),
  '4be': wide(4, true),
};

/** Buffers of wide encodings begin at a multiple of the unit, counted from the file's start. */
export function lineEndsOf(unitBytes: 1 | 2 | 4, bigEndian: boolean): LineEnds {
  return kinds[`${unitBytes}${bigEndian ? 'be' : 'le'}`] ?? singleByte;
}
