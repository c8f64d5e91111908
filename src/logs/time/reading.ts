/** The cursor that all scanners share: the text, the place in it, and the fields read so far. */

/** An absent field. */
export const ABSENT = -1;
/** `offsetS` of a time whose text names no zone. */
export const LOCAL = 0x7fff_ffff;

/** One attempt to read a stamp. Scanners fill it in place, as an object a line would cost more than the scan. */
export interface Reading {
  text: string;
  /** Next character to read; after success, the end of the stamp. */
  at: number;
  start: number;
  /** 'civil': the calendar fields hold; 'instant': epochMs and subMsNs; 'uptime': these, since the start. */
  kind: 'civil' | 'instant' | 'uptime';
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ns: number;
  /** Seconds east of UTC, or LOCAL. */
  offsetS: number;
  /** IANA name of the zone, where the text has one (and no offset); else ''. */
  zoneName: string;
  epochMs: number;
  subMsNs: number;
  hasSeconds: boolean;
  /** Whether characters beyond ASCII were needed. */
  wide: boolean;
  /** Offsets of zone names in minutes (zone-names.ts). */
  zoneNames: ReadonlyMap<number, number>;
  /** The hour as it is written, before a half of the day counts in. */
  writtenHour: number;
  /** Where the minutes end; the text up to there is the same on many lines. */
  minuteEnd: number;
  /** Where a year stands that was read behind the time; else 0. */
  yearAt: number;
}

/** A fresh reading that knows these zone names. */
export function createReading(zoneNames: ReadonlyMap<number, number>): Reading {
  return {
    text: '',
    at: 0,
    start: 0,
    kind: 'civil',
    year: ABSENT,
    month: ABSENT,
    day: ABSENT,
    hour: 0,
    minute: 0,
    second: 0,
    ns: 0,
    offsetS: LOCAL,
    zoneName: '',
    epochMs: 0,
    subMsNs: 0,
    hasSeconds: true,
    wide: false,
    zoneNames,
    writtenHour: 0,
    minuteEnd: 0,
    yearAt: 0,
  };
}

/** Forgets what was read and starts over at a character of the same text. */
export function begin(r: Reading, at: number): void {
  r.at = at;
  r.start = at;
  r.kind = 'civil';
  r.year = ABSENT;
  r.month = ABSENT;
  r.day = ABSENT;
  r.hour = 0;
  r.minute = 0;
  r.second = 0;
  r.ns = 0;
  r.offsetS = LOCAL;
  r.zoneName = '';
  r.hasSeconds = true;
  r.wide = false;
  r.minuteEnd = 0;
  r.yearAt = 0;
}

/** Code of the character at an index; 0 outside of the text. */
export function codeAt(r: Reading, at: number): number {
  return at >= 0 && at < r.text.length ? r.text.charCodeAt(at) : 0;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122 && code < 128;
}

export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** How many digits stand from an index on, counted up to `max`. */
export function digitRun(r: Reading, at: number, max: number): number {
  let count = 0;
  while (count < max && isDigit(codeAt(r, at + count))) count++;
  return count;
}

/** Reads a number of `digitsMin` to `digitsMax` digits; -1, and no step, where there is none. */
export function readNumber(r: Reading, digitsMin: number, digitsMax: number): number {
  const text = r.text;
  const stop = Math.min(r.at + digitsMax, text.length);
  let at = r.at;
  let value = 0;
  while (at < stop) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    at++;
  }
  if (at - r.at < digitsMin) return -1;
  r.at = at;
  return value;
}

/** Steps over at most `max` blanks and says over how many. */
export function skipBlanks(r: Reading, max: number): number {
  let count = 0;
  while (count < max && isBlank(codeAt(r, r.at))) {
    r.at++;
    count++;
  }
  return count;
}

/** Reads the digits of a fraction of a second; more than nine are passed over. Gives nanoseconds, or -1. */
export function readFraction(r: Reading): number {
  let ns = 0;
  let count = 0;
  for (;;) {
    const digit = codeAt(r, r.at) - 48;
    if (digit < 0 || digit > 9) break;
    if (count < 9) ns = ns * 10 + digit;
    count++;
    r.at++;
  }
  if (count === 0) return -1;
  for (; count < 9; count++) ns *= 10;
  return ns;
}
