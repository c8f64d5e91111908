/** Runs jobs in the backup worker, a process of its own that is started by the first and ended soon after the last. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ChsError, isErrorCode } from '../../platform/errors.ts';
import type { BackupWorker, WorkerJob, WorkerJobs, WorkerMessage, WorkerProgress } from './protocol.ts';
import { snapshotHashed } from './snapshot-hashed.ts';

/** The bundle has the worker in a file of its own beside it. */
declare const CHS_BACKUP_WORKER: string | undefined;

/** A daemon does not keep forty megabytes for the next night. */
const IDLE_MS = 10_000;
const STDERR_CHARACTERS_MAX = 4096;
/** Hashing, zlib and SQLite are compiled already: what compiles JavaScript would only take memory. */
const MEMORY_FLAGS = ['--jitless', '--no-expose-wasm', '--max-semi-space-size=1', '--expose-gc'];
/** Nothing else of the environment is the worker's business, secrets least of all. */
const ENVIRONMENT = ['PATH', 'Path', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'LANG', 'TZ'];

/** One job and who waits for it. */
export interface Job {
  readonly job: WorkerJob;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: WorkerProgress) => void) | undefined;
}

interface Child {
  readonly process: ChildProcess;
  /** Settles with how it ended. */
  readonly ended: Promise<string>;
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
    hold(ending, true);
    ending.process.kill('SIGKILL');
    await ending.ended;
  };

  const runNow = async (job: Job): Promise<unknown> => {
    clearTimeout(idle);
    if (isClosed) throw new ChsError('SHUTTING_DOWN');
    job.signal.throwIfAborted();
    const current = child ?? start();
    hold(current, true);
    lastId += 1;
    const outcome = await converse(current, lastId, job);
    // A dead process must be gone before whoever asked sweeps up what it left.
    if (outcome.isOver) await end();
    else if (child !== null) {
      hold(child, false);
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

function startChild(entry: string): Child {
  const env = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const options: ForkOptions & { windowsHide: boolean } = {
    env,
    execArgv: MEMORY_FLAGS,
    serialization: 'json',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    windowsHide: true,
  };
  const forked = fork(entry, [], options);
  let words = '';
  forked.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-STDERR_CHARACTERS_MAX);
  });
  const ended = new Promise<string>((resolve) => {
    forked.on('error', (error) => resolve(`the worker could not be started: ${error.message}`));
    forked.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const said = lastError(words);
      resolve(`the worker ended (${how})${said ? `: ${said}` : ''}`);
    });
  });
  return { process: forked, ended };
}

/** Of what a dying Node.js writes, the line that says why; its last one says which version it was. */
function lastError(words: string): string | undefined {
  const lines = words.trim().split('\n');
  return (lines.findLast((line) => /\bError\b.*:|FATAL/.test(line)) ?? lines.at(-1))?.trim().slice(0, 300);
}

/** An idle worker keeps its parent from nothing: it sees that the parent is gone, and follows. */
function hold({ process: forked }: Child, isHeld: boolean): void {
  for (const part of [forked, forked.channel, forked.stderr as Socket | null]) {
    if (isHeld) part?.ref();
    else part?.unref();
  }
}

type Outcome =
  | { readonly isOver: boolean; readonly output: unknown }
  | { readonly isOver: boolean; readonly error: unknown };

/** Sends one job and waits for its end, whichever of the three it is: an answer, an abort, the process's death. */
function converse({ process: forked, ended }: Child, id: number, job: Job): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      forked.off('message', onMessage);
      job.signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => settle({ isOver: true, error: job.signal.reason });
    const onMessage = (message: unknown): void => {
      const answer = message as WorkerMessage;
      if (answer.id !== id) return;
      if (answer.type === 'progress') job.onProgress?.(answer.progress);
      else if (answer.type === 'done') settle({ isOver: false, output: answer.output });
      else settle({ isOver: false, error: errorOf(answer) });
    };
    forked.on('message', onMessage);
    job.signal.addEventListener('abort', onAbort, { once: true });
    void ended.then((reason) => settle({ isOver: true, error: new ChsError('BACKUP_FAILED', { reason }) }));
    // What is wrong with the channel is that the process is ending, and that is waited for.
    forked.send({ id, job: job.job, input: job.input }, () => {});
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
