/** Why a search finds nothing: what each of its terms does alone, how it may be spelt, and what lies outside the window. */
import type { Call, Handlers } from '../operation.ts';
import { type ExplainedTerm, reasonsOf, type TermKind } from './explain-reasons.ts';
import { deadlineOf, type FindingContext, filesOf, queryOf, type ScanSlots, shownWindow } from './finding.ts';
import type { logOperations } from './operations.ts';
import { scanWhole, type WholeScan } from './overviews.ts';
import { EVERY_LINE, type LineQuery } from './search/query.ts';
import { runScan, type ScanSink } from './search/scan.ts';
import { createCountSink, createPageSink, HITS_BEYOND_PAGE } from './search/sinks.ts';
import { monotonicMs } from './search/task.ts';
import type { LogFile } from './source/log-file.ts';
import { nearestWords, wordsOf } from './spelling.ts';
import { formatInstant } from './time/instants.ts';

type Explaining = Pick<Handlers<typeof logOperations>, 'explainEmpty'>;
/** Terms beyond are not looked at one by one. */
const TERMS_MAX = 12;
/** Lines whose words are compared with a term that nobody wrote. */
const VOCABULARY_LINES = 20_000;
const VOCABULARY_BYTES = 4 * 1024 * 1024;
const NEAREST_MAX = 5;

export function createExplaining(context: FindingContext, slots: ScanSlots): Explaining {
  return {
    async explainEmpty(input, call) {
      const query = queryOf(input, context.limits);
      const { files: all } = await context.view(input.session_id, call);
      const files = filesOf(all, input);
      const deadlineMs = deadlineOf(input.hard_timeout_ms, context.limits);
      const counting = createCounting(context, files, call, deadlineMs);
      return slots.run(async () => {
        const hits = await counting.count(query);
        const terms = await explainTerms(context, counting, query);
        const window = query.window === null ? null : await explainWindow(counting, query, hits);
        const withoutTime = files.filter(
          ({ times }) => times.formats.length === 0 && times.timeField === null,
        ).length;
        const facts = {
          files: files.length,
          files_excluded: all.length - files.length,
          files_without_time: withoutTime,
          hits,
          terms,
          window,
        };
        return { ...facts, reasons: reasonsOf(facts, input), complete: counting.isComplete() };
      });
    },
  };
}

interface Counting {
  /** Hits in all files, as far as there is time. */
  count(query: LineQuery): Promise<number>;
  /** The first and the last time of the hits. */
  span(query: LineQuery): Promise<{ readonly firstMs: number | null; readonly lastMs: number | null }>;
  /** The first lines of the files, each with its share. */
  firstLines(): Promise<readonly string[]>;
  isComplete(): boolean;
}

function createCounting(
  context: FindingContext,
  files: readonly LogFile[],
  call: Call,
  deadlineMs: number,
): Counting {
  let isComplete = true;
  const scan = async (
    query: LineQuery,
    collecting: WholeScan['collecting'],
    sink: ScanSink,
  ): Promise<void> => {
    const input = { hard_timeout_ms: Math.max(1, Math.round(deadlineMs - monotonicMs())) };
    const outcome = await scanWhole(context, { files, query, collecting, input, call }, sink);
    if (outcome.next !== null) isComplete = false;
  };
  return {
    async count(query) {
      let count = 0;
      const sink = createCountSink((_, hits) => {
        count += hits;
      });
      await scan(query, { kind: 'count' }, sink);
      return count;
    },
    async span(query) {
      let firstMs: number | null = null;
      let lastMs: number | null = null;
      const sink = createCountSink((_part, _hits, overview) => {
        if (overview?.firstMs == null || overview.lastMs === null) return;
        firstMs = firstMs === null ? overview.firstMs : Math.min(firstMs, overview.firstMs);
        lastMs = lastMs === null ? overview.lastMs : Math.max(lastMs, overview.lastMs);
      });
      await scan(query, { kind: 'overview', patternsMax: 0 }, sink);
      return { firstMs, lastMs };
    },
    async firstLines() {
      const { lines, isInTime } = await sampleLines(context, files, call, deadlineMs);
      if (!isInTime) isComplete = false;
      return lines;
    },
    isComplete: () => isComplete,
  };
}

async function explainTerms(
  context: FindingContext,
  counting: Counting,
  query: LineQuery,
): Promise<ExplainedTerm[]> {
  const terms = termsOf(query).slice(0, TERMS_MAX);
  const explained: ExplainedTerm[] = [];
  let words: ReadonlyMap<string, number> | null = null;
  for (const { kind, term, only, without } of terms) {
    const alone = await counting.count({ ...only, window: null });
    const withoutIt = await counting.count(without);
    const isMissing = alone === 0 && kind !== 'none';
    const otherCase =
      isMissing && query.caseSensitive
        ? await counting.count({ ...only, caseSensitive: false, window: null })
        : 0;
    if (isMissing && (kind === 'must' || kind === 'any')) words ??= await vocabulary(context, counting);
    const nearest = isMissing && words ? nearestWords(term, words, NEAREST_MAX) : [];
    explained.push({
      kind,
      term,
      alone,
      without: withoutIt,
      other_case: otherCase,
      nearest: nearest.map(({ text, count }) => ({ text, count })),
    });
  }
  return explained;
}

