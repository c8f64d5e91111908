/** Finders of candidates: places in a block of bytes where a line may match. They may find too much, never too little. */

export interface Finder {
  /** Called before a region of a block is looked through, where it has to be prepared. */
  begin?(buffer: Buffer, from: number, to: number): void;
  /** The first candidate at or after `from` that ends at or before `to`; -1 where there is none. */
  next(buffer: Buffer, from: number, to: number): number;
}

/** One sequence of bytes, by the engine's own search. */
export function exactFinder(needle: Buffer): Finder {
  return {
    next(buffer, from, to) {
      const at = buffer.indexOf(needle, from);
      return at >= 0 && at + needle.length <= to ? at : -1;
    },
  };
}

/**
 * Several sequences of bytes at once, each byte of which may stand for several (letters in either case).
 *
 * A block of two bytes at the end of the window says how far the window can move on (Wu and Manber, 1994); most of a
 * text is never looked at.
 *
 * @param needles not empty; a byte is given by all the values that it may have
 */
export function skipFinder(needles: readonly (readonly (readonly number[])[])[]): Finder {
  const window = Math.min(...needles.map((needle) => needle.length));
  return window < 2 ? firstByteFinder(needles) : blockFinder(needles, window);
}

type Needle = readonly (readonly number[])[];

function blockFinder(needles: readonly Needle[], window: number): Finder {
  // A text of 64 KiB would be a strange term, and a table of bytes is the smallest.
  const span = Math.min(window, 255);
  const shifts = new Uint8Array(65_536).fill(span - 1);
  const ending = new Map<number, Needle[]>();
  for (const needle of needles) {
    for (let index = 1; index < span; index += 1) {
      for (const first of needle[index - 1] ?? []) {
        for (const second of needle[index] ?? []) {
          const block = (first << 8) | second;
          shifts[block] = Math.min(shifts[block] ?? 0, span - 1 - index);
          if (index === span - 1) ending.set(block, [...(ending.get(block) ?? []), needle]);
        }
      }
    }
  }
  const accepts = new Map([...ending].map(([block, ones]) => [block, ones.map(acceptorOf)]));
  return {
    next(buffer, from, to) {
      let at = from + span - 1;
      while (at < to) {
        const block = ((buffer[at - 1] ?? 0) << 8) | (buffer[at] ?? 0);
        const shift = shifts[block] ?? 0;
        if (shift > 0) at += shift;
        else {
          const start = at - span + 1;
          for (const accept of accepts.get(block) ?? []) if (accept(buffer, start, to)) return start;
          at += 1;
        }
      }
      return -1;
    },
  };
}

/** Where one of the needles is a single byte: every byte has to be looked at. */
function firstByteFinder(needles: readonly Needle[]): Finder {
  const begins = new Uint8Array(256);
  for (const needle of needles) for (const byte of needle[0] ?? []) begins[byte] = 1;
  const accepts = needles.map(acceptorOf);
  return {
    next(buffer, from, to) {
      for (let at = from; at < to; at += 1) {
        if (begins[buffer[at] ?? 0] !== 1) continue;
        for (const accept of accepts) if (accept(buffer, at, to)) return at;
      }
      return -1;
    },
  };
}

type Acceptor = (buffer: Buffer, start: number, to: number) => boolean;

function acceptorOf(needle: Needle): Acceptor {
  const allowed = needle.map((values) => {
    const table = new Uint8Array(256);
    for (const value of values) table[value] = 1;
    return table;
  });
  return (buffer, start, to) => {
    if (start + allowed.length > to) return false;
    for (let index = 0; index < allowed.length; index += 1)
      if (allowed[index]?.[buffer[start + index] ?? 0] !== 1) return false;
    return true;
  };
}

/** The bytes of a needle, each for itself alone. */
export function exactBytes(bytes: Buffer): Needle {
  return Array.from(bytes, (byte) => [byte]);
}

/** The bytes of a needle, with the letters of ASCII in either case. */
export function caselessBytes(bytes: Buffer): Needle {
  return Array.from(bytes, (byte) => {
    const lower = byte | 0x20;
    return lower >= 0x61 && lower <= 0x7a ? [lower, lower & ~0x20] : [byte];
  });
}
