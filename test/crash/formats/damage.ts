/** Deterministic damage to a file's bytes, and a parser run with everything that it asks for checked. */
import { FormatError, type Parsing, parseBytes, type Span } from '../../../src/crash/formats/bytes.ts';

/** Makes the parser under test for a file of so many bytes. */
export type ParserOf<T> = (sizeBytes: number) => Parsing<T>;

export type Outcome = 'accepted' | 'refused';

/** How many mutations a test makes, unless the environment says otherwise. */
export const MUTATIONS = Number(process.env.CHS_MUTATIONS ?? 4000);

const SPAN_BYTES_ALLOWED = 4096;
const EXTREMES = [0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff];

/** A deterministic generator (mulberry32), so that a failure can be repeated. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Every span that parsing the sound file reads: the places where damage matters. */
export function spansOf<T>(bytes: Uint8Array, parserOf: ParserOf<T>): Span[] {
  const spans: Span[] = [];
  const parser = parserOf(bytes.length);
  for (let step = parser.next(); !step.done; ) {
    spans.push(step.value);
    step = parser.next(bytes.subarray(step.value.offset, step.value.offset + step.value.length));
  }
  return spans;
}

/**
 * Parses the first `sizeBytes` bytes. Anything but a result or a FormatError is thrown: another
 * error, a span outside the file or above 4 KiB, or more than `spansAllowed` of them.
 */
export function outcomeOf<T>(
  bytes: Uint8Array,
  parserOf: ParserOf<T>,
  sizeBytes = bytes.length,
  spansAllowed = 100,
): Outcome {
  const counted = function* (): Parsing<T> {
    const parser = parserOf(sizeBytes);
    let step = parser.next();
    for (let spans = 1; !step.done; spans += 1) {
      if (spans > spansAllowed) throw new Error(`more than ${spansAllowed} spans`);
      if (step.value.length > SPAN_BYTES_ALLOWED) throw new Error(`a span of ${step.value.length} bytes`);
      step = parser.next(yield step.value);
    }
    return step.value;
  };
  try {
    parseBytes(bytes.subarray(0, sizeBytes), counted());
    return 'accepted';
  } catch (error) {
    if (error instanceof FormatError) return 'refused';
    throw error;
  }
}

/**
 * Calls `use` with `count` damaged states of one copy of `original`, which must not keep it: one to
 * four places are overwritten (three of four times inside `places`), now and then the end is cut
 * off (`sizeBytes`), and everything is repaired afterwards.
 */
export function* mutations(
  original: Uint8Array,
  places: readonly Span[],
  count: number,
  seed: number,
): Generator<{ bytes: Buffer; sizeBytes: number }> {
  const below = random(seed);
  const bytes = Buffer.from(original);
  for (let round = 0; round < count; round += 1) {
    const touched: (readonly [number, number])[] = [];
    for (let left = 1 + below(4); left > 0; left -= 1) {
      const span = places[below(places.length)];
      const isAimed = span !== undefined && below(4) > 0;
      const at = isAimed ? span.offset + below(span.length) : below(bytes.length);
      const word = EXTREMES[below(EXTREMES.length)] ?? 0;
      const width = below(2) === 0 || at + 4 > bytes.length ? 1 : 4;
      for (let index = 0; index < width; index += 1) {
        touched.push([at + index, bytes[at + index] ?? 0]);
        bytes[at + index] = width === 1 ? below(256) : word >>> (8 * index);
      }
    }
    yield { bytes, sizeBytes: below(8) === 0 ? below(bytes.length + 1) : bytes.length };
    for (const [at, value] of touched.reverse()) bytes[at] = value;
  }
}

/** Parses `count` damaged states of a sound file and counts what came of them. */
export function parseDamaged<T>(
  original: Uint8Array,
  parserOf: ParserOf<T>,
  count: number,
  seed: number,
): Record<Outcome, number> {
  const outcomes = { accepted: 0, refused: 0 };
  for (const { bytes, sizeBytes } of mutations(original, spansOf(original, parserOf), count, seed)) {
    outcomes[outcomeOf(bytes, parserOf, sizeBytes)] += 1;
  }
  return outcomes;
}
