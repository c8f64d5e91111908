/** Search terms in the bytes of an encoding: whether one is on a line, and how to find lines that may have it. */
import type { Codec } from '../source/codec.ts';
import { caselessBytes, exactBytes, exactFinder, type Finder, skipFinder } from './finders.ts';
import { caseVariants, foldText } from './fold.ts';
import type { Line } from './line.ts';

export interface TermOptions {
  readonly caseSensitive: boolean;
  readonly wholeWord: boolean;
}

export interface Term {
  isOn(line: Line): boolean;
  /** Finds every line with it, and maybe others; null where bytes say nothing. */
  readonly finder: Finder | null;
  /** How many bytes the finder goes by: the more, the fewer lines it finds. */
  readonly weight: number;
  /** For a finder of several terms; null where there is no finder. */
  readonly needles: readonly Needle[] | null;
}

type Needle = readonly (readonly number[])[];

/** @returns null where the encoding does not have its characters, so that no line can have it */
export function compileTerm(term: string, codec: Codec, options: TermOptions): Term | null {
  // No decoder gives half of a pair.
  if (term === '' || !term.isWellFormed()) return null;
  const { caseSensitive, wholeWord } = options;
  const needles = needlesOf(term, codec, caseSensitive);
  if (needles === 'never') return null;
  if (needles === null) return { isOn: textTest(term, options), finder: null, weight: 0, needles: null };
  const own = skipFinder(needles);
  const bytes = codec.encode(term);
  const weight = Math.min(...needles.map((needle) => needle.length));
  const isWhole = weight === bytes?.length && (caseSensitive || isAscii(term));
  const finder = caseSensitive && isWhole ? exactFinder(bytes) : own;
  if (isWhole && !wholeWord) return { isOn: bytesTest(own, codec), finder, weight, needles };
  const inText = textTest(term, options);
  return {
    isOn: (line) => own.next(line.buffer, line.start, line.end) >= 0 && inText(line),
    finder,
    weight,
    needles,
  };
}

/** Whether the bytes are on the line, where they are a whole number of characters. */
function bytesTest(finder: Finder, codec: Codec): (line: Line) => boolean {
  const { unitBytes, isSelfSynchronising } = codec;
  if (isSelfSynchronising && unitBytes === 1)
    return ({ buffer, start, end }) => finder.next(buffer, start, end) >= 0;
  return ({ buffer, start, end }) => {
    let char = start;
    for (let at = finder.next(buffer, start, end); at >= 0; at = finder.next(buffer, at + 1, end)) {
      if (isSelfSynchronising) {
        if ((at - start) % unitBytes === 0) return true;
      } else {
        // The second byte of a character may look like the beginning of another one.
        while (char < at) char += codec.nextChar(buffer, char);
        if (char === at) return true;
      }
    }
    return false;
  };
}

function textTest(term: string, { caseSensitive, wholeWord }: TermOptions): (line: Line) => boolean {
  const sought = caseSensitive ? term : foldText(term);
  return ({ text }) => {
    const inCase = caseSensitive ? text : foldText(text);
    if (!wholeWord) return inCase.includes(sought);
    for (let at = inCase.indexOf(sought); at >= 0; at = inCase.indexOf(sought, at + 1))
      if (!isWordAt(inCase, at - 1, -1) && !isWordAt(inCase, at + sought.length, 1)) return true;
    return false;
  };
}

/** Scripts without spaces between words have no word boundaries that could be told here. */
const WORD = /^[\p{L}\p{M}\p{N}_]$/u;
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]$/u;

/** The same for RE2, whose `\W` knows ASCII only: a character that is no part of a word. */
export const NO_WORD_RE2 =
  '[^\\p{L}\\p{M}\\p{N}_]|[\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}\\p{Lao}\\p{Khmer}]';

function isWordAt(text: string, index: number, direction: -1 | 1): boolean {
  const unit = text[index];
  if (unit === undefined) return false;
  const code = unit.charCodeAt(0);
  if (code < 0x80) return /\w/.test(unit);
  const isHalf = code >= 0xd800 && code <= 0xdfff;
  const char = !isHalf
    ? unit
    : direction > 0
      ? text.slice(index, index + 2)
      : text.slice(index - 1, index + 1);
  return WORD.test(char) && !UNSPACED.test(char);
}

/**
 * Bytes to look for in place of a term: its longest part that is the same bytes however it is written.
 *
 * @returns null where there is no such part, 'never' where the encoding lacks what has to be there
 */
function needlesOf(term: string, codec: Codec, caseSensitive: boolean): Needle[] | 'never' | null {
  // What is no text is decoded to U+FFFD, whatever its bytes.
  if (codec.isStateful || term.includes('\ufffd')) return null;
  const isFixed = (char: string): boolean =>
    char < '\x80' ||
    ((caseSensitive || caseVariants(char).length === 1) && codec.isAmbiguous?.(char) !== true);
  const run = longestRun(term, isFixed);
  if (run !== '') {
    const bytes = codec.encode(run);
    if (bytes === null) return 'never';
    return [caseSensitive ? exactBytes(bytes) : caselessBytes(bytes)];
  }
  if (caseSensitive) return null;
  const [first = '', second = ''] = Array.from(term);
  // Letters of other alphabets only: the first two in each case.
  const spellings = caseVariants(first).flatMap((one) =>
    second === '' ? [one] : caseVariants(second).map((two) => one + two),
  );
  for (const char of spellings.join('')) if (codec.isAmbiguous?.(char) === true) return null;
  const encoded = spellings.map((spelling) => codec.encode(spelling)).filter((bytes) => bytes !== null);
  return encoded.length > 0 ? encoded.map(exactBytes) : 'never';
}

/**
 * A finder for lines with a text that a regular expression needs, in the case of the expression.
 * RE2 takes `k` and `s` for more than two characters each, when case does not matter.
 */
export function literalTerm(literal: string, codec: Codec, caseSensitive: boolean): Term | 'never' | null {
  if (codec.isStateful || literal.includes('\ufffd')) return null;
  if (caseSensitive) return compileTerm(literal, codec, { caseSensitive: true, wholeWord: false }) ?? 'never';
  const run = longestRun(literal, (char) => char < '\x80' && !/[ks]/i.test(char));
  return run.length < 2 ? null : compileTerm(run, codec, { caseSensitive: false, wholeWord: false });
}

function longestRun(text: string, belongs: (char: string) => boolean): string {
  let best = '';
  let run = '';
  for (const char of text) {
    run = belongs(char) ? run + char : '';
    if (run.length > best.length) best = run;
  }
  return best;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}
