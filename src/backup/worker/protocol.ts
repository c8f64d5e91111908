/** What the backup worker can be asked to do, and what it answers: plain JSON between two processes. */

/** A SQLite database to be cut; other processes may write to it meanwhile. */
export interface SnapshotSource {
  readonly name: string;
  /** Absolute path of the live file. Nothing but the worker ever opens it. */
  readonly path: string;
}

export interface SnapshotInput {
  readonly sources: readonly SnapshotSource[];
  /** Where `NAME.db` are made; there already, and private. */
  readonly folder: string;
  /** VACUUM INTO in place of a copy, page by page: smaller, slower, and each database is cut by itself. */
  readonly compact: boolean;
  /** How long a locked database is waited for. */
  readonly busyTimeoutMs: number;
}

/** One finished copy: whole, checked, durable, and without a WAL. */
export interface SnapshotFile {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly pages: number;
  readonly pageSizeBytes: number;
  /** SHA-256 over the sorted rows of sqlite_schema. */
  readonly schemaSha256: string;
  /** Rows that break a foreign key, counted up to 1000: the source's own business, but verifying expects the same. */
  readonly foreignKeyViolations: number;
}

/** What the worker itself gives: whoever asked hashes the copies while they are checked, and gives them their names. */
export interface CutOutput extends Omit<SnapshotOutput, 'databases'> {
  readonly databases: readonly CheckedCopy[];
}

/** `file` is the name that it gets; until then it is at `part`. */
export interface CheckedCopy extends Omit<SnapshotFile, 'sha256' | 'schemaSha256'> {
  readonly part: string;
  /** What `schemaSha256` is the hash of: whoever asked has a SHA-256 at hand, the worker would have to load one. */
  readonly schema: { readonly text: string } | { readonly sha256: string };
}

export interface SnapshotOutput {
  /** Whether all databases were cut at one instant. Of one database alone always true. */
  readonly isOneInstant: boolean;
  /** Why they were not. */
  readonly reason: string | null;
  /** Epoch milliseconds. */
  readonly cutAtMs: number;
  readonly databases: readonly SnapshotFile[];
}

/** Compresses a file that nobody else writes to; durable when it is answered. */
export interface PackInput {
  readonly path: string;
  readonly to: string;
  /** 1 to 9. */
  readonly level: number;
}

export interface PackOutput {
  /** Of what was written. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of what was read. */
  readonly contentBytes: number;
  readonly contentSha256: string;
}

/** Unpacks a gzip file, or only tests it where `to` is null (`gzip -t` with hashes). Refuses trailing bytes. */
export interface UnpackInput {
  readonly path: string;
  /** A new file; durable when it is answered. */
  readonly to: string | null;
}

export interface UnpackOutput {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly contentBytes: number;
  readonly contentSha256: string;
}

/** Checks a SQLite file that nobody else writes to; leaves nothing beside it. */
export interface CheckInput {
  readonly path: string;
  /** quick_check, or integrity_check. */
  readonly depth: 'quick' | 'full';
}

export interface CheckOutput {
  /** SQLite's own words, at most 100; empty when the file is whole. */
  readonly problems: readonly string[];
  readonly pages: number;
  readonly pageSizeBytes: number;
  readonly schemaSha256: string;
  readonly foreignKeyViolations: number;
  readonly tables: number;
}

/** Whether a SQLite file may be replaced: nobody has it open. */
export interface ProbeInput {
  readonly path: string;
}

export interface ProbeOutput {
  readonly exists: boolean;
  /** Null where nobody has; who, as far as that can be known ("process 4711 (chs)", "another process"). */
  readonly openBy: string | null;
  /** Whether it is a SQLite database at all; an empty file is one. */
  readonly isDatabase: boolean;
}

/** The first column of queries on a SQLite file that nobody else writes to, as lines of a new file. */
export interface QueryInput {
  readonly path: string;
  readonly queries: readonly string[];
  readonly to: string;
}

export interface QueryOutput {
  readonly rows: number;
}

