/** Brings a database of a source into a folder of ours and proves that it is what the manifest says. */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import type { BackupWorker, CheckOutput, WorkerProgress } from '../worker/protocol.ts';
import { type Received, receiveFile } from './receive.ts';
import { damaged, isPacked, type RestoreSource, type SourceDatabase } from './source.ts';

/** What says nothing of its size may be so large: what SQLite holds at most. */
const UNKNOWN_SIZE_MAX = 2 ** 48;
/** How often a file that is unpacked is looked at for its size. */
const LOOK_MS = 100;

export interface Watch {
  readonly signal: AbortSignal;
  /** What is done now: `receive`, `unpack`, `check`, `files`, `replace`; `name` is the database or file. */
  readonly onStep?: (step: string, name: string | null) => void;
  /** Bytes of the step. */
  readonly onProgress?: (progress: WorkerProgress) => void;
}

export interface ContentOptions extends Watch {
  readonly source: RestoreSource;
  readonly entry: SourceDatabase;
  /** Private, there already. */
  readonly folder: string;
  readonly worker: BackupWorker;
}

/** Bytes that the disk needs at most while a database is received and unpacked; what is unknown counts as nothing. */
export function roomFor(entry: SourceDatabase): number {
  return (isPacked(entry) ? (entry.file_size ?? 0) : 0) + (entry.size ?? entry.file_size ?? 0);
}

/**
 * Receives the file of a database as it is, and compares size and hash.
 *
 * @returns the path in `folder`
 * @throws ChsError BACKUP_DAMAGED; errors of the source and of the disk
 */
export async function receiveDatabase(options: ContentOptions): Promise<string> {
  const { source, entry, folder, signal } = options;
  const path = join(folder, 'received');
  options.onStep?.('receive', entry.name);
  const expected = isPacked(entry) ? entry.file_size : (entry.file_size ?? entry.size);
  let done = 0;
  const received = await receiveFile(await source.open(entry.file), path, {
    sizeMax: expected ?? UNKNOWN_SIZE_MAX,
    tooLarge: () => damaged(source, `${entry.file} is longer than the manifest says`),
    signal,
    onBytes: (bytes) => {
      done += bytes;
      options.onProgress?.({ step: 'receive', name: entry.name, done, total: expected ?? done });
    },
  });
  compare(options, entry.file, received, { sizeBytes: entry.file_size, sha256: entry.file_sha256 });
  if (!isPacked(entry))
    compare(options, entry.file, received, { sizeBytes: entry.size, sha256: entry.sha256 });
  return path;
}

/**
 * Receives a SQLite database, unpacks it, and compares it with the manifest, byte for byte.
 *
 * @returns the path of the database in `folder`
 * @throws ChsError BACKUP_DAMAGED, STORAGE_FULL; errors of the source and of the disk
 */
export async function receiveSqlite(options: ContentOptions): Promise<string> {
  const { entry, folder } = options;
  const received = await receiveDatabase(options);
  const path = join(folder, 'restored.db');
  if (!isPacked(entry)) {
    await rename(received, path);
    return path;
  }
  options.onStep?.('unpack', entry.name);
  const unpacked = await unpackBounded(options, received, path);
  compare(options, `${entry.file}, unpacked,`, unpacked, { sizeBytes: entry.size, sha256: entry.sha256 });
  await rm(received);
  return path;
}

/** A few bytes of gzip can hold a thousand times as much: it ends where the manifest says that the database does. */
async function unpackBounded(options: ContentOptions, path: string, to: string): Promise<Received> {
  const { source, entry, worker } = options;
  const sizeMax = entry.size ?? UNKNOWN_SIZE_MAX;
  const stop = new AbortController();
  const look = setInterval(() => {
    stat(to).then(
      ({ size }) => {
        if (size > sizeMax) stop.abort(damaged(source, `${entry.file} holds more than the manifest says`));
      },
      () => {},
    );
  }, LOOK_MS);
  try {
    const output = await worker.run(
      'unpack',
      { path, to },
      { ...progressOf(options), signal: AbortSignal.any([options.signal, stop.signal]) },
    );
    return { sizeBytes: output.contentBytes, sha256: output.contentSha256 };
  } catch (error) {
    throw gzipDamage(source, entry, error) ?? error;
  } finally {
    clearInterval(look);
  }
}

/** The table has no code for a file that is no whole gzip; the worker says so in words. */
function gzipDamage(source: RestoreSource, entry: SourceDatabase, error: unknown): Error | null {
  const reason =
    error instanceof ChsError && error.code === 'BACKUP_FAILED' ? String(error.params.reason) : '';
  const [, what] = /^the gzip file is damaged: (.*)$/s.exec(reason) ?? [];
  return what === undefined ? null : damaged(source, `${entry.file} cannot be unpacked: ${what}`, error);
}

/**
 * Checks a database that was received: integrity, pages, schema, and as many broken foreign keys as it had.
 *
 * @returns what is wrong, in phrases; nothing when it is whole
 */
export async function problemsOf(
  options: Omit<ContentOptions, 'folder' | 'source'>,
  path: string,
): Promise<{ problems: { check: string; detail: string }[]; found: CheckOutput }> {
  const { entry, worker } = options;
  options.onStep?.('check', entry.name);
  const found = await worker.run(
    'check',
    { path, depth: 'full' },
    { ...progressOf(options), signal: options.signal },
  );
  const problems = found.problems.map((detail) => ({ check: 'integrity_check', detail }));
  const differs = (check: string, what: string, is: string | number, was: string | number | null): void => {
    if (was !== null && is !== was)
      problems.push({ check, detail: `${what} ${is}, the manifest says ${was}` });
  };
  differs('pages', 'pages:', found.pages, entry.pages);
  differs('pages', 'size of a page:', found.pageSizeBytes, entry.page_size);
  differs('schema', 'schema:', found.schemaSha256, entry.schema_sha256);
  const violations = found.foreignKeyViolations;
  differs('foreign_key_check', 'broken foreign keys:', violations, entry.foreign_key_violations);
  return { problems, found };
}

export function progressOf(watch: Watch): { onProgress?: (progress: WorkerProgress) => void } {
  return watch.onProgress ? { onProgress: watch.onProgress } : {};
}

/** @throws ChsError BACKUP_DAMAGED */
function compare(
  { source }: ContentOptions,
  what: string,
  is: Received,
  expected: { readonly sizeBytes: number | null; readonly sha256: string | null },
): void {
  if (expected.sizeBytes !== null && is.sizeBytes !== expected.sizeBytes) {
    throw damaged(source, `${what} has ${is.sizeBytes} bytes, the manifest says ${expected.sizeBytes}`);
  }
  if (expected.sha256 !== null && is.sha256 !== expected.sha256) {
    throw damaged(source, `${what} has another checksum than the manifest says`);
  }
}
