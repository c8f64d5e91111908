/** Runs a scan over files in several threads and puts the results into the files' order, whoever was ready first. */
import type { Notice } from '../source/notice.ts';
import type { BlockTimesCache } from './block-times.ts';
import {
  type PlanEnd,
  type PlannedSegment,
  type PlannedTask,
  type PlanOptions,
  planBytes,
  planTasks,
  type ScanPart,
} from './plan.ts';
import type { ScanPool } from './pool.ts';
import type { LineQuery } from './query.ts';
import type { Collecting, SegmentResult } from './task.ts';

export interface ScanRequest {
  readonly parts: readonly ScanPart[];
  readonly query: LineQuery;
  readonly queryKey: string;
  readonly collecting: Collecting;
  readonly lineBytesMax: number;
  readonly regexTimeoutMs: number;
  readonly scannedBytesMax: number;
  /** See monotonicMs; null where there is no hurry. */
  readonly deadlineMs: number | null;
  readonly signal: AbortSignal;
  /** What is known of the times of blocks; null to know and learn nothing. */
  readonly times: BlockTimesCache | null;
  /** For tests. */
  readonly blockBytes?: number;
  readonly segmentBytes?: number;
}

/** Where a scan goes on: in the file of `part`, at `offset`. */
export interface ScanPlace {
  readonly part: number;
  readonly offset: number;
  readonly startsLine: boolean;
  /** Line ends from the part's start to there. */
  readonly lines: number;
}

export interface ScanStats {
  filesScanned: number;
  bytesScanned: number;
  candidateLines: number;
  excludedLines: number;
  truncatedLines: number;
  compiledBefore: number;
  regexTimeouts: number;
}

/** Takes results one after the other, in order. */
export interface ScanSink {
  /**
   * @param linesBefore line ends of the segment's part before the segment
   * @returns where to go on, once there is enough; null as long as more is welcome
   */
  take(segment: PlannedSegment, result: SegmentResult, linesBefore: number): ScanPlace | null;
}

export interface ScanOutcome {
  /** Null at the end of everything. */
  readonly next: ScanPlace | null;
  readonly why: 'enough' | 'max_scanned_bytes' | 'hard_timeout_ms' | null;
  readonly stats: ScanStats;
  readonly notices: readonly Notice[];
  /** Line ends of each part that was scanned to its end, by its index. */
  readonly linesOfPart: ReadonlyMap<number, number>;
}

/** @throws the signal's reason when it is aborted; ChsError REGEX_ERROR, INVALID_INPUT for the query */
export async function runScan(request: ScanRequest, pool: ScanPool, sink: ScanSink): Promise<ScanOutcome> {
  const { signal } = request;
  signal.throwIfAborted();
  const control = new SharedArrayBuffer(4);
  const stop = (): void => void Atomics.store(new Int32Array(control), 0, 1);
  signal.addEventListener('abort', stop, { once: true });
  const merge = new Merge(request, sink);
  let planEnd: PlanEnd | null = null;
  const running: { task: PlannedTask; results: Promise<SegmentResult[]> }[] = [];
  try {
    const bytes = Math.min(planBytes(request.parts), request.scannedBytesMax);
    const { parts, segmentBytes } = request;
    const skip = skipOf(request);
    const tasks = planTasks(parts, {
      bytesMax: request.scannedBytesMax,
      skip,
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    });
    // The first task often has all that is asked for; what the others did by then would be for nothing.
    for (let inFlightMax = 1; ; inFlightMax = pool.threads * 2) {
      while (running.length < inFlightMax) {
        const planned = tasks.next();
        if (planned.done) {
          planEnd = planned.value ?? planEnd;
          break;
        }
        const task = planned.value;
        const results = pool.run(taskOf(request, task, control), bytes);
        // Whoever waits for it hears of it; a result that nobody waits for any more may fail.
        results.catch(() => undefined);
        running.push({ task, results });
      }
      const first = running.shift();
      if (!first) return merge.finished(planEnd);
      const results = await first.results;
      signal.throwIfAborted();
      if (merge.takeTask(first.task, results)) return merge.outcome();
    }
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
    await Promise.allSettled(running.map(({ results }) => results));
  }
}

/** What a window of time leaves out, where the times of a file's blocks are known. */
function skipOf({ query: { window }, times }: ScanRequest): PlanOptions['skip'] {
  if (!window || !times) return undefined;
  return (file) => {
    const known = times.get(file);
    return (
      known && { isOutside: (block) => known.isOutside(block, window), lines: (block) => known.lines(block) }
    );
  };
}

