/** Cuts the files of a scan into segments and tasks, in the order in which their hits are given. */
import type { LogFile } from '../source/log-file.ts';
import type { Segment } from './segment.ts';

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
}

export type PlannedTask = readonly PlannedSegment[];

const SEGMENT_BYTES = 16 * 1024 * 1024;
const FIRST_TASK_BYTES = 2 * 1024 * 1024;
const TASK_FILES_MAX = 256;
/** How much larger packed logs usually are, for whoever has to guess. */
const PACKED_FACTOR = 20;

export interface PlanOptions {
  /** No more than this; what is packed counts as an estimate, and is counted again when it was read. */
  readonly bytesMax: number;
  /** For tests: how large segments are; a multiple of 4. */
  readonly segmentBytes?: number;
}

/** Tasks in order, the first ones small: often they have all that is asked for. */
export function* planTasks(parts: readonly ScanPart[], options: PlanOptions): Generator<PlannedTask> {
  let task: PlannedSegment[] = [];
  let taskBytes = 0;
  let taskBytesMax = Math.min(FIRST_TASK_BYTES, options.segmentBytes ?? FIRST_TASK_BYTES);
  for (const segment of planSegments(parts, options)) {
    task.push(segment);
    taskBytes += estimate(segment);
    if (taskBytes < taskBytesMax && task.length < TASK_FILES_MAX) continue;
    yield task;
    task = [];
    taskBytes = 0;
    taskBytesMax = Math.min(taskBytesMax * 2, options.segmentBytes ?? SEGMENT_BYTES);
  }
  if (task.length > 0) yield task;
}

function* planSegments(parts: readonly ScanPart[], options: PlanOptions): Generator<PlannedSegment> {
  const { segmentBytes = SEGMENT_BYTES } = options;
  let left = options.bytesMax;
  for (const [index, part] of parts.entries()) {
    const { file, fileEnd, start, startsLine } = part;
    if (left <= 0) return;
    const common = { part: index, file, fileEnd };
    if (file.compression === 'gzip') {
      const segment = { ...common, start, startsLine, end: Number.POSITIVE_INFINITY, bytesMax: left };
      yield segment;
      left -= estimate(segment);
      continue;
    }
    for (let at = start; at < fileEnd && left > 0; ) {
      // Segments of one file begin at multiples of their size, wherever a page began.
      const boundary = (Math.floor(at / segmentBytes) + 1) * segmentBytes;
      const end = Math.min(boundary, fileEnd, at + Math.max(4, left - (left % 4)));
      yield {
        ...common,
        start: at,
        end,
        startsLine: at === start && startsLine,
        bytesMax: Number.POSITIVE_INFINITY,
      };
      left -= end - at;
      at = end;
    }
  }
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
