/** What can be restored, wherever it comes from: a backup of a server, a download, a folder, a bare file. */
import type { Readable } from 'node:stream';
import { ChsError } from '../../platform/errors.ts';
import type { FilesEntry } from '../manifest.ts';

/**
 * One database of a source. As the manifest has it where there is one; null is what the source does not know: the
 * documented manifest has name, path and size alone, a bare file nothing.
 */
export interface SourceDatabase {
  readonly name: string;
  readonly path: string;
  readonly kind: 'sqlite' | 'postgres';
  /** Bytes and SHA-256 of the content, before it was compressed. */
  readonly size: number | null;
  readonly sha256: string | null;
  readonly pages: number | null;
  readonly page_size: number | null;
  readonly schema_sha256: string | null;
  readonly foreign_key_violations: number | null;
  readonly server_version: string | null;
  /** What `open` takes. */
  readonly file: string;
  readonly file_size: number | null;
  readonly file_sha256: string | null;
  /** Whether the file is compressed by gzip; left out, its name tells. */
  readonly packed?: boolean;
}

export interface SourceManifest {
  /** Null for what is no backup of chs's own. */
  readonly id: string | null;
  readonly timestamp: string | null;
  readonly databases: readonly SourceDatabase[];
  readonly files: FilesEntry | null;
}

export interface RestoreSource {
  /** For people: the ID, or the path. */
  readonly label: string;
  readonly manifest: SourceManifest;
  /** The manifest as it stands in the source, for who checks its signature; null where there is none. */
  readonly manifestBytes: Uint8Array | null;
  /** @throws ChsError BACKUP_DAMAGED where it is not there, or is not what the source announces */
  open(file: string): Promise<Readable>;
  /** A file of the pool, compressed. @throws ChsError BACKUP_DAMAGED where it is not there */
  openPool(sha256: string): Promise<Readable>;
}

/** The file is compressed; of a database that is not of SQLite it never is. */
export function isPacked(entry: SourceDatabase): boolean {
  return entry.packed ?? (entry.kind === 'sqlite' && entry.file.endsWith('.gz'));
}

export function nameOf(source: RestoreSource): string {
  return source.manifest.id ?? source.label;
}

/** @param reason what is wrong with it */
export function damaged(source: RestoreSource, reason: string, cause?: unknown): ChsError {
  return new ChsError('BACKUP_DAMAGED', { id: nameOf(source), reason }, { cause });
}

/** A source that a server, or the places of backups, answer for. */
export function remoteSource(options: {
  readonly backup: SourceManifest & { readonly id: string };
  readonly open: (file: string) => Promise<Readable>;
  readonly openPool: (sha256: string) => Promise<Readable>;
}): RestoreSource {
  const { id, timestamp, databases, files } = options.backup;
  return {
    label: id,
    manifest: { id, timestamp, databases, files },
    manifestBytes: null,
    open: options.open,
    openPool: options.openPool,
  };
}
