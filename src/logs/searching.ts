/** Search, page by page: what a page finds, what is kept of it, and where the next one goes on. */
import { randomBytes } from 'node:crypto';
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import {
  deadlineOf,
  type FindingContext,
  limitReached,
  queryOf,
  type ScanSlots,
  shownStats,
  shownWindow,
} from './finding.ts';
import { type FoundRow, rowsOf, shownHit } from './found-rows.ts';
import type { logOperations } from './operations.ts';
import { type Cursor, type Reached, readCursor, signCursor } from './search/cursor.ts';
import type { LineQuery } from './search/query.ts';
import { runScan, type ScanOutcome } from './search/scan.ts';
import { createPageSink, HITS_BEYOND_PAGE } from './search/sinks.ts';
import { snapshotOf } from './search/snapshot.ts';
import { monotonicMs } from './search/task.ts';
import { firstPage, nextPage, type PagePlace, type SearchInput, tailPage } from './search-pages.ts';
import { sessionTooLarge } from './session-lookup.ts';
import { formatInstant } from './time/instants.ts';

/** A page ends with the hit with which its texts have so many characters. */
const PAGE_CHARS_MAX = 8 * 1024 * 1024;
/** The person whose data it is may have larger pages. */
const OWNERS_PAGE_MAX = 10_000;

/** One page that is to be made. */
interface Page extends PagePlace {
  readonly recordId: string;
  readonly input: SearchInput;
  readonly query: LineQuery;
  readonly hardTimeoutMs: number | undefined;
}

type Searching = Pick<Handlers<typeof logOperations>, 'search' | 'continueSearch'>;

export function createSearching(context: FindingContext, slots: ScanSlots): Searching {
  const { store, limits, now } = context;
  return {
    async search(input, call) {
      if (input.context_lines > limits.maxContextLines) {
        const reason = `expected at most ${limits.maxContextLines} (limits.max_context_lines)`;
        throw new ChsError('INVALID_INPUT', { field: 'context_lines', reason });
      }
      const query = queryOf(input, limits);
      const view = await context.view(input.session_id, call);
      const place = await firstPage(view, input, {
        lineBytesMax: limits.maxLineBytes,
        signal: call.signal,
      });
      const asked = { recordId: newRecordId(), input, query, hardTimeoutMs: input.hard_timeout_ms };
      return slots.run(() => givePage(context, call, { ...asked, ...place }));
    },
    async continueSearch({ cursor: text, hard_timeout_ms }, call) {
      const key = await store.cursorKey();
      const cursor = readCursor(text, key, { nowMs: now(), ttlMs: limits.cursorTtlMs });
      const record = await store.searchRecord(cursor.pattern_cache_id);
      if (!record?.snapshot)
        throw new ChsError('CURSOR_EXPIRED', { reason: 'its search is not kept any more' });
      const input = JSON.parse(record.queryJson) as SearchInput;
      const look = cursor.tail ? context.view : context.recentView;
      const view = await look(cursor.session_id, call);
      // What is written later is a search of its own.
      const recordId = cursor.tail ? newRecordId() : record.id;
      const asked = { recordId, input, query: queryOf(input, limits), hardTimeoutMs: hard_timeout_ms };
      const { signal } = call;
      const place = cursor.tail
        ? await tailPage(cursor, record.snapshot, view, input, { lineBytesMax: limits.maxLineBytes, signal })
        : nextPage(cursor, record.snapshot, view, input);
      return slots.run(() => givePage(context, call, { ...asked, ...place }));
    },
  };
}

function newRecordId(): string {
  return `srch_${randomBytes(12).toString('hex')}`;
}

