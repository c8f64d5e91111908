/** The part of compose.ts that builds the backup domain; it can stand alone, where the database of chs cannot be opened. */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { openBackupTarget } from './backends/open.ts';
import { takeRunLock } from './backends/sqlite/run-lock.ts';
import type { Backups } from './backup/backup.ts';
import { backupOperations } from './backup/operations.ts';
import type { BackupContext } from './backup/settings.ts';
import { createBackupWorker } from './backup/worker/client.ts';
import { keyOf } from './crash/paths.ts';
import { lazyHandlers } from './lazy-domain.ts';
import type { Log } from './platform/log.ts';
import { readVersion } from './platform/package.ts';

interface BackupParts {
  readonly log: Log;
  readonly now: () => number;
}

/** The backup domain, loaded by the first call of one of its operations. */
export function composeBackup(config: Config, { log, now }: BackupParts) {
  let opened: Promise<Backups> | null = null;
  const open = (): Promise<Backups> => {
    opened ??= import('./backup/backup.ts').then(({ createBackups }) =>
      createBackups(contextOf(config, { log, now })),
    );
    return opened;
  };
  return {
    handlers: lazyHandlers(backupOperations, async () => (await open()).handlers),
    /** Null where no schedule is set. */
    startSchedule: async () => (config.backup.schedule === undefined ? null : (await open()).startSchedule()),
    age: async () => (await open()).age(),
    checkAge: async (): Promise<void> => (await open()).checkAge(),
    close: async (): Promise<void> => (await opened)?.close(),
  };
}

function contextOf(config: Config, { log, now }: BackupParts): BackupContext {
  const { backup } = config;
  const dataFolder = dirname(config.database.path);
  const target = once(() => openBackupTarget({ place: backup.target, s3: backup.s3, workRoot: dataFolder }));
  const copy = once(async () =>
    backup.copy_to === undefined
      ? null
      : openBackupTarget({ place: backup.copy_to, s3: backup.s3, workRoot: dataFolder }),
  );
  return {
    settings: settingsOf(config),
    own: {
      database: config.database.path,
      storage: config.storage.base_path,
      referenceQueries: ['minidumps', 'pdbs', 'exes'].map((table) => `SELECT file_path FROM ${table}`),
      keyOfPath: keyOf,
    },
    dataFolder,
    openTarget: target.open,
    openCopy: copy.open,
    async closePlaces() {
      await (await target.opened())?.close();
      await (await copy.opened())?.close();
    },
    createWorker: () => createBackupWorker(),
    takeLock: () => takeRunLock(join(dataFolder, 'backup.lock')),
    version: readVersion,
    host: hostname(),
    now,
    log,
  };
}

/** What was opened stays open; what could not be is tried again. */
function once<T>(open: () => Promise<T>): { open: () => Promise<T>; opened: () => Promise<T | null> } {
  let opened: Promise<T> | null = null;
  return {
    open() {
      opened ??= open().catch((error: unknown) => {
        opened = null;
        throw error;
      });
      return opened;
    },
    opened: async () => opened?.catch(() => null) ?? null,
  };
}

function settingsOf({ backup }: Config) {
  return {
    get databases() {
      return backup.databases;
    },
    get keepDays() {
      return backup.keep_days;
    },
    get keepLast() {
      return backup.keep_last;
    },
    get busyTimeoutMs() {
      return backup.busy_timeout;
    },
    get gzipLevel() {
      return backup.gzip_level;
    },
    get schedule() {
      return backup.schedule ?? null;
    },
    get timeZone() {
      return backup.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    get maxAgeMs() {
      return backup.max_age || null;
    },
  };
}
