/** What is counted and grouped instead of listed: hits a file, lines over time and levels, patterns. */
import type { Call, Handlers } from '../operation.ts';
import {
  deadlineOf,
  type FindingContext,
  filesOf,
  limitReached,
  type QueryInput,
  queryOf,
  type ScanSlots,
  shownStats,
  wholeParts,
} from './finding.ts';
import { type Level, levels } from './levels.ts';
import type { logOperations } from './operations.ts';
import { createPatternMiner, type Pattern, type PatternMiner } from './patterns/miner.ts';
import { createHistogram, type Overview } from './search/overview.ts';
import type { LineQuery } from './search/query.ts';
import { runScan, type ScanOutcome, type ScanSink } from './search/scan.ts';
import { createCountSink } from './search/sinks.ts';
import { monotonicMs } from './search/task.ts';
import type { LogFile } from './source/log-file.ts';
import type { Notice } from './source/notice.ts';
import { formatInstant } from './time/instants.ts';

/** Patterns that are held while lines are read; the rarest beyond are told as other lines. */
const PATTERNS_MAX = 2000;

type Overviews = Pick<Handlers<typeof logOperations>, 'countHits' | 'logStats' | 'patterns'>;
type Timed = QueryInput & { readonly hard_timeout_ms?: number | undefined };

export function createOverviews(context: FindingContext, slots: ScanSlots): Overviews {
  return {
    async countHits(input, call) {
      const counts = new Map<number, number>();
      const sink = createCountSink((part, count) => counts.set(part, (counts.get(part) ?? 0) + count));
      const scanned = await slots.run(() => scan(context, call, input, { kind: 'count' }, sink));
      const found = [...counts].filter(([, hits]) => hits > 0);
      return {
        total: found.reduce((sum, [, hits]) => sum + hits, 0),
        files: found.map(([part, hits]) => ({ file: scanned.files[part]?.path ?? '', hits })),
        ...scanned.shown,
      };
    },
    async logStats(input, call) {
      const sum = createSum(input.top > 0 ? PATTERNS_MAX : 0);
      const collecting = { kind: 'overview', patternsMax: input.top > 0 ? PATTERNS_MAX : 0 } as const;
      const scanned = await slots.run(() => scan(context, call, input, collecting, sum.sink));
      const { text: redact } = await context.redaction();
      const { total } = sum;
      return {
        lines: total.lines,
        bytes: total.bytes,
        files: scanned.files.length,
        first_event: shownTime(total.firstMs),
        last_event: shownTime(total.lastMs),
        without_time: total.withoutTime,
        levels: levelCounts(total.levels),
        ...bucketsOf(sum.histogram(), total, input.buckets),
        patterns: (sum.miner?.patterns() ?? []).slice(0, input.top).map((one) => shownPattern(one, redact)),
        ...scanned.shown,
      };
    },
    async patterns(input, call) {
      const sum = createSum(PATTERNS_MAX);
      const collecting = { kind: 'overview', patternsMax: PATTERNS_MAX } as const;
      const scanned = await slots.run(() => scan(context, call, input, collecting, sum.sink));
      const { text: redact } = await context.redaction();
      const all = sum.miner?.patterns() ?? [];
      const shown = [...all].sort(orders[input.order]).slice(0, input.limit);
      const listed = shown.reduce((count, pattern) => count + pattern.count, 0);
      return {
        patterns: shown.map((one) => shownPattern(one, redact)),
        total: all.length + (sum.miner?.other().patterns ?? 0),
        lines: sum.total.lines,
        unlisted_lines: sum.total.lines - listed,
        ...scanned.shown,
      };
    },
  };
}

interface Scanned {
  readonly files: readonly LogFile[];
  /** What every reply says about its scan. */
  readonly shown: {
    readonly complete: boolean;
    readonly truncated_by: 'max_scanned_bytes' | 'hard_timeout_ms' | null;
    readonly notices: Notice[];
    readonly stats: ReturnType<typeof shownStats>;
  };
}

type Kind = { readonly kind: 'count' } | { readonly kind: 'overview'; readonly patternsMax: number };

async function scan(
  context: FindingContext,
  call: Call,
  input: Timed,
  collecting: Kind,
  sink: ScanSink,
): Promise<Scanned> {
  const { limits } = context;
  const startedMs = monotonicMs();
  const query = queryOf(input, limits);
  const view = await context.view(input.session_id, call);
  const files = filesOf(view.files, input);
  const outcome = await scanWhole(context, { files, query, collecting, input, call }, sink);
  return {
    files,
    shown: {
      complete: outcome.next === null,
      truncated_by: limitReached(outcome.why),
      notices: [...view.notices, ...outcome.notices],
      stats: shownStats(outcome, query, startedMs),
    },
  };
}

export interface WholeScan {
  readonly files: readonly LogFile[];
  readonly query: LineQuery;
  readonly collecting: Kind;
  readonly input: { readonly hard_timeout_ms?: number | undefined };
  readonly call: Call;
}

