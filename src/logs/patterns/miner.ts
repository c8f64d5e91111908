/** Counts log lines by template, in bounded memory; several miners over parts of a log can be merged. */
import { type Level, levels } from '../levels.ts';
import { generalise } from './generalise.ts';
import { KeyBuffer } from './key-buffer.ts';
import { byKey, join, type KeyCount, KeyTable, type LinePlace } from './key-table.ts';

/** A template: `<*>` stands for what varies. Times in epoch milliseconds, null where no line had one. */
export interface Pattern {
  /** Made of the template alone: the same in another file, window or run. */
  readonly id: string;
  readonly template: string;
  readonly count: number;
  readonly level: Level | null;
  readonly first_ms: number | null;
  readonly last_ms: number | null;
  /** The earliest line, cut to `sampleCharsMax`. */
  readonly sample: string;
  readonly sample_file: string;
  readonly sample_line: number;
  readonly sample_offset: number;
}

/** What was counted, but is in no pattern: `patterns` were dropped at least once each, with `lines`. */
export interface OtherLines {
  readonly patterns: number;
  readonly lines: number;
}

export interface MinerData {
  readonly keys: readonly KeyCount[];
  readonly other: OtherLines;
}

export interface PatternMinerOptions {
  /** Patterns that are given; the rarest beyond are told as other lines. */
  readonly patternsMax: number;
  /** Keys held in memory before they are generalised; each costs about its length and its sample's. */
  readonly keysMax?: number;
  readonly sampleCharsMax?: number;
}

export interface PatternMiner {
  /** Counts a line; gives a number for its key, see patternIdOf. */
  add(text: string, at: LinePlace): number;
  /** The most frequent first, then the earliest. */
  patterns(): readonly Pattern[];
  other(): OtherLines;
  /**
   * The id of the pattern that now holds the line for which `add` gave `number`. Null when memory ran out since: keys
   * that were generalised or dropped have lost their numbers.
   */
  patternIdOf(number: number): string | null;
  /** Adds what another miner counted. */
  merge(data: MinerData): void;
  toJSON(): MinerData;
}

const KEYS_PER_PATTERN = 8;
const KEYS_MIN = 4096;
/** Comparing keys takes about 20 µs each, and is done whenever there are too many. */
const KEYS_MAX = 32_768;
const SAMPLE_CHARS = 1000;
/** More than any template has: its `<*>` are three characters each. */
const TEMPLATE_CODES_MAX = 32_768;

interface Outcome {
  readonly patterns: readonly Pattern[];
  readonly other: OtherLines;
  readonly idOf: ReadonlyMap<string, string>;
}

/**
 * A miner of templates. The key of a line is a function of the line alone (mask.ts), and templates are a function of
 * the set of keys (generalise.ts). So what several miners counted and `merge` joined is the same however the lines
 * were split among them and in whatever order, as long as none of them had more than `keysMax` keys. Past that, keys
 * are replaced by their templates, and the rarest half is dropped and told by `other()`.
 */
export function createPatternMiner(options: PatternMinerOptions): PatternMiner {
  const keysMax =
    options.keysMax ?? Math.min(KEYS_MAX, Math.max(KEYS_MIN, options.patternsMax * KEYS_PER_PATTERN));
  const table = new KeyTable(keysMax, options.sampleCharsMax ?? SAMPLE_CHARS);
  let outcome: Outcome | null = null;
  const now = () => {
    outcome ??= outcomeOf(table, options.patternsMax);
    return outcome;
  };
  return {
    add(text, at) {
      outcome = null;
      return table.add(text, at);
    },
    patterns: () => now().patterns,
    other: () => now().other,
    patternIdOf(number) {
      const key = table.numbered(number);
      return key === null ? null : (now().idOf.get(key) ?? null);
    },
    merge(data) {
      outcome = null;
      for (const count of data.keys) table.put({ ...count });
      table.dropped.patterns += data.other.patterns;
      table.dropped.lines += data.other.lines;
    },
    toJSON: () => ({ keys: [...table.counts()].sort(byKey), other: { ...table.dropped } }),
  };
}

function outcomeOf(table: KeyTable, patternsMax: number): Outcome {
  const counts = [...table.counts()].sort(byKey);
  const templates = generalise(counts.map((count) => count.key));
  const groups = new Map<string, KeyCount[]>();
  const idOf = new Map<string, string>();
  const hashed = new KeyBuffer(TEMPLATE_CODES_MAX);
  counts.forEach((count, index) => {
    const template = shown(templates[index] ?? count.key);
    const group = groups.get(template);
    if (group) group.push(count);
    else groups.set(template, [count]);
    hashed.take(template);
    idOf.set(count.key, hashed.hash.toString(16).padStart(14, '0'));
  });
  const patterns = [...groups].map(([template, group]) => {
    const [first] = group;
    return patternOf(template, first ? (idOf.get(first.key) ?? '') : '', group);
  });
  patterns.sort(byRank);
  const beyond = patterns.splice(patternsMax);
  return {
    patterns,
    other: {
      patterns: table.dropped.patterns + beyond.length,
      lines: beyond.reduce((sum, pattern) => sum + pattern.count, table.dropped.lines),
    },
    idOf,
  };
}

/** Of the several levels of a group's lines the one of most lines, of equals the gravest. */
function patternOf(template: string, id: string, group: readonly KeyCount[]): Pattern {
  const counts = new Map<Level | null, number>();
  for (const { level, count } of group) counts.set(level, (counts.get(level) ?? 0) + count);
  let level: Level | null = null;
  for (const one of levels) if ((counts.get(one) ?? 0) > (level ? (counts.get(level) ?? 0) : 0)) level = one;
  const all = group.reduce((sum: KeyCount | null, count) => {
    if (!sum) return { ...count };
    join(sum, count);
    return sum;
  }, null);
  return {
    ...{ id, template, count: all?.count ?? 0, level, first_ms: all?.first_ms ?? null },
    ...{ last_ms: all?.last_ms ?? null, sample: all?.sample ?? '', sample_file: all?.sample_file ?? '' },
    ...{ sample_line: all?.sample_line ?? 0, sample_offset: all?.sample_offset ?? 0 },
  };
}

function shown(template: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the two stand for what varies.
  return template.replace(/[\0\x01]/g, '<*>');
}

function byRank(a: Pattern, b: Pattern): number {
  if (a.count !== b.count) return b.count - a.count;
  const first = (a.first_ms ?? Number.MAX_VALUE) - (b.first_ms ?? Number.MAX_VALUE);
  if (first !== 0) return first;
  if (a.sample_file !== b.sample_file) return a.sample_file < b.sample_file ? -1 : 1;
  return a.sample_offset - b.sample_offset || (a.template < b.template ? -1 : 1);
}
