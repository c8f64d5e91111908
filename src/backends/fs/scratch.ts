/** Where half-made backups are: private folders of each process in `.partial`, swept when it is dead. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../platform/durable.ts';
import { codeOf } from '../../platform/system-error.ts';
import { isMissing } from './codes.ts';
import { isDeadProcess, keepBeating, processName, stopBeats } from './process-folders.ts';

const PARTIAL = '.partial';
/** Ends the name of a dead process's folder that is being removed. */
const DEAD = '.dead';
/** A process on another machine that was silent for so long is dead. */
const STALE_AFTER_MS = 24 * 3_600_000;
/** Another process sweeps the same, or the disk refuses: there will be another sweep. */
const LEAVE_FOR_LATER = new Set([
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EPERM',
  'EROFS',
  'EBUSY',
  'EEXIST',
  'ENOTEMPTY',
  'ENOSPC',
]);

export interface Scratch {
  /** Absolute path below this process's folder, which is there and private (0700) then; there is nothing at it yet. */
  newPath(kind: string): Promise<string>;
  /** A new private folder, as an absolute path. A name that is taken fails with EEXIST. */
  newFolder(name?: string): Promise<string>;
  /** Free bytes on its disk. */
  freeBytes(): Promise<number>;
  /** Removes what dead processes left; gives how many things went. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

/** @param root absolute path; made on the first write, as are the folders below it */
export function openScratch(root: string): Scratch {
  const partial = join(root, PARTIAL);
  const own = join(partial, processName());
  const holder = {};
  const enter = async (): Promise<void> => {
    // First, so that another target of this process that is closed now leaves the folder.
    keepBeating(holder, own);
    await makeFolder(partial, 0o750);
    await makeFolder(own, 0o700);
  };

  return {
    async newPath(kind) {
      await enter();
      return join(own, `${kind}-${randomUUID()}`);
    },
    async newFolder(name = `work-${randomUUID()}`) {
      await enter();
      const folder = join(own, name);
      await mkdir(folder, { mode: 0o700 });
      return folder;
    },
    freeBytes: () => freeBytes(partial),
    async sweep() {
      let gone = 0;
      for (const name of await namesIn(partial)) {
        const folder = join(partial, name);
        const isDead = name.endsWith(DEAD) || (await isDeadProcess(name, folder, STALE_AFTER_MS));
        if (isDead) gone += await removeDead(folder);
      }
      return gone;
    },
    close: () => stopBeats(holder),
  };
}

/** Names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Removes a file or a folder with all that is in it. */
export async function removeWhole(path: string): Promise<void> {
  // On Windows a virus scanner may hold a new file for a moment.
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

async function removeDead(folder: string): Promise<number> {
  try {
    // In one step first: a process that was only taken for dead must not commit what is half gone.
    const doomed = folder.endsWith(DEAD) ? folder : `${folder}${DEAD}`;
    if (doomed !== folder) await rename(folder, doomed);
    const names = await readdir(doomed);
    await removeWhole(doomed);
    return names.length;
  } catch (error) {
    if (!LEAVE_FOR_LATER.has(codeOf(error) ?? '')) throw error;
    return 0;
  }
}

async function freeBytes(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const found = await statfs(at);
      return found.bavail * found.bsize;
    } catch (error) {
      // What is not there yet will be made on the disk of what is.
      if (!isMissing(error) || at === dirname(at)) throw error;
    }
  }
}
