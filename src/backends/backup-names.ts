/** What backups, their files and notes may be called in a place, and how big the small ones may be. */

const BACKUP_ID = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;
const FILE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;
const NOTE = /^(?:([^/]+)\/)?([a-z][a-z0-9-]{0,62}\.json)$/;
const SHA256 = /^[0-9a-f]{64}$/;

export const MANIFEST = 'manifest.json';
/** Of a manifest, and of a note. */
export const SMALL_FILE_BYTES_MAX = 8 * 1024 * 1024;
/** Files that several backups share are below it. */
export const POOL = 'pool';

export function isBackupId(name: string): boolean {
  return BACKUP_ID.test(name);
}

/** Whether a backup may have a file of this name, its manifest and notes among them: one segment, no tricks. */
export function isFileName(name: string): boolean {
  return FILE.test(name);
}

/** Whether a file of this name may be put into a backup: `.json` is for the manifest and notes. */
export function isDataFileName(name: string): boolean {
  return isFileName(name) && !name.toLowerCase().endsWith('.json');
}

export interface NoteName {
  /** Null for a note at the top. */
  readonly id: string | null;
  readonly file: string;
}

/** `removed.json` or `ID/verified.json`; null for anything else. */
export function noteName(name: string): NoteName | null {
  const found = NOTE.exec(name);
  if (!found) return null;
  const [, id, file = ''] = found;
  if (id === undefined) return { id: null, file };
  return isBackupId(id) && file !== MANIFEST ? { id, file } : null;
}

/** `ab/abcd....gz`, with `/` between; null where that is no SHA-256 in hex. */
export function poolKey(sha256: string): string | null {
  return SHA256.test(sha256) ? `${sha256.slice(0, 2)}/${sha256}.gz` : null;
}

/** The SHA-256 that a file of the pool is named after; null where that is no such name. */
export function poolFileHash(name: string): string | null {
  const sha256 = name.slice(0, -'.gz'.length);
  return name.endsWith('.gz') && SHA256.test(sha256) ? sha256 : null;
}
