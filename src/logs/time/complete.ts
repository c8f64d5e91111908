/** Completes what a line leaves out (year, date, boot time) by an instant near which it must lie. */
import { DAY_MS, isLeapYear, timeOfDayMs, wallMs } from './civil.ts';
import { ABSENT, LOCAL, type Reading } from './reading.ts';
import { type ZoneClock, zoneClock } from './zones.ts';

/** Eight years lie at most between two leap years (1896 to 1904, and around 2100). */
const LEAP_YEARS_APART = 8;

/** Within half a year no other year can be nearer. */
const HALF_YEAR_MS = 182 * DAY_MS;
const YEAR_MS = 365.2425 * DAY_MS;

/** The year of a wall clock; by division, but for the days around New Year where that may err. */
function yearOf(wall: number): number {
  const years = wall / YEAR_MS;
  const part = years - Math.floor(years);
  return part > 0.01 && part < 0.99 ? 1970 + Math.floor(years) : new Date(wall).getUTCFullYear();
}

/** The year, of those in which the date exists, that puts a reading without one nearest to a wall clock. */
export function nearestYear(r: Reading, baseWallMs: number): number {
  const base = yearOf(baseWallMs);
  if (Math.abs(wallMs(r, base) - baseWallMs) < HALF_YEAR_MS && r.day < 29) return base;
  const isLeapDay = r.month === 2 && r.day === 29;
  const reach = isLeapDay ? LEAP_YEARS_APART : 1;
  let best = base;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let year = base - reach; year <= base + reach; year++) {
    if (isLeapDay && !isLeapYear(year)) continue;
    const distance = Math.abs(wallMs(r, year) - baseWallMs);
    if (distance >= bestDistance) continue;
    best = year;
    bestDistance = distance;
  }
  return best;
}

/** The wall clock, of all days at the reading's time of day, that is nearest to another wall clock. */
export function nearestDay(r: Reading, baseWallMs: number): number {
  const timeMs = timeOfDayMs(r);
  return Math.round((baseWallMs - timeMs) / DAY_MS) * DAY_MS + timeMs;
}

/** Milliseconds since 1970 UTC of a reading of any kind; `baseMs` completes it where something is missing. */
export function epochMsOf(r: Reading, zone: ZoneClock, baseMs: number): number {
  if (r.kind === 'instant') return r.epochMs;
  if (r.kind === 'uptime') return baseMs + r.epochMs;
  const isLocal = r.offsetS === LOCAL;
  const clock = r.zoneName === '' ? zone : zoneClock(r.zoneName);
  let wall: number;
  if (r.year !== ABSENT) wall = wallMs(r, r.year);
  else {
    const baseWallMs = baseMs + (isLocal ? clock.offsetAt(baseMs) : r.offsetS * 1000);
    wall = r.month === ABSENT ? nearestDay(r, baseWallMs) : wallMs(r, nearestYear(r, baseWallMs));
  }
  return isLocal ? clock.toUtc(wall) : wall - r.offsetS * 1000;
}

/** Nanoseconds within the millisecond that `epochMsOf` gives. */
export function subMsNsOf(r: Reading): number {
  return r.kind === 'civil' ? r.ns % 1_000_000 : r.subMsNs;
}
