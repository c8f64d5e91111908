/** The backup domain: the functions behind its operations, the schedule, and what is said of its state. */
import type { Handlers } from '../operation.ts';
import type { backupOperations } from './operations.ts';
import { createRuns } from './runs.ts';
import type { BackupContext } from './settings.ts';

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

export function createBackups(_context: Omit<BackupContext, 'createWorker'>): Backups {
  const runs = createRuns();
  const later = async (): Promise<never> => {
    throw new Error('not made yet');
  };
  return {
    handlers: {
      downloadDatabases: later,
      listBackups: later,
      getBackup: later,
      readBackupFile: later,
      readPoolFile: later,
      createBackup: later,
      verifyBackup: later,
      pruneBackups: later,
      watchBackupRun: async ({ run, after = 0 }, { signal }) => runs.watch(run, after, signal),
    },
    startSchedule: () => null,
    age: later,
    checkAge: later,
    close: () => runs.close(),
  };
}
