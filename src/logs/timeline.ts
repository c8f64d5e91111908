/** The timeline of a session: what its searches found, and crashes of the same time, in one order. */
import type { Fact } from './facts/extract.ts';
import type { HitRow, LogStore } from './store.ts';

/** A stored crash, as whoever keeps crashes gives it. */
export interface CrashEvent {
  readonly minidumpId: string;
  readonly epochMs: number;
  readonly signature: string | null;
  readonly exceptionCode: string | null;
  readonly exeName: string | null;
  readonly exeVersion: string | null;
  readonly pid: number | null;
}

/** Those between two instants, both included, the earliest first. */
export type CrashesBetween = (
  startMs: number,
  endMs: number,
  limit: number,
) => Promise<readonly CrashEvent[]>;

/** A line with its time and what was read out of it, or a crash. */
export type TimelineEntry =
  | { readonly kind: 'line'; readonly epochMs: number; readonly hit: HitRow; readonly facts: readonly Fact[] }
  | { readonly kind: 'crash'; readonly epochMs: number; readonly crash: CrashEvent };

export interface Timeline {
  readonly entries: readonly TimelineEntry[];
  /** Entries altogether, with those over the limit. */
  readonly total: number;
  readonly untimedLines: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

export interface TimelineOptions {
  readonly limit: number;
  /** How far clocks may differ (clock_drift_policy.seconds). */
  readonly driftMs: number;
  readonly crashesBetween: CrashesBetween | null;
}

/** Facts that one timeline or report takes account of. */
export const FACTS_SHOWN_MAX = 20_000;
/** Of lines and their context: what one reply may hold in memory. */
export const TIMELINE_BYTES_MAX = 32 * 1024 * 1024;
/** Each may be as long as a line may be. */
const OTHER_HITS_A_READ = 50;
const CRASHES_MAX = 1000;

/**
 * Reads a session's lines by time, each once, with the facts of every hit of that line; and the crashes from
 * `driftMs` before the first line to as long after the last one.
 */
export async function readTimeline(
  store: LogStore,
  sessionId: string,
  { limit, driftMs, crashesBetween }: TimelineOptions,
): Promise<Timeline> {
  const counts = await store.hitCounts(sessionId);
  const hits = await store.hitsByTime(sessionId, { limit, bytesMax: TIMELINE_BYTES_MAX });
  const facts = await factsByLine(store, sessionId, hits);
  const lines = hits.map((hit): TimelineEntry => {
    const entry = { kind: 'line', hit, facts: facts.get(lineKey(hit)) ?? [] } as const;
    return { ...entry, epochMs: hit.timestamp ?? 0 };
  });
  const { firstMs, lastMs } = counts;
  const crashes =
    crashesBetween && firstMs !== null && lastMs !== null
      ? await crashesBetween(firstMs - driftMs, lastMs + driftMs, CRASHES_MAX)
      : [];
  const all = [
    ...lines,
    ...crashes.map((crash): TimelineEntry => ({ kind: 'crash', epochMs: crash.epochMs, crash })),
  ];
  return {
    entries: inOrder(all).slice(0, limit),
    total: counts.timedLines + crashes.length,
    untimedLines: counts.untimedLines,
    firstMs,
    lastMs,
  };
}

/** Orders entries by time; those of the same time by family and file, then by their place in it. */
export function inOrder(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const places = entries.map((entry) => ({ entry, ...placeOf(entry) }));
  places.sort(
    (a, b) =>
      a.entry.epochMs - b.entry.epochMs ||
      compare(a.family, b.family) ||
      compare(a.file, b.file) ||
      a.offset - b.offset,
  );
  return places.map(({ entry }) => entry);
}

function placeOf(entry: TimelineEntry): { family: string; file: string; offset: number } {
  if (entry.kind === 'crash')
    return { family: entry.crash.minidumpId, file: entry.crash.minidumpId, offset: 0 };
  const { familyId, file, byteOffset } = entry.hit;
  return { family: familyId ?? file, file, offset: byteOffset };
}

/** By code units, the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The session's facts, as replies have them, in the order of their finding. */
export async function readFacts(store: LogStore, sessionId: string): Promise<Fact[]> {
  const rows = await store.facts(sessionId, FACTS_SHOWN_MAX);
  return rows.map((row) => ({
    rule_name: row.ruleName,
    fields: fieldsOf(row.fieldsJson),
    source_hit_id: row.hitId,
  }));
}

/** Two searches may have found the same line, and facts been read out of either hit. */
async function factsByLine(
  store: LogStore,
  sessionId: string,
  hits: readonly HitRow[],
): Promise<Map<string, Fact[]>> {
  const facts = await readFacts(store, sessionId);
  const lines = new Map(hits.map((hit) => [hit.id, lineKey(hit)]));
  const others = [...new Set(facts.map((fact) => fact.source_hit_id))].filter((id) => !lines.has(id));
  for (let at = 0; at < others.length; at += OTHER_HITS_A_READ) {
    const ids = others.slice(at, at + OTHER_HITS_A_READ);
    for (const hit of await store.hits(sessionId, { ids, limit: ids.length }))
      lines.set(hit.id, lineKey(hit));
  }
  const byLine = new Map<string, Fact[]>();
  const seen = new Set<string>();
  for (const fact of facts) {
    const line = lines.get(fact.source_hit_id);
    const identity = JSON.stringify([line, fact.rule_name, fact.fields]);
    if (line === undefined || seen.has(identity)) continue;
    seen.add(identity);
    byLine.set(line, [...(byLine.get(line) ?? []), fact]);
  }
  return byLine;
}

/** The same for every hit of one line. */
export function lineKey({ file, byteOffset }: HitRow): string {
  return `${byteOffset} ${file}`;
}

/** Of rows that this domain wrote; what is no text among them is left out. */
function fieldsOf(json: string): Record<string, string> {
  const value: unknown = JSON.parse(json);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
}
