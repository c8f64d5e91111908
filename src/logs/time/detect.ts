/** Detects how the lines of a file write their times, from the first of them. */
import { detectJsonTimes } from './detect-json.ts';
import { idOf, ORDER_FAMILIES } from './formats.ts';
import { roughnessDays, type Tally, tallyLines } from './tally.ts';
import type { Place } from './times.ts';

/** What the first lines of a file say. */
export interface DetectedTimes {
  /** Ids for `FileTimes.formats`, the most frequent first. */
  readonly formats: string[];
  /** Up to three stamps as they are written. */
  readonly examples: string[];
  /** Path of the time in JSON lines, whether or not it was given. */
  readonly jsonTimeField: string | null;
  /** 0 to 1. */
  readonly jsonTimeFieldConfidence: number;
}

const LINES_MAX = 2_000;
const LINE_CHARS_MAX = 65_536;
const EXAMPLES_MAX = 3;
const FORMATS_MAX = 4;
/** What stands at the start of this share of a format's lines is locked there. */
const START_SHARE = 0.5;
const WORD_SHARE = 0.98;
/** A word is locked, and a number in it believed, only when so many lines have it. */
const WORD_LINES_MIN = 8;
const COLUMN_LINES_MIN = 3;
/** Epochs of one file lie within so many days; numbers of another kind are spread wider. */
const COLUMN_SPREAD_DAYS = 3_660;
/** A further format must read this share of all lines; one that is easily mistaken, more. */
const FURTHER_SHARE = 0.02;
const FURTHER_WEAK_SHARE = 0.1;
/** A number beside a clock of the same minute says the time in UTC: better than any local time. */
const AGREED_TRUST = 1.15;
/** Stamps that stand so far inside of lines are mostly quoted by the message. */
const FAR_CHARS = 100;
const FAR_WEIGHT = 0.6;

/**
 * Looks at up to 2,000 lines (each one's first 64 KiB), tries all formats on each and picks the best.
 *
 * @param options.timeField - JSON path that is said to hold the time; null or absent: found out.
 */
export function detectTimes(
  lines: readonly string[],
  options: { timeField?: string | null } = {},
): DetectedTimes {
  const all = lines.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_CHARS_MAX));
  const json = detectJsonTimes(all, options.timeField ?? null);
  const formats: string[] = [];
  const examples: string[] = [];
  const isJson = json.field !== null && json.share >= 0.5;
  if (isJson) {
    formats.push(json.yearless ? 'json-yearless' : 'json');
    examples.push(...json.examples);
  }
  const header = w3cHeader(all);
  const plain = all.filter(
    (line) => !(isJson && /^\W{0,3}\{/.test(line)) && !(header && line.startsWith('#')),
  );
  for (const tally of chooseFormats(plain, isJson)) {
    const id = idOf({ ...tally, wide: tally.wide > 0, utc: header && tally.format.missing === 'nothing' });
    formats.push(header && tally.format.id === 'time' ? id.replace(/^time/, 'w3c') : id);
    examples.push(...tally.examples);
  }
  return {
    formats,
    examples: examples.slice(0, EXAMPLES_MAX),
    jsonTimeField: json.field,
    jsonTimeFieldConfidence: json.confidence,
  };
}