/** Every line of the files, as far as the limits go. */
export function scanWhole(
  { limits, pool, times }: FindingContext,
  { files, query, collecting, input, call }: WholeScan,
  sink: ScanSink,
): Promise<ScanOutcome> {
  const { window } = query;
  return runScan(
    {
      parts: wholeParts(files),
      query,
      queryKey: JSON.stringify(query),
      collecting:
        collecting.kind === 'count'
          ? { kind: 'count', window }
          : { kind: 'overview', options: { window, patternsMax: collecting.patternsMax } },
      lineBytesMax: limits.maxLineBytes,
      regexTimeoutMs: limits.regexTimeoutMs,
      // Whoever owns the machine waits as long as they like.
      scannedBytesMax: call.principal.kind === 'owner' ? Number.MAX_SAFE_INTEGER : limits.maxScannedBytes,
      deadlineMs: deadlineOf(input.hard_timeout_ms, limits),
      signal: call.signal,
      times,
    },
    pool,
    sink,
  );
}

interface Totals {
  lines: number;
  bytes: number;
  withoutTime: number;
  firstMs: number | null;
  lastMs: number | null;
  readonly levels: Record<string, number>;
}

interface Sum {
  readonly sink: ScanSink;
  readonly total: Totals;
  readonly miner: PatternMiner | null;
  histogram(): Pick<Overview, 'slotMs' | 'slots'>;
}

/** Puts the overviews of parts together. */
function createSum(patternsMax: number): Sum {
  const total: Totals = { lines: 0, bytes: 0, withoutTime: 0, firstMs: null, lastMs: null, levels: {} };
  const histogram = createHistogram();
  const miner = patternsMax > 0 ? createPatternMiner({ patternsMax }) : null;
  /** Line numbers of samples count from their segment's beginning until it is known where that is. */
  const take: ScanSink['take'] = (_segment, { overview }, linesBefore) => {
    if (!overview) return null;
    total.lines += overview.lines;
    total.bytes += overview.bytes;
    total.withoutTime += overview.withoutTime;
    total.firstMs = least(total.firstMs, overview.firstMs);
    total.lastMs = greatest(total.lastMs, overview.lastMs);
    for (const [level, count] of Object.entries(overview.levels))
      total.levels[level] = (total.levels[level] ?? 0) + count;
    histogram.merge(overview);
    if (overview.patterns) miner?.merge(withLines(overview.patterns, linesBefore + 1));
    return null;
  };
  return { sink: { take }, total, miner, histogram: () => histogram.data() };
}

function withLines(
  data: NonNullable<Overview['patterns']>,
  lines: number,
): NonNullable<Overview['patterns']> {
  const keys = data.keys.map((key) => ({ ...key, sample_line: key.sample_line + lines }));
  return { ...data, keys };
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function greatest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function shownTime(epochMs: number | null): string | null {
  return epochMs === null ? null : formatInstant(epochMs);
}

function levelCounts(counts: Readonly<Record<string, number>>): { level: Level | null; count: number }[] {
  return [...levels, null]
    .map((level) => ({ level, count: counts[level ?? ''] ?? 0 }))
    .filter(({ count }) => count > 0);
}

/** Widths of intervals that people can read: 1 s to a year. */
const WIDTHS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
].map((seconds) => seconds * 1000);

function bucketsOf(
  { slots, slotMs }: Pick<Overview, 'slotMs' | 'slots'>,
  { firstMs, lastMs }: Totals,
  wanted: number,
): { bucket_ms: number | null; histogram: { start: string; count: number; errors: number }[] } {
  if (firstMs === null || lastMs === null) return { bucket_ms: null, histogram: [] };
  const fits = (width: number): boolean =>
    width % slotMs === 0 && Math.floor(lastMs / width) - Math.floor(firstMs / width) < wanted;
  const widest = Math.ceil((lastMs - firstMs + 1) / Math.max(1, wanted - 1) / slotMs) * slotMs;
  const bucketMs = WIDTHS_MS.find(fits) ?? Math.max(slotMs, widest);
  const firstBucket = Math.floor(firstMs / bucketMs);
  const count = Math.min(wanted, Math.floor(lastMs / bucketMs) - firstBucket + 1);
  const buckets = Array.from({ length: count }, (_, index) => ({
    start: formatInstant((firstBucket + index) * bucketMs),
    count: 0,
    errors: 0,
  }));
  for (const [slot, lines, errors] of slots) {
    const bucket =
      buckets[Math.min(count - 1, Math.max(0, Math.floor((slot * slotMs) / bucketMs) - firstBucket))];
    if (!bucket) continue;
    bucket.count += lines;
    bucket.errors += errors;
  }
  return { bucket_ms: bucketMs, histogram: buckets };
}

const never = Number.POSITIVE_INFINITY;
const orders = {
  count: (a: Pattern, b: Pattern) => b.count - a.count,
  rare: (a: Pattern, b: Pattern) => a.count - b.count,
  first_seen: (a: Pattern, b: Pattern) => compare(a.first_ms ?? never, b.first_ms ?? never),
  last_seen: (a: Pattern, b: Pattern) => compare(b.last_ms ?? -never, a.last_ms ?? -never),
} as const;

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function shownPattern(pattern: Pattern, redact: (text: string) => string) {
  return {
    template: redact(pattern.template),
    count: pattern.count,
    level: pattern.level,
    first_seen: shownTime(pattern.first_ms),
    last_seen: shownTime(pattern.last_ms),
    sample: redact(pattern.sample),
    sample_file: pattern.sample_file,
    sample_line: pattern.sample_line,
  };
}
