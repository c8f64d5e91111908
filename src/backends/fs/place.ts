/** Puts finished files where they belong, never over another, and takes them away again. */
import { link, open, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { makeFolder, syncUpTo } from '../../platform/durable.ts';
import { codeOf } from '../../platform/system-error.ts';
import { ignoreMissing } from './codes.ts';

/** Another process may remove a folder as empty just when it was made: then it is made again. */
const FOLDER_TRIES_MAX = 100;
/** What Node.js says when that happens while it makes the folders below. It is said of a file in the way as well. */
const FOLDER_GONE = new Set(['ENOENT', 'ENOTDIR', 'EEXIST']);
/** How file systems without hard links say so: FAT, some network and FUSE ones; EISDIR is Windows' word. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EMLINK']);

export type Placed = 'placed' | 'taken' | 'no-links';

/** Hard-links `data` to `path`, durably: one step that fails where something is there already. */
export function linkInto(data: string, path: string, root: string): Promise<Placed> {
  return inFolder(path, root, async () => {
    try {
      await link(data, path);
      return 'placed';
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'taken';
      if (NO_LINKS.has(codeOf(error) ?? '')) return 'no-links';
      throw error;
    }
  });
}

/**
 * Where there are no hard links: an empty file, which only one can make, takes the name, and then
 * `data` is renamed over it. So nothing of others is overwritten, and no half file is ever seen.
 */
export function claimInto(data: string, path: string, root: string): Promise<Exclude<Placed, 'no-links'>> {
  return inFolder(path, root, async () => {
    try {
      await (await open(path, 'wx', 0o640)).close();
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'taken';
      throw error;
    }
    try {
      await rename(data, path);
      return 'placed';
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    }
  });
}

/** Removes a file and the folders that it leaves empty, but not `minidumps`, `pdbs`, `exes` themselves. */
export async function takeAway(path: string, root: string): Promise<void> {
  await unlink(path).catch(ignoreMissing);
  for (let at = dirname(path); relative(root, at).split(sep).length > 1; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}

async function inFolder<T extends Placed>(path: string, root: string, put: () => Promise<T>): Promise<T> {
  const folder = dirname(path);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeFolder(folder, 0o750);
      const result = await put();
      // All the way up: another process may have made one of these folders a moment ago, and its
      // name must be on disk before our file counts as stored.
      if (result === 'placed') await syncUpTo(root, folder);
      return result;
    } catch (error) {
      if (!FOLDER_GONE.has(codeOf(error) ?? '') || attempt >= FOLDER_TRIES_MAX) throw error;
    }
  }
}
