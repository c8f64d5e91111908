/** Takes a file of a source to disk: bounded, hashed while it arrives, compared with what the manifest says, durable. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

export interface Received {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface ReceiveOptions {
  /** More than so many bytes are refused. */
  readonly sizeMax: number;
  /** Makes the error for what is too long. */
  readonly tooLarge: () => Error;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Writes a stream to a new file, and waits until it is on disk. The stream is destroyed whatever happens.
 *
 * @throws what `tooLarge` gives; the stream's error; the signal's reason; errors of the disk as they come
 */
export async function receiveFile(bytes: Readable, to: string, options: ReceiveOptions): Promise<Received> {
  const stop = (): void => {
    bytes.destroy(options.signal.reason instanceof Error ? options.signal.reason : new Error('aborted'));
  };
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    options.signal.throwIfAborted();
    const file = await open(to, 'wx', 0o600);
    try {
      const received = await write(bytes, file, options);
      await file.sync();
      return received;
    } finally {
      await file.close();
    }
  } finally {
    options.signal.removeEventListener('abort', stop);
    bytes.destroy();
  }
}

async function write(bytes: Readable, file: FileHandle, options: ReceiveOptions): Promise<Received> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of bytes as AsyncIterable<Uint8Array>) {
    options.signal.throwIfAborted();
    sizeBytes += piece.length;
    if (sizeBytes > options.sizeMax) throw options.tooLarge();
    hash.update(piece);
    for (let at = 0; at < piece.length; ) {
      at += (await file.write(piece, at, piece.length - at)).bytesWritten;
    }
    options.onBytes?.(piece.length);
  }
  options.signal.throwIfAborted();
  return { sizeBytes, sha256: hash.digest('hex') };
}
