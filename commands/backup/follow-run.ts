/** Follows a run of backups, here or on a server, and gives what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod';
import { backupOperations } from '../../src/backup/operations.ts';
import { ChsError, isErrorCode } from '../../src/platform/errors.ts';
import type { Connection } from '../connect.ts';
import type { Run } from '../run.ts';
import { createRunProgress, type RunProgressView } from '../views/run-progress.ts';

export type RunEvent = z.output<NonNullable<(typeof backupOperations)['watchBackupRun']['stream']>>;

/** Attempts to reach a server that went away, one after the other, before it is given up. */
const ATTEMPTS_MAX = 8;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 15_000;

/**
 * Waits for the end of a run, and draws how far it is. A server that goes away is asked again from where it was.
 *
 * @param id as the call that started the run gave it
 * @returns the last event, with what was made, verified or pruned
 * @throws ChsError the code of the run's own failure, in the words of whoever ran it; BACKUP_FAILED where a server
 *   forgot the run, as it was started anew
 */
export async function followRun(run: Run, connection: Connection, id: string): Promise<RunEvent> {
  const progress = createRunProgress(run.out);
  const client = connection.client(backupOperations);
  let after: number | undefined;
  const watch = async (): Promise<RunEvent | null> => {
    const events = await client.watchBackupRun({ run: id, after }, { signal: run.signal });
    try {
      for await (const event of events) {
        attempt = 0;
        if (event.type === 'run.done' || event.type === 'run.failed') return event;
        draw(event, progress);
      }
      return null;
    } finally {
      after = events.position ?? after;
    }
  };
  let attempt = 0;
  try {
    for (;;) {
      let failure: unknown = cutOff(connection.transportName);
      const last = await watch().catch((error: unknown) => {
        failure = error;
        return null;
      });
      run.signal.throwIfAborted();
      if (last) return ended(last);
      if (!mayPass(failure)) throw after === undefined ? failure : forgotten(failure);
      if (attempt >= ATTEMPTS_MAX) throw failure;
      await sleep(Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MAX_MS), undefined, { signal: run.signal });
      attempt += 1;
    }
  } finally {
    progress.clear();
  }
}

function draw({ type, step = '', name = null, done = 0, total = 0 }: RunEvent, view: RunProgressView): void {
  if (type === 'run.step') view.step(step, name);
  else view.progress(step, name, done, total);
}

/** @throws ChsError what the run failed with */
function ended(event: RunEvent): RunEvent {
  if (event.type === 'run.done') return event;
  const { code, message = 'the run failed', hint } = event.error ?? {};
  const rendered = { message, hint: hint ?? undefined };
  throw new ChsError(isErrorCode(code) ? code : 'BACKUP_FAILED', {}, { rendered });
}

function mayPass(error: unknown): boolean {
  return error instanceof ChsError && (error.retryable || error.code === 'SERVER_REPLY');
}

/** A run that was watched and is not known any more ended with the process that ran it. */
function forgotten(error: unknown): unknown {
  const isGone = error instanceof ChsError && error.code === 'BACKUP_NOT_FOUND';
  return isGone ? new ChsError('BACKUP_FAILED', { reason: 'the server was started anew meanwhile' }) : error;
}

function cutOff(server: string): ChsError {
  return new ChsError('SERVER_UNREACHABLE', { server, reason: 'it ended the connection' });
}
