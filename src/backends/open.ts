/** Opens the backends that a configuration names. */
import type { BackupTarget } from '../backup/target.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { openFolderTarget } from './fs/backup-target.ts';
import { openFileBlobs } from './fs/blobs.ts';
import type { S3Settings } from './s3/client.ts';
import type { SqlBackend } from './sql/backend.ts';
import { openSqlite } from './sqlite/open.ts';

export interface DatabasePlace {
  /** Absolute path of a SQLite database. */
  readonly path: string;
  readonly busyTimeoutMs: number;
}

export interface BlobPlace {
  /** Absolute path of a folder. */
  readonly root: string;
  readonly staleAfterMs: number;
}

export function openDatabase(place: DatabasePlace): Promise<SqlBackend> {
  return openSqlite(place);
}

export function openBlobs(place: BlobPlace): BlobStore {
  return openFileBlobs(place.root, place.staleAfterMs);
}

export interface BackupPlace {
  /** A folder, absolute; or `s3://BUCKET/PREFIX`. */
  readonly place: string;
  /** The server of `s3://` places. */
  readonly s3: S3Settings;
  /** Absolute path of a folder for what is on its way to S3; made on first use. */
  readonly workRoot: string;
}

/** @throws ChsError BACKUP_TARGET when `place` names no bucket */
export async function openBackupTarget({ place, s3, workRoot }: BackupPlace): Promise<BackupTarget> {
  if (!place.startsWith('s3://')) return openFolderTarget({ folder: place });
  const { openS3Target, parseS3Place } = await import('./s3/backup-target.ts');
  return openS3Target({ ...parseS3Place(place), settings: s3, workRoot });
}
