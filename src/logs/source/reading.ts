/** Reading bytes of open files, patiently: disks of networks fail for a moment. */
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from './access.ts';

/** As the documents have it: an error of a disk is tried again three times, after ever longer pauses. */
const RETRIES = 3;
const PAUSE_MS = 20;

/** What may be otherwise a moment later. */
const PASSING = new Set(['EIO', 'EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT']);

/** Does something with a file; tries again where it failed for what may pass. The cause of an error counts, too. */
export async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      const cause = error instanceof Error ? codeOf(error.cause) : '';
      if (tries === RETRIES || !(PASSING.has(code) || PASSING.has(cause))) throw error;
      await delay(PAUSE_MS * 2 ** tries, undefined, { signal });
    }
  }
}

/** Reads `length` bytes at `position`; fewer only where the file ends. */
export async function readAt(handle: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await patiently(() =>
      handle.read(bytes, filled, length - filled, position + filled),
    );
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
