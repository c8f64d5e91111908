/** Puts snapshots and stored files into places: compressed, read back, each place durable by itself. */
import { createReadStream } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ChsError } from '../platform/errors.ts';
import { FILE_LIST, readFileList, writeFileList } from './file-list.ts';
import type { DatabaseEntry, FileLine, FilesEntry, Manifest } from './manifest.ts';
import type { HeldFile } from './own-files.ts';
import type { RunProgress } from './runs.ts';
import type { OwnData } from './settings.ts';
import type { Snapshot } from './snapshot.ts';
import type { BackupTarget, LocalFile, PendingBackup } from './target.ts';
import type { BackupWorker } from './worker/protocol.ts';

/** A place with the backup that is being made in it. */
export interface Destination {
  readonly target: BackupTarget;
  readonly pending: PendingBackup;
}

export interface ArchiveOptions {
  /** The last of them may take the file itself. */
  readonly destinations: readonly Destination[];
  /** A private folder for what is on its way. */
  readonly folder: string;
  /** 1 to 9. */
  readonly gzipLevel: number;
  readonly worker: BackupWorker;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

/** Files that are on their way into the pools at once. */
const PUTS_AT_ONCE = 4;
/** At most so many files that are missing are named. */
const MISSING_MAX = 100;

/**
 * Archives one snapshot, which goes.
 *
 * @throws ChsError STORAGE_FULL, BACKUP_TARGET, BACKUP_FAILED
 */
export async function archiveSnapshot(
  { entry, path }: Snapshot,
  options: ArchiveOptions,
): Promise<DatabaseEntry> {
  const { progress } = options;
  progress.step('archive', entry.name);
  if (entry.kind === 'postgres') {
    // pg_dump has compressed it, and pg_restore wants it so.
    const file = `${entry.name}.dump`;
    await putEverywhere(file, { path, sizeBytes: entry.size, sha256: entry.sha256 }, options);
    return { ...entry, file, file_size: entry.size, file_sha256: entry.sha256 };
  }
  const file = `${entry.name}.db.gz`;
  const packed = await packAndReadBack(path, join(options.folder, file), entry, options);
  await rm(path);
  await putEverywhere(file, packed, options);
  return { ...entry, file, file_size: packed.sizeBytes, file_sha256: packed.sha256 };
}

/** What packing has to hold to. */
interface Content {
  readonly name: string;
  readonly size: number | null;
  readonly sha256: string | null;
}

interface Packed extends LocalFile {
  readonly contentSha256: string;
}

/** Compresses a file, and unpacks what was written once more: nothing that cannot be read counts as a backup. */
async function packAndReadBack(
  path: string,
  to: string,
  { name, size, sha256 }: Content,
  { worker, gzipLevel, progress, signal }: ArchiveOptions,
): Promise<Packed> {
  const onProgress = ({ step, done, total }: { step: string; done: number; total: number }): void =>
    progress.progress(step, name, done, total);
  const packed = await worker.run('pack', { path, to, level: gzipLevel }, { signal, onProgress });
  const wrong = (what: string): ChsError => new ChsError('BACKUP_FAILED', { reason: `${name}: ${what}` });
  if (sha256 !== null && (packed.contentSha256 !== sha256 || packed.contentBytes !== size))
    throw wrong('the snapshot changed while it was compressed');
  const back = await worker.run('unpack', { path: to, to: null }, { signal, onProgress });
  if (back.sha256 !== packed.sha256 || back.contentSha256 !== packed.contentSha256)
    throw wrong('what was written reads back otherwise');
  return {
    path: to,
    sizeBytes: packed.sizeBytes,
    sha256: packed.sha256,
    contentSha256: packed.contentSha256,
  };
}

/** The last place may take the file itself; the others get one with another name, and may take that. */
async function putEverywhere(
  file: string,
  from: LocalFile,
  { destinations, progress, signal }: ArchiveOptions,
): Promise<void> {
  for (const [index, { target, pending }] of destinations.entries()) {
    const isLast = index === destinations.length - 1;
    let done = 0;
    const onBytes = (bytes: number): void => {
      done += bytes;
      if (target.kind !== 'folder') progress.progress('upload', file, done, from.sizeBytes);
    };
    await pending.put(file, isLast || target.kind !== 'folder' ? from : await lent(from), {
      signal,
      onBytes,
    });
  }
  await rm(from.path, { force: true });
}

/** The same bytes once more: two places on one disk must not share a file that one flipped bit would spoil for both. */
async function lent(from: LocalFile): Promise<LocalFile> {
  const path = `${from.path}.lent`;
  await copyFile(from.path, path);
  return { ...from, path };
}

export interface FilesToArchive {
  readonly own: OwnData;
  /** The name of the database that they belong to. */
  readonly database: string;
  readonly held: readonly HeldFile[];
  /** What the database refers to; null where it has no such tables. */
  readonly referencesPath: string | null;
  /** The same files as an earlier backup saw them. */
  readonly known: ReadonlyMap<string, FileLine>;
}

/**
 * Puts into the pools what is not in them yet, and the list of all into the backup.
 *
 * @throws ChsError STORAGE_FULL, BACKUP_TARGET, BACKUP_FAILED
 */
export async function archiveFiles(files: FilesToArchive, options: ArchiveOptions): Promise<FilesEntry> {
  const { own, held, database, known } = files;
  const { progress, folder, signal } = options;
  progress.step('files', database);
  const pools = await Promise.all(options.destinations.map(({ target }) => pooledIn(target)));
  const pooling: Pooling = { pools, puts: new Set(), packed: packedIn(known.values()), count: 0 };
  const totalBytes = held.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const lines: FileLine[] = [];
  let doneBytes = 0;
  try {
    for (const file of held) {
      signal.throwIfAborted();
      lines.push(await pooled(file, known.get(file.key), pooling, options));
      doneBytes += file.sizeBytes;
      progress.progress('files', null, doneBytes, totalBytes);
    }
    await Promise.all(pooling.puts);
  } finally {
    // What goes wrong with one ends the run, and then nobody may still read the folder.
    await Promise.allSettled(pooling.puts);
  }
  const path = join(folder, 'files.ndjson');
  await writeFileList(path, lines);
  const content = { name: FILE_LIST, size: null, sha256: null };
  const list = await packAndReadBack(path, join(folder, FILE_LIST), content, options);
  await rm(path);
  await putEverywhere(FILE_LIST, list, options);
  return {
    database,
    path: own.storage,
    count: lines.length,
    size: totalBytes,
    list: FILE_LIST,
    list_size: list.sizeBytes,
    list_sha256: list.sha256,
    missing: await missingOf(files, new Set(lines.map(({ key }) => key))),
  };
}

/** The files that a pool has, by the SHA-256 of their contents. */
async function pooledIn({ pool }: BackupTarget): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { sha256 } of pool.list()) names.add(sha256);
  return names;
}

