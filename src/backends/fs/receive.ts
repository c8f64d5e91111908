/** Takes a stream to disk: hashed and counted while it arrives, durable when it is done. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { StageOptions } from '../../platform/blobs.ts';

/** Pieces are gathered to about this much before they are written: one call for many small ones. */
const WRITE_BYTES = 512 * 1024;

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
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    for await (const piece of bytes) {
      options.signal.throwIfAborted();
      sizeBytes += piece.length;
      options.inspect(piece, sizeBytes);
      hash.update(piece);
      waiting.push(piece);
      waitingBytes += piece.length;
      if (waitingBytes >= WRITE_BYTES) {
        await writeAll(file, waiting, waitingBytes);
        waiting = [];
        waitingBytes = 0;
      }
    }
    options.signal.throwIfAborted();
    if (waitingBytes > 0) await writeAll(file, waiting, waitingBytes);
    await file.sync();
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** `writev` may write less than it was given (a nearly full disk): go on until it is all there or it fails. */
async function writeAll(file: FileHandle, pieces: readonly Uint8Array[], totalBytes: number): Promise<void> {
  const { bytesWritten } = await file.writev([...pieces]);
  if (bytesWritten === totalBytes) return;
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let at = 0; at < rest.length; ) {
    const written = await file.write(rest, at, rest.length - at);
    at += written.bytesWritten;
  }
}
