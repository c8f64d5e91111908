/** The keys of a miner, each with its count and earliest line, in bounded memory. */
import { type Level, levelOf } from '../levels.ts';
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

interface Slot extends KeyCount {
  readonly number: number;
  /** The next slot with the same hash. */
  readonly next: Slot | undefined;
}

/** Keys by hash; past `keysMax` of them they are replaced by their templates, and the rarest half is dropped. */
export class KeyTable {
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
    this.#mask.mask(text, at.contentStart ?? 0);
    const made = this.#mask.key;
    let slot = this.#slots.get(made.hash);
    while (slot && !made.is(slot.key)) slot = slot.next;
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
    const key = made.text();
    const { number } = this.#insert(made.hash, {
      ...{ key, count: 1, level: levelOf(text), first_ms: at.epochMs, last_ms: at.epochMs },
      ...{ sample: this.#sampleOf(text), sample_ms: at.epochMs, sample_file: at.file },
      ...{ sample_line: at.lineNumber, sample_offset: at.byteOffset },
    });
    this.#bound();
    return number;
  }

  put(count: KeyCount): void {
    this.#mask.key.take(count.key);
    let slot = this.#slots.get(this.#mask.key.hash);
    while (slot && slot.key !== count.key) slot = slot.next;
    if (slot) join(slot, count);
    else this.#insert(this.#mask.key.hash, count);
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

/** Adds `other` to `into`; the earliest line stays the sample. */
export function join(into: KeyCount, other: KeyCount): void {
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

export function byKey(a: KeyCount, b: KeyCount): number {
  return a.key < b.key ? -1 : 1;
}
