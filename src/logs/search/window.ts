/** A moving window over the bytes of a file: the block that is looked at, and some of what was before it. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import { codeOf } from '../source/access.ts';
import { unpack } from '../source/gzip.ts';
import type { LogFile } from '../source/log-file.ts';
import type { NoticeCode } from '../source/notice.ts';
import { aligned } from '../source/text-parts.ts';

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
  /** Asked while what comes before the start is unpacked: nobody waits for the rest. */
  readonly isAborted?: () => boolean;
}

/** @throws UnreadableFile when the file is gone, is another one by now, or cannot be opened */
export async function openWindow(file: LogFile, options: WindowOptions): Promise<ByteWindow> {
  const source = file.compression === 'gzip' ? await packedSource(file, options) : plainSource(file, options);
  return createWindow(source, options.blockBytes ?? BLOCK_BYTES);
}

/** Bytes one after the other. */
interface Source {
  readonly start: number;
  /** Puts bytes into the buffer from `at` on, up to `size`; gives how many, 0 at the end. */
  fill(buffer: Buffer, at: number, size: number): number | Promise<number>;
  /** The most bytes that may come. */
  left(): number;
  problem(): ByteWindow['problem'];
  close(): void;
}

/** Of this thread: what one window gave back serves the next one, as garbage of this size piles up before it is collected. */
let spare: Buffer | null = null;

function bufferOf(bytes: number): Buffer {
  const reused = spare;
  if (!reused || bytes < reused.length / 2 || bytes > reused.length) return Buffer.allocUnsafeSlow(bytes);
  spare = null;
  return reused;
}

function createWindow(source: Source, blockBytes: number): ByteWindow {
  // One more than a small file has, so that its end is found without a larger buffer.
  let buffer = bufferOf(Math.min(HISTORY_BYTES + 2 * blockBytes, source.left() + 1));
  let length = 0;
  let base = source.start;
  let isAtEnd = false;
  const read = async (): Promise<boolean> => {
    if (isAtEnd) return false;
    const wanted = Math.min(blockBytes, source.left());
    if (buffer.length - length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, length + wanted));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    const filled = source.fill(buffer, length, wanted);
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
      const dropped = aligned(Math.max(0, from - HISTORY_BYTES));
      if (dropped > 0) {
        buffer.copyWithin(0, dropped, length);
        length -= dropped;
        base += dropped;
      }
      await read();
      return dropped;
    },
    extend: read,
    close() {
      source.close();
      if (buffer.length === HISTORY_BYTES + 2 * BLOCK_BYTES) spare = buffer;
    },
  };
}

/**
 * Opens a file for reading at places of one's own choice; whoever opens it closes it.
 *
 * @throws UnreadableFile as openWindow
 */
export function openPlain(file: LogFile): number {
  const descriptor = retrying(() => openSync(file.path, OPEN_FLAGS));
  try {
    check(descriptor, file);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Reads up to `length` bytes of an open file; 0 at its end. @throws UnreadableFile */
export function readPlain(
  descriptor: number,
  buffer: Buffer,
  at: number,
  length: number,
  place: number,
): number {
  return retrying(() => readSync(descriptor, buffer, at, length, place));
}

/**
 * Only the very file that was inspected, and looked up under the allowed roots, is ever read.
 *
 * @throws UnreadableFile
 */
function check(descriptor: number, { identity, sizeBytes, mtimeMs }: LogFile): void {
  const found = fstatSync(descriptor, { bigint: true });
  const isSame = String(found.dev) === identity.device && String(found.ino) === identity.inode;
  if (!found.isFile() || !isSame) throw new UnreadableFile('REPLACED', 'another file is there now');
  if (found.size < BigInt(sizeBytes)) throw new UnreadableFile('TRUNCATED', 'it is shorter than it was');
  const isUntouched = found.size === BigInt(sizeBytes) && Number(found.mtimeNs / 1_000_000n) === mtimeMs;
  if (isUntouched || identity.headBytes === 0) return;
  // It may have been written anew in its place, and then no offset is what it was.
  if (headHashOf(descriptor, identity.headBytes) !== identity.headHash)
    throw new UnreadableFile('REPLACED', 'it was written anew');
}

/** SHA-256 of an open file's first bytes, in hex. @throws UnreadableFile */
export function headHashOf(descriptor: number, headBytes: number): string {
  const head = Buffer.alloc(headBytes);
  const count = readPlain(descriptor, head, 0, headBytes, 0);
  return createHash('sha256').update(head.subarray(0, count)).digest('hex');
}

/** The first one, and three more. */
const IO_ATTEMPTS = 4;
const PAUSE_MS = 10;

/** A FIFO that took the file's place must not hold the thread up, and a link must lead nowhere. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * What fails by the disk may pass; what is gone or forbidden does not. The main thread tries again at once: to sleep
 * there would hold up everybody whom the daemon serves.
 */
function retrying<T>(work: () => T): T {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return work();
    } catch (error) {
      const failure = failureOf(error);
      if (attempt === IO_ATTEMPTS || failure.code !== 'IO_ERROR') throw failure;
      if (!isMainThread)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS * 2 ** attempt);
    }
  }
}

