/** Runs jobs in the backup worker, a process of its own that is started by the first and ended soon after the last. */
import { fileURLToPath } from 'node:url';
import { ChsError, isErrorCode } from '../../platform/errors.ts';
import { type Child, startChild } from './child.ts';
import type {
  BackupWorker,
  WorkerJob,
  WorkerJobs,
  WorkerMessage,
  WorkerProgress,
  WorkerRequest,
} from './protocol.ts';
import { snapshotHashed } from './snapshot-hashed.ts';

/** The bundle has the worker in a file of its own beside it. */
declare const CHS_BACKUP_WORKER: string | undefined;

/** A daemon does not keep forty megabytes for the next night. */
const IDLE_MS = 10_000;

/** One job and who waits for it. */
export interface Job {
  readonly job: WorkerJob;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: WorkerProgress) => void) | undefined;
}

/** @param options.entry the worker's main file; by default the one that belongs to this program */
export function createBackupWorker(options: { readonly entry?: string } = {}): BackupWorker {
  let child: Child | null = null;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let lastId = 0;

  const start = (): Child => {
    const started = startChild(options.entry ?? defaultEntry());
    child = started;
    void started.ended.then(() => {
      if (child === started) child = null;
    });
    return started;
  };

  const end = async (): Promise<void> => {
    clearTimeout(idle);
    const ending = child;
    child = null;
    if (ending === null) return;
    ending.hold(true);
    ending.process.kill('SIGKILL');
    await ending.ended;
  };

  const runNow = async (job: Job): Promise<unknown> => {
    clearTimeout(idle);
    if (isClosed) throw new ChsError('SHUTTING_DOWN');
    job.signal.throwIfAborted();
    const current = child ?? start();
    current.hold(true);
    lastId += 1;
    const outcome = await converse(current, lastId, job);
    // A dead process must be gone before whoever asked sweeps up what it left.
    // After a snapshot it has SQLite and the copy's pages in memory, and what comes next needs neither.
    if (outcome.isOver || job.job === 'snapshot') await end();
    else if (child !== null) {
      child.hold(false);
      idle = setTimeout(() => void end(), IDLE_MS).unref();
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.output;
  };

  return {
    run<J extends WorkerJob>(
      job: J,
      input: WorkerJobs[J]['input'],
      { signal, onProgress }: { signal: AbortSignal; onProgress?: (progress: WorkerProgress) => void },
    ) {
      const result = whenFree(last, signal).then(() => {
        const wanted = { job, input, signal, onProgress };
        return job === 'snapshot' ? snapshotHashed(wanted, runNow) : runNow(wanted);
      });
      // One that is taken back while it waits leaves its place to the one before it.
      last = Promise.allSettled([last, result]);
      return result as Promise<WorkerJobs[J]['output']>;
    },
    async close() {
      isClosed = true;
      await end();
      await last;
    },
  };
}

function defaultEntry(): string {
  const entry =
    typeof CHS_BACKUP_WORKER === 'string' ? CHS_BACKUP_WORKER : '../../backends/sqlite/backup-worker/main.js';
  return fileURLToPath(new URL(entry, import.meta.url));
}

type Outcome =
  | { readonly isOver: boolean; readonly output: unknown }
  | { readonly isOver: boolean; readonly error: unknown };

/** Sends one job and waits for its end, whichever of the three it is: an answer, an abort, the process's death. */
function converse(child: Child, id: number, { job, input, signal, onProgress }: Job): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      child.listen(() => {});
      signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => settle({ isOver: true, error: signal.reason });
    child.listen((answer) => {
      if (answer.id !== id) return;
      if (answer.type === 'progress') onProgress?.(answer.progress);
      else if (answer.type === 'done') settle({ isOver: false, output: answer.output });
      else settle({ isOver: false, error: errorOf(answer) });
    });
    signal.addEventListener('abort', onAbort, { once: true });
    void child.ended.then((reason) =>
      settle({ isOver: true, error: new ChsError('BACKUP_FAILED', { reason }) }),
    );
    child.send({ id, job, input } as WorkerRequest);
  });
}

function errorOf({ code, params, reason }: Extract<WorkerMessage, { type: 'failed' }>): ChsError {
  return isErrorCode(code) ? new ChsError(code, params) : new ChsError('BACKUP_FAILED', { reason });
}

/** Waits for the jobs before; whoever is aborted meanwhile need not. */
function whenFree(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void before.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
