/** Restores the stored files of chs, out of the pool, before the database that names them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, link, lstat, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import type { FileLine, FilesEntry } from '../manifest.ts';
import type { Watch } from './content.ts';
import { fileLines } from './file-list.ts';
import type { MadeFolders } from './made-folders.ts';
import { receivePoolFile } from './pool-file.ts';
import { receiveFile } from './receive.ts';
import { damaged, type RestoreSource } from './source.ts';
import {
  isLinkless,
  makeStaging,
  moveNew,
  nameBefore,
  needRoom,
  onDisk,
  type Staging,
  sweepStaging,
} from './staging.ts';

/** A server reads several at once; more would only make the disk seek. */
const AT_ONCE = 4;
/** So many names are told; the rest is a number. */
const KEPT_SHOWN_MAX = 100;

export interface RestoreFilesOptions extends Watch {
  readonly source: RestoreSource;
  readonly entry: FilesEntry;
  /** The storage folder; made where it is missing. */
  readonly to: string;
  readonly made: MadeFolders;
  readonly nowMs: number;
}

export interface RestoredFiles {
  readonly folder: string;
  readonly count: number;
  readonly written: number;
  /** Were there already, byte for byte. */
  readonly same: number;
  /** Bytes of those that were written. */
  readonly bytes: number;
  /** Others had their names, and are kept; at most 100 are named. */
  readonly replaced: number;
  readonly kept: readonly { readonly path: string; readonly keptAs: string }[];
  /** Were missing when the backup was made. */
  readonly missing: readonly string[];
}

interface Job {
  readonly options: RestoreFilesOptions;
  readonly root: string;
  readonly staging: Staging;
  /** Folders whose entries have changed. */
  readonly touched: Set<string>;
  readonly tally: { count: number; written: number; same: number; bytes: number; replaced: number };
  readonly kept: { path: string; keptAs: string }[];
  /** Of the names in the staging folder. */
  next: number;
  done: number;
}

/** Where restores make files ready: inside the storage folder, which may be a disk of its own. */
function stagingTarget(root: string): string {
  return join(root, 'files');
}

/**
 * Restores every file of the list that is not there already; nothing is overwritten. All are durable when it is
 * answered. Whatever is wrong with the list itself is found before the first file is written.
 *
 * @throws ChsError BACKUP_DAMAGED, RESTORE_REFUSED, STORAGE_FULL; errors of the source; the signal's reason
 */
export async function restoreFiles(options: RestoreFilesOptions): Promise<RestoredFiles> {
  const { source, entry, signal, made } = options;
  const root = resolve(options.to);
  await onDisk(root, () => made.make(root, 0o750));
  await sweepStaging(stagingTarget(root));
  const staging = await makeStaging(stagingTarget(root), made.make);
  const tally = { count: 0, written: 0, same: 0, bytes: 0, replaced: 0 };
  const job: Job = { options, root, staging, touched: new Set(), tally, kept: [], next: 0, done: 0 };
  try {
    options.onStep?.('files', entry.database);
    await needRoom(staging.folder, entry.list_size);
    const list = await onDisk(root, () => receiveList(source, entry, staging.folder, signal));
    await needRoom(staging.folder, await bytesMissing(job, list));
    await inParallel(fileLines(source, entry, list), (line) => restoreFile(job, line));
    for (const folder of job.touched) await syncDirectory(folder);
    return { folder: root, ...tally, kept: job.kept, missing: entry.missing };
  } finally {
    await staging.discard();
  }
}

/** Receives the list, and compares it with the manifest. @throws ChsError BACKUP_DAMAGED */
export async function receiveList(
  source: RestoreSource,
  entry: FilesEntry,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const path = join(folder, 'list');
  const { sizeBytes, sha256 } = await receiveFile(await source.open(entry.list), path, {
    sizeMax: entry.list_size,
    tooLarge: () => damaged(source, `${entry.list} is longer than the manifest says`),
    signal,
  });
  if (sizeBytes !== entry.list_size || sha256 !== entry.list_sha256) {
    throw damaged(source, `${entry.list} has another checksum than the manifest says`);
  }
  return path;
}

/** Reads the whole list once before anything is done: bytes of the files that are not there in their size. */
async function bytesMissing({ options, root }: Job, list: string): Promise<number> {
  let bytes = 0;
  for await (const line of fileLines(options.source, options.entry, list)) {
    options.signal.throwIfAborted();
    const there = await lstat(join(root, ...line.key.split('/'))).catch(() => null);
    if (there?.size !== line.size) bytes += line.size;
  }
  return bytes;
}

async function inParallel(
  lines: AsyncGenerator<FileLine>,
  work: (line: FileLine) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const line of lines) {
      const one: Promise<void> = work(line)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= AT_ONCE) await Promise.race(running);
      if (failures.length > 0) break;
    }
  } finally {
    // A list that breaks off ends the restore, and then nobody may still write.
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}

async function restoreFile(job: Job, line: FileLine): Promise<void> {
  const { options, root, staging, tally } = job;
  options.signal.throwIfAborted();
  const path = join(root, ...line.key.split('/'));
  tally.count += 1;
  const there = await lstat(path).catch((error: unknown) => absentOr(error, path));
  if (there && !there.isFile()) throw new ChsError('RESTORE_REFUSED', { path, reason: 'it is not a file' });
  if (there?.size === line.size && (await hashOf(path, options.signal)) === line.sha256) {
    tally.same += 1;
    progress(job, line.size);
    return;
  }
  job.next += 1;
  const ready = join(staging.folder, `file-${job.next}`);
  await onDisk(path, async () => {
    await receivePoolFile(options.source, line, ready, {
      signal: options.signal,
      onBytes: (bytes) => progress(job, bytes),
    });
    await chmod(ready, 0o640);
    await utimes(ready, new Date(line.modified_ms), new Date(line.modified_ms));
    await makeFolders(job, dirname(path));
    await place(job, ready, path, there !== null);
  });
  tally.written += 1;
  tally.bytes += line.size;
}

function progress(job: Job, bytes: number): void {
  const { options } = job;
  job.done += bytes;
  options.onProgress?.({ step: 'files', name: null, done: job.done, total: options.entry.size });
}

/** Each folder that is made changes the one above it. */
async function makeFolders(job: Job, folder: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    job.touched.add(at);
    if (at === job.root || at === dirname(at)) break;
  }
  await job.options.made.make(folder, 0o750);
}

async function place(job: Job, ready: string, path: string, taken: boolean): Promise<void> {
  if (!taken) {
    try {
      await link(ready, path);
      await rm(ready);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' && !isLinkless(error)) throw error;
      if (codeOf(error) !== 'EEXIST') return rename(ready, path);
      // Somebody has stored a file there in between: it is kept like any other.
    }
  }
  const keptAs = await keepOld(path, job.options.nowMs);
  await rename(ready, path);
  job.tally.replaced += 1;
  if (job.kept.length < KEPT_SHOWN_MAX) job.kept.push({ path, keptAs });
}

/** A second name first, so that there is a file at the path all the time. */
async function keepOld(path: string, nowMs: number): Promise<string> {
  const keptAs = await nameBefore(path, nowMs);
  try {
    await link(path, keptAs);
    return keptAs;
  } catch (error) {
    if (!isLinkless(error)) throw error;
    return moveNew(path, keptAs);
  }
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024, signal })) hash.update(piece);
  return hash.digest('hex');
}

function absentOr(error: unknown, path: string): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw new ChsError('RESTORE_REFUSED', { path, reason: `the disk says ${codeOf(error)}` }, { cause: error });
}