/** Whether every line is a hit as far as its text goes, so that its time is asked for. */
function looksAtEveryTime({ query, collecting }: ScanRequest): boolean {
  const isForTimes = query.window !== null || collecting.kind === 'overview';
  const { must, any, none, regex, json } = query;
  const hasTerms = must.length > 0 || any.length > 0 || none.length > 0 || regex !== null || json !== null;
  return isForTimes && !hasTerms && collecting.kind !== 'lines';
}

function taskOf(request: ScanRequest, segments: PlannedTask, control: SharedArrayBuffer) {
  const { query, queryKey, collecting, deadlineMs, lineBytesMax, regexTimeoutMs, blockBytes } = request;
  const limits = {
    lineBytesMax,
    regexTimeoutMs,
    countsLines: collecting.kind !== 'count',
    learnsTimes: request.times !== null && looksAtEveryTime(request),
    ...(blockBytes === undefined ? {} : { blockBytes }),
  };
  return { query, queryKey, collecting, segments, limits, control, deadlineMs };
}

class Merge {
  readonly #request: ScanRequest;
  readonly #sink: ScanSink;
  readonly #stats: ScanStats = {
    filesScanned: 0,
    bytesScanned: 0,
    candidateLines: 0,
    excludedLines: 0,
    truncatedLines: 0,
    compiledBefore: 0,
    regexTimeouts: 0,
  };
  readonly #notices = new Map<string, Notice>();
  readonly #linesOfPart = new Map<number, number>();
  #part = -1;
  /** Line ends of the part so far. */
  #lines = 0;
  #end: { next: ScanPlace; why: ScanOutcome['why'] } | null = null;

  constructor(request: ScanRequest, sink: ScanSink) {
    this.#request = request;
    this.#sink = sink;
  }

  /** True when the scan is over. */
  takeTask(task: PlannedTask, results: readonly SegmentResult[]): boolean {
    for (const [index, segment] of task.entries()) {
      const result = results[index];
      // A task ends early only with a result that ends the scan.
      if (!result) throw new Error('a scan lost a part of its files');
      if (this.#takeSegment(segment, result)) return true;
    }
    return false;
  }

  #takeSegment(segment: PlannedSegment, result: SegmentResult): boolean {
    if (segment.part !== this.#part) {
      this.#part = segment.part;
      this.#lines = 0;
      this.#stats.filesScanned += 1;
    }
    this.#lines += segment.skippedLines;
    if (this.#stats.bytesScanned >= this.#request.scannedBytesMax && segment.file.compression === 'gzip')
      return this.#stop('max_scanned_bytes', segment.start, segment.startsLine);
    const { outcome, unreadable } = result;
    if (result.wasCompiled) this.#stats.compiledBefore += 1;
    if (unreadable || outcome?.problem) this.#note(segment.file.path, unreadable ?? outcome?.problem ?? null);
    if (outcome?.learned) this.#request.times?.add(segment.file, outcome.learned);
    if (outcome) {
      this.#stats.bytesScanned += outcome.bytesScanned;
      this.#stats.candidateLines += outcome.candidateLines;
      this.#stats.excludedLines += outcome.excludedLines;
      this.#stats.truncatedLines += outcome.truncatedLines;
      this.#stats.regexTimeouts += outcome.regexTimeouts;
    }
    const enough = this.#sink.take(segment, result, this.#lines);
    if (enough) {
      this.#end = { next: enough, why: 'enough' };
      return true;
    }
    this.#lines += outcome?.lines ?? 0;
    this.#linesOfPart.set(segment.part, this.#lines);
    const stopped = outcome?.stopped;
    if (!stopped) return false;
    const why = stopped.why === 'bytes' ? 'max_scanned_bytes' : 'hard_timeout_ms';
    return this.#stop(why, stopped.offset, stopped.startsLine);
  }

  #stop(why: ScanOutcome['why'], offset: number, startsLine: boolean): boolean {
    this.#end = { next: { part: this.#part, offset, startsLine, lines: this.#lines }, why };
    return true;
  }

  #note(file: string, problem: { code: Notice['code']; message: string } | null): void {
    if (problem) this.#notices.set(`${problem.code} ${file}`, { file, ...problem });
  }

  /** Every planned segment was scanned: that is all, or as much as the limit of bytes allows. */
  finished(end: PlanEnd | null): ScanOutcome {
    if (end) {
      if (end.part !== this.#part) this.#lines = 0;
      this.#part = end.part;
      this.#lines += end.skippedLines;
      this.#stop('max_scanned_bytes', end.offset, end.startsLine);
    }
    return this.outcome();
  }

  outcome(): ScanOutcome {
    return {
      next: this.#end?.next ?? null,
      why: this.#end?.why ?? null,
      stats: this.#stats,
      notices: [...this.#notices.values()],
      linesOfPart: this.#linesOfPart,
    };
  }
}
