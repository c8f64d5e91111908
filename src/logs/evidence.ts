/** What is made of hits: facts, memories, timeline and report. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { Language } from '../platform/messages.ts';
import { type CompiledRule, extractFacts, type Fact } from './facts/extract.ts';
import { HIT_IDS_MAX } from './fields.ts';
import type { logOperations } from './operations.ts';
import {
  markdownReport,
  REPORT_EVENTS_MAX,
  type ReportParts,
  SNIPPETS_MAX,
  snippetTexts,
  summaryText,
} from './report.ts';
import { type ReportTexts, reportTexts } from './report-texts.ts';
import { type Asking, sessionTooLarge } from './session-lookup.ts';
import { nearestWords } from './spelling.ts';
import type { FactRow, HitRow, LogStore, SessionRow } from './store.ts';
import { formatInstant, formatInZone } from './time/instants.ts';
import { isTimeZone } from './time/zones.ts';
import {
  type CrashesBetween,
  lineKey,
  readFacts,
  readTimeline,
  TIMELINE_BYTES_MAX,
  type Timeline,
  type TimelineEntry,
} from './timeline.ts';

export interface EvidenceContext {
  readonly store: LogStore;
  /**
   * The session, used from now on.
   *
   * @throws ChsError SESSION_NOT_FOUND
   */
  readonly session: (id: string, asking: Asking) => Promise<SessionRow>;
  /** Read anew when the folder has changed. @throws ChsError CONFIG_ERROR */
  readonly rules: () => Promise<{ readonly facts: readonly CompiledRule[] }>;
  /** Absent where no crashes are kept. */
  readonly crashesBetween?: CrashesBetween | undefined;
  readonly limits: {
    readonly maxSessionBytes: number;
    readonly clockDriftMs: number;
  };
  readonly now: () => number;
}

export type EvidenceHandlers = Pick<
  Handlers<typeof logOperations>,
  'extractFacts' | 'remember' | 'forget' | 'timeline' | 'report'
>;

/** Between two of these others get their turn, and the caller's leaving is noticed. */
const HITS_A_TURN = 50;
/** Of one call. */
const FACTS_MAX = 20_000;
const NEAR_NAMES_MAX = 5;
const SNIPPET_BOUNDS = { limit: SNIPPETS_MAX, bytesMax: TIMELINE_BYTES_MAX };

export function createEvidence(context: EvidenceContext): EvidenceHandlers {
  const { store, limits } = context;
  return {
    async extractFacts({ session_id, hit_ids, rules }, call) {
      await context.session(session_id, call);
      const { facts: compiled } = await context.rules();
      refuseUnknownRules(compiled, rules);
      const hitIds = await wantedHits(store, session_id, hit_ids);
      const areNamed = hit_ids.length > 0;
      const extraction = {
        sessionId: session_id,
        hitIds,
        areNamed,
        compiled,
        wanted: rules,
        signal: call.signal,
      };
      const facts = await factsOf(store, extraction);
      const kept = await store.saveFacts(session_id, facts.map(factRow), limits.maxSessionBytes);
      if (!kept) throw sessionTooLarge(limits.maxSessionBytes);
      return { facts };
    },
    async remember({ session_id, key, value }, call) {
      await context.session(session_id, call);
      const kept = await store.remember(session_id, { key, value }, limits.maxSessionBytes);
      if (!kept) throw sessionTooLarge(limits.maxSessionBytes);
      return { success: true };
    },
    async forget({ session_id, key }, call) {
      await context.session(session_id, call);
      return { success: true, existed: await store.forget(session_id, key) };
    },
    async timeline({ session_id, tz_out, with_crashes, limit }, call) {
      const formatTime = timeFormat(tz_out);
      await context.session(session_id, call);
      const timeline = await timelineOf(context, session_id, limit, with_crashes);
      return {
        events: eventsOf(timeline.entries, formatTime, call.language),
        total: timeline.total,
        without_time: timeline.untimedLines,
      };
    },
    report: (input, call) => report(context, input, call),
  };
}

type ReportInput = Parameters<EvidenceHandlers['report']>[0];

async function report(
  context: EvidenceContext,
  input: ReportInput,
  call: Asking,
): ReturnType<EvidenceHandlers['report']> {
  const { store } = context;
  const { session_id, format, lang, include_snippets } = input;
  const formatTime = timeFormat(input.tz_out);
  await context.session(session_id, call);
  const timeline = await timelineOf(context, session_id, REPORT_EVENTS_MAX, input.with_crashes);
  const session = await store.sessionSummary(session_id);
  if (!session) throw new ChsError('SESSION_NOT_FOUND', { id: session_id });
  const parts: ReportParts = {
    session,
    nowMs: context.now(),
    timeline,
    untimed: include_snippets ? await store.untimedHits(session_id, SNIPPET_BOUNDS) : [],
    facts: await readFacts(store, session_id),
    memories: await store.memories(session_id),
    includeSnippets: include_snippets,
    texts: reportTexts[lang],
    formatTime,
  };
  if (format === 'markdown') return { format, report: markdownReport(parts) };
  return {
    format,
    summary: summaryText(parts),
    timeline: eventsOf(timeline.entries, formatTime, lang),
    facts: [...parts.facts],
    memories: Object.fromEntries(parts.memories.map(({ key, value }) => [key, value])),
    snippets: include_snippets ? snippetTexts(parts) : null,
  };
}

/** @throws ChsError INVALID_INPUT for a zone that is none */
function timeFormat(zone: string | undefined): (epochMs: number) => string {
  if (zone === undefined) return formatInstant;
  if (!isTimeZone(zone)) {
    const reason = 'expected an IANA time zone such as Asia/Shanghai';
    throw new ChsError('INVALID_INPUT', { field: 'tz_out', reason });
  }
  return (epochMs) => formatInZone(epochMs, zone);
}

