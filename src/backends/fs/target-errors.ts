/** What the operating system refused in a place of backups, in the table's terms. */
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { isFull } from './codes.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOENT: 'a part of it was removed meanwhile',
  ENOTDIR: 'a file stands where a folder should be',
  EISDIR: 'a folder stands where a file should be',
  EEXIST: 'something of this name is there already',
  ENOTEMPTY: 'something of this name is there already',
  EXDEV: 'parts of it are on different disks',
  ENAMETOOLONG: 'a name in it is too long',
  ELOOP: 'its links lead in a circle',
  EFBIG: 'the disk takes no file of this size',
  EIO: 'the disk reports an error',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ESTALE: 'the disk is not there any more',
  ENODEV: 'the disk is not there any more',
  ENOTCONN: 'the disk is not there any more',
  ETIMEDOUT: 'the disk does not answer',
  EHOSTDOWN: 'the disk does not answer',
  EBUSY: 'another program uses it',
};

/**
 * Runs what touches the disk of a place of backups.
 *
 * @throws ChsError STORAGE_FULL, BACKUP_TARGET; what the system did not say comes as it is
 */
export async function targetErrors<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw targetError(place, error);
  }
}

/** STORAGE_FULL or BACKUP_TARGET for an error of the system; any other error itself. */
export function targetError(place: string, error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof ChsError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (isFull(error)) return new ChsError('STORAGE_FULL', { path: place }, { cause: error });
  const reason = REASONS[code] ?? `the system says ${code}`;
  return new ChsError('BACKUP_TARGET', { place, reason }, { cause: error });
}
