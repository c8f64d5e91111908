/** The report of a session: what was found, when, what it says and what was concluded, for people and as data. */
import type { Fact } from './facts/extract.ts';
import { type Level, levelOf, levels } from './levels.ts';
import { fenced, inlineText } from './markdown.ts';
import type { ReportTexts } from './report-texts.ts';
import type { HitRow, MemoryRow, SessionSummary } from './store.ts';
import type { Timeline, TimelineEntry } from './timeline.ts';

/** Events that a report is made of. */
export const REPORT_EVENTS_MAX = 10_000;
/** Events in the table; the first ones. */
const ROWS_MAX = 1000;
const CELL_CHARS_MAX = 500;
const FACTS_MAX = 500;
const MEMORIES_MAX = 500;
const MEMORY_CHARS_MAX = 4000;
export const SNIPPETS_MAX = 200;
const SNIPPET_CHARS_MAX = 256 * 1024;
const SNIPPET_LINE_CHARS_MAX = 2000;

export interface ReportParts {
  readonly session: SessionSummary;
  readonly nowMs: number;
  readonly timeline: Timeline;
  readonly untimed: readonly HitRow[];
  readonly facts: readonly Fact[];
  readonly memories: readonly MemoryRow[];
  readonly includeSnippets: boolean;
  readonly texts: ReportTexts;
  /** An instant as text, in the zone that was asked for. */
  readonly formatTime: (epochMs: number) => string;
}

