/** The proleptic Gregorian calendar in whole days, and whether a reading is a date that exists. */
import { ABSENT, type Reading } from './reading.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

/** Years that a stamp may plausibly carry; outside of them four digits are some other number. */
const YEAR_MIN = 1900;
const YEAR_MAX = 2199;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days of a month (1 to 12); for an absent year February has 29. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2 && (year === ABSENT || isLeapYear(year))) return 29;
  return DAYS_IN_MONTH[month - 1] ?? 0;
}

/** Days from 1970-01-01 to a date. Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = ((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) | 0;
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear + day - 1;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The reading's time of day in whole milliseconds; a leap second counts into the next minute. */
export function timeOfDayMs(r: Reading): number {
  return ((r.hour * 60 + r.minute) * 60 + r.second) * 1000 + ((r.ns / 1e6) | 0);
}

/** The reading's wall clock as milliseconds since 1970, taken as if in UTC. The date must be whole. */
export function wallMs(r: Reading, year: number): number {
  return daysFromCivil(year, r.month, r.day) * DAY_MS + timeOfDayMs(r);
}

/** Whether time of day and, as far as they are there, month, day and year are possible. */
export function isPossible(r: Reading): boolean {
  if (r.hour > 23 || r.minute > 59 || r.second > 60) return false;
  if (r.hour < 0 || r.minute < 0 || r.second < 0) return false;
  if (r.month === ABSENT) return true;
  if (r.month < 1 || r.month > 12 || r.day < 1) return false;
  if (r.year !== ABSENT && (r.year < YEAR_MIN || r.year > YEAR_MAX)) return false;
  return r.day <= daysInMonth(r.year, r.month);
}

/** The year that two digits mean, by POSIX: 69 to 99 are of the last century. */
export function fullYear(twoDigits: number): number {
  return twoDigits < 69 ? 2000 + twoDigits : 1900 + twoDigits;
}
