/** Finds what the lines of a file leave out: their years, their days, or when the machine started. */

import { DAY_MS, daysFromCivil, HOUR_MS, isLeapYear, timeOfDayMs } from './civil.ts';
import { epochMsOf } from './complete.ts';
import { type FileDate, fileDate } from './file-date.ts';
import type { LockedFormat } from './formats.ts';
import { ABSENT, type Reading } from './reading.ts';
import { createLineReader, isUtc, lockedFormats } from './stamper.ts';
import type { SampleLine, TimeAnchor } from './times.ts';
import { type ZoneClock, zoneClock } from './zones.ts';

/** What is known of a file from outside of it. */
export interface FileContext {
  readonly mtimeMs: number;
  /** Path or name; a date in the file's name counts more than the time of the last change. */
  readonly path: string;
  /** IANA name of the zone of local times. */
  readonly zone: string;
  /** JSON path of the time, for JSON lines. */
  readonly timeField?: string | null;
}

/** More anchors than this are not kept: the last one then serves the rest of the file. */
const ANCHORS_MAX = 10_000;
/** Lines may lie this far from their anchor and still be completed rightly, with much to spare. */
const YEAR_REACH_DAYS = 60;
const DAY_REACH_MS = 3 * HOUR_MS;
/** Clocks differ: a last line this much later than the file's last change is still of the same year or day. */
const YEAR_SLACK_MS = DAY_MS;
const DAY_SLACK_MS = HOUR_MS;
/** Lines of a day may come late by this much; any earlier, the next day is meant. */
const LATE_MS = 6 * HOUR_MS;
/** An uptime that falls by more than this was counted from another start. */
const REBOOT_MS = 10_000;

/** Whether lines of these formats leave something out that only the rest of the file can tell. */
export function needsAnchors(formats: readonly string[]): boolean {
  return lockedFormats(formats).some(({ format }) => format.missing !== 'nothing');
}

/**
 * The anchors of a file.
 *
 * @param samples - lines in the file's order: all of a small file, or spaced ones of a big one.
 */
export function anchorsOf(
  formats: readonly string[],
  samples: Iterable<SampleLine>,
  context: FileContext,
): TimeAnchor[] {
  const missing = lockedFormats(formats).find(({ format }) => format.missing !== 'nothing')?.format.missing;
  if (missing === undefined) return [];
  const zone = zoneClock(context.zone);
  const lines = readLines(formats, samples, context);
  const named = fileDate(context.path);
  if (missing === 'boot') return bootAnchors(lines, context.mtimeMs);
  if (missing === 'date') return dayAnchors(lines, context.mtimeMs, named, zone);
  return yearAnchors(lines, context.mtimeMs, named, zone);
}

/** A sample with its reading; W3C's `#Date:` lines count as whole times. */
interface SampleReading {
  readonly offset: number;
  readonly reading: Reading;
  readonly entry: LockedFormat | null;
}

function* readLines(
  formats: readonly string[],
  samples: Iterable<SampleLine>,
  context: FileContext,
): Generator<SampleReading> {
  const reader = createLineReader({ formats, timeField: context.timeField ?? null, zone: context.zone });
  const header = createLineReader({ formats: ['iso@any'], timeField: null, zone: 'UTC' });
  for (const { offset, text } of samples) {
    if (text.startsWith('#Date:')) {
      if (header.read(text) !== null) yield { offset, reading: header.reading, entry: null };
      continue;
    }
    const entry = reader.read(text);
    if (entry !== null) yield { offset, reading: reader.reading, entry };
  }
}

/** Boots, each one's lines reaching up to the next one's start; the last line is as old as the file's change. */
function bootAnchors(lines: Iterable<SampleReading>, mtimeMs: number): TimeAnchor[] {
  const boots: { offset: number; lastMs: number }[] = [];
  for (const { offset, reading } of lines) {
    if (reading.kind !== 'uptime') continue;
    const boot = boots.at(-1);
    if (boot !== undefined && (reading.epochMs >= boot.lastMs - REBOOT_MS || boots.length >= ANCHORS_MAX)) {
      boot.lastMs = Math.max(boot.lastMs, reading.epochMs);
    } else boots.push({ offset: boots.length === 0 ? 0 : offset, lastMs: reading.epochMs });
  }
  let endMs = Math.floor(mtimeMs);
  const anchors: TimeAnchor[] = [];
  for (const boot of boots.reverse()) {
    endMs -= boot.lastMs;
    anchors.push({ offset: boot.offset, baseMs: endMs });
  }
  return anchors.reverse();
}