/** Laid out as the documents' template: headings, list, table, lists, fences. */
export function markdownReport(parts: ReportParts): string {
  const { texts, includeSnippets } = parts;
  const sections = [
    `# ${texts.title}`,
    `## ${texts.summary}\n${asList(summaryItems(parts))}`,
    `## ${texts.timeline}\n${timelineTable(parts)}`,
    `## ${texts.facts}\n${factList(parts)}`,
    `## ${texts.memories}\n${memoryList(parts)}`,
    ...(includeSnippets ? [`## ${texts.snippets}\n${snippetSection(parts)}`] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** What the report opens with, a line each. */
export function summaryText(parts: ReportParts): string {
  return summaryItems(parts).join('\n');
}

/** A line with those around it, headed by where it stands. */
export function snippetTexts(parts: ReportParts): string[] {
  return snippetsOf(parts).shown.map(({ place, lines }) => [place, ...lines].join('\n'));
}

function summaryItems({ session, nowMs, timeline, texts, formatTime }: ReportParts): string[] {
  const { entries, total, untimedLines, firstMs, lastMs } = timeline;
  const item = (name: string, value: string | number): string => `${name}${texts.colon}${value}`;
  const found = levelCounts(entries);
  const isPart = entries.length < total;
  const counted = [...levels, null].flatMap((level) => {
    const count = found.counts.get(level) ?? 0;
    return count === 0 ? [] : [`${level ?? texts.unknownLevel} ${count}`];
  });
  const part = isPart ? texts.remark(texts.levelsOfFirst(entries.length)) : '';
  return [
    item(texts.session, session.id),
    item(texts.analysed, formatTime(nowMs)),
    item(texts.files, session.files),
    item(texts.events, total),
    // The documents' four items stand together, for whoever reads them out.
    ...(session.hint ? [item(texts.hint, inlineText(session.hint, CELL_CHARS_MAX))] : []),
    ...(untimedLines > 0 ? [item(texts.untimed, untimedLines)] : []),
    ...(firstMs !== null && lastMs !== null
      ? [item(texts.span, `${formatTime(firstMs)}${texts.to}${formatTime(lastMs)}`)]
      : []),
    ...(counted.length > 0 ? [item(texts.levels, `${counted.join(', ')}${part}`)] : []),
    ...(total > 0 ? [item(texts.firstError, firstErrorText(found.firstError, texts, formatTime))] : []),
  ];
}

function firstErrorText(
  entry: TimelineEntry | null,
  texts: ReportTexts,
  formatTime: (epochMs: number) => string,
): string {
  if (!entry) return texts.none.errors;
  const place = texts.remark(inlineText(placeOf(entry), CELL_CHARS_MAX));
  return `${formatTime(entry.epochMs)} ${inlineText(contentOf(entry, texts), CELL_CHARS_MAX)}${place}`;
}

/** A crash counts as an error without being a line of any level. */
function levelCounts(entries: readonly TimelineEntry[]) {
  const counts = new Map<Level | null, number>();
  let firstError: TimelineEntry | null = null;
  for (const entry of entries) {
    const level = entry.kind === 'line' ? levelOf(entry.hit.content) : null;
    if (entry.kind === 'line') counts.set(level, (counts.get(level) ?? 0) + 1);
    if (entry.kind === 'crash' || level === 'fatal' || level === 'error') firstError ??= entry;
  }
  return { counts, firstError };
}

function timelineTable({ timeline, texts, formatTime }: ReportParts): string {
  const { entries, total } = timeline;
  if (entries.length === 0) return texts.none.events;
  const shown = entries.slice(0, ROWS_MAX);
  const rows = shown.map((entry) => {
    const cells = [placeOf(entry), contentOf(entry, texts)].map((text) => inlineText(text, CELL_CHARS_MAX));
    return `| ${[formatTime(entry.epochMs), ...cells].join(' | ')} |`;
  });
  const table = [`| ${texts.columns.join(' | ')} |`, '|------|------|------|', ...rows].join('\n');
  return withRest(table, total - shown.length, texts);
}

/** One item for each rule and fields, rules together, with how many times that was found. */
function factList({ facts, texts }: ReportParts): string {
  const rules = new Map<string, Map<string, number>>();
  for (const { rule_name, fields } of facts) {
    const values = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    const item = inlineText(`${rule_name}: ${values.join(', ')}`, CELL_CHARS_MAX);
    const counts = rules.get(rule_name) ?? new Map<string, number>();
    rules.set(rule_name, counts.set(item, (counts.get(item) ?? 0) + 1));
  }
  const items = [...rules.values()].flatMap((counts) => [...counts]);
  if (items.length === 0) return texts.none.facts;
  const all = items.map(([item, count]) => (count > 1 ? `${item}${texts.remark(texts.times(count))}` : item));
  return withRest(asList(all.slice(0, FACTS_MAX)), all.length - FACTS_MAX, texts);
}

function memoryList({ memories, texts }: ReportParts): string {
  if (memories.length === 0) return texts.none.memories;
  const items = memories
    .slice(0, MEMORIES_MAX)
    .map(({ key, value }) => inlineText(`${key}${texts.colon}${value}`, MEMORY_CHARS_MAX));
  return withRest(asList(items), memories.length - MEMORIES_MAX, texts);
}

function snippetSection(parts: ReportParts): string {
  const { shown, leftOut } = snippetsOf(parts);
  if (shown.length === 0) return parts.texts.none.snippets;
  const blocks = shown.map(({ place, lines }) => `${inlineText(place, CELL_CHARS_MAX)}\n\n${fenced(lines)}`);
  return withRest(blocks.join('\n\n'), leftOut, parts.texts);
}

interface Snippet {
  readonly place: string;
  readonly lines: readonly string[];
}

function snippetsOf({ timeline, untimed }: ReportParts): { shown: Snippet[]; leftOut: number } {
  const timed = timeline.entries.flatMap((entry) => (entry.kind === 'line' ? [entry.hit] : []));
  const crashes = timeline.entries.length - timed.length;
  const all = timeline.total - crashes + timeline.untimedLines;
  const shown: Snippet[] = [];
  let chars = 0;
  for (const hit of [...timed, ...untimed]) {
    const lines = snippetLines(hit);
    chars += lines.reduce((sum, line) => sum + line.length, 0);
    if (shown.length === SNIPPETS_MAX || chars > SNIPPET_CHARS_MAX) break;
    shown.push({ place: `${hit.file}:${hit.lineNumber}`, lines });
  }
  return { shown, leftOut: all - shown.length };
}

function snippetLines({ content, context }: HitRow): string[] {
  const [before, after] = contextOf(context);
  return [...before, content, ...after].map((line) =>
    line.length > SNIPPET_LINE_CHARS_MAX
      ? `${line.slice(0, SNIPPET_LINE_CHARS_MAX - 1).toWellFormed()}…`
      : line,
  );
}

/** Of rows that this domain wrote: the lines before and those after. */
function contextOf(json: string): [before: string[], after: string[]] {
  const value: unknown = JSON.parse(json);
  const [before, after]: unknown[] = Array.isArray(value) ? value : [];
  const texts = (lines: unknown): string[] =>
    Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
  return [texts(before), texts(after)];
}

function placeOf(entry: TimelineEntry): string {
  return entry.kind === 'crash' ? entry.crash.minidumpId : `${entry.hit.file}:${entry.hit.lineNumber}`;
}

function contentOf(entry: TimelineEntry, texts: ReportTexts): string {
  return entry.kind === 'crash' ? texts.crash(entry.crash) : entry.hit.content;
}

function asList(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

function withRest(text: string, leftOut: number, texts: ReportTexts): string {
  return leftOut > 0 ? `${text}\n\n${texts.leftOut(leftOut)}` : text;
}