/** Pools that are being filled; what waits for a disk to be in sync need not keep the next file from being packed. */
interface Pooling {
  readonly pools: readonly Set<string>[];
  /** Of those that are on their way. */
  readonly puts: Set<Promise<void>>;
  /** SHA-256 of the compressed bytes that every pool has, by that of the content, as far as it is known. */
  readonly packed: Map<string, string>;
  count: number;
}

function packedIn(lines: Iterable<FileLine>): Map<string, string> {
  const packed = new Map<string, string>();
  for (const { sha256, packed_sha256 } of lines) if (packed_sha256) packed.set(sha256, packed_sha256);
  return packed;
}

/** A file that no pool lacks and that has not changed since it was last read is not read again. */
async function pooled(
  file: HeldFile,
  known: FileLine | undefined,
  pooling: Pooling,
  options: ArchiveOptions,
): Promise<FileLine> {
  const line = (sha256: string): FileLine => ({
    key: file.key,
    size: file.sizeBytes,
    sha256,
    modified_ms: file.modifiedMs,
    inode: file.inode,
    packed_sha256: pooling.packed.get(sha256),
  });
  const isSame =
    known?.size === file.sizeBytes && known.modified_ms === file.modifiedMs && known.inode === file.inode;
  if (known && isSame && pooling.pools.every((names) => names.has(known.sha256))) return line(known.sha256);

  pooling.count += 1;
  const content = { name: file.key, size: null, sha256: null };
  // One of many: how far they all are is said for all of them.
  const quiet = { ...options, progress: { step() {}, progress() {} } };
  const to = join(options.folder, `file-${pooling.count}.gz`);
  const packed = await packAndReadBack(file.path, to, content, quiet);
  notePacked(packed, pooling);
  while (pooling.puts.size >= PUTS_AT_ONCE) await Promise.race(pooling.puts);
  const put = putIntoPools(packed, pooling, options).finally(() => pooling.puts.delete(put));
  pooling.puts.add(put);
  // Whoever waits for it hears of it; nobody else should.
  put.catch(() => {});
  return line(packed.contentSha256);
}

/** What is in no pool yet is in all of them with these bytes soon; where some have it, theirs may be others. */
function notePacked({ contentSha256, sha256 }: Packed, { pools, packed }: Pooling): void {
  const having = pools.filter((names) => names.has(contentSha256)).length;
  if (having === 0) packed.set(contentSha256, sha256);
  else if (having < pools.length) packed.delete(contentSha256);
}

async function putIntoPools(
  packed: Packed,
  { pools }: Pooling,
  { destinations, signal }: ArchiveOptions,
): Promise<void> {
  const { contentSha256 } = packed;
  for (const [index, { target }] of destinations.entries()) {
    if (pools[index]?.has(contentSha256)) continue;
    pools[index]?.add(contentSha256);
    const isLast = index === destinations.length - 1;
    const from = isLast || target.kind !== 'folder' ? packed : await lent(packed);
    await target.pool.put(contentSha256, from, { signal });
  }
  await rm(packed.path, { force: true });
}

/** The files that the database names and that were not there. */
async function missingOf(
  { own, referencesPath }: FilesToArchive,
  keys: ReadonlySet<string>,
): Promise<string[]> {
  const missing = new Set<string>();
  if (referencesPath === null) return [];
  const input = createReadStream(referencesPath);
  for await (const path of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const key = own.keyOfPath(path);
    if (key !== null && !keys.has(key) && missing.size < MISSING_MAX) missing.add(key);
  }
  return [...missing].sort();
}

/** The files of an earlier backup by key; none where its list cannot be read. */
export async function knownFiles(
  target: BackupTarget,
  { id, files }: Pick<Manifest, 'id' | 'files'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FileLine>> {
  const known = new Map<string, FileLine>();
  if (!files) return known;
  try {
    for await (const line of readFileList(target, id, files, signal)) known.set(line.key, line);
    return known;
  } catch {
    signal.throwIfAborted();
    // Then each is read anew; that the earlier backup is damaged is for whoever verifies it.
    return new Map();
  }
}
