/** Counts log lines by template, in bounded memory; several miners over parts of a log can be merged. */
import { type Level, levelOf, levels } from '../levels.ts';
import { generalise } from './generalise.ts';
import { LineMask } from './mask.ts';

/** Where a line stands. `contentStart` is the index of the character after its timestamp. */
export interface LinePlace {
  readonly epochMs: number | null;
  readonly file: string;
  readonly lineNumber: number;
  readonly byteOffset: number;
  readonly contentStart?: number;
}

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

/** One key of a miner, as plain data that survives a message between threads. */
export interface KeyCount {
  key: string;
  count: number;
  level: Level | null;
  first_ms: number | null;
  last_ms: number | null;
  sample: string;
  sample_ms: number | null;
  sample_file: string;
  sample_line: number;
  sample_offset: number;
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

interface Slot extends KeyCount {
  readonly number: number;
  /** The next slot with the same hash. */
  readonly next: Slot | undefined;
}

/** Keys by hash. */
class KeyTable {
  readonly dropped = { patterns: 0, lines: 0 };
  readonly #mask = new LineMask();
  readonly #keysMax: number;
  readonly #sampleCharsMax: number;
  #slots = new Map<number, Slot>();
  #byNumber = new Map<number, Slot>();
  #size = 0;
  #nextNumber = 0;

  constructor(keysMax: number, sampleCharsMax: number) {
    this.#keysMax = keysMax;
    this.#sampleCharsMax = sampleCharsMax;
  }

  add(text: string, at: LinePlace): number {
    const mask = this.#mask;
    mask.mask(text, at.contentStart ?? 0);
    let slot = this.#slots.get(mask.hash);
    while (slot && !mask.is(slot.key)) slot = slot.next;
    if (slot) {
      slot.count += 1;
      const ms = at.epochMs;
      if (ms !== null) {
        if (slot.last_ms === null || ms > slot.last_ms) slot.last_ms = ms;
        if (slot.first_ms === null || ms < slot.first_ms) slot.first_ms = ms;
      }
      if (isBefore(ms, at.file, at.byteOffset, slot)) this.#take(slot, text, at);
      return slot.number;
    }
    const key = mask.key();
    const { number } = this.#insert(mask.hash, {
      ...{ key, count: 1, level: levelOf(text), first_ms: at.epochMs, last_ms: at.epochMs },
      ...{ sample: this.#sampleOf(text), sample_ms: at.epochMs, sample_file: at.file },
      ...{ sample_line: at.lineNumber, sample_offset: at.byteOffset },
    });
    this.#bound();
    return number;
  }

  put(count: KeyCount): void {
    this.#mask.take(count.key);
    let slot = this.#slots.get(this.#mask.hash);
    while (slot && slot.key !== count.key) slot = slot.next;
    if (slot) join(slot, count);
    else this.#insert(this.#mask.hash, count);
    this.#bound();
  }

  /** The key of the line that got `number`, if it is still held as it was. */
  numbered(number: number): string | null {
    return this.#byNumber.get(number)?.key ?? null;
  }

  *counts(): Generator<KeyCount> {
    for (const { number: _, next: __, ...count } of this.#byNumber.values()) yield count;
  }

  #insert(hash: number, count: KeyCount): Slot {
    const slot: Slot = { ...count, number: this.#nextNumber, next: this.#slots.get(hash) };
    this.#slots.set(hash, slot);
    this.#byNumber.set(slot.number, slot);
    this.#size += 1;
    this.#nextNumber += 1;
    return slot;
  }

  /** The earliest line is the sample, whichever came first here. */
  #take(slot: Slot, text: string, at: LinePlace): void {
    slot.sample = this.#sampleOf(text);
    slot.level = levelOf(text);
    slot.sample_ms = at.epochMs;
    slot.sample_file = at.file;
    slot.sample_line = at.lineNumber;
    slot.sample_offset = at.byteOffset;
  }

  /** A copy: a slice would keep alive the whole text that the line was cut from. */
  #sampleOf(text: string): string {
    return Buffer.from(text.slice(0, this.#sampleCharsMax), 'utf16le').toString('utf16le');
  }

  /** Past keysMax: first the templates instead of the keys, then without the rarest. */
  #bound(): void {
    if (this.#size <= this.#keysMax) return;
    const before = [...this.counts()].sort(byKey);
    const templates = generalise(before.map((count) => count.key));
    const after = new Map<string, KeyCount>();
    before.forEach((count, index) => {
      const key = templates[index] ?? count.key;
      const same = after.get(key);
      if (same) join(same, count);
      else after.set(key, { ...count, key });
    });
    const kept = [...after.values()].sort((a, b) => b.count - a.count || byKey(a, b));
    // Half of the room is freed, so that this is done once in many lines.
    for (const { count } of kept.splice(Math.ceil(this.#keysMax / 2))) {
      this.dropped.patterns += 1;
      this.dropped.lines += count;
    }
    this.#slots = new Map();
    this.#byNumber = new Map();
    this.#size = 0;
    for (const count of kept) this.put(count);
  }
}

function outcomeOf(table: KeyTable, patternsMax: number): Outcome {
  const counts = [...table.counts()].sort(byKey);
  const templates = generalise(counts.map((count) => count.key));
  const groups = new Map<string, KeyCount[]>();
  const idOf = new Map<string, string>();
  const mask = new LineMask();
  counts.forEach((count, index) => {
    const template = shown(templates[index] ?? count.key);
    const group = groups.get(template);
    if (group) group.push(count);
    else groups.set(template, [count]);
    mask.take(template);
    idOf.set(count.key, mask.hash.toString(16).padStart(14, '0'));
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

/** Adds `other` to `into`. */
function join(into: KeyCount, other: KeyCount): void {
  into.count += other.count;
  if (other.first_ms !== null && (into.first_ms === null || other.first_ms < into.first_ms))
    into.first_ms = other.first_ms;
  if (other.last_ms !== null && (into.last_ms === null || other.last_ms > into.last_ms))
    into.last_ms = other.last_ms;
  if (!isBefore(other.sample_ms, other.sample_file, other.sample_offset, into)) return;
  into.level = other.level;
  into.sample = other.sample;
  into.sample_ms = other.sample_ms;
  into.sample_file = other.sample_file;
  into.sample_line = other.sample_line;
  into.sample_offset = other.sample_offset;
}

/** Lines with a time come before those without; then by file and place. */
function isBefore(ms: number | null, file: string, offset: number, than: KeyCount): boolean {
  if (ms !== than.sample_ms) return ms !== null && (than.sample_ms === null || ms < than.sample_ms);
  if (file !== than.sample_file) return file < than.sample_file;
  return offset < than.sample_offset;
}

function byKey(a: KeyCount, b: KeyCount): number {
  return a.key < b.key ? -1 : 1;
}

function byRank(a: Pattern, b: Pattern): number {
  if (a.count !== b.count) return b.count - a.count;
  const first = (a.first_ms ?? Number.MAX_VALUE) - (b.first_ms ?? Number.MAX_VALUE);
  if (first !== 0) return first;
  if (a.sample_file !== b.sample_file) return a.sample_file < b.sample_file ? -1 : 1;
  return a.sample_offset - b.sample_offset || (a.template < b.template ? -1 : 1);
}
