/** Dates that leave something out: years of two digits, none at all (glog, logcat, Chromium), or the time alone. */
import { fullYear, isPossible } from './civil.ts';
import { readAfterTime, readCompactTime, readTime } from './clock.ts';
import { readGap } from './numeric-dates.ts';
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

const COMMA = 44;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const COLON = 58;
const BRACKET = 91;

/** The order of three numbers of two digits. */
type Order = 'ymd' | 'mdy' | 'dmy';

/** `17/06/09 20:10:40` (Spark). */
export function scanShortYearFirst(r: Reading, at: number): boolean {
  return scanShort(r, at, 'ymd');
}

/** `05/12/19 19:17:32` (DirectX). */
export function scanShortMonthFirst(r: Reading, at: number): boolean {
  return scanShort(r, at, 'mdy');
}

/** `29-08-24 13:17:25` (Squirrel). */
export function scanShortDayFirst(r: Reading, at: number): boolean {
  return scanShort(r, at, 'dmy');
}

function scanShort(r: Reading, at: number, order: Order): boolean {
  begin(r, at);
  const first = readNumber(r, 1, 2);
  const separator = codeAt(r, r.at);
  if (first < 0 || (separator !== SLASH && separator !== DASH && separator !== DOT)) return false;
  r.at++;
  const second = readNumber(r, 1, 2);
  if (second < 0 || codeAt(r, r.at) !== separator) return false;
  r.at++;
  if (digitRun(r, r.at, 3) !== 2) return false;
  const third = readNumber(r, 2, 2);
  r.year = fullYear(order === 'ymd' ? first : third);
  r.month = order === 'mdy' ? first : second;
  r.day = order === 'ymd' ? third : order === 'mdy' ? second : first;
  if (readGap(r) === 'none' || !readTime(r, ':')) return false;
  if (!r.hasSeconds && separator === DOT) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}

/** `03-17 16:13:38.811` (logcat), `10.30 16:49:06` (Proxifier), `05/09/11:05:34.660` (Chromium). */
export function scanMonthDayDigits(r: Reading, at: number): boolean {
  return scanYearless(r, at, true);
}

/** The same with the day first. */
export function scanDayMonthDigits(r: Reading, at: number): boolean {
  return scanYearless(r, at, false);
}

function scanYearless(r: Reading, at: number, monthFirst: boolean): boolean {
  begin(r, at);
  const first = digitRun(r, at, 3) === 2 ? readNumber(r, 2, 2) : -1;
  const separator = codeAt(r, r.at);
  if (first < 0 || (separator !== DASH && separator !== SLASH && separator !== DOT)) return false;
  r.at++;
  const second = digitRun(r, r.at, 3) === 2 ? readNumber(r, 2, 2) : -1;
  if (second < 0) return false;
  r.month = monthFirst ? first : second;
  r.day = monthFirst ? second : first;
  const gap = codeAt(r, r.at);
  if (separator === SLASH && (gap === SLASH || gap === COLON || gap === DASH)) r.at++;
  else if (!isBlank(gap) || skipBlanks(r, 2) === 0) return false;
  if (!readTime(r, ':') || !r.hasSeconds) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}

/** The stamp of glog and klog behind its letter of severity: `E0517 15:04:22.619632`. Four digits of month and day. */
export function scanGlog(r: Reading, at: number): boolean {
  begin(r, at + 1);
  // I W E F, D for klog's debug, C for abseil's critical, V for verbose.
  if (!'IWEFDCV'.includes(String.fromCharCode(codeAt(r, at)))) return false;
  if (digitRun(r, r.at, 5) !== 4) return false;
  r.month = readNumber(r, 2, 2);
  r.day = readNumber(r, 2, 2);
  if (skipBlanks(r, 2) === 0 || digitRun(r, r.at, 2) !== 2) return false;
  return readTime(r, ':') && r.hasSeconds && isPossible(r);
}

/** `0509/110534.660` (Chromium's own log). */
export function scanChromium(r: Reading, at: number): boolean {
  begin(r, at);
  if (digitRun(r, at, 5) !== 4 || codeAt(r, at + 4) !== SLASH) return false;
  r.month = readNumber(r, 2, 2);
  r.day = readNumber(r, 2, 2);
  r.at++;
  return digitRun(r, r.at, 7) === 6 && readCompactTime(r, 6) && isPossible(r);
}

/** `081109 203615` (HDFS), `081109  5:12:05` (MySQL): two digits each of year, month and day. */
export function scanSixDigits(r: Reading, at: number): boolean {
  begin(r, at);
  if (digitRun(r, at, 7) !== 6) return false;
  r.year = fullYear(readNumber(r, 2, 2));
  r.month = readNumber(r, 2, 2);
  r.day = readNumber(r, 2, 2);
  if (codeAt(r, r.at) === DASH || codeAt(r, r.at) === 95) r.at++;
  else if (skipBlanks(r, 2) === 0) return false;
  if (digitRun(r, r.at, 7) === 6 ? !readCompactTime(r, 6) : !readTime(r, ':') || !r.hasSeconds) return false;
  return isPossible(r);
}

/** Whether a colon stands behind another or behind a hexadecimal digit: then it is one of an address. */
function isAddress(r: Reading, at: number): boolean {
  const before = codeAt(r, at);
  return before === COLON || isDigit(before) || ((before | 32) >= 97 && (before | 32) <= 102);
}

/** `08:09:33.814936`: the time alone, all parts of it in two digits (the hour in one, too). */
export function scanTime(r: Reading, at: number): boolean {
  begin(r, at);
  if (codeAt(r, at - 1) === COLON && isAddress(r, at - 2)) return false;
  const hourDigits = digitRun(r, at, 3);
  if (hourDigits === 0 || hourDigits > 2 || codeAt(r, at + hourDigits) !== COLON) return false;
  if (digitRun(r, at + hourDigits + 1, 3) !== 2 || codeAt(r, at + hourDigits + 3) !== COLON) return false;
  if (digitRun(r, at + hourDigits + 4, 3) !== 2) return false;
  if (!readTime(r, ':')) return false;
  // More colons make it a hardware address or an address of IPv6.
  if (codeAt(r, r.at) === COLON && isDigit(codeAt(r, r.at + 1))) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}

/** `Setup started - [DATE:05,27,2020 TIME: 12:24 pm]` (COM+). */
export function scanLabelled(r: Reading, at: number): boolean {
  begin(r, at);
  if (codeAt(r, at - 1) !== COLON || codeAt(r, at - 6) !== BRACKET) return false;
  r.month = readNumber(r, 2, 2);
  if (codeAt(r, r.at) !== COMMA) return false;
  r.at++;
  r.day = readNumber(r, 2, 2);
  if (codeAt(r, r.at) !== COMMA) return false;
  r.at++;
  r.year = readNumber(r, 4, 4);
  if (!r.text.startsWith(' TIME: ', r.at)) return false;
  r.at += 7;
  if (!readTime(r, ':')) return false;
  readAfterTime(r, 'none');
  return isPossible(r);
}
