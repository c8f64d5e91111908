/** Snapshots of several databases in a private folder: those of SQLite at one instant, those of PostgreSQL by pg_dump. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../platform/errors.ts';
import type { DatabaseEntry } from './manifest.ts';
import { dumpPostgres } from './postgres/dump.ts';
import { shownUrl } from './postgres/url.ts';
import type { RunProgress } from './runs.ts';
import type { Source } from './sources.ts';
import type { BackupWorker, SnapshotFile } from './worker/protocol.ts';

/** What a manifest says of a database before anything is compressed. */
export type SnapshotEntry = Omit<DatabaseEntry, 'file' | 'file_size' | 'file_sha256'>;

export interface Snapshot {
  readonly entry: SnapshotEntry;
  /** Absolute path of the finished copy or dump. */
  readonly path: string;
}

export interface Snapshots {
  /** When the databases were cut, in epoch milliseconds. */
  readonly cutAtMs: number;
  /** Whether all were cut at one instant. */
  readonly isOneInstant: boolean;
  readonly reason: string | null;
  /** In the order of the sources. */
  readonly snapshots: readonly Snapshot[];
}

export interface SnapshotOptions {
  readonly sources: readonly Source[];
  /** There already, and private. */
  readonly folder: string;
  readonly compact: boolean;
  readonly busyTimeoutMs: number;
  /** Free bytes on the folder's disk. */
  readonly freeBytes: number;
  readonly worker: BackupWorker;
  readonly now: () => number;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

/** So much stays free, for whoever else writes to that disk meanwhile. */
const SPARE_BYTES = 16 * 1024 * 1024;

/**
 * Takes all of them.
 *
 * @throws ChsError SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_DAMAGED, SOURCE_BUSY, DATABASE_SERVER, DATABASE_TOOL,
 *   STORAGE_FULL, BACKUP_FAILED
 */
export async function takeSnapshots(options: SnapshotOptions): Promise<Snapshots> {
  const { sources, folder, freeBytes } = options;
  const files = sources.filter((source) => source.kind === 'sqlite');
  const needed = await sizeOfAll(files.map(({ path }) => path));
  if (needed + SPARE_BYTES > freeBytes) throw new ChsError('STORAGE_FULL', { path: folder });

  const cut = files.length === 0 ? null : await cutFiles(files, options);
  const snapshots: Snapshot[] = [];
  for (const source of sources) {
    const copy = cut?.databases.find(({ name }) => name === source.name);
    if (source.kind === 'postgres') snapshots.push(await dumped(source, options));
    else if (copy) snapshots.push({ entry: entryOf(copy, source.path), path: copy.file });
    else throw new Error(`${source.name} was not cut`);
  }
  const isMixed = sources.length > 1 && files.length < sources.length;
  return {
    cutAtMs: cut?.cutAtMs ?? options.now(),
    isOneInstant: !isMixed && (cut?.isOneInstant ?? true),
    reason: cut?.reason ?? (isMixed ? 'a PostgreSQL database is cut by itself' : null),
    snapshots,
  };
}

/** Bytes of databases with what is in their WAL; those that cannot be looked at count nothing here. */
async function sizeOfAll(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths
      .flatMap((path) => [path, `${path}-wal`])
      .map((path) =>
        stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function cutFiles(
  files: readonly { readonly name: string; readonly path: string }[],
  { folder, compact, busyTimeoutMs, worker, signal, progress }: SnapshotOptions,
) {
  progress.step('snapshot', files.map(({ name }) => name).join(', '));
  return worker.run(
    'snapshot',
    { sources: files.map(({ name, path }) => ({ name, path })), folder, compact, busyTimeoutMs },
    { signal, onProgress: ({ step, name, done, total }) => progress.progress(step, name, done, total) },
  );
}

function entryOf(copy: SnapshotFile, path: string): SnapshotEntry {
  return {
    name: copy.name,
    path,
    size: copy.sizeBytes,
    sha256: copy.sha256,
    pages: copy.pages,
    page_size: copy.pageSizeBytes,
    schema_sha256: copy.schemaSha256,
    foreign_key_violations: copy.foreignKeyViolations,
    kind: 'sqlite',
    server_version: null,
  };
}

async function dumped(
  { name, url }: { readonly name: string; readonly url: string },
  { folder, progress, signal }: SnapshotOptions,
): Promise<Snapshot> {
  progress.step('dump', name);
  const path = join(folder, `${name}.dump`);
  const onProgress = (bytes: number): void => progress.progress('dump', name, bytes, 0);
  const dump = await dumpPostgres({ name, url, to: path, signal, onProgress });
  const entry = {
    name,
    path: shownUrl(url),
    size: dump.sizeBytes,
    sha256: dump.sha256,
    pages: null,
    page_size: null,
    schema_sha256: null,
    foreign_key_violations: null,
    kind: 'postgres',
    server_version: dump.serverVersion,
  } as const;
  return { entry, path };
}