function failureOf(error: unknown): UnreadableFile {
  if (error instanceof UnreadableFile) return error;
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UnreadableFile('GONE', 'it is not there any more', error);
  if (code === 'ELOOP') return new UnreadableFile('REPLACED', 'a link is there now', error);
  if (code === 'EACCES' || code === 'EPERM')
    return new UnreadableFile('UNREADABLE', 'permission denied', error);
  return new UnreadableFile('IO_ERROR', `it cannot be read (${code || 'unknown'})`, error);
}

function plainSource(file: LogFile, { start, fileEnd }: WindowOptions): Source {
  const descriptor = openPlain(file);
  const first = aligned(Math.max(0, start - HISTORY_BYTES));
  let place = first;
  let wasCut = false;
  return {
    start: first,
    fill(buffer, at, size) {
      const wanted = Math.min(size, fileEnd - place);
      if (wanted <= 0) return 0;
      const count = readPlain(descriptor, buffer, at, wanted, place);
      place += count;
      wasCut ||= count === 0;
      return count;
    },
    left: () => Math.max(0, fileEnd - place),
    problem: () => (wasCut ? { code: 'TRUNCATED', message: 'it became shorter while it was read' } : null),
    close: () => closeSync(descriptor),
  };
}

/** Unpacks from the beginning, as there is no other place to begin, and drops what comes before the start. */
async function packedSource(file: LogFile, { start, isAborted }: WindowOptions): Promise<Source> {
  const handle = await openHandle(file);
  const pieces = unpack(handle, { keepsOpen: true });
  const iterator = pieces[Symbol.asyncIterator]();
  const first = aligned(Math.max(0, start - HISTORY_BYTES));
  let toDrop = first;
  let rest: Buffer = Buffer.alloc(0);
  return {
    start: first,
    async fill(buffer, at, size) {
      let count = 0;
      while (count < size) {
        if (rest.length === 0) {
          // The disk may fail under the unpacking, too: a notice about one file, not the end of the search.
          const { done, value } = await iterator.next().catch((error: unknown) => {
            throw failureOf(error);
          });
          if (done || isAborted?.()) break;
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
    left: () => Number.POSITIVE_INFINITY,
    problem() {
      const { problem } = pieces;
      if (!problem) return null;
      const what = problem.code === 'TRUNCATED_GZIP' ? 'it is cut off' : 'it is damaged';
      return { code: problem.code, message: `${what}; ${problem.atByte} bytes of text could be unpacked` };
    },
    close() {
      // All that was wanted has been read: nobody waits for this, and a disk that fails here takes nothing away.
      const stopped = iterator.return?.(undefined) ?? Promise.resolve();
      stopped.finally(() => handle.close()).catch(() => undefined);
    },
  };
}

async function openHandle(file: LogFile): Promise<FileHandle> {
  const handle = await open(file.path, OPEN_FLAGS).catch((error: unknown) => {
    throw failureOf(error);
  });
  try {
    check(handle.fd, file);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