interface TermQueries {
  readonly kind: TermKind;
  readonly term: string;
  /** Nothing but this term. */
  readonly only: LineQuery;
  /** Everything but this term. */
  readonly without: LineQuery;
}

function termsOf(query: LineQuery): TermQueries[] {
  const nothing: LineQuery = { ...query, must: [], any: [], none: [], regex: null, json: null };
  const lists = (['must', 'any', 'none'] as const).flatMap((kind) =>
    query[kind].map((term) => ({
      kind,
      term,
      only: { ...nothing, must: [term] },
      without: { ...query, [kind]: query[kind].filter((other) => other !== term) },
    })),
  );
  const regex =
    query.regex === null
      ? []
      : [
          {
            kind: 'regex' as const,
            term: query.regex,
            only: { ...nothing, regex: query.regex },
            without: { ...query, regex: null },
          },
        ];
  return [...lists, ...regex, ...jsonTerms(query, nothing)];
}

function jsonTerms(query: LineQuery, nothing: LineQuery): TermQueries[] {
  const { json } = query;
  if (json === null) return [];
  const empty = { must: [], any: [], none: [] };
  return (['must', 'any', 'none'] as const).flatMap((list) =>
    json[list].map((term) => ({
      kind: 'json' as const,
      term,
      only: { ...nothing, json: { ...empty, must: [term] } },
      without: { ...query, json: { ...json, [list]: json[list].filter((other) => other !== term) } },
    })),
  );
}

/** The words of the first lines of each file, with how often they are there. */
async function vocabulary(context: FindingContext, counting: Counting): Promise<ReadonlyMap<string, number>> {
  const words = new Map<string, number>();
  const lines = await counting.firstLines();
  // A secret must not be given as what a term may have meant.
  const redacted = await context.redaction();
  for (const line of redacted.lines(lines))
    for (const word of wordsOf(line)) words.set(word, (words.get(word) ?? 0) + 1);
  return words;
}

async function sampleLines(
  { limits, pool }: FindingContext,
  files: readonly LogFile[],
  call: Call,
  deadlineMs: number,
): Promise<{ readonly lines: string[]; readonly isInTime: boolean }> {
  const share = Math.max(4096, Math.floor(VOCABULARY_BYTES / Math.max(1, files.length)));
  const parts = files.map((file) => ({
    file,
    start: 0,
    startsLine: true,
    fileEnd: file.compression === 'gzip' ? file.sizeBytes : Math.min(file.sizeBytes, share - (share % 4)),
  }));
  const sink = createPageSink({ hitsMax: VOCABULARY_LINES, charsMax: VOCABULARY_BYTES, lastGiven: null });
  const options = {
    hitsMax: VOCABULARY_LINES + HITS_BEYOND_PAGE,
    charsMax: VOCABULARY_BYTES,
    contextLines: 0,
    wholeEvents: false,
    window: null,
    lineBytesMax: Math.min(limits.maxLineBytes, 64 * 1024),
  };
  const { why } = await runScan(
    {
      parts,
      query: EVERY_LINE,
      queryKey: JSON.stringify(EVERY_LINE),
      collecting: { kind: 'hits', options },
      lineBytesMax: options.lineBytesMax,
      regexTimeoutMs: limits.regexTimeoutMs,
      scannedBytesMax: VOCABULARY_BYTES,
      deadlineMs,
      signal: call.signal,
      times: null,
    },
    pool,
    sink,
  );
  // A sample ends early by its size; that is no want of time.
  return { lines: sink.hits.map(({ content }) => content), isInTime: why !== 'hard_timeout_ms' };
}

/** @param hits of the query as it is */
async function explainWindow(counting: Counting, query: LineQuery, hits: number) {
  const shown = shownWindow(query.window);
  const startMs = query.window?.startMs ?? null;
  const endMs = query.window?.endMs ?? null;
  const anywhen = await counting.count({ ...query, window: null });
  // The newest file need not have the last event, so all are read; what is learned of times spares blocks below.
  const events = await counting.span(EVERY_LINE);
  const before =
    startMs === null
      ? null
      : await counting.span({ ...query, window: { startMs: null, endMs: startMs - 1 } });
  const after =
    endMs === null ? null : await counting.span({ ...query, window: { startMs: endMs + 1, endMs: null } });
  return {
    start: shown?.start ?? null,
    end: shown?.end ?? null,
    hits_outside: Math.max(0, anywhen - hits),
    nearest_before: shownMs(before?.lastMs ?? null),
    nearest_after: shownMs(after?.firstMs ?? null),
    first_event: shownMs(events.firstMs),
    last_event: shownMs(events.lastMs),
  };
}

function shownMs(epochMs: number | null): string | null {
  return epochMs === null ? null : formatInstant(epochMs);
}
