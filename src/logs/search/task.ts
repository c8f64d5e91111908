/** A piece of a scan as a worker thread gets it, and what it gives back. */
import type { Codec } from '../source/codec.ts';
import { codecFor } from '../source/encoding.ts';
import { createCounter } from './counts.ts';
import { createHitCollector, type HitOptions, type RawHit, type ResumePlace } from './hits.ts';
import { compileMatcher, type LineMatcher, nothingMatches } from './line-matcher.ts';
import { createOverviewCollector, type Overview, type OverviewOptions } from './overview.ts';
import type { LineQuery, TimeWindow } from './query.ts';
import { scanSegment } from './segment.ts';
import type { Collector, ScanLimits, Segment, SegmentOutcome, StopCheck } from './segment-types.ts';
import { UnreadableFile } from './window.ts';

export type Collecting =
  | { readonly kind: 'hits'; readonly options: HitOptions }
  | { readonly kind: 'count'; readonly window: TimeWindow | null }
  | { readonly kind: 'overview'; readonly options: OverviewOptions }
  /** Line ends alone, whatever the query. */
  | { readonly kind: 'lines' };

export interface ScanTask {
  readonly query: LineQuery;
  /** The same for the same query: what was compiled for it serves again. */
  readonly queryKey: string;
  readonly segments: readonly Segment[];
  readonly collecting: Collecting;
  readonly limits: ScanLimits;
  /** One number, shared: not 0 when the rest is not wanted any more. */
  readonly control: SharedArrayBuffer;
  /** On the clock of `process.hrtime`, in milliseconds; null where there is no hurry. */
  readonly deadlineMs: number | null;
}

export interface SegmentResult {
  readonly outcome: SegmentOutcome | null;
  /** Why there is no outcome. */
  readonly unreadable: { readonly code: UnreadableFile['code']; readonly message: string } | null;
  readonly hits: readonly RawHit[];
  /** Where to go on, when the collector has enough. */
  readonly resume: ResumePlace | null;
  readonly count: number;
  readonly overview: Overview | null;
  /** The query was compiled for this encoding before. */
  readonly wasCompiled: boolean;
}

/** Milliseconds of a clock that all threads share, and that nobody can set. */
export function monotonicMs(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1000 + nanos / 1e6;
}

export type MatcherCache = Map<string, LineMatcher>;
const CACHED_MAX = 32;

/**
 * Runs the segments one after the other; stops where the collector has enough. Segments that were not begun have no
 * result.
 *
 * @param cache of a thread that runs one task at a time; null where tasks may overlap
 */
export async function runTask(task: ScanTask, cache: MatcherCache | null): Promise<SegmentResult[]> {
  const control = new Int32Array(task.control);
  const stopCheck: StopCheck = () => {
    if (Atomics.load(control, 0) !== 0) return 'abort';
    return task.deadlineMs !== null && monotonicMs() >= task.deadlineMs ? 'deadline' : null;
  };
  const results: SegmentResult[] = [];
  let hits = 0;
  for (const segment of task.segments) {
    const result = await runSegment(segment, task, hits, cache, stopCheck);
    results.push(result);
    hits += result.hits.length;
    if (result.resume || result.outcome?.stopped) break;
  }
  return results;
}

async function runSegment(
  segment: Segment,
  task: ScanTask,
  hitsBefore: number,
  cache: MatcherCache | null,
  stopCheck: StopCheck,
): Promise<SegmentResult> {
  const { collecting } = task;
  const { matcher, wasCompiled } = matcherFor(task, codecFor(segment.file.encoding), cache);
  const none = { hits: [], resume: null, count: 0, overview: null, wasCompiled };
  const run = <T>(collector: Collector<T>): Promise<SegmentOutcome> =>
    scanSegment(
      segment,
      collecting.kind === 'lines' ? nothingMatches : matcher,
      collector,
      task.limits,
      stopCheck,
    );
  try {
    if (collecting.kind === 'hits') {
      const { options } = collecting;
      const collector = createHitCollector({ ...options, hitsMax: options.hitsMax - hitsBefore });
      const outcome = await run(collector);
      return { ...none, outcome, unreadable: null, ...collector.result() };
    }
    if (collecting.kind === 'count' || collecting.kind === 'lines') {
      const collector = createCounter(collecting.kind === 'count' ? collecting.window : null);
      const outcome = await run(collector);
      return { ...none, outcome, unreadable: null, count: collector.result() };
    }
    const collector = createOverviewCollector(collecting.options);
    const outcome = await run(collector);
    const overview = collector.result();
    return { ...none, outcome, unreadable: null, count: overview.lines, overview };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return { ...none, outcome: null, unreadable: { code: error.code, message: error.message } };
  }
}

function matcherFor(
  { query, queryKey }: ScanTask,
  codec: Codec,
  cache: MatcherCache | null,
): { matcher: LineMatcher; wasCompiled: boolean } {
  const key = `${codec.encoding} ${queryKey}`;
  const known = cache?.get(key);
  if (known) return { matcher: known, wasCompiled: true };
  const matcher = compileMatcher(query, codec);
  if (cache) {
    const [oldest] = cache.keys();
    if (cache.size >= CACHED_MAX && oldest !== undefined) cache.delete(oldest);
    cache.set(key, matcher);
  }
  return { matcher, wasCompiled: false };
}
