/** Finds the field of JSON lines that holds their time. */
import { findJsonValue, scanFieldValue } from './json-field.ts';
import { ABSENT, createReading, type Reading } from './reading.ts';
import { ZONE_NAMES } from './zone-names.ts';

/** What is said about the JSON lines of a file. */
export interface JsonTimes {
  /** Path of the field ("t.$date"); null where no field holds times. */
  readonly field: string | null;
  /** 0 to 1: on how many lines the field is a time, and how much its name says so. */
  readonly confidence: number;
  readonly yearless: boolean;
  /** Share of the lines that are JSON objects. */
  readonly share: number;
  readonly examples: readonly string[];
}

/** Names that say time, the surest first; compared in lower case, without `_`, `-` and `@`. */
const NAMES = [
  'realtimetimestamp',
  'timestamp',
  'time',
  'ts',
  't.$date',
  't',
  'datetime',
  'date',
  'eventtime',
  'logtime',
  'logtimestamp',
  'logged',
  'asctime',
  'timemillis',
  'timestampms',
  'created',
  'createdat',
  'receivedat',
  'syslogtimestamp',
  'instant.epochsecond',
  'when',
];
const NAMED_BY_TIME = /time|date|(^|[._])(ts|at)$/;
/** Numbers in such fields are lengths of time. */
const DURATION =
  /uptime|runtime|lifetime|timeout|elapsed|taken|latency|duration|(response|request|process|total)/;
/** Weight of a field whose name says nothing of time: a number in it is any number. */
const UNNAMED_WEIGHT = 0.2;
const LINES_MAX = 500;
const LINE_CHARS_MAX = 65_536;
const FIELDS_MAX = 200;
const DEPTH_MAX = 3;
const EXAMPLES_MAX = 3;
/** A field that is a time on fewer of the JSON lines is not their time. */
const COVERAGE_MIN = 0.5;

/** Looks at the lines that are JSON objects; `wanted` is a path that the caller says holds the time. */
export function detectJsonTimes(lines: readonly string[], wanted: string | null): JsonTimes {
  const reading = createReading(ZONE_NAMES);
  const counts = new Map<string, { whole: number; yearless: number }>();
  const objects: string[] = [];
  let lineCount = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    lineCount++;
    if (objects.length >= LINES_MAX) continue;
    const value = parseObject(line);
    if (value === null) continue;
    objects.push(line);
    tally(value, line, wanted, reading, counts);
  }
  const share = lineCount === 0 ? 0 : Math.min(1, objects.length / Math.min(lineCount, LINES_MAX));
  let best = { field: '', score: 0, yearless: false };
  for (const [field, count] of counts) {
    const yearless = count.yearless > count.whole;
    const coverage = Math.max(count.whole, count.yearless) / objects.length;
    const weight = field === wanted ? 1 : nameWeight(field);
    const score = coverage * weight;
    if (coverage >= COVERAGE_MIN && score > best.score) best = { field, score, yearless };
  }
  if (best.field === '') return { field: null, confidence: 0, yearless: false, share, examples: [] };
  const confidence = Math.round(best.score * 1000) / 1000;
  const examples = examplesOf(objects, best.field, best.yearless, reading);
  return { field: best.field, confidence, yearless: best.yearless, share, examples };
}

function parseObject(line: string): object | null {
  const text = line.replace(/^\ufeff/, '').trim();
  if (!text.startsWith('{') || text.length > LINE_CHARS_MAX) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Counts the fields of one line that read as times; a path that cannot be found again in the text is left out. */
function tally(
  value: object,
  line: string,
  wanted: string | null,
  reading: Reading,
  counts: Map<string, { whole: number; yearless: number }>,
): void {
  let fields = 0;
  const visit = (object: object, prefix: string, depth: number): void => {
    for (const [key, child] of Object.entries(object)) {
      if (++fields > FIELDS_MAX) return;
      const path = prefix + key;
      if (typeof child === 'object' && child !== null && !Array.isArray(child)) {
        if (depth < DEPTH_MAX) visit(child, `${path}.`, depth + 1);
      } else if (typeof child === 'string' || typeof child === 'number') {
        const found = readField(reading, line, path, wanted);
        if (found === null) continue;
        const count = counts.get(path) ?? { whole: 0, yearless: 0 };
        count[found]++;
        counts.set(path, count);
      }
    }
  };
  visit(value, '', 1);
}

function readField(
  reading: Reading,
  line: string,
  path: string,
  wanted: string | null,
): 'whole' | 'yearless' | null {
  reading.text = line;
  const valueAt = findJsonValue(line, path.split('.'), path);
  if (valueAt < 0) return null;
  if (scanFieldValue(reading, valueAt, false)) {
    const isNumber = reading.kind === 'instant';
    return isNumber && path !== wanted && !mayHoldEpoch(path) ? null : 'whole';
  }
  return scanFieldValue(reading, valueAt, true) && reading.year === ABSENT ? 'yearless' : null;
}

function mayHoldEpoch(path: string): boolean {
  const weight = nameWeight(path);
  return weight > UNNAMED_WEIGHT && (weight > 0.6 || !DURATION.test(path.toLowerCase()));
}

/** From 1 for the usual names down to 0.2 for a field that merely happens to hold times. */
function nameWeight(field: string): number {
  const name = field.toLowerCase().replace(/[_@-]/g, '');
  const index = NAMES.indexOf(name);
  if (index >= 0) return 1 - index * 0.01;
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (NAMES.includes(last)) return 0.7;
  return NAMED_BY_TIME.test(name) ? 0.6 : UNNAMED_WEIGHT;
}

function examplesOf(lines: readonly string[], field: string, yearless: boolean, reading: Reading): string[] {
  const examples: string[] = [];
  const path = field.split('.');
  for (const line of lines) {
    if (examples.length >= EXAMPLES_MAX) break;
    reading.text = line;
    const valueAt = findJsonValue(line, path, field);
    if (valueAt < 0 || !scanFieldValue(reading, valueAt, yearless)) continue;
    examples.push(line.slice(reading.start, reading.at));
  }
  return examples;
}
