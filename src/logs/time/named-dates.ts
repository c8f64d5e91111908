/** Dates whose month is a word: syslog, ctime, CLF, RFC 2822, java.util.logging and their many relatives. */
import { fullYear, isPossible } from './civil.ts';
import { applyDayHalf, readAfterTime, readDayHalf, readTime } from './clock.ts';
import { readMonthName, readWeekdayName } from './month-names.ts';
import {
  ABSENT,
  begin,
  codeAt,
  digitRun,
  isBlank,
  isDigit,
  isLetter,
  type Reading,
  readNumber,
  skipBlanks,
} from './reading.ts';
import { hasZone, readZone } from './zone-names.ts';

const COMMA = 44;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const COLON = 58;

/** `Jun 14 15:16:01`, `Fri Feb 16 01:43:31.718`: no year (RFC 3164). */
export function scanMonthDay(r: Reading, at: number): boolean {
  return scanMonthFirst(r, at) && r.year === ABSENT && isPossible(r);
}

/** `Sun Dec 04 04:47:44 2005`, `Jan 02 2000 21:00:00 +09:00`, `Mon, 28 Jun 2022 …`, `2023 Aug 31 20:01:05`. */
export function scanNamed(r: Reading, at: number): boolean {
  if (isDigit(codeAt(r, at))) {
    if (digitRun(r, at, 5) === 4) return scanYearFirst(r, at);
    begin(r, at);
    return codeAt(r, at + 2) !== SLASH && codeAt(r, at + 1) !== SLASH && readDayFirst(r) && isPossible(r);
  }
  return scanMonthFirst(r, at) && r.year !== ABSENT && isPossible(r);
}

/** `11/Oct/2022:00:10:26 +0000`, the Common Log Format. */
export function scanClf(r: Reading, at: number): boolean {
  if (codeAt(r, at + 2) !== SLASH && codeAt(r, at + 1) !== SLASH) return false;
  begin(r, at);
  return readDayFirst(r) && isPossible(r);
}

/** A weekday or not, then month and day, or with a weekday also day and month. */
function scanMonthFirst(r: Reading, at: number): boolean {
  begin(r, at);
  if (!isLetter(codeAt(r, at))) return false;
  const hasWeekday = readWeekdayName(r);
  if (hasWeekday) {
    if (codeAt(r, r.at) === DOT) r.at++;
    if (codeAt(r, r.at) === COMMA) r.at++;
    if (skipBlanks(r, 2) === 0) return false;
    if (isDigit(codeAt(r, r.at))) return readDayFirst(r);
  }
  r.month = readMonthName(r);
  if (r.month < 0) return false;
  if (codeAt(r, r.at) === DOT) r.at++;
  if (codeAt(r, r.at) === DASH) r.at++;
  else if (skipBlanks(r, 2) === 0) return false;
  r.day = readNumber(r, 1, 2);
  if (r.day < 0 || isDigit(codeAt(r, r.at))) return false;
  if (codeAt(r, r.at) === COMMA) r.at++;
  if (skipBlanks(r, 3) === 0 && codeAt(r, r.at) !== COLON && codeAt(r, r.at) !== DASH) return false;
  if (!isBlank(codeAt(r, r.at - 1))) r.at++;
  return readYearAndTime(r);
}

/** The year before the time, behind it, or behind the zone; or none at all. */
function readYearAndTime(r: Reading): boolean {
  if (digitRun(r, r.at, 5) === 4 && codeAt(r, r.at + 4) !== COLON) {
    r.year = readNumber(r, 4, 4);
    if (codeAt(r, r.at) === COMMA) r.at++;
    if (codeAt(r, r.at) === COLON) r.at++;
    else if (skipBlanks(r, 2) === 0) return false;
  }
  if (!readTime(r, ':') || (r.year === ABSENT && !r.hasSeconds)) return false;
  readAfterNamed(r);
  return true;
}

/** Half of the day, year and zone behind the time, the last two in any order. */
export function readAfterNamed(r: Reading): void {
  applyDayHalf(r, readDayHalf(r));
  readYearBehind(r);
  readZone(r);
  if (hasZone(r)) readYearBehind(r);
}

