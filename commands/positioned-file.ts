/** Local files read at positions, as readers of binary formats do. */
import { type FileHandle, open } from 'node:fs/promises';
import type { ByteSource } from '../src/crash/formats/bytes.ts';
import { ChsError } from '../src/platform/errors.ts';
import { localFileError } from './local-file.ts';

/** A file that can be read anywhere, until it is closed. */
export interface OpenFile {
  readonly source: ByteSource;
  close(): Promise<void>;
}

export function openFileOf(handle: FileHandle, sizeBytes: number): OpenFile {
  return {
    source: {
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
    },
    close: () => handle.close(),
  };
}

/**
 * Opens a regular file, which may be empty, for as long as `work` takes.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function withFile<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r');
    return await work(openFileOf(handle, (await handle.stat()).size).source);
  } catch (error) {
    throw localFileError(path, error);
  } finally {
    await handle?.close();
  }
}
