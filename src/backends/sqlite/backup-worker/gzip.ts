/** Packs and unpacks gzip files (RFC 1952) in small pieces, with hashes of both sides. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createGunzip, deflateRaw } from 'node:zlib';
import type {
  PackInput,
  PackOutput,
  UnpackInput,
  UnpackOutput,
  WorkerProgress,
} from '../../../backup/worker/protocol.ts';
import { failed } from './failure.ts';
import { syncFolder } from './files.ts';

const PIECE_BYTES = 128 * 1024;

/** Blocks are compressed by themselves, several at a time; of so large ones the archive grows by less than a percent. */
const BLOCK_BYTES = 256 * 1024;
const BLOCKS_AT_ONCE = 3;
/** What does not get smaller than this is not worth the time: the next blocks are stored, and then one is tried again. */
const WORTH_RATIO = 0.95;
const STORED_AFTER_ONE = 31;
/** Method 8 (deflate), no name, no time, system unknown: RFC 1952, 2.3. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** The last block: it holds nothing, and says that it is the last (RFC 1951, 3.2.6). */
const LAST_BLOCK = Buffer.from([3, 0]);
/** Pieces that nobody needs any more are freed after so many bytes: V8 would wait until there are sixty megabytes. */
const COLLECT_BYTES = 4 * 1024 * 1024;

/**
 * Writes one gzip member. Its blocks end on bytes (Z_SYNC_FLUSH) and refer to nothing before them, so that they can be
 * compressed side by side and stand one after the other, as those of pigz do.
 *
 * @throws STORAGE_FULL; the system's errors. `to` must not exist.
 */
export async function packFile(
  { path, to, level }: PackInput,
  report: (progress: WorkerProgress) => void,
): Promise<PackOutput> {
  const source = openSync(path, 'r');
  try {
    const target = openSync(to, 'wx', 0o600);
    try {
      const total = fstatSync(source).size;
      const onBytes = (done: number): void => report({ step: 'pack', name: null, done, total });
      const output = await packInto(source, target, level, onBytes);
      fsyncSync(target);
      return output;
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
    syncFolder(dirname(to));
  }
}

async function packInto(
  source: number,
  target: number,
  level: number,
  onBytes: (done: number) => void,
): Promise<PackOutput> {
  const content = tally();
  const packed = tally();
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) at += writeSync(target, bytes, at);
    packed.add(bytes);
  };
  let checksum = 0;
  const underway: Promise<Buffer>[] = [];
  // Each is used again when its block has been written, which happens in order.
  const buffers = Array.from({ length: BLOCKS_AT_ONCE }, () => Buffer.allocUnsafeSlow(BLOCK_BYTES));
  let blocks = 0;
  /** Of blocks that are tried; 0 of those that are only stored. */
  const sizes: number[] = [];
  let toStore = 0;
  write(GZIP_HEADER);
  for (let isOver = false; ; ) {
    while (!isOver && underway.length < BLOCKS_AT_ONCE) {
      const block = readBlock(source, buffers[blocks % BLOCKS_AT_ONCE] ?? Buffer.alloc(0));
      blocks += 1;
      isOver = block.length < BLOCK_BYTES;
      if (block.length === 0) break;
      content.add(block);
      checksum = crc32(block, checksum);
      toStore -= 1;
      underway.push(deflated(block, toStore >= 0 ? 0 : level));
      sizes.push(toStore >= 0 ? 0 : block.length);
    }
    const next = underway.shift();
    if (!next) break;
    const bytes = await next;
    if (bytes.length > WORTH_RATIO * (sizes.shift() || Number.POSITIVE_INFINITY)) toStore = STORED_AFTER_ONE;
    write(bytes);
    onBytes(content.bytes);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(content.bytes % 2 ** 32, 4);
  write(Buffer.concat([LAST_BLOCK, trailer]));
  return outputOf(packed, content);
}

/** Shorter than a block only at the end of the file. */
function readBlock(file: number, buffer: Buffer): Buffer {
  let length = 0;
  for (;;) {
    const read = readSync(file, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0 || length === buffer.length) return buffer.subarray(0, length);
  }
}

function deflated(block: Uint8Array, level: number): Promise<Buffer> {
  const options = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: PIECE_BYTES };
  return new Promise((resolve, reject) => {
    deflateRaw(block, options, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

/**
 * @throws STORAGE_FULL; the system's errors; with a reason and no code what is cut short, what a CRC or a length finds
 *   wrong, what follows the end
 */
export async function unpackFile(
  { path, to }: UnpackInput,
  report: (progress: WorkerProgress) => void,
): Promise<UnpackOutput> {
  const total = statSync(path).size;
  const packed = tally();
  const content = tally();
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const sink =
    to === null
      ? new Writable({ write: (_piece, _encoding, done) => done() })
      : createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true });
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: PIECE_BYTES }),
      counter(packed, (done) => report({ step: 'unpack', name: null, done, total })),
      gunzip,
      counter(content),
      sink,
    );
  } catch (error) {
    throw damageOf(error) ?? error;
  }
  // zlib stops at the end of what it knows, and says nothing of what is behind it.
  if (gunzip.bytesWritten !== total) throw damaged('something follows its end');
  if (total === 0) throw damaged('it is empty');
  if (to !== null) syncFolder(dirname(to));
  return outputOf(packed, content);
}

const DAMAGES: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'it is cut short',
  Z_DATA_ERROR: 'its data are damaged',
  ERR_STREAM_PREMATURE_CLOSE: 'something follows its end',
};

function damageOf(error: unknown): Error | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = DAMAGES[code];
  return reason === undefined ? null : damaged(reason, error);
}

function damaged(what: string, cause?: unknown): Error {
  return failed({ code: null, params: {}, reason: `the gzip file is damaged: ${what}` }, cause);
}

/** Hashes and counts what it is told of. */
interface Tally {
  bytes: number;
  add(piece: Uint8Array): void;
  digest(): string;
}

function tally(): Tally {
  const hash = createHash('sha256');
  let collectAt = COLLECT_BYTES;
  const counted: Tally = {
    bytes: 0,
    add(piece) {
      hash.update(piece);
      counted.bytes += piece.length;
      if (counted.bytes < collectAt) return;
      collectAt = counted.bytes + COLLECT_BYTES;
      // A whole one: what waits for its turn has grown old meanwhile. There is little else in this process to look through.
      globalThis.gc?.();
    },
    digest: () => hash.digest('hex'),
  };
  return counted;
}

function counter(counted: Tally, onBytes: (done: number) => void = () => {}): Transform {
  return new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      counted.add(piece);
      onBytes(counted.bytes);
      done(null, piece);
    },
  });
}

function outputOf(packed: Tally, content: Tally): PackOutput {
  return {
    sizeBytes: packed.bytes,
    sha256: packed.digest(),
    contentBytes: content.bytes,
    contentSha256: content.digest(),
  };
}
