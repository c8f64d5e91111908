/** The table of formats: how each is read, what it leaves out, and how much it is to be trusted. */
import { scanChinese, scanChineseMonthDay } from './chinese-dates.ts';
import { readAfterTime } from './clock.ts';
import { findAudit, scanEpoch, scanTai64, scanUptime } from './epochs.ts';
import { findLogfmt } from './json-field.ts';
import { readAfterNamed, scanClf, scanDayMonth, scanMonthDay, scanNamed } from './named-dates.ts';
import { scanCompact, scanDayMonthYear, scanIso, scanMonthDayYear, scanOrdinal } from './numeric-dates.ts';
import { codeAt, digitRun, isBlank, type Reading } from './reading.ts';
import {
  scanChromium,
  scanDayMonthDigits,
  scanGlog,
  scanLabelled,
  scanMonthDayDigits,
  scanShortDayFirst,
  scanShortMonthFirst,
  scanShortYearFirst,
  scanSixDigits,
  scanTime,
} from './short-dates.ts';
import type { Missing, Place } from './times.ts';

/** Reads a stamp that begins exactly at an index; fills the reading. */
export type Scan = (r: Reading, at: number) => boolean;

/** One way to write a time. */
export interface Format {
  readonly id: string;
  readonly missing: Missing;
  /** What its first character is, so that most places of a line need no attempt. */
  readonly begins: 'digit' | 'letter' | 'both' | 'wide';
  readonly scan?: Scan;
  /** Reads what may stand behind the seconds; given where the text up to the minutes says all the rest. */
  readonly after?: (r: Reading) => void;
  /** Finds the stamp anywhere on the line by a word that goes with it. */
  readonly find?: (r: Reading) => boolean;
  /** Which of two formats that read the same lines wins; 1 is a whole date that can hardly be anything else. */
  readonly trust: number;
  /** Whether numbers of other kinds are easily taken for it, so that only a fixed place on the line makes it one. */
  readonly weak?: true;
}

function afterTime(r: Reading): void {
  readAfterTime(r, 'none');
}

function afterNothing(): void {}

const FORMATS: readonly Format[] = [
  { id: 'bgl', missing: 'nothing', begins: 'both', find: findBlueGene, trust: 1.2 },
  { id: 'iso', missing: 'nothing', begins: 'digit', scan: scanIso, after: afterTime, trust: 1 },
  { id: 'ordinal', missing: 'nothing', begins: 'digit', scan: scanOrdinal, trust: 1 },
  { id: 'named', missing: 'nothing', begins: 'both', scan: scanNamed, after: readAfterNamed, trust: 1 },
  { id: 'clf', missing: 'nothing', begins: 'digit', scan: scanClf, after: afterTime, trust: 1 },
  { id: 'zh', missing: 'nothing', begins: 'wide', scan: scanChinese, trust: 1 },
  { id: 'tai64', missing: 'nothing', begins: 'digit', scan: scanTai64, trust: 1 },
  { id: 'audit', missing: 'nothing', begins: 'both', find: findAudit, trust: 0.98 },
  { id: 'logfmt', missing: 'nothing', begins: 'both', find: findLogfmt, trust: 1.01 },
  { id: 'mdy', missing: 'nothing', begins: 'digit', scan: scanMonthDayYear, after: afterTime, trust: 0.97 },
  { id: 'dmy', missing: 'nothing', begins: 'digit', scan: scanDayMonthYear, after: afterTime, trust: 0.96 },
  { id: 'compact', missing: 'nothing', begins: 'digit', scan: scanCompact, trust: 0.95 },
  { id: 'labelled', missing: 'nothing', begins: 'digit', scan: scanLabelled, trust: 0.95 },
  { id: 'six-digits', missing: 'nothing', begins: 'digit', scan: scanSixDigits, trust: 0.9 },
  { id: 'short-mdy', missing: 'nothing', begins: 'digit', scan: scanShortMonthFirst, trust: 0.9 },
  { id: 'short-ymd', missing: 'nothing', begins: 'digit', scan: scanShortYearFirst, trust: 0.89 },
  { id: 'short-dmy', missing: 'nothing', begins: 'digit', scan: scanShortDayFirst, trust: 0.88 },
  {
    id: 'rfc3164',
    missing: 'year',
    begins: 'letter',
    scan: scanMonthDay,
    after: readAfterNamed,
    trust: 0.85,
  },
  { id: 'day-month', missing: 'year', begins: 'digit', scan: scanDayMonth, trust: 0.84 },
  { id: 'zh-md', missing: 'year', begins: 'wide', scan: scanChineseMonthDay, trust: 0.85 },
  { id: 'glog', missing: 'year', begins: 'letter', scan: scanGlog, after: afterNothing, trust: 0.85 },
  { id: 'md', missing: 'year', begins: 'digit', scan: scanMonthDayDigits, after: afterTime, trust: 0.8 },
  { id: 'chromium', missing: 'year', begins: 'digit', scan: scanChromium, trust: 0.8 },
  { id: 'dm', missing: 'year', begins: 'digit', scan: scanDayMonthDigits, after: afterTime, trust: 0.79 },
  { id: 'epoch', missing: 'nothing', begins: 'digit', scan: scanEpoch, trust: 0.7, weak: true },
  { id: 'uptime', missing: 'boot', begins: 'digit', scan: scanUptime, trust: 0.5, weak: true },
  { id: 'time', missing: 'date', begins: 'digit', scan: scanTime, trust: 0.4, weak: true },
  { id: 'w3c', missing: 'date', begins: 'digit', scan: scanTime, trust: 0, weak: true },
  // Chosen by the field's name, never by trying.
  { id: 'json', missing: 'nothing', begins: 'both', trust: 0 },
  { id: 'json-yearless', missing: 'year', begins: 'both', trust: 0 },
];

