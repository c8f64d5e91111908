/** The date that a file's name carries: `messages-20220101`, `app.2022-08-27.log`, `access_2021-03.log`, `2005.log`. */
import { DAY_MS, daysFromCivil, daysInMonth } from './civil.ts';

/** A date from a name; what is not named is null. */
export interface FileDate {
  readonly year: number;
  readonly month: number | null;
  readonly day: number | null;
  /** The end of the year, month or day, in UTC. */
  readonly endMs: number;
}

const NAME_CHARS_MAX = 255;
const WHOLE = /(?<!\d)((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d{1,3}(?!\d))/g;
const MONTH = /(?<!\d)((?:19|20)\d{2})[-_.]?(0[1-9]|1[0-2])(?!\d)/g;
const YEAR = /(?<!\d)((?:19[7-9]|20)\d{2})(?![\d])/g;

/** The last date in the last part of a path, whichever way its separators lean; null without one. */
export function fileDate(path: string): FileDate | null {
  const name = (path.split(/[/\\]/).at(-1) ?? '').slice(-NAME_CHARS_MAX);
  for (const pattern of [WHOLE, MONTH, YEAR]) {
    for (const match of [...name.matchAll(pattern)].reverse()) {
      const year = Number(match[1]);
      const month = pattern === YEAR ? null : Number(pattern === WHOLE ? match[3] : match[2]);
      const day = pattern === WHOLE ? Number(match[4]) : null;
      if (year < 1970 || (day !== null && month !== null && day > daysInMonth(year, month))) continue;
      const lastMonth = month ?? 12;
      const lastDay = day ?? daysInMonth(year, lastMonth);
      return { year, month, day, endMs: (daysFromCivil(year, lastMonth, lastDay) + 1) * DAY_MS - 1 };
    }
  }
  return null;
}
