/** Work of a command that opens databases: by the worker process, with its progress drawn. */
import type { BackupWorker, WorkerProgress } from '../../src/backup/worker/protocol.ts';
import type { Run } from '../run.ts';
import { createRunProgress } from '../views/run-progress.ts';

/** Ends the worker's process afterwards, whatever happens. */
export async function withWorker<T>(work: (worker: BackupWorker) => Promise<T>): Promise<T> {
  const { createBackupWorker } = await import('../../src/backup/worker/client.ts');
  const worker = createBackupWorker();
  try {
    return await work(worker);
  } finally {
    await worker.close();
  }
}

export interface DrawnWatch {
  readonly signal: AbortSignal;
  readonly onStep: (step: string, name: string | null) => void;
  readonly onProgress: (progress: WorkerProgress) => void;
}

/** Draws what the work says of itself, and takes the line away in the end. */
export async function watching<T>({ out, signal }: Run, work: (watch: DrawnWatch) => Promise<T>): Promise<T> {
  const progress = createRunProgress(out);
  try {
    return await work({
      signal,
      onStep: (step, name) => progress.step(step, name),
      onProgress: ({ step, name, done, total }) => progress.progress(step, name, done, total),
    });
  } finally {
    progress.clear();
  }
}
