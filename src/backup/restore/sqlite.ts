/** Restores one SQLite database: made ready beside its target, proven, and put in its place in one step. */
import { chmod, chown, lstat, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import type { BackupWorker } from '../worker/protocol.ts';
import { problemsOf, receiveSqlite, roomFor, type Watch } from './content.ts';
import type { MadeFolders } from './made-folders.ts';
import { damaged, type RestoreSource, type SourceDatabase } from './source.ts';
import {
  hasLinks,
  makeStaging,
  nameBefore,
  needRoom,
  onDisk,
  type Staging,
  sweepStaging,
} from './staging.ts';

/** Of a database that was not there before. */
const NEW_MODE = 0o640;

export interface StageSqliteOptions extends Watch {
  readonly source: RestoreSource;
  readonly entry: SourceDatabase;
  /** A file; it may be there, and is kept then. */
  readonly to: string;
  /** What is no SQLite database is replaced, too: it is known to be the place of one. Else it is refused. */
  readonly inItsPlace?: boolean;
  readonly made: MadeFolders;
  readonly worker: BackupWorker;
  readonly nowMs: number;
}

type Target = Pick<StageSqliteOptions, 'to' | 'inItsPlace' | 'worker' | 'signal'>;

export interface RestoredFile {
  /** Absolute; a symbolic link was followed. */
  readonly path: string;
  /** Where what was there is kept now; null where nothing was. */
  readonly replaced: string | null;
}

/** A database that lies ready beside its target. Ends in `commit` or `discard`. */
export interface StagedDatabase {
  readonly path: string;
  /**
   * What it replaces is kept beside it, with every commit; a process that is killed at any instant leaves the old one
   * or the new one, whole.
   *
   * @throws ChsError RESTORE_REFUSED: somebody has opened the target meanwhile, and nothing was changed
   */
  commit(): Promise<RestoredFile>;
  discard(): Promise<void>;
}

/**
 * The file that a restore to `to` is about, if it may be replaced at all.
 *
 * @returns the real path
 * @throws ChsError RESTORE_REFUSED: somebody has it open, or it is not a SQLite database and not known as its place
 */
export async function probeTarget({ to, inItsPlace, worker, signal }: Target): Promise<string> {
  const path = await realTarget(resolve(to));
  const refused = (reason: string): ChsError => new ChsError('RESTORE_REFUSED', { path, reason });
  const found = await stat(path).catch(() => null);
  if (found === null) return path;
  if (!found.isFile()) throw refused('it is not a file');
  const { openBy, isDatabase } = await worker.run('probe', { path }, { signal });
  if (openBy !== null) throw refused(`${openBy} has it open`);
  if (!isDatabase && !inItsPlace) throw refused('what is there is no SQLite database');
  return path;
}

/** A rename over a symbolic link would replace the link, and leave the database where it was. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      throw new ChsError(
        'RESTORE_REFUSED',
        { path, reason: `the disk says ${codeOf(error)}` },
        { cause: error },
      );
    }
    if (await lstat(path).catch(() => null)) {
      const reason = 'it is a symbolic link to nothing';
      throw new ChsError('RESTORE_REFUSED', { path, reason }, { cause: error });
    }
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return join(folder, basename(path));
  }
}

/**
 * Receives, unpacks and checks a database beside its target, which stays untouched.
 *
 * @throws ChsError RESTORE_REFUSED, BACKUP_DAMAGED, STORAGE_FULL; errors of the source
 */
export async function stageSqlite(options: StageSqliteOptions): Promise<StagedDatabase> {
  const { source, entry } = options;
  const path = await probeTarget(options);
  await sweepStaging(path);
  const staging = await makeStaging(path, options.made.make);
  try {
    const links = await onDisk(path, () => hasLinks(staging));
    const old = await stat(path).catch(() => null);
    // Without hard links what is replaced is copied.
    await needRoom(staging.folder, roomFor(entry) + (links ? 0 : (old?.size ?? 0)));
    const file = await onDisk(path, () => receiveSqlite({ ...options, folder: staging.folder }));
    const { problems } = await problemsOf(options, file);
    const [problem] = problems;
    if (problem) throw damaged(source, `${entry.name}: ${problem.check}: ${problem.detail}`);
    return {
      path,
      commit: () => commit({ path, file, staging, links, options }),
      discard: () => staging.discard(),
    };
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

interface CommitInput {
  readonly path: string;
  readonly file: string;
  readonly staging: Staging;
  readonly links: boolean;
  readonly options: StageSqliteOptions;
}

async function commit({ path, file, staging, links, options }: CommitInput): Promise<RestoredFile> {
  const { worker, signal, nowMs, entry } = options;
  try {
    options.onStep?.('replace', entry.name);
    await probeTarget({ ...options, to: path });
    await onDisk(path, () => likeOld(path, file));
    const keepAs = await nameBefore(path, nowMs);
    const held = join(staging.held, basename(keepAs));
    const notDatabase = options.inItsPlace ?? false;
    const input = { path, replacement: file, held, keepAs, links, notDatabase };
    const output = await worker.run('retire', input, { signal });
    if (output.refused !== null) throw new ChsError('RESTORE_REFUSED', { path, reason: output.refused });
    return { path, replaced: output.kept ? keepAs : null };
  } finally {
    await staging.discard();
  }
}

/** Gives the new file owner and mode of the old one, durably: it may be read by other users of the machine. */
async function likeOld(path: string, file: string): Promise<void> {
  const old = await stat(path).catch(() => null);
  if (old !== null && process.platform !== 'win32') {
    const now = await stat(file);
    if (now.uid !== old.uid || now.gid !== old.gid) await giveTo(path, file, old.uid, old.gid);
  }
  await chmod(file, old === null ? NEW_MODE : old.mode & 0o7777);
  const handle = await open(file, 'r+').catch(() => null);
  await handle?.sync().finally(() => handle.close());
}

async function giveTo(path: string, file: string, uid: number, gid: number): Promise<void> {
  try {
    await chown(file, uid, gid);
  } catch (cause) {
    const reason = `it belongs to user ${uid}, group ${gid}, to whom this user may not give the new one`;
    throw new ChsError('RESTORE_REFUSED', { path, reason }, { cause });
  }
}
