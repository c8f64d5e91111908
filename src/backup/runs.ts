/** Runs: work that takes long, started by one call, watched by another. */
import { randomBytes } from 'node:crypto';
import type { EventsReply } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import type { Language } from '../platform/messages.ts';
import type { BackupSummary, PruneResult, VerifyResult } from './fields.ts';

/** Runs that are over are remembered, so many of them. */
const ENDED_MAX = 20;
/** Runs at once: each has a process of its own, and reads as fast as the disk gives. */
const WORKING_MAX = 4;
const RETRY_AFTER_MS = 10_000;
/** Events of one run; of the progress only the newest is kept. */
const EVENTS_MAX = 10_000;

export interface RunResult {
  readonly backup?: BackupSummary;
  readonly verification?: VerifyResult;
  readonly pruned?: PruneResult;
}

/** Where work says how far it is. */
export interface RunProgress {
  /** Something begins: `snapshot`, `archive`, `verify`. `name` is the database or file, where there is one. */
  step(step: string, name?: string | null): void;
  /** Bytes. */
  progress(step: string, name: string | null, done: number, total: number): void;
}

export interface RunEvent extends RunResult {
  readonly id: number;
  readonly type: 'run.step' | 'run.progress' | 'run.done' | 'run.failed';
  readonly step?: string;
  readonly name?: string | null;
  readonly done?: number;
  readonly total?: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly retryable: boolean;
  };
}

interface Run {
  readonly events: RunEvent[];
  readonly listeners: Set<() => void>;
  ended: boolean;
}

export interface Runs {
  /**
   * Starts work and gives the run to watch. The work is nobody's call: it goes on when its caller has gone, and ends
   * when `close` says so.
   */
  start(language: Language, work: (progress: RunProgress, signal: AbortSignal) => Promise<RunResult>): string;
  /**
   * For work that holds no lock of its own: whether there is room for it now.
   *
   * @throws ChsError BACKUP_RUNNING
   */
  checkRoom(): void;
  /** @throws ChsError BACKUP_NOT_FOUND */
  watch(run: string, after: number, signal: AbortSignal): EventsReply<RunEvent>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export function createRuns(): Runs {
  const runs = new Map<string, Run>();
  const working = new Map<string, Promise<void>>();
  const stopping = new AbortController();

  return {
    start(language, work) {
      const id = randomBytes(8).toString('hex');
      const run: Run = { events: [], listeners: new Set(), ended: false };
      runs.set(id, run);
      const done = follow(run, language, (progress) => work(progress, stopping.signal)).finally(() => {
        working.delete(id);
        forgetOldest(runs);
      });
      working.set(id, done);
      return id;
    },
    checkRoom() {
      if (working.size >= WORKING_MAX)
        throw new ChsError('BACKUP_RUNNING', {}, { retryAfterMs: RETRY_AFTER_MS });
    },
    watch(id, after, signal) {
      const run = runs.get(id);
      if (!run) throw new ChsError('BACKUP_NOT_FOUND', { id });
      let position = after;
      return {
        events: eventsOf(run, after, signal, (seen) => {
          position = seen;
        }),
        position: () => position,
      };
    },
    async close() {
      stopping.abort(new ChsError('SHUTTING_DOWN'));
      await Promise.all(working.values());
    },
  };
}

async function follow(
  run: Run,
  language: Language,
  work: (progress: RunProgress) => Promise<RunResult>,
): Promise<void> {
  let nextId = 1;
  const add = (event: Omit<RunEvent, 'id'>): void => {
    const last = run.events.at(-1);
    // Whoever looks in now wants to know how far it is, not how far it was.
    if (last?.type === 'run.progress' && event.type === 'run.progress') run.events.pop();
    if (run.events.length < EVENTS_MAX || event.type === 'run.done' || event.type === 'run.failed')
      run.events.push({ id: nextId, ...event });
    nextId += 1;
    for (const listener of run.listeners) listener();
  };
  try {
    const result = await work({
      step: (step, name = null) => add({ type: 'run.step', step, name }),
      progress: (step, name, done, total) => add({ type: 'run.progress', step, name, done, total }),
    });
    run.ended = true;
    add({ type: 'run.done', ...result });
  } catch (error) {
    run.ended = true;
    add({ type: 'run.failed', error: described(error, language) });
  }
}

function described(error: unknown, language: Language): NonNullable<RunEvent['error']> {
  const known =
    error instanceof ChsError
      ? error
      : new ChsError('BACKUP_FAILED', { reason: error instanceof Error ? error.message : String(error) });
  const { message, hint } = known.describe(language);
  return { code: known.code, message, hint, retryable: known.retryable };
}

async function* eventsOf(
  run: Run,
  after: number,
  signal: AbortSignal,
  onPosition: (id: number) => void,
): AsyncGenerator<RunEvent> {
  let seen = after;
  while (!signal.aborted) {
    const event = run.events.find(({ id }) => id > seen);
    if (event) {
      seen = event.id;
      onPosition(seen);
      yield event;
    } else if (run.ended) return;
    else await change(run, signal);
  }
}

/** The next event, or the end of whoever waits for it. */
function change(run: Run, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      run.listeners.delete(over);
      signal.removeEventListener('abort', over);
      resolve();
    };
    run.listeners.add(over);
    signal.addEventListener('abort', over, { once: true });
  });
}

function forgetOldest(runs: Map<string, Run>): void {
  const ended = [...runs].filter(([, run]) => run.ended);
  for (const [id] of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) runs.delete(id);
}
