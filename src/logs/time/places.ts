/** Where on a line a stamp may stand: behind brackets and a syslog priority, in a word, or anywhere in its head. */
import type { Format, Scan } from './formats.ts';
import { mayBeginAt } from './numeric-dates.ts';
import { codeAt, digitRun, isBlank, isDigit, isLetter, type Reading } from './reading.ts';
import { HEAD_CHARS, type Place } from './times.ts';

/** So much punctuation and indentation may stand before a stamp at the start. */
const PREFIX_CHARS_MAX = 64;
const WORDS_MAX = 64;

/** Full-width and corner brackets, the ideographic blank, and the byte order mark. */
function isWidePunctuation(code: number): boolean {
  return (code >= 0x3000 && code <= 0x301f) || (code >= 0xff00 && code <= 0xff0f) || code === 0xfeff;
}

/**
 * The index of a line's first character that may begin a stamp: past a byte order mark (also one decoded byte by
 * byte), indentation, brackets and quotes, and the priority and version of syslog (RFC 5424). A dash with a blank
 * behind it is a word of its own (logs of super-computers begin with it).
 */
export function startOf(r: Reading): number {
  const stop = Math.min(r.text.length, PREFIX_CHARS_MAX);
  let at = r.text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  while (at < stop) {
    const code = codeAt(r, at);
    if (code === 60 && at <= 4) {
      const digits = digitRun(r, at + 1, 4);
      if (digits > 0 && digits < 4 && codeAt(r, at + 1 + digits) === 62) {
        at += digits + 2;
        if (isDigit(codeAt(r, at)) && isBlank(codeAt(r, at + 1)) && digitRun(r, at + 2, 4) === 4) at += 2;
        continue;
      }
    }
    if (isDigit(code) || isLetter(code)) return at;
    if (code >= 128 && !isWidePunctuation(code)) return at;
    if (code === 45 && isBlank(codeAt(r, at + 1))) return at;
    at++;
  }
  return at;
}

/** Whether a format may begin with a character. */
function accepts(format: Format, code: number): boolean {
  switch (format.begins) {
    case 'digit':
      return isDigit(code);
    case 'letter':
      return isLetter(code);
    case 'both':
      return isDigit(code) || isLetter(code);
    case 'wide':
      return isDigit(code) || code >= 0x4e00;
  }
}

/** Whether no word, number or path goes on from before an index into it. */
function isBoundary(r: Reading, at: number): boolean {
  return mayBeginAt(r, at) && !isLetter(codeAt(r, at - 1));
}

/** Tries a format at every place from `from` to before `to`. */
export function scanRange(r: Reading, format: Format, scan: Scan, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = r.text.charCodeAt(at);
    if (accepts(format, code) && isBoundary(r, at) && scan(r, at)) return true;
  }
  return false;
}

/** Reads a stamp of a format, by `scan`, at its place; `startAt` is what `startOf` says of the line. */
export function readAt(
  r: Reading,
  format: Format,
  place: Place,
  startAt: number,
  scan: Scan | undefined = format.scan,
): boolean {
  if (format.find !== undefined) return format.find(r);
  if (scan === undefined) return false;
  if (place === 'start') {
    return accepts(format, codeAt(r, startAt)) && scan(r, startAt);
  }
  if (place === 'any') return scanRange(r, format, scan, 0, Math.min(r.text.length, HEAD_CHARS));
  let from = 0;
  let to = wordEnd(r, from);
  for (let word = 0; ; word++) {
    while (from < r.text.length && isBlank(codeAt(r, from))) from++;
    to = wordEnd(r, from);
    if (word === place) break;
    if (to >= r.text.length) return false;
    from = to;
  }
  return scanRange(r, format, scan, from, to);
}

function wordEnd(r: Reading, from: number): number {
  const text = r.text;
  let at = from;
  while (at < text.length && !isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** The number of the word that holds an index, from 0; bounded, as no stamp stands behind so many words. */
export function wordAt(r: Reading, index: number): number {
  let word = -1;
  for (let at = 0; at <= index && word < WORDS_MAX; at++) {
    if (!isBlank(codeAt(r, at)) && (at === 0 || isBlank(codeAt(r, at - 1)))) word++;
  }
  return Math.max(word, 0);
}
