/** Spares most of the work on a line whose stamp is of the same minute as the one before. */
import { isPossible } from './civil.ts';
import { readSecondFraction } from './clock.ts';
import type { Format, Scan } from './formats.ts';
import { ABSENT, begin, codeAt, digitRun, type Reading, readNumber } from './reading.ts';

const COLON = 58;

/**
 * A scan that gives what the format's own gives. It keeps the text of the last stamp up to its minutes: where the
 * next one begins with the same text, only seconds and what is behind them are read.
 */
export function cachedScan(format: Format): Scan | undefined {
  const { scan, after, missing } = format;
  if (scan === undefined || after === undefined) return scan;
  const lacksYear = missing === 'year';
  let prefix = '';
  let startsAfter = 0;
  let year = ABSENT;
  let month = ABSENT;
  let day = ABSENT;
  let hour = 0;
  let minute = 0;
  function scanAfresh(r: Reading, at: number): boolean {
    if (!scan?.(r, at)) return false;
    if (r.minuteEnd > at && !r.wide && codeAt(r, r.minuteEnd) === COLON) {
      prefix = r.text.slice(at, r.minuteEnd);
      startsAfter = r.start - at;
      // A year behind the time is not in the text that is kept.
      year = r.yearAt < r.minuteEnd ? r.year : ABSENT;
      month = r.month;
      day = r.day;
      hour = r.writtenHour;
      minute = r.minute;
    }
    return true;
  }
  return (r, at) => {
    if (prefix === '' || !r.text.startsWith(prefix, at)) return scanAfresh(r, at);
    const secondAt = at + prefix.length;
    if (codeAt(r, secondAt) !== COLON || digitRun(r, secondAt + 1, 3) !== 2) return scanAfresh(r, at);
    begin(r, at + startsAfter);
    r.at = secondAt + 1;
    r.year = year;
    r.month = month;
    r.day = day;
    r.hour = hour;
    r.minute = minute;
    r.second = readNumber(r, 2, 2);
    readSecondFraction(r);
    after(r);
    return (r.year === ABSENT) === lacksYear && isPossible(r);
  };
}
