/** Unpacking gzip (RFC 1952) piece by piece: every byte that can be had of a damaged file, in bounded memory. */
import type { FileHandle } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { codeOf } from './access.ts';
import { readAt } from './reading.ts';

export interface GzipProblem {
  readonly code: 'TRUNCATED_GZIP' | 'CORRUPT_GZIP';
  /** So many bytes of the text could be unpacked. */
  readonly atByte: number;
}

export interface Unpacked extends AsyncIterable<Buffer> {
  /** Whether something was wrong; known when the last chunk was given. */
  readonly problem: GzipProblem | null;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Largest chunk that is given. */
  readonly chunkBytes?: number;
  /** The caller closes the file; otherwise it is closed at the end, however that comes. */
  readonly keepsOpen?: boolean;
}

const CHUNK_BYTES = 256 * 1024;
const INPUT_BYTES = 64 * 1024;
/** A piece that cannot be unpacked is gone through once more in pieces of this size, and of those the bad one byte by byte. */
const FINER = 256;

/** Whether a file begins as gzip does, with the only method there is. */
export function isGzip(head: Buffer): boolean {
  return head.length >= 3 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08;
}

/**
 * Unpacks a file of one or more members. Zeros between members and whatever follows the last are passed over.
 * What a truncated or corrupt file holds before the damage is given whole; then it ends, and `problem` says why.
 *
 * The text may be a thousand times the file: whoever reads it counts. It can be read once.
 *
 * @throws the system's errors of reading, and the signal's reason
 */
export function unpack(handle: FileHandle, options: UnpackOptions = {}): Unpacked {
  const state: { problem: GzipProblem | null } = { problem: null };
  return {
    get problem() {
      return state.problem;
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* unpackMembers(handle, options, state);
      } finally {
        if (!options.keepsOpen) await handle.close();
      }
    },
  };
}

interface Progress {
  /** Where the members begin that one decompressor takes in one go. */
  from: number;
  given: number;
  /** Pieces from this place on are small; a retry has to find its way to where the one before failed. */
  fineFrom: number;
  pieceBytes: number;
}

type End =
  | { readonly kind: 'done' | 'truncated' }
  | { readonly kind: 'zeros'; readonly at: number }
  | Failure;
interface Failure {
  readonly kind: 'failed';
  readonly at: number;
  readonly isNoMember: boolean;
}

async function* unpackMembers(
  handle: FileHandle,
  options: UnpackOptions,
  state: { problem: GzipProblem | null },
): AsyncGenerator<Buffer> {
  const progress: Progress = {
    from: 0,
    given: 0,
    fineFrom: Number.POSITIVE_INFINITY,
    pieceBytes: INPUT_BYTES,
  };
  let givenBefore = 0;
  for (;;) {
    const end = yield* unpackRun(handle, options, progress, givenBefore);
    if (end.kind === 'failed' && progress.pieceBytes > 1) {
      // The decompressor keeps what it had unpacked of the piece in which it fails: it is asked again for less at once.
      progress.fineFrom = end.at;
      progress.pieceBytes = progress.pieceBytes > FINER ? FINER : 1;
      continue;
    }
    if (end.kind === 'truncated') state.problem = { code: 'TRUNCATED_GZIP', atByte: progress.given };
    if (end.kind === 'failed' && !(end.isNoMember && progress.given > 0)) {
      state.problem = { code: 'CORRUPT_GZIP', atByte: progress.given };
    }
    if (end.kind !== 'zeros') return;
    const next = await memberAfterZeros(handle, end.at, options.signal);
    if (next === null) return;
    givenBefore = progress.given;
    progress.from = next;
    progress.fineFrom = Number.POSITIVE_INFINITY;
    progress.pieceBytes = INPUT_BYTES;
  }
}

/** One decompressor's way through the file; what was given already, at a try before, is passed over. */
async function* unpackRun(
  handle: FileHandle,
  options: UnpackOptions,
  progress: Progress,
  givenBefore: number,
): AsyncGenerator<Buffer, End> {
  const gunzip = createGunzip({ chunkSize: options.chunkBytes ?? CHUNK_BYTES });
  const pump = makePump(gunzip);
  let passOver = progress.given - givenBefore;
  try {
    for (let at = progress.from; ; ) {
      options.signal?.throwIfAborted();
      const isFine = at >= progress.fineFrom;
      const length = isFine ? progress.pieceBytes : Math.min(INPUT_BYTES, progress.fineFrom - at);
      const piece = await readAt(handle, length, at);
      pump.write(piece);
      for (let chunk = await pump.next(); chunk; chunk = await pump.next()) {
        const wanted = chunk.subarray(Math.min(passOver, chunk.length));
        passOver -= chunk.length - wanted.length;
        progress.given += wanted.length;
        if (wanted.length > 0) yield wanted;
        options.signal?.throwIfAborted();
      }
      const { error } = pump;
      if (error) {
        if (codeOf(error) === 'Z_BUF_ERROR') return { kind: 'truncated' };
        return { kind: 'failed', at, isNoMember: error.message === 'incorrect header check' };
      }
      if (pump.hasEnded) {
        return piece.length === 0
          ? { kind: 'done' }
          : { kind: 'zeros', at: progress.from + gunzip.bytesWritten };
      }
      at += piece.length;
    }
  } finally {
    gunzip.destroy();
  }
}

interface Pump {
  /** Hands in one piece of the file; an empty one says that there are no more. */
  write(piece: Buffer): void;
  /** What comes of it, chunk by chunk; null when the piece is used up. */
  next(): Promise<Buffer | null>;
  readonly error: Error | null;
  readonly hasEnded: boolean;
}

/** A decompressor in steps: nothing is read ahead, so that nothing is lost with it when it fails. */
function makePump(gunzip: Gunzip): Pump {
  let error: Error | null = null;
  let hasEnded = false;
  let isUsedUp = true;
  let wake = () => {};
  const woken = () => new Promise<void>((resolve) => (wake = resolve));
  gunzip.on('readable', () => wake());
  gunzip.on('end', () => {
    hasEnded = true;
    wake();
  });
  gunzip.on('error', (failure) => {
    error = failure;
    wake();
  });
  return {
    write(piece) {
      isUsedUp = false;
      const done = () => {
        isUsedUp = true;
        wake();
      };
      if (piece.length === 0) gunzip.end();
      else gunzip.write(piece, done);
    },
    async next() {
      for (;;) {
        const chunk: unknown = error ? null : gunzip.read();
        if (Buffer.isBuffer(chunk)) return chunk;
        if (error || hasEnded) return null;
        if (isUsedUp && gunzip.readableLength === 0 && !gunzip.readableEnded) {
          // The end is told a moment after the last piece is used up.
          await new Promise((resolve) => setImmediate(resolve));
          if (gunzip.readableLength === 0) return null;
        } else await woken();
      }
    },
    get error() {
      return error;
    },
    get hasEnded() {
      return hasEnded;
    },
  };
}

/** Where the next member begins after zeros; null where only something else or nothing follows. */
async function memberAfterZeros(
  handle: FileHandle,
  from: number,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  for (let at = from; ; ) {
    signal?.throwIfAborted();
    const bytes = await readAt(handle, INPUT_BYTES, at);
    if (bytes.length === 0) return null;
    const skipped = bytes.findIndex((byte) => byte !== 0);
    if (skipped === -1) {
      at += bytes.length;
      continue;
    }
    return isGzip(await readAt(handle, 3, at + skipped)) ? at + skipped : null;
  }
}
