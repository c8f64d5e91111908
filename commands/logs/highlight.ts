/** Finds again in a hit what was searched for, to show it in colour. */
import type { Query } from './query-options.ts';

/** Longer lines are shown as they are. */
const LINE_CHARS_MAX = 20_000;
/** Marks of one line. */
const SPANS_MAX = 200;

type Finder = (text: string) => Iterable<readonly [start: number, end: number]>;

/** Gives the text with its matches painted. */
export type Highlighter = (
  text: string,
  paint: (match: string) => string,
  other?: (rest: string) => string,
) => string;

const asItIs: Highlighter = (text, _paint, other = (rest) => rest) => other(text);

/** Regular expressions run in RE2, in which no expression takes longer than its text is long. */
export async function createHighlighter(query: Query): Promise<Highlighter> {
  const flags = query.case_sensitive === false ? 'giu' : 'gu';
  const terms = [...(query.must ?? []), ...(query.any ?? [])].toSorted((a, b) => b.length - a.length);
  const finders: Finder[] = [];
  if (terms.length > 0) {
    const either = terms.map(escaped).join('|');
    const regex = new RegExp(query.whole_word ? `(?<!\\w)(?:${either})(?!\\w)` : either, flags);
    finders.push((text) => spans(text.matchAll(regex)));
  }
  if (query.regex) {
    const regex = await compiled(query.regex, flags);
    if (regex) finders.push((text) => spans(text.matchAll(regex)));
  }
  return finders.length === 0 ? asItIs : (text, paint, other) => painted(text, finders, paint, other);
}

/** Null where this machine cannot compile it; whether it can be searched for is the daemon's to say. */
async function compiled(source: string, flags: string): Promise<RegExp | null> {
  try {
    const { default: RE2 } = await import('re2');
    return new RE2(source, flags);
  } catch {
    return null;
  }
}

function* spans(matches: Iterable<RegExpMatchArray>): Generator<readonly [number, number]> {
  for (const match of matches) {
    const start = match.index ?? 0;
    if (match[0].length > 0) yield [start, start + match[0].length];
  }
}

function painted(
  text: string,
  finders: readonly Finder[],
  paint: (match: string) => string,
  other: (rest: string) => string = (rest) => rest,
): string {
  if (text.length > LINE_CHARS_MAX) return other(text);
  const found: (readonly [number, number])[] = [];
  for (const find of finders)
    for (const span of find(text)) {
      found.push(span);
      if (found.length >= SPANS_MAX) break;
    }
  found.sort(([a], [b]) => a - b);
  let shown = '';
  let at = 0;
  for (const [start, end] of found) {
    if (end <= at) continue;
    const from = Math.max(start, at);
    shown += other(text.slice(at, from)) + paint(text.slice(from, end));
    at = end;
  }
  return shown + other(text.slice(at));
}

function escaped(term: string): string {
  return term.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
