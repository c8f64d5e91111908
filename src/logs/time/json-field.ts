/** Times in named fields: a path of a JSON line, or a key of logfmt. */
import { scanChinese } from './chinese-dates.ts';
import { scanEpochField, scanTai64 } from './epochs.ts';
import { scanClf, scanMonthDay, scanNamed } from './named-dates.ts';
import { scanCompact, scanDayMonthYear, scanIso, scanMonthDayYear, scanOrdinal } from './numeric-dates.ts';
import { codeAt, isBlank, type Reading } from './reading.ts';
import { scanChromium, scanMonthDayDigits, scanShortYearFirst } from './short-dates.ts';

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

const WHOLE_SCANS = [
  scanIso,
  scanEpochField,
  scanNamed,
  scanClf,
  scanCompact,
  scanOrdinal,
  scanMonthDayYear,
  scanDayMonthYear,
  scanShortYearFirst,
  scanChinese,
  scanTai64,
];
const YEARLESS_SCANS = [scanMonthDay, scanChromium, scanMonthDayDigits];

/** Reads the value of a field, quoted or not, as a time. `yearless`: only as one without a year. */
export function scanFieldValue(r: Reading, valueAt: number, yearless: boolean): boolean {
  let at = codeAt(r, valueAt) === QUOTE ? valueAt + 1 : valueAt;
  if (codeAt(r, at) === 64) at++;
  for (const scan of yearless ? YEARLESS_SCANS : WHOLE_SCANS) {
    if (scan(r, at)) return true;
  }
  return false;
}

/** The end of a JSON string whose opening quote is at `at`: the index of its closing quote, or -1. */
function closingQuote(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && text.charCodeAt(next) <= 32) next++;
  return next;
}

/**
 * Where the value at a path ("t.$date"; a key may also hold the dot itself) begins in a line of JSON, or -1.
 * Walks the text once instead of parsing it, as a line's other fields are of no interest; keys with escapes are
 * not found.
 */
export function findJsonValue(text: string, path: readonly string[], whole: string): number {
  let at = text.indexOf('{') + 1;
  if (at === 0) return -1;
  let depth = 1;
  let matched = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = closingQuote(text, at);
      if (end < 0) return -1;
      const after = skipSpace(text, end + 1);
      const isKey = depth === matched + 1 && text.charCodeAt(after) === COLON;
      if (isKey) {
        const valueAt = skipSpace(text, after + 1);
        if (matched === 0 && isText(text, at + 1, end, whole)) return valueAt;
        if (isText(text, at + 1, end, path[matched] ?? '')) {
          if (matched === path.length - 1) return valueAt;
          if (text.charCodeAt(valueAt) === 123) {
            matched++;
            depth++;
            at = valueAt + 1;
            continue;
          }
        }
      }
      at = end + 1;
      continue;
    }
    if (code === 123 || code === 91) depth++;
    else if (code === 125 || code === 93) {
      depth--;
      if (depth === 0) return -1;
      if (depth <= matched) matched = depth - 1;
    }
    at++;
  }
  return -1;
}

function isText(text: string, start: number, end: number, key: string): boolean {
  return end - start === key.length && text.startsWith(key, start);
}

/** Keys that carry the time of a logfmt line, the surest first. */
const LOGFMT_KEYS = ['time', 'ts', 'timestamp', 't', '@timestamp', 'datetime', 'date'];

/** `time="2022-10-09T21:33:15Z" level=info`: the value of the first key that is there and is a time. */
export function findLogfmt(r: Reading): boolean {
  for (const key of LOGFMT_KEYS) {
    for (let at = r.text.indexOf(`${key}=`); at >= 0; at = r.text.indexOf(`${key}=`, at + 1)) {
      if (at > 0 && !isBlank(codeAt(r, at - 1))) continue;
      if (scanFieldValue(r, at + key.length + 1, false)) return true;
      break;
    }
  }
  return false;
}
