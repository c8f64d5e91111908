/** What the backup domain is told by the configuration, and what it is handed by whoever composes it. */
import type { Log } from '../platform/log.ts';
import type { BackupTarget } from './target.ts';
import type { BackupWorker } from './worker/protocol.ts';

/** The data of chs itself: one database, and the files that its rows name. */
export interface OwnData {
  /** Absolute path of the live database. */
  readonly database: string;
  /** Absolute folder of the stored files. */
  readonly storage: string;
  /** Queries whose first column is a stored file's path, as the rows have it. */
  readonly referenceQueries: readonly string[];
  /** The key below `storage` of a path that a row has; null for what is none. */
  readonly keyOfPath: (path: string) => string | null;
}

/** Read anew at each use: the configuration may be reloaded in place. */
export interface BackupSettings {
  /** By name: absolute paths of SQLite files, postgres:// URLs. */
  readonly databases: Readonly<Record<string, string>>;
  readonly keepDays: number;
  readonly keepLast: number;
  readonly busyTimeoutMs: number;
  readonly gzipLevel: number;
  /** Five fields of cron; null where nobody set one. */
  readonly schedule: string | null;
  /** IANA name. */
  readonly timeZone: string;
  /** Null where readiness does not depend on it. */
  readonly maxAgeMs: number | null;
}

export interface BackupContext {
  readonly settings: BackupSettings;
  readonly own: OwnData;
  /** The folder of the signing key and of what is remembered between runs. */
  readonly dataFolder: string;
  /** The first place of backups; opened once. */
  readonly openTarget: () => Promise<BackupTarget>;
  /** The second one; null where there is none. */
  readonly openCopy: () => Promise<BackupTarget | null>;
  /** Closes those that were opened. */
  readonly closePlaces: () => Promise<void>;
  /** One run at a time among all processes on this data folder; null while another one has it. */
  readonly takeLock: () => Promise<{ release(): Promise<void> } | null>;
  readonly createWorker: () => BackupWorker;
  readonly version: () => string;
  readonly host: string;
  readonly now: () => number;
  readonly log: Log;
}