function readYearBehind(r: Reading): void {
  if (r.year !== ABSENT) return;
  const back = r.at;
  if (skipBlanks(r, 2) > 0 && digitRun(r, r.at, 5) === 4) {
    const year = readNumber(r, 4, 4);
    const next = codeAt(r, r.at);
    const goesOn = isLetter(next) || next === DASH || next === SLASH || next === DOT;
    const isNumber = goesOn && (isLetter(next) || isDigit(codeAt(r, r.at + 1)));
    if (year >= 1970 && year < 2200 && !isNumber) {
      r.year = year;
      r.yearAt = back;
      return;
    }
  }
  r.at = back;
}

/** `28 Jun 2022 01:51:12 +1230`, `08-Feb-2023 12:13:09.827`, `11/Oct/2022:00:10:26 +0000`. */
function readDayFirst(r: Reading): boolean {
  r.day = readNumber(r, 1, 2);
  const separator = codeAt(r, r.at);
  if (r.day < 0 || (!isBlank(separator) && separator !== DASH && separator !== SLASH && separator !== DOT)) {
    return false;
  }
  r.at++;
  if (isBlank(separator)) skipBlanks(r, 1);
  r.month = readMonthName(r);
  if (r.month < 0) return false;
  if (codeAt(r, r.at) === DOT && separator !== DOT) r.at++;
  const next = codeAt(r, r.at);
  if (next !== separator && !(isBlank(separator) && isBlank(next)) && next !== COMMA) return false;
  r.at++;
  if (next === COMMA) skipBlanks(r, 1);
  const digits = digitRun(r, r.at, 5);
  // Two digits and a colon are the hour of a date without a year.
  if (digits !== 4 && (digits !== 2 || codeAt(r, r.at + 2) === COLON)) return false;
  const year = readNumber(r, digits, digits);
  r.year = digits === 2 ? fullYear(year) : year;
  if (codeAt(r, r.at) === COLON) r.at += codeAt(r, r.at + 1) === COLON ? 2 : 1;
  else if (codeAt(r, r.at) === COMMA) {
    r.at++;
    skipBlanks(r, 2);
  } else if (codeAt(r, r.at) === DASH || (codeAt(r, r.at) | 32) === 116) r.at++;
  else if (skipBlanks(r, 2) === 0) return false;
  if (!readTime(r, ':')) return false;
  readAfterTime(r, 'none');
  return true;
}

/** `14 Nov 07:01:22.119`: day and month without a year (Redis, ntpd). */
export function scanDayMonth(r: Reading, at: number): boolean {
  begin(r, at);
  r.day = digitRun(r, at, 3) < 3 ? readNumber(r, 1, 2) : -1;
  if (r.day < 0 || !isBlank(codeAt(r, r.at))) return false;
  r.at++;
  r.month = readMonthName(r);
  if (r.month < 0 || skipBlanks(r, 2) === 0 || !readTime(r, ':') || !r.hasSeconds) return false;
  readAfterNamed(r);
  return r.year === ABSENT && isPossible(r);
}

/** `2023 Aug 31 20:01:05 +0100`, `2023-Aug-31 …`. */
function scanYearFirst(r: Reading, at: number): boolean {
  begin(r, at);
  r.year = readNumber(r, 4, 4);
  const separator = codeAt(r, r.at);
  if (!isBlank(separator) && separator !== DASH && separator !== SLASH) return false;
  r.at++;
  r.month = readMonthName(r);
  if (r.month < 0 || codeAt(r, r.at) !== separator) return false;
  r.at++;
  if (isBlank(separator)) skipBlanks(r, 1);
  r.day = readNumber(r, 1, 2);
  if (r.day < 0) return false;
  if (codeAt(r, r.at) === COLON || (codeAt(r, r.at) | 32) === 116) r.at++;
  else if (skipBlanks(r, 2) === 0) return false;
  if (!readTime(r, ':')) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}
