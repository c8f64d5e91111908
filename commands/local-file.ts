/** Files that the user names: opened for streaming or for positioned reads, with clear words when they cannot be. */
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type ByteSource, FormatError } from '../src/crash/formats/bytes.ts';
import { ChsError } from '../src/platform/errors.ts';

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
};

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
 */
export function isLocalArgument(argument: string): boolean {
  return /[/\\]|\.(dmp|mdmp|pdb|exe|dll|sys)$/i.test(argument) || existsSync(argument);
}

/**
 * Opens a file that is not empty and not a directory.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function openLocalFile(path: string): Promise<{ handle: FileHandle; sizeBytes: number }> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r');
    const stat = await handle.stat();
    const reason = stat.isDirectory()
      ? 'it is a directory'
      : !stat.isFile()
        ? 'it is not a regular file; send it through a pipe and name it -'
        : stat.size === 0
          ? 'the file is empty'
          : null;
    if (reason) throw new ChsError('LOCAL_FILE', { path, reason });
    return { handle, sizeBytes: stat.size };
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
