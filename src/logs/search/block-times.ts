/**
 * The first and last time in each block of a file, learned by scans that look at every line: a search in a window of
 * time leaves out the blocks that lie outside. Nothing is assumed about the order of lines.
 */
import type { LogFile } from '../source/log-file.ts';
import type { TimeWindow } from './query.ts';

export const TIMES_BLOCK_BYTES = 256 * 1024;

/** Of the whole blocks of a part of a file, from `firstBlock` on. A block without any times has them the wrong way round. */
export interface LearnedTimes {
  readonly firstBlock: number;
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
  /** Line ends in the block. */
  readonly lines: Uint32Array;
}

export interface TimesRecorder {
  /** The time of a line that begins at `offset`; null where it has none. */
  noteTime(offset: number, epochMs: number | null): void;
  noteLines(offset: number, count: number): void;
  /** @param to every line that begins before it was noted */
  result(to: number): LearnedTimes | null;
}

/** @param end Infinity where it is not known */
export function createTimesRecorder(start: number, end: number): TimesRecorder {
  const firstBlock = Math.ceil(start / TIMES_BLOCK_BYTES);
  const count = Math.max(0, Math.floor(end / TIMES_BLOCK_BYTES) - firstBlock);
  const minMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const maxMs = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const lines = new Uint32Array(count);
  const indexOf = (offset: number): number => Math.floor(offset / TIMES_BLOCK_BYTES) - firstBlock;
  return {
    noteTime(offset, epochMs) {
      const index = indexOf(offset);
      if (epochMs === null || index < 0 || index >= count) return;
      if (epochMs < (minMs[index] ?? 0)) minMs[index] = epochMs;
      if (epochMs > (maxMs[index] ?? 0)) maxMs[index] = epochMs;
    },
    noteLines(offset, ends) {
      const index = indexOf(offset);
      if (index >= 0 && index < count) lines[index] = (lines[index] ?? 0) + ends;
    },
    result(to) {
      const whole = Math.min(count, Math.floor(to / TIMES_BLOCK_BYTES) - firstBlock);
      if (whole <= 0) return null;
      return {
        firstBlock,
        minMs: minMs.slice(0, whole),
        maxMs: maxMs.slice(0, whole),
        lines: lines.slice(0, whole),
      };
    },
  };
}

/** What is known of one file's blocks. */
export interface BlockTimes {
  /** Whether no line that begins in the block can be in the window; false where nothing is known of it. */
  isOutside(block: number, window: TimeWindow): boolean;
  lines(block: number): number;
}

export interface BlockTimesCache {
  /** Null when nothing is known. */
  get(file: LogFile): BlockTimes | null;
  add(file: LogFile, learned: LearnedTimes): void;
}

/** A block takes 20 bytes: so many are 64 GB of logs. */
const BLOCKS_MAX = 262_144;

interface Entry {
  sizeBytes: number;
  mtimeMs: number;
  minMs: Float64Array;
  maxMs: Float64Array;
  lines: Uint32Array;
  known: Uint8Array;
}

/** Kept in memory, the files that were asked for last. */
export function createBlockTimesCache(): BlockTimesCache {
  const entries = new Map<string, Entry>();
  let blocks = 0;
  const drop = (key: string, entry: Entry): void => {
    entries.delete(key);
    blocks -= entry.known.length;
  };
  const current = (key: string, file: LogFile): Entry | null => {
    const entry = entries.get(key);
    if (!entry) return null;
    // A file that has grown keeps its beginning; one that was written anew does not.
    const isSame =
      file.sizeBytes > entry.sizeBytes ||
      (file.sizeBytes === entry.sizeBytes && file.mtimeMs === entry.mtimeMs);
    if (!isSame) {
      drop(key, entry);
      return null;
    }
    entries.delete(key);
    entries.set(key, entry);
    return entry;
  };
  return {
    get(file) {
      const entry = current(keyOf(file), file);
      return entry && timesOf(entry);
    },
    add(file, learned) {
      const key = keyOf(file);
      const needed = learned.firstBlock + learned.minMs.length;
      const known = current(key, file);
      const entry =
        known && known.known.length >= needed ? known : enlarged(known, Math.max(needed, wholeBlocks(file)));
      blocks += entry.known.length - (known?.known.length ?? 0);
      entry.sizeBytes = file.sizeBytes;
      entry.mtimeMs = file.mtimeMs;
      entry.minMs.set(learned.minMs, learned.firstBlock);
      entry.maxMs.set(learned.maxMs, learned.firstBlock);
      entry.lines.set(learned.lines, learned.firstBlock);
      entry.known.fill(1, learned.firstBlock, needed);
      entries.set(key, entry);
      for (const [oldest, other] of entries) {
        if (blocks <= BLOCKS_MAX) break;
        drop(oldest, other);
      }
    },
  };
}

function timesOf({ minMs, maxMs, lines, known }: Entry): BlockTimes {
  return {
    isOutside(block, { startMs, endMs }) {
      if (known[block] !== 1) return false;
      const first = minMs[block] ?? 0;
      const last = maxMs[block] ?? 0;
      return first > last || (startMs !== null && last < startMs) || (endMs !== null && first > endMs);
    },
    lines: (block) => lines[block] ?? 0,
  };
}

function wholeBlocks({ sizeBytes }: LogFile): number {
  return Math.floor(sizeBytes / TIMES_BLOCK_BYTES);
}

function enlarged(entry: Entry | null, count: number): Entry {
  const larger: Entry = {
    sizeBytes: 0,
    mtimeMs: 0,
    minMs: new Float64Array(count),
    maxMs: new Float64Array(count),
    lines: new Uint32Array(count),
    known: new Uint8Array(count),
  };
  if (entry) {
    larger.minMs.set(entry.minMs);
    larger.maxMs.set(entry.maxMs);
    larger.lines.set(entry.lines);
    larger.known.set(entry.known);
  }
  return larger;
}

/** All that the times of lines depend on. */
function keyOf({ identity, encoding, times, bomBytes, firstEvent }: LogFile): string {
  return JSON.stringify([identity, encoding, times, bomBytes, firstEvent]);
}