const BY_ID: ReadonlyMap<string, Format> = new Map(FORMATS.map((format) => [format.id, format]));

/** The formats that detection tries on a line. */
export const TRIED_FORMATS: readonly Format[] = FORMATS.filter((format) => format.trust > 0);

/** Formats that differ in nothing but the order of day, month and year. */
export const ORDER_FAMILIES: readonly (readonly string[])[] = [
  ['mdy', 'dmy'],
  ['short-mdy', 'short-ymd', 'short-dmy'],
  ['md', 'dm'],
];

/** A format as it was locked for a file. */
export interface LockedFormat {
  readonly format: Format;
  readonly place: Place;
  /** Characters beyond ASCII take part. */
  readonly wide: boolean;
  /** The file's header says that local times are UTC (W3C extended log files). */
  readonly utc: boolean;
}

/** The id under which a locked format is kept: `iso`, `clf@any`, `epoch@w4`, `iso@any+wide`, `iso+utc`. */
export function idOf(locked: LockedFormat): string {
  const place = locked.place === 'start' ? '' : locked.place === 'any' ? '@any' : `@w${locked.place}`;
  return locked.format.id + place + (locked.wide ? '+wide' : '') + (locked.utc ? '+utc' : '');
}

const ID = /^([a-z0-9-]+?)(?:@(any|w(\d{1,3})))?(\+wide)?(\+utc)?$/;

/** The inverse of `idOf`; null for an id that this version does not know. */
export function lockedFormat(id: string): LockedFormat | null {
  const parts = ID.exec(id);
  const format = BY_ID.get(parts?.[1] ?? '');
  if (parts === null || format === undefined) return null;
  const place: Place = parts[3] !== undefined ? Number(parts[3]) : parts[2] === 'any' ? 'any' : 'start';
  return { format, place, wide: parts[4] !== undefined, utc: parts[5] !== undefined };
}

/**
 * Blue Gene: `- 1117838570 2005.06.03 R02-M1-N0 2005-06-03-15.42.50.675872 …`. The epoch says when, whatever the
 * zone; the local time, which is the stamp, adds the microseconds.
 */
function findBlueGene(r: Reading): boolean {
  const text = r.text;
  let at = text.indexOf(' ') + 1;
  if (at === 0 || at > 24 || digitRun(r, at, 11) !== 10) return false;
  const epochS = Number(text.slice(at, at + 10));
  for (let word = 0; word < 3; word++) {
    at = text.indexOf(' ', at) + 1;
    if (at === 0) return false;
  }
  if (!scanIso(r, at) || codeAt(r, at + 10) !== 45 || !isBlank(codeAt(r, r.at))) return false;
  const isSameSecond = (r.minute % 15) * 60 + r.second === epochS % 900;
  if (!isSameSecond) return false;
  r.kind = 'instant';
  r.epochMs = epochS * 1000 + Math.floor(r.ns / 1e6);
  r.subMsNs = r.ns % 1e6;
  return true;
}
