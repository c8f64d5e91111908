/** SHA-256 of a finished copy, in the process that asked for it: the worker checks the copy meanwhile, on another core. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Hashed in half a millisecond, and then others have their turn. */
const PIECE_BYTES = 512 * 1024;

export interface Hashed {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/**
 * One piece is read while the one before it is hashed; no other memory is taken.
 *
 * @throws the signal's reason; errors of the system
 */
export async function hashCopy(path: string, signal: AbortSignal): Promise<Hashed> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    let free = Buffer.allocUnsafeSlow(PIECE_BYTES);
    let other = Buffer.allocUnsafeSlow(PIECE_BYTES);
    let sizeBytes = 0;
    let reading = file.read(free, 0, PIECE_BYTES, 0);
    for (;;) {
      const { bytesRead, buffer } = await reading;
      signal.throwIfAborted();
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
      sizeBytes += bytesRead;
      reading = file.read(other, 0, PIECE_BYTES, sizeBytes);
      // Whoever throws below still has to wait for it.
      reading.catch(() => {});
      hash.update(buffer.subarray(0, bytesRead));
      [free, other] = [other, free];
    }
  } finally {
    await file.close();
  }
}
