/** Reads the stamps of a file's lines with the formats that were locked for it. */
import { epochMsOf, subMsNsOf } from './complete.ts';
import { type LockedFormat, lockedFormat } from './formats.ts';
import { findJsonValue, scanFieldValue } from './json-field.ts';
import { cachedScan } from './minute-cache.ts';
import { readAt, startOf } from './places.ts';
import { createReading, type Reading } from './reading.ts';
import {
  type FileTimes,
  FOUND_HEAD_CHARS,
  HEAD_CHARS,
  JSON_HEAD_CHARS,
  STAMP_CHARS_MAX,
  type Stamp,
  type TimeAnchor,
  type ZoneSource,
} from './times.ts';
import { hasZone, zoneNamesFor } from './zone-names.ts';
import { type ZoneClock, zoneClock } from './zones.ts';

/** Reads one line after the other; what it says of a line depends on nothing but that line and its offset. */
export interface Stamper {
  /** The stamp of a line that begins at this byte offset; null where it carries none. */
  stamp(text: string, offset: number): Stamp | null;
  /** Whether lines may be decoded as Latin-1 whatever ASCII-compatible encoding they are in, GBK too. */
  readonly asciiOnly: boolean;
  /** So many characters from the line's start are enough. */
  readonly headChars: number;
}

/** A line's reading by locked formats, before anything is completed. */
export interface LineReader {
  readonly reading: Reading;
  /** The format that read the line, the reading being filled; null where none did. */
  read(text: string): LockedFormat | null;
}

/** Tries the locked formats of a file in their order. Ids that are not known are passed over. */
export function createLineReader(times: Pick<FileTimes, 'formats' | 'timeField' | 'zone'>): LineReader {
  const reading = createReading(zoneNamesFor(times.zone));
  const locked = lockedFormats(times.formats).map((entry) => ({ entry, scan: cachedScan(entry.format) }));
  const field = times.timeField ?? '';
  const path = field.split('.');
  return {
    reading,
    read(text) {
      reading.text = text;
      const startAt = startOf(reading);
      for (const { entry, scan } of locked) {
        const id = entry.format.id;
        if (id === 'json' || id === 'json-yearless') {
          if (text.charCodeAt(startAt - 1) !== 34 && text.indexOf('{') < 0) continue;
          const valueAt = findJsonValue(text, path, field);
          if (valueAt >= 0 && scanFieldValue(reading, valueAt, id === 'json-yearless')) return entry;
        } else if (readAt(reading, entry.format, entry.place, startAt, scan)) return entry;
      }
      return null;
    },
  };
}

export function lockedFormats(ids: readonly string[]): LockedFormat[] {
  return ids.map(lockedFormat).filter((entry) => entry !== null);
}

/** Finds the base for an offset; lines mostly come in order, so the last answer is tried first. */
function createBases(anchors: readonly TimeAnchor[]): (offset: number) => number | null {
  let index = 0;
  return (offset) => {
    if (anchors.length === 0) return null;
    const here = anchors[index]?.offset ?? 0;
    const next = anchors[index + 1]?.offset ?? Number.POSITIVE_INFINITY;
    if ((offset < here && index > 0) || offset >= next) {
      let low = 0;
      let high = anchors.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((anchors[middle]?.offset ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      index = low;
    }
    return anchors[index]?.baseMs ?? null;
  };
}

/** A backslash may be the last byte of a Chinese character, and would hide the end of a JSON text. */
function isAsciiOnly({ format, wide }: LockedFormat): boolean {
  return !wide && format.begins !== 'wide' && !format.id.startsWith('json');
}

/** Stamps begin within the head, and none is longer than the rest that is added. */
function headCharsOf(locked: readonly LockedFormat[]): number {
  if (locked.some(({ format }) => format.id.startsWith('json'))) return JSON_HEAD_CHARS;
  return locked.some(({ format }) => format.find !== undefined)
    ? FOUND_HEAD_CHARS
    : HEAD_CHARS + STAMP_CHARS_MAX;
}

/** A stamper for one file. Years, dates and boot times that no anchor gives are those of 1970, as guesses. */
export function createStamper(times: FileTimes): Stamper {
  const reader = createLineReader(times);
  const { reading } = reader;
  const zone = zoneClock(times.zone);
  const utc = zoneClock('UTC');
  const baseAt = createBases(times.anchors);
  const locked = lockedFormats(times.formats);
  const headChars = headCharsOf(locked);
  return {
    asciiOnly: locked.every(isAsciiOnly),
    headChars,
    stamp(line, offset) {
      // Cut here too, so that nothing depends on whether the caller did.
      const text = line.length > headChars ? line.slice(0, headChars) : line;
      const entry = reader.read(text);
      if (entry === null) return null;
      const missing = entry.format.missing;
      const base = missing === 'nothing' ? 0 : baseAt(offset);
      const clock = isUtc(entry) ? utc : zone;
      const epochMs = epochMsOf(reading, clock, base ?? 0);
      return {
        epochMs,
        subMsNs: subMsNsOf(reading),
        zone: sourceOf(reading, entry, clock, base),
        start: reading.start,
        end: reading.at,
        format: entry.format.id,
      };
    },
  };
}

/** The W3C's extended log file format gives its times in UTC. */
export function isUtc(entry: LockedFormat): boolean {
  return entry.utc || entry.format.id === 'w3c';
}

function sourceOf(r: Reading, entry: LockedFormat, clock: ZoneClock, base: number | null): ZoneSource {
  if (r.kind === 'uptime' || entry.format.id === 'time') return 'guess';
  if (r.kind === 'instant' || hasZone(r)) return 'text';
  if (base === null) return 'guess';
  return isUtc(entry) && clock.name === 'UTC' ? 'text' : 'session';
}
