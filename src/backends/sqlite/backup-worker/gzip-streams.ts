/** zlib's streams without what Node.js builds around them: made once, used for one block or piece after the other. */
import { constants, createDeflateRaw, createGunzip } from 'node:zlib';

/** What does not get smaller than this is not worth the time. */
const WORTH_RATIO = 0.95;
/** RFC 1951, 3.2.4. */
const STORED_BYTES_MAX = 65_535;
const STORED_HEADER_BYTES = 5;
/** zlib writes into buffers of so many bytes, always new ones. */
const OUTPUT_BYTES = 64 * 1024;
/**
 * What nobody needs any more is freed after so many bytes: V8 would wait until there are sixty megabytes. Of what is
 * still needed then, all must be over the next time, or it would grow old and stay.
 */
const COLLECT_BYTES = 512 * 1024;
/** While blocks are stored, what the streams hold grows old and stays when it is replaced: then everything is looked through. */
const COLLECT_ALL_BYTES = 16 * 1024 * 1024;

/** A place for one block: it is read into `buffer`, started, and finished. */
export interface Block {
  readonly buffer: Buffer;
  /** Begins to compress the first bytes of the buffer, or only keeps them. */
  start(lengthBytes: number, isStored: boolean): void;
  /** Gives what has become of them, which ends on a byte. */
  finish(write: (bytes: Uint8Array) => void): Promise<{ readonly isWorth: boolean }>;
  close(): void;
}

/**
 * @param level zlib's, 0 to 9
 * @param collect is told how much has been written and is not needed any more
 */
export function createBlock(sizeBytes: number, level: number, collect: Collector): Block {
  const buffer = Buffer.allocUnsafeSlow(sizeBytes);
  const deflate = createDeflateRaw({ level, flush: constants.Z_SYNC_FLUSH, chunkSize: OUTPUT_BYTES });
  const header = Buffer.alloc(STORED_HEADER_BYTES);
  let input = buffer;
  let output: Buffer[] = [];
  let underway: Promise<void> | null = null;
  deflate.on('data', (piece: Buffer) => output.push(piece));
  // Whoever waits for a block is told; of one that nobody waits for, nobody wants to know.
  deflate.on('error', () => {});
  return {
    buffer,
    start(lengthBytes, isStored) {
      input = buffer.subarray(0, lengthBytes);
      underway = null;
      if (isStored) return;
      underway = new Promise((resolve, reject) => {
        // A block refers to nothing before it.
        deflate.reset();
        deflate.once('error', reject);
        deflate.write(input, (error) => {
          deflate.off('error', reject);
          if (error) reject(error);
          else resolve();
        });
      });
      // Who fails earlier does not ask any more.
      underway.catch(() => {});
    },
    async finish(write) {
      if (underway === null) {
        writeStored(input, header, write);
        collect.afterStored(input.length);
        return { isWorth: true };
      }
      await underway;
      // What has not been given yet: a stream may wait a turn with it.
      while (deflate.read() !== null);
      let lengthBytes = 0;
      for (const piece of output) {
        lengthBytes += piece.length;
        write(piece);
      }
      output = [];
      collect.afterOutput(lengthBytes);
      return { isWorth: lengthBytes <= WORTH_RATIO * input.length };
    },
    close: () => void deflate.destroy(),
  };
}

/** Non-compressed blocks of RFC 1951, 3.2.4, none of them the last. */
function writeStored(bytes: Uint8Array, header: Buffer, write: (bytes: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; at += STORED_BYTES_MAX) {
    const piece = bytes.subarray(at, at + STORED_BYTES_MAX);
    header.writeUInt16LE(piece.length, 1);
    header.writeUInt16LE(piece.length ^ 0xffff, 3);
    write(header);
    write(piece);
  }
}

/** Takes a gzip file piece by piece. */
export interface Unpacker {
  /** Settles when the piece may be overwritten. @throws zlib's errors; those of `onPiece` */
  take(piece: Buffer): Promise<void>;
  /** @throws zlib's errors: that it is not over */
  end(): Promise<void>;
  /** It takes no more: something that is no gzip follows. */
  isOver(): boolean;
  bytesTaken(): number;
  close(): void;
}

/** @param onPiece gets what is unpacked, which is not used again */
export function createUnpacker(onPiece: (piece: Buffer) => void): Unpacker {
  const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
  let isOver = false;
  let failure: { readonly error: unknown } | null = null;
  let settle = (): void => {};
  const fail = (error: unknown): void => {
    failure ??= { error };
    settle();
  };
  const step = (begin: (done: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      settle = () => (failure === null ? resolve() : reject(failure.error));
      if (failure !== null || isOver) settle();
      else begin(() => settle());
    });
  gunzip.on('error', fail);
  gunzip.on('end', () => {
    isOver = true;
    settle();
  });
  gunzip.on('data', (piece: Buffer) => {
    if (failure !== null) return;
    try {
      onPiece(piece);
    } catch (error) {
      fail(error);
    }
  });
  return {
    take: (piece) => step((done) => gunzip.write(piece, (error) => (error ? fail(error) : done()))),
    end: () => step(() => gunzip.end()),
    isOver: () => isOver,
    bytesTaken: () => gunzip.bytesWritten,
    close: () => void gunzip.destroy(),
  };
}

/** Is told what is not needed any more, and frees it now and then. One for all that works at the same time. */
export interface Collector {
  /** So many bytes that zlib gave have been used. */
  afterOutput(bytes: number): void;
  /** So many bytes passed zlib by. */
  afterStored(bytes: number): void;
}

export function createCollector(): Collector {
  let output = 0;
  let stored = 0;
  return {
    afterOutput(bytes) {
      output += bytes;
      if (output < COLLECT_BYTES) return;
      output = 0;
      // It is young: to look through everything takes much longer, and memory of its own.
      globalThis.gc?.({ type: 'minor' });
    },
    afterStored(bytes) {
      stored += bytes;
      if (stored < COLLECT_ALL_BYTES) return;
      stored = 0;
      globalThis.gc?.();
    },
  };
}
