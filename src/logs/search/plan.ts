/** Cuts the files of a scan into segments and tasks, in the order in which their hits are given. */
import type { LogFile } from '../source/log-file.ts';
import { TIMES_BLOCK_BYTES } from './block-times.ts';
import type { Segment } from './segment-types.ts';

/** A file from where a scan goes on. */
export interface ScanPart {
  readonly file: LogFile;
  readonly start: number;
  readonly startsLine: boolean;
  /** Where it ended when the search began; of packed files, their packed size. */
  readonly fileEnd: number;
}

export interface PlannedSegment extends Segment {
  readonly part: number;
  /** Line ends between the end of the segment before, or the part's start, and this one. */
  readonly skippedLines: number;
}

/** Where a plan ends because its bytes are spent. */
export interface PlanEnd {
  readonly part: number;
  readonly offset: number;
  readonly startsLine: boolean;
  /** Line ends between the end of the last segment, or the part's start, and there. */
  readonly skippedLines: number;
}

export type PlannedTask = readonly PlannedSegment[];

const SEGMENT_BYTES = 16 * 1024 * 1024;
const FIRST_TASK_BYTES = 2 * 1024 * 1024;
const TASK_FILES_MAX = 256;
/** How much larger packed logs usually are, for whoever has to guess. */
const PACKED_FACTOR = 20;

/** Blocks of TIMES_BLOCK_BYTES that have nothing that is asked for. */
export interface BlockSkip {
  isOutside(block: number): boolean;
  lines(block: number): number;
}

export interface PlanOptions {
  /** No more than this; what is packed counts as an estimate, and is counted again when it was read. */
  readonly bytesMax: number;
  /** What need not be looked at of a file; null where nothing is known of it. */
  readonly skip?: ((file: LogFile) => BlockSkip | null) | undefined;
  /** For tests: how large segments are; a multiple of 4. */
  readonly segmentBytes?: number;
}

/** Tasks in order, the first ones small: often they have all that is asked for. */
export function* planTasks(
  parts: readonly ScanPart[],
  options: PlanOptions,
): Generator<PlannedTask, PlanEnd | null> {
  let task: PlannedSegment[] = [];
  let taskBytes = 0;
  let taskBytesMax = Math.min(FIRST_TASK_BYTES, options.segmentBytes ?? FIRST_TASK_BYTES);
  const segments = planSegments(parts, options);
  for (let next = segments.next(); ; next = segments.next()) {
    if (next.done) {
      if (task.length > 0) yield task;
      return next.value;
    }
    task.push(next.value);
    taskBytes += estimate(next.value);
    if (taskBytes < taskBytesMax && task.length < TASK_FILES_MAX) continue;
    yield task;
    task = [];
    taskBytes = 0;
    taskBytesMax = Math.min(taskBytesMax * 2, options.segmentBytes ?? SEGMENT_BYTES);
  }
}

function* planSegments(
  parts: readonly ScanPart[],
  options: PlanOptions,
): Generator<PlannedSegment, PlanEnd | null> {
  let left = options.bytesMax;
  for (const [index, part] of parts.entries()) {
    const { file, fileEnd, start, startsLine } = part;
    if (file.compression === 'gzip') {
      if (left <= 0) return { part: index, offset: start, startsLine, skippedLines: 0 };
      const end = Number.POSITIVE_INFINITY;
      const segment = { part: index, file, fileEnd, start, startsLine, end, bytesMax: left, skippedLines: 0 };
      yield segment;
      left -= estimate(segment);
      continue;
    }
    const skip = options.skip?.(file) ?? null;
    for (let at = start; at < fileEnd; ) {
      const skipped = passOver(skip, at, fileEnd);
      at = skipped.to;
      if (at >= fileEnd) break;
      const isStart = at === start && startsLine;
      const skippedLines = skipped.lines;
      if (left <= 0) return { part: index, offset: at, startsLine: isStart, skippedLines };
      const end = Math.min(segmentEnd(skip, at, fileEnd, options), at + Math.max(4, left - (left % 4)));
      yield {
        part: index,
        file,
        fileEnd,
        start: at,
        end,
        startsLine: isStart,
        bytesMax: Number.POSITIVE_INFINITY,
        skippedLines,
      };
      left -= end - at;
      at = end;
    }
  }
  return null;
}

/** Goes on from `at` over whole blocks that need not be looked at. */
function passOver(skip: BlockSkip | null, at: number, fileEnd: number): { to: number; lines: number } {
  let to = at;
  let lines = 0;
  if (!skip || at % TIMES_BLOCK_BYTES !== 0) return { to, lines };
  while (to + TIMES_BLOCK_BYTES <= fileEnd && skip.isOutside(to / TIMES_BLOCK_BYTES)) {
    lines += skip.lines(to / TIMES_BLOCK_BYTES);
    to += TIMES_BLOCK_BYTES;
  }
  return { to, lines };
}

/** Segments of one file begin at multiples of their size, wherever a page began, or behind what need not be looked at. */
function segmentEnd(
  skip: BlockSkip | null,
  at: number,
  fileEnd: number,
  { segmentBytes = SEGMENT_BYTES }: PlanOptions,
): number {
  const boundary = Math.min((Math.floor(at / segmentBytes) + 1) * segmentBytes, fileEnd);
  if (!skip) return boundary;
  let block = Math.floor(at / TIMES_BLOCK_BYTES) + 1;
  while (block * TIMES_BLOCK_BYTES < boundary && !skip.isOutside(block)) block += 1;
  return Math.min(boundary, block * TIMES_BLOCK_BYTES);
}

function estimate({ file, start, end }: Segment): number {
  return file.compression === 'gzip' ? Math.max(1, file.sizeBytes * PACKED_FACTOR - start) : end - start;
}

/** About how much there is to scan. */
export function planBytes(parts: readonly ScanPart[]): number {
  return parts.reduce(
    (sum, { file, start, fileEnd }) =>
      sum + (file.compression === 'gzip' ? file.sizeBytes * PACKED_FACTOR : Math.max(0, fileEnd - start)),
    0,
  );
}
