/** Packs and unpacks gzip files (RFC 1952) in small pieces, with hashes of both sides. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type {
  PackInput,
  PackOutput,
  UnpackInput,
  UnpackOutput,
  WorkerProgress,
} from '../../../backup/worker/protocol.ts';
import { failed } from './failure.ts';
import { syncFolder } from './files.ts';
import { type Block, createBlock, createCollector, createUnpacker } from './gzip-streams.ts';

/** What is read of a packed file at a time. */
const PIECE_BYTES = 64 * 1024;

/** Blocks are compressed by themselves, several at a time; of so large ones the archive grows by less than a percent. */
const BLOCK_BYTES = 128 * 1024;
const BLOCKS_AT_ONCE = 3;
/** After a block that did not get smaller so many are stored, and then one is tried again. */
const STORED_AFTER_ONE = 31;
/** Method 8 (deflate), no name, no time, system unknown: RFC 1952, 2.3. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** The last block: it holds nothing, and says that it is the last (RFC 1951, 3.2.6). */
const LAST_BLOCK = Buffer.from([3, 0]);

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
    writeWhole(target, bytes);
    packed.add(bytes);
  };
  let checksum = 0;
  // Each is used again when its block has been written, which happens in order.
  const collect = createCollector();
  const blocks = Array.from({ length: BLOCKS_AT_ONCE }, () => createBlock(BLOCK_BYTES, level, collect));
  let read = 0;
  let written = 0;
  let toStore = 0;
  try {
    write(GZIP_HEADER);
    for (let isOver = false; ; written += 1) {
      while (!isOver && read - written < BLOCKS_AT_ONCE) {
        const block = blocks[read % BLOCKS_AT_ONCE] as Block;
        const bytes = readPiece(source, block.buffer);
        isOver = bytes.length < BLOCK_BYTES;
        if (bytes.length === 0) break;
        read += 1;
        toStore -= 1;
        block.start(bytes.length, toStore >= 0);
        // Meanwhile it is being compressed.
        content.add(bytes);
        checksum = crc32(bytes, checksum);
      }
      if (written === read) break;
      const { isWorth } = await (blocks[written % BLOCKS_AT_ONCE] as Block).finish(write);
      if (!isWorth) toStore = STORED_AFTER_ONE;
      onBytes(content.bytes);
    }
  } finally {
    for (const block of blocks) block.close();
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(content.bytes % 2 ** 32, 4);
  write(Buffer.concat([LAST_BLOCK, trailer]));
  return outputOf(packed, content);
}

/** Shorter than the buffer only at the end of the file. */
function readPiece(file: number, buffer: Buffer): Buffer {
  let length = 0;
  for (;;) {
    const read = readSync(file, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0 || length === buffer.length) return buffer.subarray(0, length);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/**
 * @throws STORAGE_FULL; the system's errors; with a reason and no code what is cut short, what a CRC or a length finds
 *   wrong, what follows the end
 */
export async function unpackFile(
  { path, to }: UnpackInput,
  report: (progress: WorkerProgress) => void,
): Promise<UnpackOutput> {
  const source = openSync(path, 'r');
  try {
    const target = to === null ? null : openSync(to, 'wx', 0o600);
    try {
      const total = fstatSync(source).size;
      const onBytes = (done: number): void => report({ step: 'unpack', name: null, done, total });
      const output = await unpackInto(source, target, total, onBytes);
      if (to !== null && target !== null) {
        fsyncSync(target);
        syncFolder(dirname(to));
      }
      return output;
    } catch (error) {
      throw damageOf(error) ?? error;
    } finally {
      if (target !== null) closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

async function unpackInto(
  source: number,
  target: number | null,
  total: number,
  onBytes: (done: number) => void,
): Promise<UnpackOutput> {
  const packed = tally();
  const content = tally();
  const collect = createCollector();
  const unpacker = createUnpacker((piece) => {
    if (target !== null) writeWhole(target, piece);
    content.add(piece);
    collect.afterOutput(piece.length);
  });
  // One is read while the other is unpacked.
  const buffers = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)] as const;
  try {
    let piece = readPiece(source, buffers[0]);
    for (let turn = 1; piece.length > 0 && !unpacker.isOver(); turn += 1) {
      const taken = unpacker.take(piece);
      packed.add(piece);
      onBytes(packed.bytes);
      piece = readPiece(source, buffers[turn % 2] as Buffer);
      await taken;
    }
    await unpacker.end();
    // zlib stops at the end of what it knows, and says nothing of what is behind it.
    if (unpacker.bytesTaken() !== total) throw damaged('something follows its end');
  } finally {
    unpacker.close();
  }
  if (total === 0) throw damaged('it is empty');
  return outputOf(packed, content);
}

const DAMAGES: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'it is cut short',
  Z_DATA_ERROR: 'its data are damaged',
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
  const counted: Tally = {
    bytes: 0,
    add(piece) {
      hash.update(piece);
      counted.bytes += piece.length;
    },
    digest: () => hash.digest('hex'),
  };
  return counted;
}

function outputOf(packed: Tally, content: Tally): PackOutput {
  return {
    sizeBytes: packed.bytes,
    sha256: packed.digest(),
    contentBytes: content.bytes,
    contentSha256: content.digest(),
  };
}
