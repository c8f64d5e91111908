/** Makes files and directory entries survive a power cut. */
import { mkdir, open, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './system-error.ts';

/** Writes a small file and waits until its bytes are on disk. */
export async function writeSynced(path: string, text: string, mode = 0o600): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Waits until a directory's entries are on disk. Windows has no such call and needs none; some
 * network and FUSE file systems have none either, and say so.
 */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    await folder.close();
  }
}

/**
 * Makes a folder with all above it that is missing, each of them durable.
 *
 * @param onMade gets the highest that this call made, before anything else may fail
 * @throws a system error, ENOENT too: another process removed a folder above, as empty, meanwhile
 */
export async function makeFolder(
  path: string,
  mode: number,
  onMade: (folder: string) => void = () => {},
): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true, mode }).catch(async (error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? await whyNotMade(path, error) : error;
  });
  if (firstMade === undefined) return;
  onMade(firstMade);
  await syncUpTo(dirname(firstMade), dirname(path));
}

/**
 * Node 20 says ENOENT where the disk is full or read-only, too: the first folder that is missing,
 * made alone, says why. That one can be made, or is there by now, means that it was no more than a race.
 */
async function whyNotMade(path: string, otherwise: unknown): Promise<unknown> {
  let at = path;
  while (at !== dirname(at) && !(await isThere(dirname(at)))) at = dirname(at);
  try {
    await mkdir(at);
    await rmdir(at);
    return otherwise;
  } catch (error) {
    return ['EEXIST', 'ENOTEMPTY'].includes(codeOf(error) ?? '') ? otherwise : error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Syncs `folder` and those above it, up to and including `top`, which holds it. */
export async function syncUpTo(top: string, folder: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await syncDirectory(at);
    if (at === top || at === dirname(at)) return;
  }
}
