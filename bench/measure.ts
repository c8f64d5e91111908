/** What the benchmarks share: figures, medians, alternating runs, resident memory, temporary folders. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Unit = 'ms' | 'MB' | 'MB/s' | 'files/s' | 'files';

/** What a figure should be: a bound on the ratio to the peer, or on chs's own value where there is no peer. */
export interface Wanted {
  readonly of: 'ratio' | 'chs';
  readonly comparison: '<=' | '>=' | '<';
  readonly bound: number;
}

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly chs: number;
  /** What was measured beside it in the same run, and its value in the same unit. */
  readonly peer: { readonly name: string; readonly value: number } | null;
  /** Null for a figure that is shown and promises nothing. */
  readonly wanted: Wanted | null;
}

/** What one benchmark gives. */
export interface Outcome {
  readonly figures: readonly Figure[];
  /** For people: what was measured on, what was left out and why. */
  readonly notes: readonly string[];
}

export const MEGABYTE = 1_000_000;

/** Chs's value as a multiple of the peer's; null without a peer. */
export function ratioOf({ chs, peer }: Figure): number | null {
  return peer === null ? null : chs / peer.value;
}

/** Whether a figure is as wanted; null when nothing is. */
export function isAsWanted(figure: Figure): boolean | null {
  if (figure.wanted === null) return null;
  const { of, comparison, bound } = figure.wanted;
  const value = of === 'chs' ? figure.chs : ratioOf(figure);
  if (value === null) return null;
  if (comparison === '<=') return value <= bound;
  return comparison === '<' ? value < bound : value >= bound;
}

/** The value below which `share` (0 to 1) of the samples lie, by nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new Error('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  return Number.isInteger(half) ? ((sorted[half - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/**
 * Runs every contender once a round, in turn, so that whatever else the machine does meets them all
 * alike; every other round goes backwards, so that none always comes after the same one.
 *
 * @returns each contender's values, by its name, in the order of the rounds
 */
export async function alternate<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, (round: number) => number | Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      values[name].push(await contenders[name](round));
    }
  }
  return values;
}

/** How long `work` takes, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

export interface Memory {
  readonly residentBytes: number;
  /** The most that was resident since the process started, or since `forgetPeak`. */
  readonly peakBytes: number;
}

/** This process's resident memory: of /proc on Linux, of Node.js elsewhere. */
export function residentMemory(): Memory {
  if (process.platform !== 'linux') {
    return { residentBytes: process.memoryUsage.rss(), peakBytes: process.resourceUsage().maxRSS * 1024 };
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytes = (field: string): number => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return Number(kibibytes) * 1024;
  };
  return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
}

/**
 * Makes an empty folder that is gone when `work` is done, also after Ctrl-C.
 *
 * @param work gets the folder's absolute path
 */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'chs-bench-'));
  // Another process may be writing into it until it notices that this one is gone.
  const remove = (): void =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  process.once('exit', remove);
  try {
    return await work(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
