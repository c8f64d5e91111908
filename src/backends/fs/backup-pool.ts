/** The pool of a folder of backups: files that several of them share, by the SHA-256 of their content. */
import { lstat, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { FilePool } from '../../backup/target.ts';
import { makeFolder, syncDirectory, syncUpTo } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { POOL, poolFileHash, poolKey } from '../backup-names.ts';
import { ignoreMissing, isMissing } from './codes.ts';
import { linkInto } from './place.ts';
import { namesIn, removeWhole, type Scratch } from './scratch.ts';
import { fileBytes, takeFile } from './take-file.ts';
import { targetError, targetErrors } from './target-errors.ts';

/** @param root the folder of the backups */
export function openFolderPool(root: string, scratch: Scratch): FilePool {
  const top = join(root, POOL);
  const pathOf = (sha256: string): string | null => {
    const key = poolKey(sha256);
    return key === null ? null : join(top, ...key.split('/'));
  };
  const sizeOf = async (sha256: string): Promise<number | null> => {
    const path = pathOf(sha256);
    return path === null ? null : fileSizeAt(path);
  };

  return {
    size: (sha256) => targetErrors(root, () => sizeOf(sha256)),

    put: (sha256, from, options) =>
      targetErrors(root, async () => {
        const path = pathOf(sha256);
        if (path === null) throw new Error(`${JSON.stringify(sha256)} is no SHA-256`);
        if ((await fileSizeAt(path)) !== null) return;
        const data = await scratch.newPath(POOL);
        await takeFile(root, from, data, options);
        try {
          // Where there are no links, over what came meanwhile: that has the same content.
          if ((await linkInto(data, path, root)) === 'no-links') await renameInto(data, path, root);
        } finally {
          await removeWhole(data);
        }
      }),

    open: (sha256) =>
      targetErrors(root, async () => {
        const path = pathOf(sha256);
        if (path === null || (await fileSizeAt(path)) === null) {
          throw new ChsError('BACKUP_DAMAGED', { id: POOL, reason: `the file ${sha256} is missing` });
        }
        return Readable.from(fileBytes(root, path), { objectMode: false });
      }),

    async *list() {
      try {
        for (const folder of await namesIn(top)) {
          if (!/^[0-9a-f]{2}$/.test(folder)) continue;
          for (const name of await namesIn(join(top, folder))) {
            const sha256 = poolFileHash(name);
            if (sha256?.slice(0, 2) !== folder) continue;
            const found = await lstat(join(top, folder, name)).catch(ignoreMissing);
            if (found?.isFile()) yield { sha256, putAtMs: found.mtimeMs, sizeBytes: found.size };
          }
        }
      } catch (error) {
        throw targetError(root, error);
      }
    },

    remove: (sha256) =>
      targetErrors(root, async () => {
        const path = pathOf(sha256);
        if (path === null) return;
        try {
          await unlink(path);
          await syncDirectory(dirname(path));
        } catch (error) {
          ignoreMissing(error);
        }
      }),
  };
}

/** Bytes of a file; null where there is none. */
export async function fileSizeAt(path: string): Promise<number | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  } catch (error) {
    // The second: a file of somebody else's has the name of a folder of ours.
    if (isMissing(error) || codeOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

async function renameInto(data: string, path: string, root: string): Promise<void> {
  await makeFolder(dirname(path), 0o750);
  await rename(data, path);
  await syncUpTo(root, dirname(path));
}
