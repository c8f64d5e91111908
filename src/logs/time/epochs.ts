/** Times that are one number: epochs by magnitude, auditd, TAI64N, and uptimes. */

import { utcOfTai } from './leap-seconds.ts';
import {
  begin,
  codeAt,
  digitRun,
  isBlank,
  isDigit,
  isLetter,
  type Reading,
  readFraction,
} from './reading.ts';

const DOT = 46;
const ZERO = 48;
/** [ ( < | , ; */
const COLUMN_MARKS = [91, 40, 60, 124, 44, 59];
const BRACKET = 91;
const CLOSING_BRACKET = 93;

/** A bare number of ten digits is taken for seconds from September 2001 on, up to this one in 2064. */
const SECONDS_MAX = 3_000_000_000;
/** In a field named as a time, seconds reach to the year 9999, and below this is no date but an uptime. */
const FIELD_SECONDS_MAX = 253_402_300_799;
const FIELD_MIN = 100_000_000;

/** An epoch in s (10 digits), ms (13), µs (16) or ns (19), with a fraction or not. */
export function scanEpoch(r: Reading, at: number): boolean {
  begin(r, at);
  const digits = digitRun(r, at, 20);
  if (digits !== 10 && digits !== 13 && digits !== 16 && digits !== 19) return false;
  if (codeAt(r, at) === ZERO || !isColumn(r, at)) return false;
  if (!readEpoch(r, digits, digits - 10)) return false;
  return r.epochMs < SECONDS_MAX * 1000 && !isLetter(codeAt(r, r.at)) && codeAt(r, r.at) !== 95;
}

/** A number behind a colon, a sign or in quotes is a field of something else, but for one that begins the line. */
function isColumn(r: Reading, at: number): boolean {
  const before = codeAt(r, at - 1);
  return at <= 1 || isBlank(before) || COLUMN_MARKS.includes(before);
}

/** The epoch in a field whose name says that it is a time: any number of digits, its unit by magnitude. */
export function scanEpochField(r: Reading, at: number): boolean {
  begin(r, at);
  const digits = digitRun(r, at, 21);
  if (digits < 9 || digits > 20) return false;
  const value = Number(r.text.slice(at, at + digits));
  if (value < FIELD_MIN) return false;
  let unitDigits = 0;
  for (let max = FIELD_SECONDS_MAX; value > max && unitDigits < 9; max *= 1000) unitDigits += 3;
  return readEpoch(r, digits, unitDigits);
}

/** `msg=audit(1682200516.165:6175)`. */
export function findAudit(r: Reading): boolean {
  const at = r.text.indexOf('audit(');
  if (at < 0) return false;
  begin(r, at + 6);
  return digitRun(r, r.at, 11) === 10 && readEpoch(r, 10, 0) && codeAt(r, r.at) === 58;
}

/** Reads `digits` digits of which the last `unitDigits` are a fraction of a second, and a fraction of these. */
function readEpoch(r: Reading, digits: number, unitDigits: number): boolean {
  const split = r.at + digits - unitDigits;
  let seconds = 0;
  for (let at = r.at; at < split; at++) seconds = seconds * 10 + codeAt(r, at) - 48;
  let ns = 0;
  for (let index = 0; index < 9; index++) {
    ns = ns * 10 + (index < unitDigits ? codeAt(r, split + index) - 48 : 0);
  }
  r.at += digits;
  if (codeAt(r, r.at) === DOT && isDigit(codeAt(r, r.at + 1))) {
    r.at++;
    ns += Math.floor(readFraction(r) / 10 ** unitDigits);
  }
  setInstant(r, seconds, ns, 'instant');
  return true;
}

function setInstant(r: Reading, seconds: number, ns: number, kind: 'instant' | 'uptime'): void {
  r.kind = kind;
  r.epochMs = seconds * 1000 + Math.floor(ns / 1e6);
  r.subMsNs = ns % 1e6;
}

/** `[    91.203]` (dmesg, Xorg): seconds since the machine started. */
export function scanUptime(r: Reading, at: number): boolean {
  let before = at - 1;
  while (isBlank(codeAt(r, before))) before--;
  if (codeAt(r, before) !== BRACKET) return false;
  begin(r, at);
  const digits = digitRun(r, at, 10);
  if (digits === 0 || digits > 9 || codeAt(r, at + digits) !== DOT) return false;
  if (digitRun(r, at + digits + 1, 3) < 3) return false;
  let seconds = 0;
  for (let index = 0; index < digits; index++) seconds = seconds * 10 + codeAt(r, at + index) - 48;
  r.at = at + digits + 1;
  setInstant(r, seconds, readFraction(r), 'uptime');
  // Java's unified logging writes the unit.
  return (
    codeAt(r, r.at) === CLOSING_BRACKET ||
    (codeAt(r, r.at) === 115 && codeAt(r, r.at + 1) === CLOSING_BRACKET)
  );
}

/**
 * `@40000000433225833b6e1a8c`: 2^62 and the seconds of TAI, then nanoseconds; without these, TAI64.
 * Source: Bernstein, "TAI64, TAI64N, and TAI64NA".
 */
export function scanTai64(r: Reading, at: number): boolean {
  if (codeAt(r, at - 1) !== 64) return false;
  begin(r, at - 1);
  let digits = 0;
  while (digits < 33 && isHexDigit(codeAt(r, at + digits))) digits++;
  if ((digits !== 16 && digits !== 24) || isLetter(codeAt(r, at + digits))) return false;
  const high = Number.parseInt(r.text.slice(at, at + 8), 16) - 0x4000_0000;
  const seconds = high * 2 ** 32 + Number.parseInt(r.text.slice(at + 8, at + 16), 16);
  const ns = digits === 24 ? Number.parseInt(r.text.slice(at + 16, at + 24), 16) : 0;
  // Seconds beyond the year 2242 are no times of logs.
  if (high < 0 || high > 1 || ns >= 1e9) return false;
  setInstant(r, utcOfTai(seconds), ns, 'instant');
  r.at = at + digits;
  return true;
}

function isHexDigit(code: number): boolean {
  const lower = code | 32;
  return isDigit(code) || (lower >= 97 && lower <= 102);
}
