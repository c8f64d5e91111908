/** Writes a file that is there whole or not at all. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChsError } from '../src/platform/errors.ts';
import { localFileError } from './local-file.ts';

/**
 * Replaces a file, or makes it; the bytes are on the disk before it appears. A pipe or a device gets them as they are.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    const found = await stat(path).catch(() => null);
    if (found && !found.isFile() && !found.isDirectory()) {
      await writeFile(path, content);
      return;
    }
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    throw localFileError(path, error);
  } finally {
    await rm(partial, { force: true, maxRetries: 3 }).catch(() => {});
  }
}

/**
 * Refuses at once what could not be written when all is done.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function refuseUnwritable(path: string): Promise<void> {
  const [found, folder] = await Promise.all(
    [path, dirname(path)].map((name) => stat(name).catch(() => null)),
  );
  if (found?.isDirectory()) throw new ChsError('LOCAL_FILE', { path, reason: 'it is a directory' });
  if (!folder?.isDirectory())
    throw new ChsError('LOCAL_FILE', { path: dirname(path), reason: 'there is no such directory' });
}