/** Puts a new SQLite file in the place of a database, if nobody has that open. */
export interface RetireInput {
  /** Absolute, and no symbolic link. It may be missing: then only what is stale beside it goes. */
  readonly path: string;
  /** The new file: whole, durable, with no WAL, on the same disk; it is moved. */
  readonly replacement: string;
  /** Where the old file is held until the new one is in its place: in a folder of a private one on the same disk. */
  readonly held: string;
  /** Where it is kept from then on; nothing is there yet. */
  readonly keepAs: string;
  /** The disk has hard links; without them the old database is copied through SQLite. */
  readonly links: boolean;
  /** Replaces what is no SQLite database as well: a damaged one may have lost its very first page. */
  readonly notDatabase: boolean;
}

export interface RetireOutput {
  /** Null when it is done. Else why nothing was changed: "process 4711 (chs) has it open". */
  readonly refused: string | null;
  /** Whether there was a database, which is at `keepAs` now. */
  readonly kept: boolean;
}

/** By name: what goes in and what comes out. */
export interface WorkerJobs {
  readonly snapshot: { readonly input: SnapshotInput; readonly output: SnapshotOutput };
  readonly pack: { readonly input: PackInput; readonly output: PackOutput };
  readonly unpack: { readonly input: UnpackInput; readonly output: UnpackOutput };
  readonly check: { readonly input: CheckInput; readonly output: CheckOutput };
  readonly probe: { readonly input: ProbeInput; readonly output: ProbeOutput };
  readonly query: { readonly input: QueryInput; readonly output: QueryOutput };
  readonly retire: { readonly input: RetireInput; readonly output: RetireOutput };
}

export type WorkerJob = keyof WorkerJobs;

/** How far a copy is that is hashed meanwhile; of these, the first and the last are always sent. */
export type CopyNews =
  /** It will begin with this page, in base64, if what is foretold comes true; else nothing is said but the last. */
  | { readonly state: 'begun'; readonly path: string; readonly firstPage: string }
  /** So many bytes will not change any more, but for the first page. */
  | { readonly state: 'growing'; readonly settledBytes: number }
  /** Nothing of it will change any more; it was not checked yet. */
  | { readonly state: 'whole'; readonly path: string; readonly isAsForetold: boolean };

/** How far a job is; sent a few times a second at most. */
export interface WorkerProgress {
  /** Such as `cut`, `copy`, `check`, `pack`, `unpack`. */
  readonly step: string;
  /** The database, where there is one. */
  readonly name: string | null;
  /** Bytes. */
  readonly done: number;
  readonly total: number;
  /** For whoever hashes the copy. */
  readonly copy?: CopyNews;
}

export interface WorkerRequest<J extends WorkerJob = WorkerJob> {
  readonly id: number;
  readonly job: J;
  readonly input: WorkerJobs[J]['input'];
}

export type WorkerMessage =
  | { readonly id: number; readonly type: 'progress'; readonly progress: WorkerProgress }
  | { readonly id: number; readonly type: 'done'; readonly output: unknown }
  /** `code` and `params` are those of the errors' table; null for what is not in it. */
  | {
      readonly id: number;
      readonly type: 'failed';
      readonly code: string | null;
      readonly params: Readonly<Record<string, string | number>>;
      readonly reason: string;
    };

/** What runs jobs: the process behind it is started by the first one. */
export interface BackupWorker {
  /**
   * Runs one job after those before it.
   *
   * @param signal ends the job: the process is killed, and what it left is the caller's to sweep
   * @throws ChsError SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_DAMAGED, SOURCE_BUSY, STORAGE_FULL, BACKUP_FAILED;
   *   the signal's reason
   */
  run<J extends WorkerJob>(
    job: J,
    input: WorkerJobs[J]['input'],
    options: { readonly signal: AbortSignal; readonly onProgress?: (progress: WorkerProgress) => void },
  ): Promise<WorkerJobs[J]['output']>;
  /** Ends the process. */
  close(): Promise<void>;
}
