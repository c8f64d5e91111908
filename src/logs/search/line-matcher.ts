/** A query compiled for one encoding: how to find candidates in a block, and whether a line is a hit. */
import { isUtf8 } from 'node:buffer';
import RE2 from 're2';
import { ChsError } from '../../platform/errors.ts';
import type { Codec } from '../source/codec.ts';
import { type Finder, skipFinder } from './finders.ts';
import { grouped } from './grouped-regex.ts';
import { type JsonCondition, parseCondition, valueAt } from './json-conditions.ts';
import type { Line } from './line.ts';
import type { LineQuery } from './query.ts';
import { requiredLiteral } from './required-literal.ts';
import { compileTerm, literalTerm, NO_WORD_RE2, type Term } from './terms.ts';

export type Verdict = 'hit' | 'excluded' | 'no';

export interface LineMatcher {
  /** Null: every line has to be looked at. */
  readonly finder: Finder | null;
  /** `excluded` is what would be a hit but for the terms that must not be there. */
  judge(line: Line): Verdict;
}

/** For a query that no line can answer: nothing has to be looked at. */
export const nothingMatches: LineMatcher = {
  finder: { next: () => -1 },
  judge: () => 'no',
};

/** @throws ChsError REGEX_ERROR, INVALID_INPUT for a condition */
export function compileMatcher(query: LineQuery, codec: Codec): LineMatcher {
  const options = { caseSensitive: query.caseSensitive, wholeWord: query.wholeWord };
  const compiled = (terms: readonly string[]) => terms.map((term) => compileTerm(term, codec, options));
  const must = compiled(query.must);
  const any = compiled(query.any).filter((term) => term !== null);
  const none = compiled(query.none).filter((term) => term !== null);
  const regex = query.regex === null ? null : compileRegex(query.regex, query);
  const literal = query.regex === null ? null : regexLiteral(query, codec);
  const json = query.json === null ? null : compileJson(query);
  const isHopeless =
    must.some((term) => term === null) || (query.any.length > 0 && any.length === 0) || literal === 'never';
  // The encoding lacks a character that has to be there.
  if (isHopeless) return nothingMatches;
  const needed = must.filter((term) => term !== null);
  const finder = bestFinder(needed, literal, any) ?? regexFinder(query, codec);
  return {
    finder,
    judge(line) {
      for (const term of needed) if (!term.isOn(line)) return 'no';
      if (any.length > 0 && !any.some((term) => term.isOn(line))) return 'no';
      if (regex?.test(line.text) === false) return 'no';
      const value = json && parsed(line.text);
      if (json && (value === null || !json.admits(value, line.text))) return 'no';
      if (none.some((term) => term.isOn(line))) return 'excluded';
      return json && value !== null && json.excludes(value, line.text) ? 'excluded' : 'hit';
    },
  };
}

/** Each costs time and memory at every match. */
const GROUPS_MAX = 100;

/** @throws ChsError REGEX_ERROR */
export function compileRegex(source: string, options: { caseSensitive: boolean; wholeWord?: boolean }): RE2 {
  const flags = options.caseSensitive ? '' : 'i';
  const groups = source.match(/(?<!\\)\((?!\?(?!P?<))/g)?.length ?? 0;
  if (groups > GROUPS_MAX)
    throw new ChsError('REGEX_ERROR', { reason: `it has more than ${GROUPS_MAX} groups` });
  try {
    const plain = new RE2(source, flags);
    // As grep -w: what is around the match is no part of a word.
    return options.wholeWord
      ? new RE2(`(?:^|${NO_WORD_RE2})${grouped(source)}(?:${NO_WORD_RE2}|$)`, flags)
      : plain;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ChsError('REGEX_ERROR', { reason }, { cause: error });
  }
}

function regexLiteral({ regex, caseSensitive }: LineQuery, codec: Codec): Term | null | 'never' {
  const literal = requiredLiteral(regex ?? '');
  return literal === null ? null : literalTerm(literal, codec, caseSensitive);
}

/** The finder that goes by the most bytes; of terms of which one is enough, all together. */
function bestFinder(must: readonly Term[], literal: Term | null, any: readonly Term[]): Finder | null {
  const single = [...must, ...(literal ? [literal] : [])].filter((term) => term.finder !== null);
  const best = single.reduce<Term | null>(
    (found, term) => (found === null || term.weight > found.weight ? term : found),
    null,
  );
  if (best) return best.finder;
  if (any.length === 0 || any.some((term) => term.needles === null)) return null;
  const [only] = any;
  return any.length === 1 && only ? only.finder : skipFinder(any.flatMap((term) => term.needles ?? []));
}

/** What asks for the ends of a line, or may go beyond one; inline flags may switch either on. */
const NOT_ON_BLOCKS = /[$^\n\r]|\\[bBAzCsSDWnrfvxpPQ\d]|\(\?[a-zA-Z-]|\[\[?:|(\\[at]|[\p{Cc}])-/u;

/**
 * Runs the expression over whole blocks, where no match can begin on one line and end on another. Other expressions
 * are tried on lines alone.
 */
function regexFinder(query: LineQuery, codec: Codec): Finder | null {
  const { regex, caseSensitive, wholeWord } = query;
  if (regex === null || wholeWord || codec.encoding !== 'utf-8') return null;
  if (NOT_ON_BLOCKS.test(regex.replace(/\(\?P?</g, '('))) return null;
  const pattern = new RE2(regex, caseSensitive ? 'g' : 'gi');
  let isText = false;
  return {
    begin(buffer, from, to) {
      isText = isUtf8(buffer.subarray(from, to));
    },
    next(buffer, from, to) {
      // Bytes that are no text hide a match; every line may be one then.
      if (!isText) return from < to ? from : -1;
      pattern.lastIndex = 0;
      const match = pattern.exec(buffer.subarray(from, to));
      return match ? from + match.index : -1;
    },
  };
}

interface JsonMatcher {
  /** @param text the line */
  admits(value: object, text: string): boolean;
  excludes(value: object, text: string): boolean;
}

function compileJson({ json, caseSensitive }: LineQuery): JsonMatcher {
  const conditions = (texts: readonly string[] = [], field: string) =>
    texts.map((text) => parseCondition(text, field, caseSensitive));
  const must = conditions(json?.must, 'json_path_must');
  const any = conditions(json?.any, 'json_path_any');
  const none = conditions(json?.none, 'json_path_none');
  const holds = (value: object, text: string) => (condition: JsonCondition) =>
    condition.test(valueAt(value, condition.path), text);
  return {
    admits: (value, text) =>
      must.every(holds(value, text)) && (any.length === 0 || any.some(holds(value, text))),
    excludes: (value, text) => none.some(holds(value, text)),
  };
}

/** The object on a line of JSON; null where it is none. */
function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
