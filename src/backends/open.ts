/** Opens the backends that a configuration names. */
import type { BackupTarget } from '../backup/target.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { openFolderTarget } from './fs/backup-target.ts';
import { openFileBlobs } from './fs/blobs.ts';
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
  /** An absolute folder, or `s3://BUCKET/PREFIX`. */
  readonly place: string;
  readonly s3: {
    readonly endpoint?: string | undefined;
    readonly region: string;
    readonly access_key_id?: string | undefined;
    readonly secret_access_key?: string | undefined;
    readonly path_style: boolean;
  };
  /** An absolute folder for what is on its way to a place that is none. */
  readonly workRoot: string;
}

export async function openBackupTarget({ place, s3, workRoot }: BackupPlace): Promise<BackupTarget> {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(place) ?? [];
  if (bucket === undefined) return openFolderTarget({ folder: place });
  const { openS3Target } = await import('./s3/backup-target.ts');
  return openS3Target({ bucket, prefix, settings: s3, workRoot });
}
