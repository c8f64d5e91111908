/** Opens the backends that a configuration names. */
import type { BlobStore } from '../platform/blobs.ts';
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
