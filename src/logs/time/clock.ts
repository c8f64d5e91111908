/** Reads the time of day: separators of all kinds, fractions, and the halves of the day. */
import {
  codeAt,
  digitRun,
  isDigit,
  isLetter,
  type Reading,
  readFraction,
  readNumber,
  skipBlanks,
} from './reading.ts';
import { readZone } from './zone-names.ts';

const COLON = 58;
const DOT = 46;
const COMMA = 44;
const DASH = 45;

/** Which half of the day a word names; midday words leave the hours of the afternoon as they are. */
type DayHalf = 'none' | 'morning' | 'afternoon';

const CHINESE_HALVES: ReadonlyMap<string, DayHalf> = new Map([
  ['上午', 'morning'],
  ['下午', 'afternoon'],
  ['凌晨', 'morning'],
  ['清晨', 'morning'],
  ['早上', 'morning'],
  ['中午', 'afternoon'],
  ['傍晚', 'afternoon'],
  ['晚上', 'afternoon'],
]);

/**
 * Reads `H:MM[:SS][fraction]`. `separators`: ':' alone, or those of dates in file names too ('-', '.').
 * Parts may lack their leading zero. False, with the place undefined, where there is none.
 */
export function readTime(r: Reading, separators: ':' | ':-' | ':-.'): boolean {
  r.hour = readNumber(r, 1, 2);
  if (r.hour < 0) return false;
  const separator = codeAt(r, r.at);
  if (separator !== COLON) {
    if (separator === DASH ? separators === ':' : separator !== DOT || separators !== ':-.') return false;
  }
  r.at++;
  r.minute = readNumber(r, 1, 2);
  if (r.minute < 0 || isDigit(codeAt(r, r.at))) return false;
  r.writtenHour = r.hour;
  r.minuteEnd = r.at;
  r.hasSeconds = readSeconds(r, separator);
  if (!r.hasSeconds) {
    return separator === COLON && !(codeAt(r, r.at) === DOT && isDigit(codeAt(r, r.at + 1)));
  }
  if (isDigit(codeAt(r, r.at))) return false;
  readSecondFraction(r);
  return true;
}

/** Windows' driver logs write `07:07.05.262`: exactly two digits after a dot are the seconds. */
function readSeconds(r: Reading, separator: number): boolean {
  const next = codeAt(r, r.at);
  const isOddDot = separator === COLON && next === DOT && digitRun(r, r.at + 1, 3) === 2;
  if (next !== separator && !isOddDot) return false;
  const back = r.at;
  r.at++;
  r.second = readNumber(r, 1, 2);
  if (r.second >= 0) return true;
  r.second = 0;
  r.at = back;
  return false;
}

/** Reads `.123456` or `,123`, or `:789`, which is a number of milliseconds, not a fraction. */
export function readSecondFraction(r: Reading): void {
  const mark = codeAt(r, r.at);
  if (mark === DOT || mark === COMMA) {
    if (!isDigit(codeAt(r, r.at + 1))) return;
    r.at++;
    r.ns = readFraction(r);
  } else if (mark === COLON) {
    const digits = digitRun(r, r.at + 1, 4);
    if (digits === 0 || digits > 3 || codeAt(r, r.at + 1 + digits) === COLON) return;
    r.at++;
    r.ns = readNumber(r, 1, 3) * 1e6;
  }
}

/** Reads `HHMMSS` (or `HMMSS`, where the date lacked its zeros too) with a fraction. */
export function readCompactTime(r: Reading, digits: number): boolean {
  r.hour = readNumber(r, digits - 4, digits - 4);
  r.minute = readNumber(r, 2, 2);
  r.second = readNumber(r, 2, 2);
  if (r.second < 0 || isDigit(codeAt(r, r.at))) return false;
  readSecondFraction(r);
  return true;
}

/** Reads AM, PM or their Chinese words, with a blank before or not; 'none', and no step, without. */
export function readDayHalf(r: Reading): DayHalf {
  const back = r.at;
  skipBlanks(r, 2);
  const first = codeAt(r, r.at);
  if (first > 0x4e00) {
    const half = CHINESE_HALVES.get(r.text.slice(r.at, r.at + 2));
    if (half !== undefined) {
      r.at += 2;
      r.wide = true;
      return half;
    }
  } else if ((codeAt(r, r.at + 1) | 32) === 109 && !isLetter(codeAt(r, r.at + 2))) {
    if ((first | 32) === 97 || (first | 32) === 112) {
      r.at += 2;
      return (first | 32) === 97 ? 'morning' : 'afternoon';
    }
  }
  r.at = back;
  return 'none';
}

/** Some programs write PM behind hours of 24: these stay. 12 in the morning is midnight. */
export function applyDayHalf(r: Reading, half: DayHalf): void {
  if (half === 'afternoon' && r.hour < 12) r.hour += 12;
  else if (half === 'morning' && r.hour === 12) r.hour = 0;
}

/** Reads a half of the day, if it did not stand before the time, and a zone. */
export function readAfterTime(r: Reading, before: DayHalf): void {
  applyDayHalf(r, before === 'none' ? readDayHalf(r) : before);
  readZone(r);
}
