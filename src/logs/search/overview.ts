/** Collects how lines spread over time and levels, and their patterns; parts of a file are put together afterwards. */
import { type Level, levelOf } from '../levels.ts';
import { createPatternMiner, type MinerData } from '../patterns/miner.ts';
import { isInWindow, type TimeWindow } from './query.ts';
import type { Collector } from './segment-types.ts';

export interface OverviewOptions {
  readonly window: TimeWindow | null;
  /** 0 leaves patterns out. */
  readonly patternsMax: number;
}

export interface Overview {
  readonly lines: number;
  readonly bytes: number;
  readonly withoutTime: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Lines a level; '' where none is told. */
  readonly levels: Readonly<Record<string, number>>;
  /** Milliseconds that one slot of the histogram has. */
  readonly slotMs: number;
  /** By slot (epoch milliseconds divided by `slotMs`): lines, and those at level error or fatal. */
  readonly slots: readonly (readonly [slot: number, lines: number, errors: number])[];
  readonly patterns: MinerData | null;
}

/** The histogram gets coarser rather than larger. */
const SLOTS_MAX = 20_000;
const FIRST_SLOT_MS = 1000;

export function createOverviewCollector({ window, patternsMax }: OverviewOptions): Collector<Overview> {
  let lines = 0;
  let bytes = 0;
  let withoutTime = 0;
  let firstMs: number | null = null;
  let lastMs: number | null = null;
  const levels: Record<string, number> = {};
  const histogram = createHistogram();
  const miner = patternsMax > 0 ? createPatternMiner({ patternsMax }) : null;
  return {
    take(found, { clock, window: place, file }) {
      const { epochMs } = clock.timeOf(found.start, found.end);
      if (window && !isInWindow(epochMs, window)) return true;
      const { text } = found.line;
      const level = levelOf(text);
      lines += 1;
      bytes += found.end - found.start;
      levels[level ?? ''] = (levels[level ?? ''] ?? 0) + 1;
      if (epochMs === null) withoutTime += 1;
      else {
        firstMs = firstMs === null || epochMs < firstMs ? epochMs : firstMs;
        lastMs = lastMs === null || epochMs > lastMs ? epochMs : lastMs;
        histogram.add(epochMs, isFailure(level));
      }
      miner?.add(text, {
        epochMs,
        file: file.path,
        lineNumber: found.lineIndex(),
        byteOffset: place.base + found.start,
      });
      return true;
    },
    result: () => ({
      lines,
      bytes,
      withoutTime,
      firstMs,
      lastMs,
      levels,
      ...histogram.data(),
      patterns: miner?.toJSON() ?? null,
    }),
  };
}

function isFailure(level: Level | null): boolean {
  return level === 'error' || level === 'fatal';
}

interface Histogram {
  add(epochMs: number, isError: boolean): void;
  merge(other: Pick<Overview, 'slotMs' | 'slots'>): void;
  data(): Pick<Overview, 'slotMs' | 'slots'>;
}

export function createHistogram(): Histogram {
  let slotMs = FIRST_SLOT_MS;
  let slots = new Map<number, [lines: number, errors: number]>();
  const put = (slot: number, lines: number, errors: number): void => {
    const known = slots.get(slot);
    if (known) {
      known[0] += lines;
      known[1] += errors;
    } else slots.set(slot, [lines, errors]);
    if (slots.size > SLOTS_MAX) coarsen(slotMs * 4);
  };
  const coarsen = (to: number): void => {
    const before = slots;
    const factor = to / slotMs;
    slots = new Map();
    slotMs = to;
    for (const [slot, [lines, errors]] of before) put(Math.floor(slot / factor), lines, errors);
  };
  return {
    add: (epochMs, isError) => put(Math.floor(epochMs / slotMs), 1, isError ? 1 : 0),
    merge(other) {
      if (other.slotMs > slotMs) coarsen(other.slotMs);
      for (const [slot, lines, errors] of other.slots)
        put(Math.floor((slot * other.slotMs) / slotMs), lines, errors);
    },
    data: () => ({
      slotMs,
      slots: [...slots]
        .map(([slot, [lines, errors]]) => [slot, lines, errors] as const)
        .sort((a, b) => a[0] - b[0]),
    }),
  };
}