function timelineOf(
  { store, limits, crashesBetween }: EvidenceContext,
  sessionId: string,
  limit: number,
  withCrashes: boolean,
): Promise<Timeline> {
  // A negative drift would narrow windows; between two lines it means nothing.
  const driftMs = Math.abs(limits.clockDriftMs);
  return readTimeline(store, sessionId, {
    limit,
    driftMs,
    crashesBetween: withCrashes ? (crashesBetween ?? null) : null,
  });
}

type Event = Awaited<ReturnType<EvidenceHandlers['timeline']>>['events'][number];

function eventsOf(
  entries: readonly TimelineEntry[],
  formatTime: (epochMs: number) => string,
  language: Language,
): Event[] {
  const texts = reportTexts[language];
  return entries.map((entry) => {
    const time = { timestamp: entry.epochMs, timestamp_rfc3339: formatTime(entry.epochMs) };
    return { ...time, ...(entry.kind === 'crash' ? crashEvent(entry, texts) : lineEvent(entry)) };
  });
}

function lineEvent({ hit, facts }: TimelineEntry & { kind: 'line' }) {
  const place = { file: hit.file, line_number: hit.lineNumber, content: hit.content };
  return { ...place, facts: [...facts], hit_id: hit.id, crash: null };
}

function crashEvent({ crash }: TimelineEntry & { kind: 'crash' }, texts: ReportTexts) {
  const { minidumpId, signature, exceptionCode, exeName, exeVersion, pid } = crash;
  return {
    file: minidumpId,
    line_number: 0,
    content: texts.crash(crash),
    facts: [],
    hit_id: null,
    crash: {
      minidump_id: minidumpId,
      signature,
      exception_code: exceptionCode,
      exe_name: exeName,
      exe_version: exeVersion,
      pid,
    },
  };
}

/** @throws ChsError INVALID_INPUT with the names that are nearest */
function refuseUnknownRules(compiled: readonly CompiledRule[], wanted: readonly string[]): void {
  const names = new Set(compiled.map(({ rule }) => rule.name));
  const unknown = wanted.find((name) => !names.has(name));
  if (unknown === undefined) return;
  const near = nearestWords(
    unknown,
    Array.from(names, (name) => [name, 1] as const),
    NEAR_NAMES_MAX,
  );
  const others = near.length > 0 ? `, perhaps one of ${near.map(({ text }) => text).join(', ')}` : '';
  throw new ChsError('INVALID_INPUT', { field: 'rules', reason: `there is no rule ${unknown}${others}` });
}

/** @throws ChsError TOO_MANY_HITS */
async function wantedHits(store: LogStore, sessionId: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length > 0) return [...new Set(ids)];
  const { total } = await store.hitCounts(sessionId);
  if (total > HIT_IDS_MAX) throw new ChsError('TOO_MANY_HITS', { count: total, limit: HIT_IDS_MAX });
  return store.hitIds(sessionId, HIT_IDS_MAX);
}

interface Extraction {
  readonly sessionId: string;
  readonly hitIds: readonly string[];
  /** By the caller; others may have gone with their search meanwhile. */
  readonly areNamed: boolean;
  readonly compiled: readonly CompiledRule[];
  /** Names; none: all. */
  readonly wanted: readonly string[];
  readonly signal: AbortSignal;
}

/** @throws ChsError INVALID_INPUT for an ID that is none of the session's, QUOTA_EXCEEDED */
async function factsOf(
  store: LogStore,
  { sessionId, hitIds, areNamed, compiled, wanted, signal }: Extraction,
): Promise<Fact[]> {
  const facts: Fact[] = [];
  // Two searches may have found the same line, which tells its facts once.
  const lines = new Set<string>();
  const names = wanted.length > 0 ? wanted : undefined;
  for (let at = 0; at < hitIds.length; at += HITS_A_TURN) {
    if (at > 0) await setImmediate();
    signal.throwIfAborted();
    const ids = hitIds.slice(at, at + HITS_A_TURN);
    const hits = await store.hits(sessionId, { ids, limit: ids.length });
    if (areNamed) refuseUnknownHits(ids, hits);
    const fresh = areNamed ? hits : hits.filter((hit) => isFirst(lines, `${lineKey(hit)} ${hit.content}`));
    facts.push(...extractFacts(compiled, fresh, names));
    if (facts.length > FACTS_MAX) {
      const reason = `more than ${FACTS_MAX} facts, so name fewer hits or rules`;
      throw new ChsError('QUOTA_EXCEEDED', { reason });
    }
  }
  return facts;
}

function isFirst(seen: Set<string>, key: string): boolean {
  const before = seen.size;
  return seen.add(key).size > before;
}

function refuseUnknownHits(ids: readonly string[], hits: readonly HitRow[]): void {
  const found = new Set(hits.map(({ id }) => id));
  const unknown = ids.find((id) => !found.has(id));
  if (unknown === undefined) return;
  const reason = `there is no hit ${unknown} in this session`;
  throw new ChsError('INVALID_INPUT', { field: 'hit_ids', reason });
}

/** Its ID says what it is, so that the same fact is kept once. */
function factRow({ source_hit_id, rule_name, fields }: Fact): FactRow {
  const entries = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256').update(JSON.stringify([source_hit_id, rule_name, entries]));
  return {
    id: `fact_${hash.digest('hex').slice(0, 32)}`,
    hitId: source_hit_id,
    ruleName: rule_name,
    fieldsJson: JSON.stringify(fields),
  };
}
