/** A moving window over the bytes of a file: the block that is looked at, and some of what was before it. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { unpack } from '../source/gzip.ts';
import type { LogFile } from '../source/log-file.ts';
import type { NoticeCode } from '../source/notice.ts';

/** An event's first line is looked for so far above a line without a time. */
export const LOOKBACK_BYTES = 256 * 1024;
/** Enough for that and for a line that begins before it. */
const HISTORY_BYTES = LOOKBACK_BYTES + 64 * 1024;
const BLOCK_BYTES = 1024 * 1024;

/** Why a file could not be read, or not to its end. */
export class UnreadableFile extends Error {
  readonly code: NoticeCode;

  constructor(code: NoticeCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface ByteWindow {
  /** Bytes [0, length) are valid; the buffer may be another one after each call. */
  readonly buffer: Buffer;
  readonly length: number;
  /** Where in the (unpacked) file the buffer begins. */
  readonly base: number;
  /** Nothing comes after these bytes. */
  readonly isAtEnd: boolean;
  /** Reads on. What lies more than the history before index `from` may go, so indexes change: gives by how much. */
  advance(from: number): Promise<number>;
  /** Reads on without letting anything go. False at the end. */
  extend(): Promise<boolean>;
  /** What was wrong with the end of the file; null when nothing was. */
  readonly problem: { readonly code: NoticeCode; readonly message: string } | null;
  close(): void;
}

export interface WindowOptions {
  /** The window's first index for a line is at this offset; a history before it is read as well where there is one. */
  readonly start: number;
  /** Bytes from here on are not looked at: what a growing file had when the search began. */
  readonly fileEnd: number;
  readonly blockBytes?: number;
  readonly signal?: AbortSignal;
}

/** @throws UnreadableFile when the file is gone, is another one by now, or cannot be opened */
export async function openWindow(file: LogFile, options: WindowOptions): Promise<ByteWindow> {
  const descriptor = openChecked(file);
  try {
    const source = file.compression === 'gzip' ? await packedSource(descriptor, options) : plainSource(descriptor, options);
    return createWindow(source, options.blockBytes ?? BLOCK_BYTES);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Bytes one after the other. */
interface Source {
  readonly start: number;
  /** Puts bytes into the buffer from `at` on, up to `size`; gives how many, 0 at the end. */
  fill(buffer: Buffer, at: number, size: number): number | Promise<number>;
  problem(): ByteWindow['problem'];
  close(): void;
}

function createWindow(source: Source, blockBytes: number): ByteWindow {
  let buffer = Buffer.allocUnsafeSlow(HISTORY_BYTES + 2 * blockBytes);
  let length = 0;
  let base = source.start;
  let isAtEnd = false;
  const read = async (): Promise<boolean> => {
    if (isAtEnd) return false;
    if (buffer.length - length < blockBytes) {
      const larger = Buffer.allocUnsafeSlow(buffer.length * 2);
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    const filled = source.fill(buffer, length, blockBytes);
    const count = typeof filled === 'number' ? filled : await filled;
    length += count;
    if (count === 0) isAtEnd = true;
    return count > 0;
  };
  return {
    get buffer() {
      return buffer;
    },
    get length() {
      return length;
    },
    get base() {
      return base;
    },
    get isAtEnd() {
      return isAtEnd;
    },
    get problem() {
      return source.problem();
    },
    async advance(from) {
      // A multiple of four, so that units of wide encodings stay where they are.
      const dropped = Math.max(0, from - HISTORY_BYTES) & ~3;
      if (dropped > 0) {
        buffer.copyWithin(0, dropped, length);
        length -= dropped;
        base += dropped;
      }
      await read();
      return dropped;
    },
    extend: read,
    close: () => source.close(),
  };
}

/** Only the very file that was inspected, and looked up under the allowed roots, is ever read. */
function openChecked({ path, identity, sizeBytes }: LogFile): number {
  const descriptor = openAt(path);
  const found = fstatSync(descriptor, { bigint: true });
  const isSame = String(found.dev) === identity.device && String(found.ino) === identity.inode;
  const refuse = (code: NoticeCode, message: string): never => {
    closeSync(descriptor);
    throw new UnreadableFile(code, message);
  };
  if (!found.isFile() || !isSame) refuse('REPLACED', 'another file is there now');
  if (found.size < BigInt(sizeBytes)) refuse('TRUNCATED', 'it is shorter than it was');
  return descriptor;
}

const IO_ATTEMPTS = 3;
const PAUSE_MS = 10;

function openAt(path: string): number {
  return retrying(path, () =>
    // A FIFO that took the file's place must not hold the thread up.
    openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0)),
  );
}

/** What fails by the disk may pass; what is gone or forbidden does not. */
function retrying<T>(path: string, work: () => T): T {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'ENOENT' || code === 'ENOTDIR') throw new UnreadableFile('GONE', 'it is not there any more', error);
      if (code === 'ELOOP') throw new UnreadableFile('REPLACED', 'a link is there now', error);
      if (attempt === IO_ATTEMPTS || code === 'EACCES' || code === 'EPERM') {
        throw new UnreadableFile('UNREADABLE', `${path} cannot be read: ${code || error}`, error);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS * 2 ** attempt);
    }
  }
}

function plainSource(descriptor: number, { start, fileEnd }: WindowOptions): Source {
  const first = Math.max(0, start - HISTORY_BYTES) & ~3;
  let place = first;
  return {
    start: first,
    fill(buffer, at, size) {
      const wanted = Math.min(size, fileEnd - place);
      if (wanted <= 0) return 0;
      const count = retrying('the file', () => readSync(descriptor, buffer, at, wanted, place));
      place += count;
      return count;
    },
    problem: () => null,
    close: () => closeSync(descriptor),
  };
}

/** Unpacks from the beginning, as there is no other place to begin, and drops what comes before the start. */
async function packedSource(descriptor: number, { start, signal }: WindowOptions): Promise<Source> {
  const pieces = unpack(descriptor, { ...(signal ? { signal } : {}) });
  const iterator = pieces[Symbol.asyncIterator]();
  const first = Math.max(0, start - HISTORY_BYTES) & ~3;
  let toDrop = first;
  let rest: Buffer = Buffer.alloc(0);
  return {
    start: first,
    async fill(buffer, at, size) {
      let count = 0;
      while (count < size) {
        if (rest.length === 0) {
          const { done, value } = await iterator.next();
          if (done) break;
          rest = value.subarray(Math.min(toDrop, value.length));
          toDrop -= value.length - rest.length;
          continue;
        }
        const taken = rest.copy(buffer, at + count, 0, Math.min(rest.length, size - count));
        rest = rest.subarray(taken);
        count += taken;
      }
      return count;
    },
    problem: () => pieces.problem,
    close() {
      void iterator.return?.(undefined);
      closeSync(descriptor);
    },
  };
}
