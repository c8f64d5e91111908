/** The lines that tell what the times of a file leave out: all of a small file, spaced ones of a large one. */
import type { FileHandle } from 'node:fs/promises';
import { anchorsOf, type FileContext } from '../time/anchors.ts';
import type { SampleLine, TimeAnchor } from '../time/times.ts';
import type { Codec } from './codec.ts';
import { unpack } from './gzip.ts';
import { linesOf } from './lines.ts';
import { readAt } from './reading.ts';
import { aligned } from './text-parts.ts';

export interface AnchoredText {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly compression: 'none' | 'gzip';
  readonly codec: Codec;
  readonly bomBytes: number;
  readonly formats: readonly string[];
  readonly context: FileContext;
  /** So much of a line can hold its time. */
  readonly headChars: number;
  readonly signal: AbortSignal | undefined;
}

/** Of a text up to this size, every line is read. */
const WHOLE_BYTES_MAX = 16 * 1024 * 1024;
const STEP_BYTES = 256 * 1024;
const SAMPLES_MAX = 4096;
const SAMPLE_BYTES = 4096;
const TAIL_BYTES = 64 * 1024;
const SAMPLE_LINES_MAX = 8;
/** Where the year (or the day) changes between two samples, the lines between are read; so many bytes in all. */
const BETWEEN_BYTES_MAX = 64 * 1024 * 1024;
/** A packed text is gone through up to here. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;
/** Lines that are kept while a text goes by; more are as short as to tell nothing. */
const LINES_MAX = 500_000;

/** Finds the anchors of a file's times. One file at a time is read, since a whole one may lie in memory. */
export function findAnchors(text: AnchoredText): Promise<TimeAnchor[]> {
  const found = lastFound.then(() => {
    text.signal?.throwIfAborted();
    if (text.compression === 'gzip') return ofPacked(text);
    return text.sizeBytes <= WHOLE_BYTES_MAX ? ofWhole(text) : ofLarge(text);
  });
  lastFound = found.catch(() => {});
  return found;
}

let lastFound: Promise<unknown> = Promise.resolve();

const anchored = (text: AnchoredText, samples: Iterable<SampleLine>) =>
  anchorsOf(text.formats, samples, text.context);

async function ofWhole(text: AnchoredText): Promise<TimeAnchor[]> {
  const offset = text.bomBytes;
  const bytes = await readAt(text.handle, Math.max(0, text.sizeBytes - offset), offset);
  return anchored(text, linesOf(bytes, text.codec, { offset, charsMax: text.headChars }));
}

async function ofLarge(text: AnchoredText): Promise<TimeAnchor[]> {
  const { handle, codec, sizeBytes, headChars: charsMax } = text;
  const step = Math.max(STEP_BYTES, Math.ceil(sizeBytes / SAMPLES_MAX));
  const samples: SampleLine[] = [];
  const tail = aligned(sizeBytes - TAIL_BYTES);
  for (let at = 0; at < tail; at += step) {
    text.signal?.throwIfAborted();
    const offset = at === 0 ? text.bomBytes : aligned(at);
    const bytes = await readAt(handle, SAMPLE_BYTES, offset);
    const cut = { offset, beginsInside: at > 0, endsInside: true, charsMax };
    samples.push(...firstOf(linesOf(bytes, codec, cut)));
  }
  const last = await readAt(handle, sizeBytes - tail, tail);
  append(samples, linesOf(last, codec, { offset: tail, beginsInside: true, charsMax }));
  const roughly = anchored(text, samples);
  const between = await linesAround(text, samples, roughly);
  return between.length === 0 ? roughly : anchored(text, merged(samples, between));
}

function append(list: SampleLine[], lines: Iterable<SampleLine>): void {
  for (const line of lines) {
    if (list.length >= LINES_MAX) return;
    if (line.text !== '') list.push(line);
  }
}

function firstOf(lines: Iterable<SampleLine>): SampleLine[] {
  const first: SampleLine[] = [];
  for (const line of lines) {
    if (first.length === SAMPLE_LINES_MAX) break;
    first.push(line);
  }
  return first;
}

/** All lines between each anchor but the first and the sample before it: somewhere there the change is. */
async function linesAround(
  text: AnchoredText,
  samples: readonly SampleLine[],
  anchors: readonly TimeAnchor[],
): Promise<SampleLine[]> {
  const lines: SampleLine[] = [];
  let bytesLeft = BETWEEN_BYTES_MAX;
  for (const { offset } of anchors.slice(1)) {
    const index = samples.findIndex((sample) => sample.offset >= offset);
    const from = samples[index - 1]?.offset;
    if (from === undefined || offset - from > bytesLeft) continue;
    text.signal?.throwIfAborted();
    bytesLeft -= offset - from;
    const bytes = await readAt(text.handle, offset - from, from);
    append(lines, linesOf(bytes, text.codec, { offset: from, charsMax: text.headChars }));
  }
  return lines;
}

/** Both in the order of the file, each line once. */
function merged(a: readonly SampleLine[], b: readonly SampleLine[]): SampleLine[] {
  const byOffset = new Map([...a, ...b].map((line) => [line.offset, line]));
  return [...byOffset.values()].sort((one, other) => one.offset - other.offset);
}

/** The first 16 MiB line by line, then samples, as the text comes by. */
async function ofPacked(text: AnchoredText): Promise<TimeAnchor[]> {
  const { codec, headChars: charsMax } = text;
  const samples: SampleLine[] = [];
  const cut = (offset: number) => ({ offset, endsInside: true, charsMax });
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  let nextSample = 0;
  for await (const chunk of unpack(text.handle, { signal: text.signal, keepsOpen: true })) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const skipped = offset === 0 ? Math.min(text.bomBytes, bytes.length) : 0;
    const lines = linesOf(bytes.subarray(skipped), codec, cut(offset + skipped));
    if (offset < WHOLE_BYTES_MAX) append(samples, lines);
    else if (offset >= nextSample) {
      samples.push(...firstOf(lines));
      nextSample = offset + STEP_BYTES;
    }
    const end = lastLineStart(bytes, codec);
    rest = bytes.subarray(end);
    // A line without end is not carried along.
    if (rest.length > STEP_BYTES) rest = rest.subarray(aligned(rest.length));
    offset += bytes.length - rest.length;
    if (offset > UNPACKED_BYTES_MAX) break;
  }
  if (rest.length > 0) append(samples, linesOf(rest, codec, { offset, charsMax }));
  return anchored(text, samples);
}

/** Where the line begins that goes on behind the bytes. */
function lastLineStart(bytes: Buffer, { unitBytes, bigEndian }: Codec): number {
  for (let at = bytes.lastIndexOf(0x0a); at !== -1; at = at === 0 ? -1 : bytes.lastIndexOf(0x0a, at - 1)) {
    const first = bigEndian ? at - unitBytes + 1 : at;
    if (first < 0 || first % unitBytes !== 0 || first + unitBytes > bytes.length) continue;
    const unit = bytes.subarray(first, first + unitBytes);
    if (unit.every((byte, index) => byte === 0 || first + index === at)) return first + unitBytes;
  }
  return 0;
}
