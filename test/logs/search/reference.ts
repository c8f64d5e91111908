/** The naive search that the engine is measured against: line by line, on decoded text. */
import RE2 from 're2';
import { foldText } from '../../../src/logs/search/fold.ts';
import type { LineQuery } from '../../../src/logs/search/query.ts';

export interface ReferenceLine {
  readonly offset: number;
  readonly number: number;
  readonly text: string;
  readonly isTruncated: boolean;
}

/** Lines end with a line feed of their encoding; a carriage return before it belongs to the end. */
export function linesOf(
  bytes: Buffer,
  encoding: string,
  bomBytes: number,
  lineBytesMax: number,
): ReferenceLine[] {
  const unit = encoding.startsWith('utf-16') ? 2 : 1;
  const low = encoding === 'utf-16be' ? 1 : 0;
  const isUnit = (at: number, code: number): boolean =>
    unit === 1 ? bytes[at] === code : bytes[at + low] === code && bytes[at + 1 - low] === 0;
  const lines: ReferenceLine[] = [];
  let start = bomBytes;
  const add = (end: number): void => {
    const textEnd = end - unit >= start && isUnit(end - unit, 13) ? end - unit : end;
    const isTruncated = textEnd - start > lineBytesMax;
    const cut = isTruncated ? start + lineBytesMax : textEnd;
    // A character that is cut at the end is left out.
    const decoder = new TextDecoder(encoding, { ignoreBOM: true });
    const text = decoder.decode(bytes.subarray(start, cut), { stream: true });
    lines.push({ offset: start, number: lines.length + 1, text, isTruncated });
  };
  for (let at = bomBytes; at + unit <= bytes.length; at += unit) {
    if (!isUnit(at, 10)) continue;
    add(at);
    start = at + unit;
  }
  if (start < bytes.length) add(bytes.length);
  return lines;
}

export function isHit(text: string, query: LineQuery): boolean {
  const fold = (one: string): string => (query.caseSensitive ? one : foldText(one));
  const line = fold(text);
  const has = (term: string): boolean =>
    query.wholeWord ? hasWord(line, fold(term)) : line.includes(fold(term));
  if (!query.must.every(has)) return false;
  if (query.any.length > 0 && !query.any.some(has)) return false;
  if (query.none.some(has)) return false;
  if (query.regex === null) return true;
  const flags = query.caseSensitive ? '' : 'i';
  const around = '[^\\p{L}\\p{M}\\p{N}_]|\\p{Han}';
  const source = query.wholeWord ? `(?:^|${around})(?:${query.regex})(?:${around}|$)` : query.regex;
  return new RE2(source, flags).test(text);
}

function hasWord(line: string, term: string): boolean {
  const chars = Array.from(line);
  const sought = Array.from(term);
  const isWord = (char: string | undefined): boolean =>
    char !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(char) && !/\p{Script=Han}/u.test(char);
  return chars.some(
    (_, at) =>
      sought.every((char, index) => chars[at + index] === char) &&
      !isWord(chars[at - 1]) &&
      !isWord(chars[at + sought.length]),
  );
}
