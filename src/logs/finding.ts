/** What the operations that read lines have in common: the query, the files, the limits, a place among the running scans. */
import type { Call } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { Redaction } from './facts/rule-folders.ts';
import type { BlockTimesCache } from './search/block-times.ts';
import { parseCondition } from './search/json-conditions.ts';
import { compileRegex } from './search/line-matcher.ts';
import type { ScanPart } from './search/plan.ts';
import type { ScanPool } from './search/pool.ts';
import type { LineQuery, TimeWindow } from './search/query.ts';
import type { ScanOutcome } from './search/scan.ts';
import { inOrder } from './search/snapshot.ts';
import { monotonicMs } from './search/task.ts';
import type { SessionView } from './sessions.ts';
import { wantedBy, withSlashes } from './source/globs.ts';
import { IO_MODE } from './source/io-mode.ts';
import type { LogFile } from './source/log-file.ts';
import type { LogStore } from './store.ts';
import { formatInstant, parseInstant } from './time/instants.ts';

export interface FindingLimits {
  readonly maxHits: number;
  readonly pageSize: number;
  readonly maxContextLines: number;
  readonly maxLineBytes: number;
  readonly maxScannedBytes: number;
  readonly hardTimeoutMs: number;
  readonly regexTimeoutMs: number;
  readonly cursorTtlMs: number;
  readonly maxSessionBytes: number;
  readonly maxConcurrentSearches: number;
  /** The times of blocks are remembered of files from this size on; Infinity remembers none. */
  readonly indexedBytesMin: number;
  /** Clocks of two sources may differ by so much. */
  readonly clockDriftMs: number;
}

export interface FindingContext {
  readonly store: LogStore;
  readonly pool: ScanPool;
  readonly times: BlockTimesCache;
  /** @throws ChsError SESSION_NOT_FOUND */
  readonly view: (sessionId: string, call: Call) => Promise<SessionView>;
  /** As it was a moment ago, which is enough for the next page. */
  readonly recentView: (sessionId: string, call: Call) => Promise<SessionView>;
  readonly limits: FindingLimits;
  /** @throws ChsError CONFIG_ERROR */
  readonly redaction: () => Promise<Redaction>;
  readonly now: () => number;
}

/** The fields of every operation that reads lines (fields.ts). */
export interface QueryInput {
  readonly session_id: string;
  readonly include_globs: readonly string[];
  readonly exclude_globs: readonly string[];
  readonly time_start?: string | undefined;
  readonly time_end?: string | undefined;
  readonly mode: 'text' | 'json';
  readonly must: readonly string[];
  readonly any: readonly string[];
  readonly none: readonly string[];
  readonly regex?: string | undefined;
  readonly case_sensitive: boolean;
  readonly whole_word: boolean;
  readonly json_path_must: readonly string[];
  readonly json_path_any: readonly string[];
  readonly json_path_none: readonly string[];
  readonly time_field?: string | undefined;
}

/** @throws ChsError BAD_TIME_RANGE, REGEX_ERROR, INVALID_INPUT */
export function queryOf(input: QueryInput, { clockDriftMs }: Pick<FindingLimits, 'clockDriftMs'>): LineQuery {
  const query: LineQuery = {
    must: input.must,
    any: input.any,
    none: input.none,
    regex: input.regex ?? null,
    caseSensitive: input.case_sensitive,
    wholeWord: input.whole_word,
    json:
      input.mode === 'json'
        ? { must: input.json_path_must, any: input.json_path_any, none: input.json_path_none }
        : null,
    window: windowOf(input, clockDriftMs),
  };
  // What is wrong with it should be said at once, not by a thread later on.
  if (query.regex !== null) compileRegex(query.regex, query);
  for (const field of ['json_path_must', 'json_path_any', 'json_path_none'] as const) {
    for (const text of input[field]) parseCondition(text, field, query.caseSensitive);
    if (input.mode === 'text' && input[field].length > 0)
      throw new ChsError('INVALID_INPUT', { field, reason: 'needs mode "json"' });
  }
  return query;
}