async function givePage(context: FindingContext, call: Call, page: Page) {
  const { limits, pool } = context;
  const { input, query } = page;
  const startedMs = monotonicMs();
  const isOwner = call.principal.kind === 'owner';
  const hitsMax = Math.min(
    input.max_hits ?? limits.maxHits,
    isOwner ? Number.POSITIVE_INFINITY : limits.maxHits,
  );
  const pageMax = Math.min(input.page_size ?? limits.pageSize, isOwner ? OWNERS_PAGE_MAX : limits.maxHits);
  const wanted = Math.min(pageMax, Math.max(1, hitsMax - page.found));
  const sink = createPageSink({ hitsMax: wanted, charsMax: PAGE_CHARS_MAX, lastGiven: page.lastGiven });
  const outcome = await runScan(
    {
      parts: page.parts,
      query,
      queryKey: page.recordId,
      collecting: {
        kind: 'hits',
        options: {
          hitsMax: wanted + HITS_BEYOND_PAGE,
          charsMax: PAGE_CHARS_MAX,
          contextLines: input.context_lines,
          wholeEvents: input.whole_events,
          window: query.window,
          lineBytesMax: limits.maxLineBytes,
        },
      },
      lineBytesMax: limits.maxLineBytes,
      regexTimeoutMs: limits.regexTimeoutMs,
      scannedBytesMax: limits.maxScannedBytes,
      deadlineMs: deadlineOf(page.hardTimeoutMs, limits),
      signal: call.signal,
      // Where a file ends has to be known by its lines for what comes later.
      times: input.follow ? null : context.times,
    },
    pool,
    sink,
  );
  if (outcome.why === 'hard_timeout_ms' && outcome.stats.bytesScanned === 0 && sink.hits.length === 0)
    throw new ChsError('SEARCH_TIMEOUT');
  const found = page.found + sink.hits.length;
  const isAllThatMayBe = outcome.why === 'enough' && found >= hitsMax;
  const limit = isAllThatMayBe ? ('max_hits' as const) : limitReached(outcome.why);
  const rows = await rowsOf(context, page, sink.hits);
  // After max_hits the count begins anew: whoever goes on wants more.
  const cursors = await keepPage(context, page, {
    outcome,
    rows,
    startedMs,
    found: isAllThatMayBe ? 0 : found,
  });
  return {
    hits: rows.map(shownHit),
    truncated: limit !== null,
    truncated_by: limit,
    ...cursors,
    window: shownWindow(query.window),
    notices: [...page.notices, ...outcome.notices],
    stats: shownStats(outcome, query, startedMs),
  };
}

interface Given {
  readonly outcome: ScanOutcome;
  readonly rows: readonly FoundRow[];
  readonly startedMs: number;
  readonly found: number;
}

/** Writes down what later calls need, and makes the cursors that lead to it. */
async function keepPage(
  { store, limits, now }: FindingContext,
  page: Page,
  { outcome, rows, startedMs, found }: Given,
): Promise<{ cursor: string | null; tail_cursor: string | null }> {
  const { input, parts } = page;
  const { next } = outcome;
  const hasTail = page.canBeFollowed && next === null;
  const tailOf = hasTail && !(input.keep && rows.length > 0) ? page.tailOf : null;
  const isKept = input.keep || next !== null || hasTail;
  if (!isKept) return { cursor: null, tail_cursor: null };
  const record = {
    id: page.recordId,
    sessionId: input.session_id,
    queryJson: JSON.stringify(input),
    resultCount: rows.length,
    durationMs: Math.round(monotonicMs() - startedMs),
    createdAt: now(),
    snapshot: page.snapshot ?? (next !== null || hasTail ? snapshotOf(parts, page.linesBefore) : null),
  };
  // Of a later page nothing but its hits is new.
  const isWritten = tailOf !== null || (page.snapshot !== null && !input.keep);
  if (!isWritten) {
    const saved = await store.saveSearch(record, input.keep ? rows : [], limits.maxSessionBytes);
    if (saved === 'too_large') throw sessionTooLarge(limits.maxSessionBytes);
    if (saved === 'no_session') throw new ChsError('SESSION_NOT_FOUND', { id: input.session_id });
  }
  const key = await store.cursorKey();
  const last = rows.at(-1);
  const common = {
    session_id: input.session_id,
    ts_floor: last?.timestamp == null ? '' : formatInstant(last.timestamp),
    pattern_cache_id: tailOf ?? page.recordId,
    page_size: input.page_size ?? limits.pageSize,
    issued_at: now(),
    found,
  };
  if (next) {
    const file = parts[next.part]?.file.path ?? '';
    const cursor: Cursor = {
      ...common,
      file,
      byte_off: next.offset,
      part: page.places[next.part] ?? 0,
      starts_line: next.startsLine,
      lines: (page.linesBefore[next.part] ?? 0) + next.lines,
      last: last?.file === file ? last.byteOffset : null,
      ...(page.canBeFollowed ? { done: reachedBy(page, outcome, next.part) } : {}),
    };
    return { cursor: signCursor(cursor, key), tail_cursor: null };
  }
  if (!hasTail) return { cursor: null, tail_cursor: null };
  const tail = reachedBy(page, outcome, parts.length);
  const place = { file: '', byte_off: 0, part: 0, starts_line: true, lines: 0, last: null };
  return { cursor: null, tail_cursor: signCursor({ ...common, ...place, tail }, key) };
}

/** How far the search has come, this page and those before it: the first `count` files of the page to their end. */
function reachedBy(
  { parts, places, linesBefore, done }: Page,
  outcome: ScanOutcome,
  count: number,
): Reached[] {
  const ended = parts
    .slice(0, count)
    .map(
      ({ fileEnd }, index): Reached => [
        places[index] ?? 0,
        fileEnd,
        (linesBefore[index] ?? 0) + (outcome.linesOfPart.get(index) ?? 0),
      ],
    );
  return [...done, ...ended];
}
