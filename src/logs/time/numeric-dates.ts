/** Dates in digits with a year of four: ISO 8601 and its relatives, compact dates, days of the year, D/M/Y. */
import { readUnitTime, skipChineseWeekday } from './chinese-clock.ts';
import { daysInMonth, isLeapYear, isPossible } from './civil.ts';
import { readAfterTime, readCompactTime, readDayHalf, readTime } from './clock.ts';
import {
  begin,
  codeAt,
  digitRun,
  isBlank,
  isDigit,
  type Reading,
  readNumber,
  skipBlanks,
} from './reading.ts';

const DASH = 45;
const DOT = 46;
const SLASH = 47;
const BACKSLASH = 92;

/**
 * Reads what stands between date and time: blanks, a comma and blanks, or one of `T _ - : + @`.
 * Gives its kind: 'blank', 'mark', or 'none' with no step.
 */
export function readGap(r: Reading): 'blank' | 'mark' | 'none' {
  const code = codeAt(r, r.at);
  if (isBlank(code)) {
    skipBlanks(r, 3);
    return 'blank';
  }
  if (code === 44) {
    r.at++;
    skipBlanks(r, 2);
    return 'blank';
  }
  // T t _ - : + @
  if ((code | 32) !== 116 && code !== 95 && code !== 45 && code !== 58 && code !== 43 && code !== 64) {
    return 'none';
  }
  r.at++;
  return 'mark';
}

/** `2026-01-06T15:04:05.123456Z`, `2022/08/27 17:22:01,978 +03:00`, `2005-06-03-15.42.50.675872`, `2021\1\6 …`. */
export function scanIso(r: Reading, at: number): boolean {
  begin(r, at);
  r.year = readNumber(r, 4, 4);
  const separator = codeAt(r, r.at);
  if (
    r.year < 0 ||
    (separator !== DASH && separator !== SLASH && separator !== DOT && separator !== BACKSLASH)
  ) {
    return false;
  }
  r.at++;
  r.month = readNumber(r, 1, 2);
  if (r.month < 0 || codeAt(r, r.at) !== separator) return false;
  r.at++;
  r.day = readNumber(r, 1, 2);
  if (r.day < 0) return false;
  const gap = readGap(r);
  if (gap === 'none') return false;
  // Firewalls write `date=2019-05-10 time=11:37:47`.
  if (codeAt(r, r.at) === 116 && r.text.startsWith('time=', r.at)) r.at += 5;
  skipChineseWeekday(r);
  return readDatedTime(r, gap, separator === BACKSLASH) && isPossible(r);
}

/** The time behind a date, with half of the day and zone. WinSAT's (backslashes) PM follows 24 hours. */
function readDatedTime(r: Reading, gap: 'blank' | 'mark', ignoresHalf: boolean): boolean {
  const half = readDayHalf(r);
  if (half !== 'none') skipBlanks(r, 1);
  const digits = digitRun(r, r.at, 7);
  if (codeAt(r, r.at + digits) > 0x4e00) {
    if (!readUnitTime(r)) return false;
  } else if (digits === 6) {
    if (!readCompactTime(r, 6)) return false;
  } else if (!readTime(r, gap === 'mark' ? ':-.' : ':-')) return false;
  if (!ignoresHalf) readAfterTime(r, half);
  // What is read behind these depends on more than the text behind the minutes.
  if (ignoresHalf || half !== 'none') r.minuteEnd = 0;
  return true;
}

/** `20200307_202530`, `20200102T03:04:05-01:00`, `20171224-1:2:35:789`, `20200307202530.5`, `2020307_42530`. */
export function scanCompact(r: Reading, at: number): boolean {
  begin(r, at);
  const digits = digitRun(r, at, 15);
  if (digits !== 8 && digits !== 14 && digits !== 7) return false;
  r.year = readNumber(r, 4, 4);
  r.month = readNumber(r, digits === 7 ? 1 : 2, digits === 7 ? 1 : 2);
  r.day = readNumber(r, 2, 2);
  if (digits === 14) {
    if (r.year < 1990 || !readCompactTime(r, 6)) return false;
    readAfterTime(r, 'none');
    return isPossible(r);
  }
  const gap = readGap(r);
  if (gap === 'none') return false;
  const timeDigits = digitRun(r, r.at, 7);
  if (timeDigits >= 5) {
    // A blank between two bare numbers makes no time of them; a zero left out of the day may be one in the hour.
    if (timeDigits > 6 || (timeDigits === 5 && digits !== 7) || !readCompactTime(r, timeDigits)) return false;
  } else if (digits === 7 || !readTime(r, ':-.')) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}

/** `2012-025T10:22:40,672`: year and day of the year. */
export function scanOrdinal(r: Reading, at: number): boolean {
  begin(r, at);
  r.year = readNumber(r, 4, 4);
  const separator = codeAt(r, r.at);
  if (r.year < 0 || (separator !== DASH && separator !== DOT && separator !== SLASH)) return false;
  r.at++;
  const ordinal = digitRun(r, r.at, 4) === 3 ? readNumber(r, 3, 3) : 0;
  if (ordinal < 1 || ordinal > (isLeapYear(r.year) ? 366 : 365)) return false;
  r.month = 1;
  r.day = ordinal;
  while (r.day > daysInMonth(r.year, r.month)) {
    r.day -= daysInMonth(r.year, r.month);
    r.month++;
  }
  if (readGap(r) === 'none' || !readTime(r, ':-')) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}

/** `12/26/2023 11:05:32 AM`, `02/21/2023:06:27:45`, `12-07-2019 09:17`: the month first. */
export function scanMonthDayYear(r: Reading, at: number): boolean {
  return scanYearLast(r, at, true);
}

/** `26/12/2023 11:05:32`, `26.12.2023 11:05`: the day first. */
export function scanDayMonthYear(r: Reading, at: number): boolean {
  return scanYearLast(r, at, false);
}

function scanYearLast(r: Reading, at: number, monthFirst: boolean): boolean {
  begin(r, at);
  const first = readNumber(r, 1, 2);
  const separator = codeAt(r, r.at);
  if (first < 0 || (separator !== SLASH && separator !== DASH && separator !== DOT)) return false;
  r.at++;
  const second = readNumber(r, 1, 2);
  if (second < 0 || codeAt(r, r.at) !== separator) return false;
  r.at++;
  if (digitRun(r, r.at, 5) !== 4) return false;
  r.year = readNumber(r, 4, 4);
  r.month = monthFirst ? first : second;
  r.day = monthFirst ? second : first;
  const gap = readGap(r);
  if (gap === 'none') return false;
  return readDatedTime(r, gap, false) && isPossible(r);
}

/** Whether the character before an index lets a date begin there: no part of a number, name or path. */
export function mayBeginAt(r: Reading, at: number): boolean {
  const before = codeAt(r, at - 1);
  if (isDigit(before)) return false;
  return before !== DOT && before !== SLASH && before !== BACKSLASH && before !== DASH && before !== 95;
}
