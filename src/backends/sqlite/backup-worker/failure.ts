/** How a job of the backup worker fails: with a code of the errors' table, its values and a reason. */
import type { SnapshotSource } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';

/** What goes over to the parent. The table itself stays there: its texts would take memory here for nothing. */
export interface Failure {
  /** Null for what is not in the table. */
  readonly code: string | null;
  readonly params: Readonly<Record<string, string | number>>;
  readonly reason: string;
}

const failures = new WeakMap<Error, Failure>();

/** An error that `failureOf` gives back as it is. */
export function failed(failure: Failure, cause?: unknown): Error {
  const error = new Error(failure.reason, { cause });
  failures.set(error, failure);
  return error;
}

/** @param path where the worker was writing, for a full disk */
export function failureOf(error: unknown, path = ''): Failure {
  const known = error instanceof Error ? failures.get(error) : undefined;
  if (known) return known;
  const reason = error instanceof Error ? error.message : String(error);
  if (isFull(error)) return { code: 'STORAGE_FULL', params: { path: path || pathOf(error) }, reason };
  return { code: null, params: {}, reason };
}

/** A source that cannot be read, in the table's terms; a full disk and what is known already as they are. */
export function sourceFailure(source: SnapshotSource, error: unknown): Error {
  if (error instanceof Error && failures.has(error)) return error;
  if (isFull(error)) return error instanceof Error ? error : new Error(String(error));
  const { name, path } = source;
  const code = codeOf(error) ?? '';
  if (/^SQLITE_(BUSY|LOCKED)/.test(code) && code !== 'SQLITE_BUSY_RECOVERY')
    return failed({ code: 'SOURCE_BUSY', params: { name, path }, reason: 'it is locked' }, error);
  if (code === 'ENOENT')
    return failed({ code: 'SOURCE_MISSING', params: { name, path }, reason: 'there is no such file' }, error);
  const reason = reasonOf(code, error);
  return code.startsWith('SQLITE_CORRUPT')
    ? failed({ code: 'SOURCE_DAMAGED', params: { name, path, reason }, reason }, error)
    : failed({ code: 'SOURCE_UNREADABLE', params: { name, path, reason }, reason }, error);
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? '');
}

function isFull(error: unknown): boolean {
  // The last: no room for the index of a WAL.
  return /^(SQLITE_FULL|ENOSPC|EDQUOT|SQLITE_IOERR_SHMSIZE)$/.test(codeOf(error) ?? '');
}

function reasonOf(code: string, error: unknown): string {
  if (code === 'SQLITE_NOTADB') return 'it is not a SQLite database';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}

function pathOf(error: unknown): string {
  return error instanceof Error && 'path' in error ? String(error.path) : '';
}
