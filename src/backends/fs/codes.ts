/** What the operating system refused, and what that means in the table's terms. */
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
/** The last three: a file stands where a folder should be, or a part of the root is on another disk. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EXDEV']);

export function isFull(error: unknown): boolean {
  return FULL.has(codeOf(error) ?? '');
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** For `catch`: what should go is gone already. */
export function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/**
 * Runs what touches the disk below `root`.
 *
 * @throws ChsError STORAGE_FULL, STORAGE_UNWRITABLE; anything else as it came
 */
export async function storageErrors<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (isFull(error)) throw new ChsError('STORAGE_FULL', { path: root }, { cause: error });
    if (code !== undefined && UNWRITABLE.has(code)) {
      throw new ChsError('STORAGE_UNWRITABLE', { path: root, reason: code }, { cause: error });
    }
    throw error;
  }
}