function windowOf({ time_start, time_end }: QueryInput, driftMs: number): TimeWindow | null {
  if (time_start === undefined && time_end === undefined) return null;
  const startMs = time_start === undefined ? null : instantOf(time_start, 'time_start');
  const endMs = time_end === undefined ? null : instantOf(time_end, 'time_end');
  if (startMs !== null && endMs !== null && startMs > endMs)
    throw new ChsError('BAD_TIME_RANGE', {
      reason: `time_start ${time_start} is after time_end ${time_end}`,
    });
  const widenedMs = Math.abs(driftMs);
  return {
    startMs: startMs === null ? null : startMs - widenedMs,
    endMs: endMs === null ? null : endMs + widenedMs,
  };
}

function instantOf(text: string, field: string): number {
  const epochMs = parseInstant(text);
  if (epochMs === null) {
    const expected = 'no time of RFC 3339 with a zone, such as 2026-01-06T12:34:56Z';
    throw new ChsError('BAD_TIME_RANGE', { reason: `${field} ${text} is ${expected}` });
  }
  return epochMs;
}

/** The window as replies show it. */
export function shownWindow(window: TimeWindow | null): { start: string | null; end: string | null } | null {
  if (!window) return null;
  const { startMs, endMs } = window;
  return {
    start: startMs === null ? null : formatInstant(startMs),
    end: endMs === null ? null : formatInstant(endMs),
  };
}

/** The files that the globs leave, in the order of their hits. */
export function filesOf(
  files: readonly LogFile[],
  {
    include_globs,
    exclude_globs,
    time_field,
  }: Pick<QueryInput, 'include_globs' | 'exclude_globs' | 'time_field'>,
): LogFile[] {
  const isIncluded = matching(include_globs);
  const isExcluded = matching(exclude_globs);
  const left = files.filter(
    ({ path }) =>
      (include_globs.length === 0 || isIncluded(path)) && !(exclude_globs.length > 0 && isExcluded(path)),
  );
  const timed = time_field === undefined ? left : left.map((file) => withTimeField(file, time_field));
  return inOrder(timed);
}

/** Paths are whole ones, as the system writes them; a glob with a slash may begin at any folder. */
function matching(globs: readonly string[]): (path: string) => boolean {
  const anywhere = globs
    .map(withSlashes)
    .map((glob) => (glob.includes('/') && !/^(\/|\*\*|[a-zA-Z]:)/.test(glob) ? `**/${glob}` : glob));
  const isWanted = wantedBy(anywhere);
  return (path) => isWanted(withSlashes(path));
}

function withTimeField(file: LogFile, timeField: string): LogFile {
  return { ...file, times: { ...file.times, timeField } };
}

/** The whole of files. */
export function wholeParts(files: readonly LogFile[]): ScanPart[] {
  return files.map((file) => ({ file, start: 0, startsLine: true, fileEnd: file.sizeBytes }));
}

export function deadlineOf(hardTimeoutMs: number | undefined, limits: FindingLimits): number {
  return monotonicMs() + (hardTimeoutMs ?? limits.hardTimeoutMs);
}

/** How many scans run at the same time; one more than allowed is asked to come back. */
export interface ScanSlots {
  /** @throws ChsError TOO_BUSY */
  run<T>(work: () => Promise<T>): Promise<T>;
}

const RETRY_AFTER_MS = 1000;

export function createScanSlots(limits: Pick<FindingLimits, 'maxConcurrentSearches'>): ScanSlots {
  let running = 0;
  return {
    async run(work) {
      if (running >= limits.maxConcurrentSearches)
        throw new ChsError('TOO_BUSY', {}, { retryAfterMs: RETRY_AFTER_MS });
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
      }
    },
  };
}

/** What a scan did, as replies show it. */
export function shownStats({ stats }: Pick<ScanOutcome, 'stats'>, query: LineQuery, startedMs: number) {
  return {
    files_scanned: stats.filesScanned,
    bytes_scanned: stats.bytesScanned,
    compute_ms: Math.round(monotonicMs() - startedMs),
    io_mode_used: IO_MODE,
    regex_cache_hits: stats.compiledBefore,
    ac_dict_size: query.must.length + query.any.length + query.none.length,
    candidate_lines: stats.candidateLines,
    skipped_none_hits: stats.excludedLines,
    regex_timeouts: stats.regexTimeouts,
    truncated_lines: stats.truncatedLines,
  };
}

/** Which limit ended a scan that was not ended by enough hits. */
export function limitReached(why: ScanOutcome['why']): 'max_scanned_bytes' | 'hard_timeout_ms' | null {
  return why === 'enough' ? null : why;
}