/** Walks the days: a time of day much earlier than the one before is of the next day. */
function dayAnchors(
  lines: Iterable<SampleReading>,
  mtimeMs: number,
  named: FileDate | null,
  zone: ZoneClock,
): TimeAnchor[] {
  const anchors: { offset: number; wallMs: number }[] = [];
  let lastMs = Number.NaN;
  let clock = zone;
  let shiftMs = Number.NaN;
  for (const { offset, reading, entry } of lines) {
    if (entry !== null && isUtc(entry)) clock = zoneClock('UTC');
    const isDated = reading.month !== ABSENT && reading.year !== ABSENT;
    if (isDated) {
      const wallMs = daysFromCivil(reading.year, reading.month, reading.day) * DAY_MS + timeOfDayMs(reading);
      // The first whole date fixes the days walked so far, later ones fix only themselves.
      if (Number.isNaN(shiftMs)) {
        const walked = Number.isNaN(lastMs) ? wallMs : nextTime(lastMs, timeOfDayMs(reading));
        shiftMs = wallMs - walked;
      }
      lastMs = wallMs - shiftMs;
    } else {
      const timeMs = timeOfDayMs(reading);
      lastMs = Number.isNaN(lastMs) ? timeMs : nextTime(lastMs, timeMs);
    }
    pushAnchor(anchors, offset, lastMs, DAY_REACH_MS);
  }
  if (anchors.length === 0) return [];
  if (Number.isNaN(shiftMs)) shiftMs = dayShift(anchors[0]?.wallMs ?? 0, lastMs, mtimeMs, named, clock);
  return anchors.map(({ offset, wallMs }) => ({ offset, baseMs: clock.toUtc(wallMs + shiftMs) }));
}

/** The time of day that follows a wall clock: at most some hours before it, else the next day's. */
function nextTime(lastMs: number, timeMs: number): number {
  return Math.ceil((lastMs - LATE_MS - timeMs) / DAY_MS) * DAY_MS + timeMs;
}

/** Whole days that bring the first line to the date in the file's name, or the last one to its change. */
function dayShift(
  firstMs: number,
  lastMs: number,
  mtimeMs: number,
  named: FileDate | null,
  clock: ZoneClock,
): number {
  if (named !== null && named.day !== null) {
    const startMs = daysFromCivil(named.year, named.month ?? 1, named.day) * DAY_MS;
    return startMs - Math.floor(firstMs / DAY_MS) * DAY_MS;
  }
  const limitMs = Math.floor(mtimeMs) + clock.offsetAt(mtimeMs) + DAY_SLACK_MS;
  return Math.floor((limitMs - lastMs) / DAY_MS) * DAY_MS;
}

/** A line's place in its year, and in which year after the first line's. */
interface YearPoint {
  readonly offset: number;
  readonly reading: Reading;
  readonly year: number;
}

/** Walks the years: each date is taken nearest to the one before; then the last is set before the file's change. */
function yearAnchors(
  lines: Iterable<SampleReading>,
  mtimeMs: number,
  named: FileDate | null,
  zone: ZoneClock,
): TimeAnchor[] {
  const points: YearPoint[] = [];
  const leapYears = new Set<number>();
  let year = 0;
  let lastDay = Number.NaN;
  let anchorDay = Number.NaN;
  let firstYear: number | null = null;
  let last: YearPoint | null = null;
  for (const { offset, reading } of lines) {
    if (reading.month === ABSENT) continue;
    const day = (reading.month - 1) * 31 + reading.day;
    if (day - lastDay > 186) year--;
    else if (day - lastDay < -186) year++;
    lastDay = day;
    if (reading.year !== ABSENT) firstYear ??= reading.year - year;
    if (reading.month === 2 && reading.day === 29) leapYears.add(year);
    last = { offset, reading: { ...reading }, year };
    const moved = Math.abs(year * 372 + day - anchorDay);
    if (moved <= YEAR_REACH_DAYS || points.length >= ANCHORS_MAX) continue;
    anchorDay = year * 372 + day;
    points.push({ ...last, offset: points.length === 0 ? 0 : offset });
  }
  if (last === null) return [];
  firstYear ??= yearBefore(last, mtimeMs, named, zone, leapYears) - last.year;
  const shift = firstYear;
  return points.map((point) => ({ offset: point.offset, baseMs: pointMs(point, point.year + shift, zone) }));
}

function pointMs(point: YearPoint, year: number, zone: ZoneClock): number {
  return epochMsOf({ ...point.reading, year }, zone, 0);
}

/** The latest year that puts the last line before the limit and every 29 February into a leap year. */
function yearBefore(
  last: YearPoint,
  mtimeMs: number,
  named: FileDate | null,
  zone: ZoneClock,
  leapYears: ReadonlySet<number>,
): number {
  const limitMs =
    named === null ? mtimeMs + YEAR_SLACK_MS : named.endMs + (named.day === null ? 0 : YEAR_SLACK_MS);
  let year = new Date(limitMs).getUTCFullYear() + 1;
  while (year > 1970 && pointMs(last, year, zone) > limitMs) year--;
  for (let earlier = year; earlier > year - 9; earlier--) {
    const fits = [...leapYears].every((relative) => isLeapYear(earlier - last.year + relative));
    if (fits) return earlier;
  }
  return year;
}

/** Keeps an anchor where the lines have moved out of the last one's reach; the first one counts from the start. */
function pushAnchor(
  anchors: { offset: number; wallMs: number }[],
  offset: number,
  wallMs: number,
  reachMs: number,
): void {
  const last = anchors.at(-1);
  if (last === undefined) anchors.push({ offset: 0, wallMs });
  else if (Math.abs(wallMs - last.wallMs) > reachMs && anchors.length < ANCHORS_MAX) {
    anchors.push({ offset, wallMs });
  }
}
