/** SHA-256 in the worker, loaded where it is needed: OpenSSL takes more than a megabyte. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { HashOutput } from '../../../backup/worker/protocol.ts';

const PIECE_BYTES = 256 * 1024;
/** Between two looks at whether the parent is still there. */
const TURN_BYTES = 32 * 1024 * 1024;

/** @param onBytes gets how far it is */
export async function hashFile(path: string, onBytes: (done: number) => void): Promise<HashOutput> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    let sizeBytes = 0;
    for (let turn = TURN_BYTES; ; ) {
      const read = readSync(file, piece, 0, piece.length, null);
      if (read === 0) return { sizeBytes, sha256: hash.digest('hex') };
      hash.update(piece.subarray(0, read));
      sizeBytes += read;
      if (sizeBytes >= turn) {
        turn = sizeBytes + TURN_BYTES;
        onBytes(sizeBytes);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  } finally {
    closeSync(file);
  }
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
