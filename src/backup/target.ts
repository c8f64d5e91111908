/** Where backups are kept, as this domain needs it: a folder, or a bucket. One conformance suite holds for all. */
import type { Readable } from 'node:stream';

/** A finished file on this machine. */
export interface LocalFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes that went over since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

/** A backup in the making: invisible until it is committed. */
export interface PendingBackup {
  /** Adds a file, durable and compared with its hash. A folder on the same disk takes the file itself: it is gone then. */
  put(name: string, from: LocalFile, options: TransferOptions): Promise<void>;
  /** Makes the backup visible, whole, under its ID. The manifest is the last that is written. */
  commit(manifest: Uint8Array): Promise<void>;
  /** Takes everything back. */
  discard(): Promise<void>;
}

/**
 * Files that several backups share, by the SHA-256 of their content, compressed: `pool/ab/abcd....gz`. A file of the
 * pool never changes.
 */
export interface FilePool {
  /** Bytes that it takes; null where it is not there. */
  size(sha256: string): Promise<number | null>;
  /** `from.sha256` is of the compressed bytes. A file that is there already stays. */
  put(sha256: string, from: LocalFile, options: TransferOptions): Promise<void>;
  /** @throws ChsError BACKUP_DAMAGED where it is not there */
  open(sha256: string): Promise<Readable>;
  /** Those that are there, each with when it came (epoch milliseconds). */
  list(): AsyncIterable<{ readonly sha256: string; readonly putAtMs: number; readonly sizeBytes: number }>;
  remove(sha256: string): Promise<void>;
}

/**
 * A place of backups. Each is `ID/manifest.json` with its files beside it.
 *
 * All methods throw ChsError BACKUP_TARGET with a reason, STORAGE_FULL where the disk is; those that take an ID
 * BACKUP_NOT_FOUND.
 */
export interface BackupTarget {
  /** For people: an absolute folder, or `s3://BUCKET/PREFIX`. */
  readonly place: string;
  readonly kind: 'folder' | 's3';
  /**
   * A new private folder (0700) on the disk of the target, or near it, for what goes there. `sweep` removes those of
   * dead processes.
   */
  workFolder(): Promise<string>;
  /** Free bytes on the disk of `workFolder`. */
  freeBytes(): Promise<number>;
  /** IDs of what is committed, the oldest first. */
  list(): Promise<string[]>;
  /** The manifest's own bytes; at most 8 MiB. */
  readManifest(id: string): Promise<Uint8Array>;
  begin(id: string): Promise<PendingBackup>;
  /** Null where the backup has no such file. */
  fileSize(id: string, file: string): Promise<number | null>;
  /** @throws ChsError BACKUP_DAMAGED where the backup is there and the file is not */
  open(id: string, file: string): Promise<Readable>;
  /** The manifest goes first: what is half removed is no backup any more. */
  remove(id: string): Promise<void>;
  /** A small file at the top (`removed.json`) or in a backup (`ID/verified.json`): null where there is none. */
  readNote(name: string): Promise<Uint8Array | null>;
  /** Replaces it whole, durably. */
  writeNote(name: string, bytes: Uint8Array): Promise<void>;
  readonly pool: FilePool;
  /** Removes what dead processes left half-way; gives how many things went. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}
