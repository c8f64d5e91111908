/** Files that the user names: opened for streaming or for positioned reads, with clear words when they cannot be. */
import { existsSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type ByteSource, FormatError } from '../src/crash/formats/bytes.ts';
import { ChsError } from '../src/platform/errors.ts';
import { usageError } from './failure.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENAMETOOLONG: 'the name is too long',
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EPIPE: 'whoever read from it went away',
  ENXIO: 'it is a socket or a device that nothing is behind',
};

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
 * like the name of such a file.
 *
 * @throws ChsError LOCAL_FILE for what is neither, so that a mistyped name opens no data; USAGE for `-`
 */
export function isLocalArgument(argument: string): boolean {
  if (argument === '-') throw usageError('- (standard input) is not taken here; name a file or an ID');
  if (/[/\\]|\.(dmp|mdmp|pdb|exe|dll|sys)$/i.test(argument) || existsSync(argument)) return true;
  if (ID_LIKE.test(argument)) return false;
  throw new ChsError('LOCAL_FILE', { path: argument, reason: 'there is no such file, and it is no ID' });
}

/**
 * Refuses what is not a regular file. To be asked before opening: opening a FIFO waits for its writer, for good
 * where there is none, and nothing can interrupt it.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function refuseSpecialFile(path: string, otherwise = 'it is not a regular file'): Promise<void> {
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

/**
 * Gives a file to a reader of binary formats.
 *
 * @throws ChsError LOCAL_FILE, also when the file is not what the reader expects
 */
export async function inspectLocalFile<T>(
  path: string,
  inspect: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const { handle, sizeBytes } = await openLocalFile(path);
  try {
    return await inspect(sourceOf(handle, sizeBytes));
  } catch (error) {
    if (error instanceof FormatError)
      throw new ChsError('LOCAL_FILE', { path, reason: error.message }, { cause: error });
    throw localFileError(path, error);
  } finally {
    await handle.close();
  }
}

function sourceOf(handle: FileHandle, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0)
          throw new ChsError('LOCAL_FILE', {
            path: 'the file',
            reason: 'it became shorter while it was read',
          });
        filled += bytesRead;
      }
      return bytes;
    },
  };
}
