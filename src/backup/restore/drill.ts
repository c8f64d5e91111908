/** Proves that a backup can be restored: restores it into a scratch folder, opens what came back, and removes it again. */
import { join } from 'node:path';
import type { CheckResult } from '../fields.ts';
import type { BackupWorker } from '../worker/protocol.ts';
import { isDamage, reasonOf } from './check-file.ts';
import { progressOf, type Watch } from './content.ts';
import { type RestoreReport, restoreBackup } from './restore.ts';
import { nameOf, type RestoreSource } from './source.ts';
import { makeStaging, sweepStaging } from './staging.ts';

export interface DrillOptions extends Watch {
  readonly source: RestoreSource;
  readonly worker: BackupWorker;
  /** The folder in which the scratch folder is made. */
  readonly scratch: string;
  /**
   * Starts a chs on restored data, asks whether it is ready, and stops it. For a backup of chs's own data alone.
   *
   * @param dataFolder as `CHS_DATA_DIR` names it
   */
  readonly open?: (
    dataFolder: string,
    signal: AbortSignal,
  ) => Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Monotonic milliseconds; `performance.now` when left out. */
  readonly clock?: () => number;
  readonly nowMs: number;
}

export interface DrillCheck extends CheckResult {
  readonly duration_ms: number;
}

export interface DrillReport {
  readonly id: string;
  /** When its databases were cut; null for a file that does not say. */
  readonly timestamp: string | null;
  readonly place: string;
  readonly ok: boolean;
  readonly checks: readonly DrillCheck[];
  readonly duration_ms: number;
  readonly notes: readonly string[];
}

/**
 * A backup that is damaged makes a report that says so; what has nothing to do with the backup throws.
 *
 * @throws ChsError STORAGE_FULL; errors of the source; the signal's reason
 */
export async function drill(options: DrillOptions): Promise<DrillReport> {
  const { source, scratch } = options;
  const clock = options.clock ?? (() => performance.now());
  const startMs = clock();
  await sweepStaging(join(scratch, 'chs-drill'));
  const staging = await makeStaging(join(scratch, 'chs-drill'));
  const checks: DrillCheck[] = [];
  const timed = async (work: () => Promise<Omit<DrillCheck, 'duration_ms'>>): Promise<void> => {
    const fromMs = clock();
    const result = await work();
    checks.push({ ...result, duration_ms: Math.round(clock() - fromMs) });
  };
  let report: RestoreReport | null = null;
  try {
    await timed(async () => {
      try {
        // With a separator, so that a single database lies in the folder, too.
        report = await restoreBackup({
          ...options,
          only: null,
          to: `${join(staging.folder, 'data')}/`,
          inPlace: null,
        });
        return { name: nameOf(source), check: 'restore', ok: true, detail: saidOf(report) };
      } catch (error) {
        if (!isDamage(error)) throw error;
        return { name: nameOf(source), check: 'restore', ok: false, detail: reasonOf(error) };
      }
    });
    await openAll(options, report, timed);
  } finally {
    await staging.discard();
  }
  return {
    id: nameOf(source),
    timestamp: source.manifest.timestamp,
    place: source.label,
    ok: checks.every(({ ok }) => ok),
    checks,
    duration_ms: Math.round(clock() - startMs),
    notes: notesOf(report),
  };
}

async function openAll(
  options: DrillOptions,
  report: RestoreReport | null,
  timed: (work: () => Promise<Omit<DrillCheck, 'duration_ms'>>) => Promise<void>,
): Promise<void> {
  const { worker, signal, open } = options;
  for (const { name, kind, path } of report?.databases ?? []) {
    if (kind !== 'sqlite' || path === null) continue;
    await timed(async () => {
      options.onStep?.('check', name);
      const found = await worker.run('check', { path, depth: 'full' }, { ...progressOf(options), signal });
      const [problem] = found.problems;
      const detail = problem ?? `${counted(found.tables, 'table')}, ${counted(found.pages, 'page')}`;
      return { name, check: 'open', ok: problem === undefined, detail };
    });
  }
  const dataFolder = report?.dataFolder ?? null;
  if (dataFolder === null || !open) return;
  await timed(async () => {
    options.onStep?.('open', null);
    return { name: 'chs', check: 'ready', ...(await open(dataFolder, signal)) };
  });
}

function saidOf({ databases, files }: RestoreReport): string {
  return [counted(databases.length, 'database'), ...(files ? [counted(files.count, 'file')] : [])].join(', ');
}

/** `1 table`, `2 tables` */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What is left out is said. Paths of the scratch folder, which is gone, are not. */
function notesOf(report: RestoreReport | null): string[] {
  if (report === null) return [];
  const dumps = report.databases.filter(({ kind }) => kind === 'postgres').map(({ name }) => name);
  const notes = dumps.map((name) => `${name}: the dump was received and compared, not loaded into a server`);
  const missing = report.files?.missing.length ?? 0;
  if (missing > 0) notes.push(`${missing} stored files were missing when the backup was made`);
  return notes;
}
