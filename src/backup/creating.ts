/** A run that makes a backup: one at a time, noted down, told to the log. */

import { ChsError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { findBackup } from './listing.ts';
import { type Made, makeBackup } from './make.ts';
import type { RunProgress, RunResult } from './runs.ts';
import type { BackupContext } from './settings.ts';
import { loadSigner } from './signing.ts';
import { allSources, namedSources } from './sources.ts';
import { writeState } from './state.ts';
import { EVERYTHING } from './summaries.ts';

/** Whoever finds another run under way may ask again then. */
const RETRY_AFTER_MS = 10_000;

export interface Creation {
  readonly context: BackupContext;
  readonly statePath: string;
  /** For the log. */
  readonly caller: string;
  readonly log: Log;
}

interface CreateInput {
  readonly names?: readonly string[] | undefined;
  readonly compact: boolean;
  readonly files: boolean;
}

export type Work = (progress: RunProgress, signal: AbortSignal) => Promise<RunResult>;

/** @throws ChsError BACKUP_RUNNING */
export async function lockRuns({ takeLock }: BackupContext): Promise<{ release(): Promise<void> }> {
  const lock = await takeLock();
  if (!lock) throw new ChsError('BACKUP_RUNNING', {}, { retryAfterMs: RETRY_AFTER_MS });
  return lock;
}

/**
 * Everything that can be known beforehand is known when this is answered; the work is done by whoever calls what it gives.
 *
 * @throws ChsError BACKUP_RUNNING, NO_SUCH_DATABASE, BACKUP_TARGET, BACKUP_KEY
 */
export async function createBackup(creation: Creation, input: CreateInput): Promise<Work> {
  const { context } = creation;
  const known = await allSources(context);
  const sources = input.names ? namedSources(known, input.names) : known;
  const leavesFiles = !input.files && sources.some((source) => source.kind === 'sqlite' && source.own);
  const isWhole = sources.length === known.length && !leavesFiles;
  const lock = await lockRuns(context);
  return async (progress, signal) => {
    const startedMs = performance.now();
    try {
      const made = await make(creation, { ...input, sources, isWhole }, progress, signal);
      await note(creation, made, isWhole);
      tell(creation, made, performance.now() - startedMs);
      if (made.copyProblem) throw withoutCopy(made);
      return { backup: await findBackup(context, made.id, signal) };
    } catch (error) {
      await failed(creation, signal.aborted ? new Error('it was interrupted', { cause: error }) : error);
      throw withPlace(error);
    } finally {
      await lock.release();
    }
  };
}

/** The disk of backups is often another one than that of the data: it is named. */
export function withPlace(error: unknown): unknown {
  const isFull =
    error instanceof ChsError && error.code === 'STORAGE_FULL' && error.params.path !== undefined;
  return isFull ? new ChsError('BACKUP_NO_ROOM', error.params, { cause: error }) : error;
}

type Wanted = CreateInput & Pick<Parameters<typeof makeBackup>[1], 'sources'> & { readonly isWhole: boolean };

async function make(
  { context }: Creation,
  { sources, compact, files, isWhole }: Wanted,
  progress: RunProgress,
  signal: AbortSignal,
): Promise<Made> {
  const [target, copy, signer] = await Promise.all([
    context.openTarget(),
    context.openCopy(),
    loadSigner(context.dataFolder),
  ]);
  await target.sweep();
  await copy?.sweep().catch(() => 0);
  const worker = context.createWorker();
  try {
    return await makeBackup(context, {
      sources,
      asked: isWhole ? EVERYTHING : sources.map(({ name }) => name).join(','),
      compact,
      withFiles: files,
      signer,
      target,
      copy,
      worker,
      progress,
      signal,
    });
  } finally {
    await worker.close();
  }
}

/** Only a backup of everything counts as one that the machine could be brought back from. */
async function note({ context, statePath }: Creation, made: Made, isWhole: boolean): Promise<void> {
  const at = new Date(context.now()).toISOString();
  const { id, timestamp, databases } = made;
  const last_verified = { id, timestamp, verified_at: at, databases: databases.map(({ name }) => name) };
  await writeState(statePath, (state) => ({
    ...state,
    last_run: { at, ok: made.copyProblem === null, reason: made.copyProblem?.message ?? null },
    ...(isWhole ? { last_verified } : {}),
  }));
}

async function failed({ context, statePath, log, caller }: Creation, error: unknown): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  log.error('Backup failed', { caller, reason }, error instanceof ChsError ? error.cause : error);
  const last_run = { at: new Date(context.now()).toISOString(), ok: false, reason };
  // The failure itself is what has to be told; a disk that is full takes no note of it.
  await writeState(statePath, (state) => ({ ...state, last_run })).catch(() => {});
}

function tell({ log, caller }: Creation, { id, databases, files }: Made, milliseconds: number): void {
  log.info('Backup made', {
    id,
    databases: databases.map(({ name, size }) => `${name}:${size}`).join(','),
    files: files?.count,
    file_bytes: files?.size,
    ms: Math.round(milliseconds),
    caller,
  });
}

function withoutCopy({ id, copyProblem }: Made): ChsError {
  const { place = 'the second place', reason = copyProblem?.message ?? '' } = copyProblem?.params ?? {};
  return new ChsError(
    'BACKUP_TARGET',
    { place, reason: `${reason}; the backup ${id} was made, without a copy there` },
    { cause: copyProblem },
  );
}

/** Progress of a run that nobody watches: the log has its steps. */
export function logged(log: Log): RunProgress {
  return {
    step: (step, name) => log.debug('Backup step', { step, name }),
    progress() {},
  };
}