/** Whether the lines begin as an extended log file (W3C, WD-logfile), whose times are UTC. */
function w3cHeader(lines: readonly string[]): boolean {
  return lines.some((line) => /^#(Date|Fields): /.test(line));
}

/** Takes the format that reads the most lines, weighed by trust; then others for the lines that are left. */
function chooseFormats(lines: readonly string[], isFurther: boolean): Tally[] {
  const lineCount = lines.filter((line) => line.trim() !== '').length;
  const tallies = settleOrders(settlePlaces(tallyLines(lines), lineCount));
  const chosen: Tally[] = [];
  const covered = new Set<number>();
  while (chosen.length < FORMATS_MAX) {
    let best: Tally | null = null;
    let bestScore = 0;
    for (const tally of tallies) {
      const left = tally.lines.filter((line) => !covered.has(line)).length;
      if ((chosen.length > 0 || isFurther) && !isWorthFurther(tally, left, lineCount)) continue;
      const score = left * weightOf(tally);
      if (score <= bestScore) continue;
      best = tally;
      bestScore = score;
    }
    if (best === null) break;
    chosen.push(best);
    for (const line of best.lines) covered.add(line);
    tallies.splice(tallies.indexOf(best), 1);
  }
  return chosen;
}

/** Continuation lines quote times of all kinds: a further format counts at a fixed place and often enough. */
function isWorthFurther(tally: Tally, left: number, lineCount: number): boolean {
  if (tally.place === 'any') return left >= 3 && left >= lineCount * FURTHER_WEAK_SHARE && !tally.format.weak;
  const share = tally.format.weak ? FURTHER_WEAK_SHARE : FURTHER_SHARE;
  return left >= Math.max(2, lineCount * share) && left >= tally.lines.length / 2;
}

function weightOf(tally: Tally): number {
  const isAgreed = tally.agreed >= tally.lines.length * 0.9 && tally.lines.length >= COLUMN_LINES_MIN;
  if (isAgreed) return AGREED_TRUST;
  return tally.format.trust * placeWeight(tally.place, tally.charsBefore / tally.lines.length);
}

function placeWeight(place: Place, charsBefore: number): number {
  if (place === 'start') return 1;
  const isFar = charsBefore > FAR_CHARS;
  return (place === 'any' ? 0.76 : 0.8) * (isFar ? FAR_WEIGHT : 1);
}

/** Of each format's places keeps one: the start, else one word, else any; for weak formats never any. */
function settlePlaces(tallies: readonly Tally[], lineCount: number): Tally[] {
  const settled: Tally[] = [];
  const byFormat = new Map<string, Tally[]>();
  for (const tally of tallies) {
    byFormat.set(tally.format.id, [...(byFormat.get(tally.format.id) ?? []), tally]);
  }
  for (const places of byFormat.values()) {
    const any = places.find(({ place }) => place === 'any');
    const most = any?.lines.length ?? lineCount;
    const start = places.find(({ place }) => place === 'start');
    const words = places.filter(({ place }) => typeof place === 'number');
    words.sort((a, b) => b.lines.length - a.lines.length);
    const word = words[0];
    if (any === undefined) settled.push(...columns(places, lineCount));
    else if (start !== undefined && start.lines.length >= most * START_SHARE) settled.push(start);
    else if (any.format.weak) {
      const lines = word?.lines.length ?? 0;
      const isFixed = lines >= most * WORD_SHARE && (word?.place === 0 || lines >= COLUMN_LINES_MIN);
      if (word !== undefined && isFixed) settled.push(word);
      else if (start !== undefined) settled.push(start);
    } else if (word !== undefined && most >= WORD_LINES_MIN && word.lines.length >= most * WORD_SHARE) {
      settled.push(word);
    } else settled.push(any);
  }
  return settled;
}

/** A column of numbers is one of epochs when nearly all lines have it and it stays within some years. */
function columns(places: readonly Tally[], lineCount: number): Tally[] {
  return places.filter(({ place, lines, times }) => {
    if (place === 'start') return true;
    if (lines.length < COLUMN_LINES_MIN || lines.length < lineCount * 0.9) return false;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const time of times) {
      low = Math.min(low, time);
      high = Math.max(high, time);
    }
    return roughnessDays([low, high]) <= COLUMN_SPREAD_DAYS;
  });
}

/** Of formats that differ in the order of day and month alone, keeps the one that fits the lines best. */
function settleOrders(tallies: readonly Tally[]): Tally[] {
  let kept = [...tallies];
  for (const family of ORDER_FAMILIES) {
    const rivals = kept.filter(({ format }) => family.includes(format.id));
    if (rivals.length < 2) continue;
    const most = Math.max(...rivals.map(({ lines }) => lines.length));
    const fitting = rivals.filter(({ lines }) => lines.length === most);
    const smoothest = Math.min(...fitting.map(({ times }) => roughnessDays(times)));
    const smooth = fitting.filter(({ times }) => roughnessDays(times) <= smoothest + 0.5);
    smooth.sort((a, b) => orderTrust(b) - orderTrust(a));
    kept = kept.filter((tally) => !rivals.includes(tally) || tally === smooth[0]);
  }
  return kept;
}

/** With dots and dashes the day comes first oftener than the year, and with dots oftener than the month. */
function orderTrust(tally: Tally): number {
  const example = tally.examples[0] ?? '';
  const isDayFirst = tally.format.id === 'dmy' || tally.format.id === 'short-dmy';
  if (isDayFirst && /^\d+\./.test(example)) return 1;
  if (tally.format.id === 'short-dmy' && /^\d+-/.test(example)) return 0.895;
  return tally.format.trust;
}
