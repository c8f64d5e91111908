/** SHA-256 of a copy while the worker makes it, in the process that asked for it: on another core. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createCollector, SAME_BUFFERS_EVERY_BYTES } from '../../platform/collect.ts';

/** Hashed in a fraction of a millisecond, and then others have their turn. */
const PIECE_BYTES = 256 * 1024;
/** The page that begins here is never written: SQLite's locks are on its bytes ("The Lock-Byte Page" of the file format). */
const LOCK_BYTE_AT = 0x40000000;

export interface Hashed {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface CopyHash {
  /** So many bytes from the beginning will not change any more, but for the first page. */
  settle(bytes: number): void;
  /** The copy is finished. */
  finish(): void;
  /**
   * Null where something was read before it was written: nothing is known then, and it is over.
   *
   * @throws the signal's reason; errors of the system
   */
  readonly result: Promise<Hashed | null>;
  /** Nobody wants it any more; resolves when the file is closed. */
  abandon(): Promise<unknown>;
}

/**
 * Begins to hash a copy.
 *
 * @param firstPage what the copy will begin with, whatever it begins with now; null to read that too
 */
export function startHash(path: string, firstPage: Buffer | null, callerSignal: AbortSignal): CopyHash {
  const abandoned = new AbortController();
  const signal = AbortSignal.any([callerSignal, abandoned.signal]);
  let settledBytes = 0;
  let isWhole = false;
  let wake = (): void => {};
  const onAbort = (): void => wake();
  const settled = async (atBytes: number): Promise<number> => {
    while (!isWhole && settledBytes <= atBytes && !signal.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    signal.throwIfAborted();
    return isWhole ? Number.POSITIVE_INFINITY : settledBytes;
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const hashing = hash(path, firstPage, settled).finally(() => signal.removeEventListener('abort', onAbort));
  // Whoever began it asks for it at the end, or wants it no more.
  hashing.catch(() => {});
  return {
    settle(bytes) {
      settledBytes = bytes;
      wake();
    },
    finish() {
      isWhole = true;
      wake();
    },
    result: hashing,
    abandon() {
      abandoned.abort();
      return Promise.allSettled([hashing]);
    },
  };
}

interface Piece {
  readonly bytes: Buffer;
  /** The copy was not finished when it was read. */
  readonly isEarly: boolean;
}

/** One piece is read while the one before it is hashed; no other memory is taken. */
async function hash(
  path: string,
  firstPage: Buffer | null,
  settled: (atBytes: number) => Promise<number>,
): Promise<Hashed | null> {
  const sha256 = createHash('sha256');
  const collect = createCollector(SAME_BUFFERS_EVERY_BYTES);
  let sizeBytes = 0;
  if (firstPage !== null) {
    sha256.update(firstPage);
    sizeBytes = firstPage.length;
  }
  const file = await open(path, 'r');
  try {
    let free = Buffer.allocUnsafeSlow(PIECE_BYTES);
    let other = Buffer.allocUnsafeSlow(PIECE_BYTES);
    let reading = readPiece(file, free, sizeBytes, settled);
    for (;;) {
      const { bytes, isEarly } = await reading;
      if (isEarly && hasUnwritten(bytes, sizeBytes, firstPage?.length ?? PIECE_BYTES)) return null;
      if (bytes.length === 0) return { sizeBytes, sha256: sha256.digest('hex') };
      sizeBytes += bytes.length;
      reading = readPiece(file, other, sizeBytes, settled);
      // Whoever throws below still has to wait for it.
      reading.catch(() => {});
      sha256.update(bytes);
      collect(bytes.length);
      [free, other] = [other, free];
    }
  } finally {
    await file.close();
  }
}

async function readPiece(
  file: FileHandle,
  buffer: Buffer,
  atBytes: number,
  settled: (atBytes: number) => Promise<number>,
): Promise<Piece> {
  const end = await settled(atBytes);
  const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - atBytes), atBytes);
  return { bytes: buffer.subarray(0, bytesRead), isEarly: end !== Number.POSITIVE_INFINITY };
}

/**
 * A page that was not written yet is a hole in the file, and reads as zeros, or is behind the file's end. A free page
 * that was wiped reads as zeros, too.
 */
export function hasUnwritten(bytes: Buffer, atBytes: number, pageSizeBytes: number): boolean {
  if (bytes.length === 0 || bytes.length % pageSizeBytes !== 0) return true;
  for (let at = 0; at < bytes.length; at += pageSizeBytes) {
    if (bytes.readUInt32LE(at) !== 0 || atBytes + at === LOCK_BYTE_AT) continue;
    if (bytes.subarray(at, at + pageSizeBytes).every((byte) => byte === 0)) return true;
  }
  return false;
}
