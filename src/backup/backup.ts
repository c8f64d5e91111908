/** The backup domain: the functions behind its operations, the schedule, and what is said of its state. */
import { join } from 'node:path';
import type { Call, Handlers } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { type Creation, createBackup, logged, type Work } from './creating.ts';
import { downloadDatabases } from './downloading.ts';
import { findBackup, listBackups, readBackupFile, readPoolFile } from './listing.ts';
import type { backupOperations } from './operations.ts';
import { pruning } from './pruning.ts';
import { createRuns } from './runs.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { startScheduler } from './scheduler.ts';
import type { BackupContext } from './settings.ts';
import { readState, STATE_FILE } from './state.ts';
import { verifying } from './verifying.ts';

/** How old the last backup is that was read back and held. */
export interface BackupAge {
  /** Epoch milliseconds of the newest verified backup's databases; null while there is none. */
  readonly verifiedAtMs: number | null;
  /** Epoch milliseconds of the last run, and whether it ended well; null while there was none. */
  readonly lastRun: { readonly atMs: number; readonly ok: boolean } | null;
}

export interface Backups {
  readonly handlers: Handlers<typeof backupOperations>;
  /** Makes backups when the schedule says so, until it is stopped. Null where there is no schedule. */
  startSchedule(): { stop(): Promise<void> } | null;
  age(): Promise<BackupAge>;
  /** Rejects, for readiness, when backups are scheduled and the last verified one is too old. */
  checkAge(): Promise<void>;
  close(): Promise<void>;
}

/** @param context what it needs of the rest; see `BackupContext` */
export function createBackups(context: BackupContext): Backups {
  const { settings, dataFolder, now, log } = context;
  const runs = createRuns();
  const statePath = join(dataFolder, STATE_FILE);

  const creation = (call: Pick<Call, 'log' | 'address' | 'principal'>): Creation => ({
    context,
    statePath,
    caller: `${call.address} (${call.principal.name})`,
    log: call.log,
  });

  return {
    handlers: {
      downloadDatabases: ({ db }, call) => downloadDatabases(context, db, call),
      listBackups: (_, { signal }) => listBackups(context, statePath, signal),
      getBackup: ({ id }, { signal }) => findBackup(context, id, signal),
      readBackupFile: (input, { signal }) => readBackupFile(context, input, signal),
      readPoolFile: (input) => readPoolFile(context, input),
      async createBackup(input, call) {
        const work = await createBackup(creation(call), input);
        return { run: runs.start(call.language, work) };
      },
      async verifyBackup(input, call) {
        const work = await verifying(context, statePath, input);
        runs.checkRoom();
        return { run: runs.start(call.language, telling('Verification', work, call)) };
      },
      async pruneBackups(input, call) {
        const work = await pruning(context, statePath, input, call.log);
        return { run: runs.start(call.language, telling('Pruning', work, call)) };
      },
      watchBackupRun: async ({ run, after = 0 }, { signal }) => runs.watch(run, after, signal),
    },

    startSchedule() {
      const schedule = scheduleOf(context);
      if (!schedule) return null;
      return startScheduler({
        schedule,
        statePath,
        now,
        log,
        run: (signal) => scheduledRun({ context, statePath, caller: 'schedule', log }, signal),
      });
    },

    async age() {
      const { last_verified, last_run } = await readState(statePath);
      return {
        verifiedAtMs: last_verified && Date.parse(last_verified.timestamp),
        lastRun: last_run && { atMs: Date.parse(last_run.at), ok: last_run.ok },
      };
    },

    async checkAge() {
      if (settings.schedule === null || settings.maxAgeMs === null) return;
      try {
        scheduleOf(context);
      } catch (error) {
        throw new Error('no backup is ever made: the schedule cannot be read', { cause: error });
      }
      const { last_verified, scheduled_since } = await readState(statePath);
      const since = last_verified?.timestamp ?? scheduled_since;
      if (since !== null && now() - Date.parse(since) > settings.maxAgeMs)
        throw new Error('the last verified backup is too old');
    },

    async close() {
      await runs.close();
      await context.closePlaces();
    },
  };
}

/** @throws ChsError CONFIG_INVALID for a pattern that croner does not take */
function scheduleOf({ settings }: BackupContext): Schedule | null {
  if (settings.schedule === null) return null;
  try {
    return parseSchedule(settings.schedule, settings.timeZone);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ChsError('CONFIG_INVALID', { reason: `backup.schedule: ${reason}` }, { cause: error });
  }
}

/** Nobody may be watching a run: the log has its failure in any case. */
function telling(what: string, work: Work, { log, address, principal }: Call): Work {
  return async (progress, signal) => {
    try {
      return await work(progress, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const caller = `${address} (${principal.name})`;
      log.error(`${what} failed`, { caller, reason }, error instanceof ChsError ? error.cause : error);
      throw error;
    }
  };
}

/**
 * What a night is for: a backup, and then the old ones go. They go, too, when only the second copy could not be made; and
 * what cannot be pruned makes no second backup necessary.
 */
async function scheduledRun(creation: Creation, signal: AbortSignal): Promise<void> {
  const { context, statePath, log } = creation;
  const make = await createBackup(creation, { compact: false, files: true });
  let copyProblem: ChsError | null = null;
  await make(logged(log), signal).catch((error: unknown) => {
    if (!(error instanceof ChsError) || error.code !== 'BACKUP_TARGET') throw error;
    copyProblem = error;
  });
  try {
    const prune = await pruning(context, statePath, { plan: false }, log);
    await prune(logged(log), signal);
  } catch (error) {
    signal.throwIfAborted();
    log.error('Old backups stay for now', {}, error);
  }
  if (copyProblem) throw copyProblem;
}
