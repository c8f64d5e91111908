/** Files that the user names: told from IDs, opened for reading, with clear words when they cannot be. */
import { existsSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { ChsError } from '../src/platform/errors.ts';
import { usageError } from './failure.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead in a circle',
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EPIPE: 'whoever read from it went away',
  ENXIO: 'it is a socket or a device that nothing is behind',
};

/** A path, or the name of a file of ours, as it is or in a symbol store's cabinet. */
const FILE_LIKE = /[/\\]|\.(dmp|mdmp|pd[b_]|ex[e_]|dl[l_]|sy[s_])$/i;

/** IDs are UUIDs; rows that an older server left may have others, never without a digit. */
const ID_LIKE = /^(?=.*\d)[\w-]{8,64}$/;

/** An error of the file system as LOCAL_FILE; any other error as it is. */
export function localFileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new ChsError('LOCAL_FILE', { path, reason: REASONS[code] ?? error.message }, { cause: error });
}

/**
 * Whether an argument means a file here and not the ID of a stored one: it exists, or it looks like a path or
 * like the name of such a file. `-`, standard input, is one.
 *
 * @throws ChsError LOCAL_FILE for what is neither, so that a mistyped name opens no data
 */
export function isLocalArgument(argument: string): boolean {
  if (argument === '-' || FILE_LIKE.test(argument) || existsSync(argument)) return true;
  if (ID_LIKE.test(argument)) return false;
  throw new ChsError('LOCAL_FILE', { path: argument, reason: 'there is no such file, and it is no ID' });
}

/** @throws ChsError USAGE when standard input is named more than once */
export function refuseTwoInputs(args: readonly string[]): void {
  if (args.filter((path) => path === '-').length > 1)
    throw usageError('standard input (-) can be read only once');
}

/**
 * Refuses what is not a regular file. To be asked before opening: opening a FIFO waits for its writer, for good
 * where there is none, and nothing can interrupt it.
 *
 * @throws ChsError LOCAL_FILE
 */
async function refuseSpecialFile(path: string, otherwise = 'it is not a regular file'): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw localFileError(path, error);
  });
  if (found.isFile()) return;
  throw new ChsError('LOCAL_FILE', { path, reason: found.isDirectory() ? 'it is a directory' : otherwise });
}

/**
 * Opens a regular file that is not empty.
 *
 * @param special what to say of a pipe or a device
 * @throws ChsError LOCAL_FILE
 */
export async function openLocalFile(
  path: string,
  special?: string,
): Promise<{ handle: FileHandle; sizeBytes: number }> {
  await refuseSpecialFile(path, special);
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    if (size === 0) throw new ChsError('LOCAL_FILE', { path, reason: 'the file is empty' });
    return { handle, sizeBytes: size };
  } catch (error) {
    await handle?.close();
    throw localFileError(path, error);
  }
}
