/** Reading binary formats by positions: a parser asks for spans of bytes, a driver fetches them. */

/**
 * A parser that needs bytes. It yields the spans that it wants and is resumed with exactly those
 * bytes, so that one pure parser serves a buffer, a file of gigabytes and an object store alike.
 */
export type Parsing<T> = Generator<Span, T, Uint8Array>;

/** A request for `length` bytes at `offset`; both are within the size that the parser was told. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Random access to something of known size, in bytes. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Gives exactly `length` bytes from `offset`; rejects when they are not there. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A file is not what it says it is. `offset` is where reading stopped making sense. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly format: string;
  readonly offset: number;
  readonly reason: string;

  constructor(format: string, offset: number, reason: string) {
    super(`${format}: ${reason} (at offset ${offset})`);
    this.format = format;
    this.offset = offset;
    this.reason = reason;
  }
}

/** No parser asks for more than this at once: what is longer is read piece by piece or not at all. */
export const SPAN_BYTES_MAX = 1 << 20;

/** Takes bytes in hand through a parser. For tests and for small things already in memory. */
export function parseBytes<T>(bytes: Uint8Array, parser: Parsing<T>): T {
  let step = parser.next();
  while (!step.done) {
    const { offset, length } = checkedSpan(step.value, bytes.length);
    step = parser.next(bytes.subarray(offset, offset + length));
  }
  return step.value;
}

const PAGE_BYTES = 32 * 1024;
const PAGES_KEPT = 32;

/**
 * Takes a byte source through a parser by positioned reads. Neighbouring spans share pages of
 * 32 KiB, of which 32 are kept, so a list of small records costs few reads and at most 1 MiB.
 */
export async function parseSource<T>(source: ByteSource, parser: Parsing<T>): Promise<T> {
  const pages = new Map<number, Uint8Array>();
  const page = async (index: number): Promise<Uint8Array> => {
    const start = index * PAGE_BYTES;
    const kept = pages.get(index);
    if (kept) return kept;
    const bytes = await source.read(start, Math.min(PAGE_BYTES, source.sizeBytes - start));
    const oldest = pages.keys().next();
    if (pages.size >= PAGES_KEPT && !oldest.done) pages.delete(oldest.value);
    pages.set(index, bytes);
    return bytes;
  };

  let step = parser.next();
  while (!step.done) {
    const { offset, length } = checkedSpan(step.value, source.sizeBytes);
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((offset + Math.max(length, 1) - 1) / PAGE_BYTES);
    if (length === 0) step = parser.next(new Uint8Array(0));
    else if (first === last) {
      const at = offset - first * PAGE_BYTES;
      step = parser.next((pages.get(first) ?? (await page(first))).subarray(at, at + length));
    } else step = parser.next(await source.read(offset, length));
  }
  return step.value;
}

function checkedSpan(span: Span, sizeBytes: number): Span {
  const { offset, length } = span;
  if (!(offset >= 0 && length >= 0 && length <= SPAN_BYTES_MAX && offset + length <= sizeBytes)) {
    throw new RangeError(`a parser asked for ${length} bytes at ${offset} of ${sizeBytes}`);
  }
  return span;
}

/** A view for reading little-endian numbers out of a span. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** 64-bit values are written as `0x` and upper-case hex digits, exact, without padding. */
export function hex(value: bigint | number, digits = 0): string {
  return `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`;
}
