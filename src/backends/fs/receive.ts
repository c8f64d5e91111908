/** Takes a stream to disk: hashed and counted while it arrives, durable when it is done. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { StageOptions } from '../../platform/blobs.ts';

/** Pieces are gathered to this much before they are hashed and written: one call for many small ones. */
const WRITE_BYTES = 256 * 1024;

/**
 * Writes `bytes` to a new file at `path` and waits until they are on disk.
 *
 * @returns the number of bytes and their SHA-256 in hex
 */
export async function receive(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  options: StageOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const file = await open(path, 'wx', 0o640);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    // Copied into one buffer and let go at once: pieces that wait for the disk grow old, and old ones
    // are freed only by the rarer, whole collections.
    const buffer = Buffer.allocUnsafeSlow(WRITE_BYTES);
    let filled = 0;
    for await (const piece of bytes) {
      options.signal.throwIfAborted();
      sizeBytes += piece.length;
      options.inspect(piece, sizeBytes);
      for (let at = 0; at < piece.length; ) {
        const part = piece.subarray(at, at + buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === buffer.length) {
          hash.update(buffer);
          await writeAll(file, buffer);
          filled = 0;
        }
      }
    }
    options.signal.throwIfAborted();
    hash.update(buffer.subarray(0, filled));
    await writeAll(file, buffer.subarray(0, filled));
    await file.sync();
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** A write may take less than it was given (a nearly full disk): go on until it is all there or it fails. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}
