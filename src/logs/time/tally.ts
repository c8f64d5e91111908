/** Counts, over the first lines of a file, which formats read them and at which places. */
import { DAY_MS, timeOfDayMs } from './civil.ts';
import { epochMsOf } from './complete.ts';
import { type Format, TRIED_FORMATS } from './formats.ts';
import { readAt, scanRange, startOf, wordAt } from './places.ts';
import { createReading, LOCAL, type Reading } from './reading.ts';
import { HEAD_CHARS, type Place } from './times.ts';
import { ZONE_NAMES } from './zone-names.ts';
import { zoneClock } from './zones.ts';

/** What one format reads at one place: numbers of lines in ascending order, beside them the times. */
export interface Tally {
  readonly format: Format;
  readonly place: Place;
  readonly lines: number[];
  /** Milliseconds, as if local times were UTC and what is missing that of 1970; beside `lines`. */
  readonly times: number[];
  /** Stamps of the first lines, as they are written. */
  readonly examples: string[];
  wide: number;
  /** Sum of the characters before the stamps. */
  charsBefore: number;
  /** Lines on which a number and a clock beside it say the same minute, whatever the zone. */
  agreed: number;
}

/** Of other encodings a character's last byte may look like a letter, and hide that a stamp begins behind it. */
const BEYOND_ASCII = /[\u0080-\uffff]/;
const EXAMPLES_MAX = 3;
/** Formats whose numbers may stand in several columns: each column counts for itself. */
const COLUMN_FORMAT = 'epoch';
const WORDS_MAX = 12;
/** Zones differ by quarters of an hour. */
const QUARTER_S = 900;
const AGREEMENT_S = 2;

const utc = zoneClock('UTC');

/** Tries all formats on all lines: each format's first match at any place, and whether that is the line's start. */
export function tallyLines(lines: readonly string[]): Tally[] {
  const tallies = new Map<string, Tally>();
  const reading = createReading(ZONE_NAMES);
  for (const [index, text] of lines.entries()) {
    reading.text = text;
    const startAt = startOf(reading);
    const clocks: number[] = [];
    for (const format of TRIED_FORMATS) {
      if (format.id === COLUMN_FORMAT) continue;
      if (!readAt(reading, format, 'any', startAt)) continue;
      if (reading.kind === 'civil') clocks.push(Math.floor(timeOfDayMs(reading) / 1000) % QUARTER_S);
      const isAtStart = format.find !== undefined || isStart(reading, format, startAt);
      count(tallies, format, 'any', index, reading);
      if (isAtStart) count(tallies, format, 'start', index, reading);
      else count(tallies, format, wordAt(reading, reading.start), index, reading);
    }
    tallyColumns(tallies, reading, index, startAt, clocks);
  }
  return [...tallies.values()];
}

/** Whether the match is that at the line's start; scanners may begin the stamp a character off (glog, TAI64). */
function isStart(reading: Reading, format: Format, startAt: number): boolean {
  if (Math.abs(reading.start - startAt) > 1) return false;
  return readAt(reading, format, 'start', startAt);
}

function tallyColumns(
  tallies: Map<string, Tally>,
  reading: Reading,
  index: number,
  startAt: number,
  clocks: readonly number[],
): void {
  const format = TRIED_FORMATS.find(({ id }) => id === COLUMN_FORMAT);
  const scan = format?.scan;
  if (format === undefined || scan === undefined) return;
  const to = Math.min(reading.text.length, HEAD_CHARS);
  for (
    let from = startAt, found = 0;
    found < WORDS_MAX && scanRange(reading, format, scan, from, to);
    found++
  ) {
    const place = reading.start === startAt ? 'start' : wordAt(reading, reading.start);
    const tally = count(tallies, format, place, index, reading);
    const second = Math.floor(reading.epochMs / 1000) % QUARTER_S;
    if (clocks.some((clock) => Math.abs(clock - second) <= AGREEMENT_S)) tally.agreed++;
    from = reading.at;
  }
}

function count(tallies: Map<string, Tally>, format: Format, place: Place, line: number, r: Reading): Tally {
  const key = `${format.id} ${place}`;
  let tally = tallies.get(key);
  if (tally === undefined) {
    tally = { format, place, lines: [], times: [], examples: [], wide: 0, charsBefore: 0, agreed: 0 };
    tallies.set(key, tally);
  }
  if (tally.lines.at(-1) === line) return tally;
  tally.lines.push(line);
  tally.times.push(epochMsOf(r, utc, 0) - (r.offsetS === LOCAL ? 0 : r.offsetS * 1000));
  if (tally.examples.length < EXAMPLES_MAX) tally.examples.push(r.text.slice(r.start, r.at));
  if (r.wide || (place !== 'start' && BEYOND_ASCII.test(r.text.slice(0, r.start)))) tally.wide++;
  tally.charsBefore += r.start;
  return tally;
}

/** How far times move from line to line, in days: the right order of day and month gives the least. */
export function roughnessDays(times: readonly number[]): number {
  let sum = 0;
  for (let index = 1; index < times.length; index++) {
    sum += Math.abs((times[index] ?? 0) - (times[index - 1] ?? 0)) / DAY_MS;
  }
  return sum;
}
