/** The multi-stream file (MSF 7.00) that holds a Windows PDB, read a few bytes at a time. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';

/** An MSF whose superblock and stream directory have been found sound. Sizes are in bytes. */
export interface Msf {
  readonly blockSizeBytes: number;
  readonly blockCount: number;
  readonly directoryBytes: number;
  readonly streamCount: number;
  /** Blocks that list the directory's blocks, as far as the superblock names them. */
  readonly mapBlocks: readonly number[];
  /** How much longer the file is than its superblock says. */
  readonly trailingBytes: number;
}

/** The first bytes of a stream and the size of the whole of it. */
export interface StreamHead {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
  /** Where the stream's first byte lies in the file. */
  readonly offset: number;
}

/** The 32 bytes that an MSF 7.00 begins with. */
export const MSF_MAGIC = 'Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0';

const SUPERBLOCK_BYTES = 56;
/** Where the superblock begins to list the blocks of the block map. */
const MAP_BLOCKS_AT = 52;
const BLOCK_SIZE_MIN = 512;
const BLOCK_SIZE_MAX = 65536;
const STREAM_ABSENT = 0xffffffff;
/** A block number takes four bytes wherever it stands. */
const NUMBER_BYTES = 4;

/**
 * Reads the superblock of an MSF of `sizeBytes` and the count of its streams.
 *
 * Products such as blocks times block size pass 32 bits in real files, which doubles hold exactly
 * (2^32 blocks of 2^16 bytes at most). Source: LLVM's "The MSF File Format", and for directories
 * whose block map needs several blocks Microsoft's published PDB sources (`BIGMSF_HDR`).
 * @throws FormatError 'pdb' when the superblock is damaged or the file is shorter than it says.
 */
export function* openMsf(sizeBytes: number): Parsing<Msf> {
  if (sizeBytes < SUPERBLOCK_BYTES) throw damaged(sizeBytes, 'cut inside the MSF superblock');
  const head = viewOf(yield { offset: 0, length: SUPERBLOCK_BYTES });
  const blockSizeBytes = head.getUint32(32, true);
  const blockCount = head.getUint32(40, true);
  const directoryBytes = head.getUint32(44, true);

  const isPowerOfTwo = blockSizeBytes > 0 && (blockSizeBytes & (blockSizeBytes - 1)) === 0;
  if (!isPowerOfTwo || blockSizeBytes < BLOCK_SIZE_MIN || blockSizeBytes > BLOCK_SIZE_MAX) {
    const allowed = `not a power of two in ${BLOCK_SIZE_MIN}..${BLOCK_SIZE_MAX}`;
    throw damaged(32, `block size ${blockSizeBytes} is ${allowed}`);
  }
  const saidBytes = blockCount * blockSizeBytes;
  if (saidBytes > sizeBytes) {
    throw damaged(
      40,
      `truncated: the superblock says ${blockCount} blocks of ${blockSizeBytes} bytes, ` +
        `the file has ${sizeBytes} bytes`,
    );
  }
  if (directoryBytes < NUMBER_BYTES) throw damaged(44, `a stream directory of ${directoryBytes} bytes`);
  if (directoryBytes > saidBytes) {
    throw damaged(44, `the stream directory's ${directoryBytes} bytes are more than the file holds`);
  }

  const partial: Msf = {
    blockSizeBytes,
    blockCount,
    directoryBytes,
    streamCount: 0,
    mapBlocks: yield* mapBlocksOf(blockSizeBytes, directoryBytes),
    trailingBytes: sizeBytes - saidBytes,
  };
  const streamCount = yield* directoryNumber(partial, 0);
  if (streamCount * NUMBER_BYTES > directoryBytes - NUMBER_BYTES) {
    throw damaged(44, `${streamCount} streams do not fit a directory of ${directoryBytes} bytes`);
  }
  return { ...partial, streamCount };
}

/**
 * Gives the first `length` bytes of stream `index` (fewer when the stream is shorter), or null when
 * the MSF has no such stream. `length` is at most 512, so that they lie in the stream's first block;
 * nothing but that block's number is read of the stream's block list, however long it is.
 * @throws FormatError 'pdb' when the directory places the stream outside itself or the file.
 */
export function* streamHead(msf: Msf, index: number, length: number): Parsing<StreamHead | null> {
  if (index >= msf.streamCount) return null;
  let listed = 0;
  for (let before = 0; before < index; before += 1) {
    const sizeBytes = yield* streamSize(msf, before);
    listed += sizeBytes === null ? 0 : Math.ceil(sizeBytes / msf.blockSizeBytes);
  }
  const sizeBytes = yield* streamSize(msf, index);
  if (sizeBytes === null) return null;
  if (sizeBytes === 0) return { sizeBytes, bytes: new Uint8Array(0), offset: 0 };

  const listAt = NUMBER_BYTES * (1 + msf.streamCount + listed);
  const listBytes = Math.ceil(sizeBytes / msf.blockSizeBytes) * NUMBER_BYTES;
  if (listAt + listBytes > msf.directoryBytes) {
    throw damaged(44, `the block list of stream ${index} reaches past the end of the directory`);
  }
  const block = yield* directoryNumber(msf, listAt);
  const offset = blockOffset(msf, block, `stream ${index}`);
  const bytes = yield { offset, length: Math.min(length, sizeBytes, BLOCK_SIZE_MIN) };
  return { sizeBytes, bytes, offset };
}

function* streamSize(msf: Msf, index: number): Parsing<number | null> {
  const sizeBytes = yield* directoryNumber(msf, NUMBER_BYTES * (1 + index));
  if (sizeBytes === STREAM_ABSENT) return null;
  if (sizeBytes > msf.blockCount * msf.blockSizeBytes) {
    throw damaged(44, `stream ${index} says ${sizeBytes} bytes, more than the file holds`);
  }
  return sizeBytes;
}

/**
 * The block map may be longer than a block: Microsoft's writers then go on listing its blocks in the
 * superblock, while LLVM's lay them one after the other and leave the superblock's words zero.
 */
function* mapBlocksOf(blockSizeBytes: number, directoryBytes: number): Parsing<number[]> {
  const directoryBlocks = Math.ceil(directoryBytes / blockSizeBytes);
  const mapBlocks = Math.ceil((directoryBlocks * NUMBER_BYTES) / blockSizeBytes);
  // The smallest superblock has room for 115 such words; Microsoft's own writers stop at 73.
  const listed = Math.min(mapBlocks, (BLOCK_SIZE_MIN - MAP_BLOCKS_AT) / NUMBER_BYTES);
  const words = viewOf(yield { offset: MAP_BLOCKS_AT, length: listed * NUMBER_BYTES });
  const numbers: number[] = [];
  for (let index = 0; index < listed; index += 1) {
    const block = words.getUint32(index * NUMBER_BYTES, true);
    if (index > 0 && block === 0) break;
    numbers.push(block);
  }
  return numbers;
}

/** Reads the 32-bit number at `position` (a multiple of 4) of the stream directory. */
function* directoryNumber(msf: Msf, position: number): Parsing<number> {
  if (position + NUMBER_BYTES > msf.directoryBytes) {
    throw damaged(44, `the stream directory ends at ${msf.directoryBytes}, before its entry at ${position}`);
  }
  const perBlock = msf.blockSizeBytes / NUMBER_BYTES;
  const directoryIndex = Math.floor(position / msf.blockSizeBytes);
  const mapIndex = Math.floor(directoryIndex / perBlock);
  const listed = msf.mapBlocks[mapIndex];
  const mapBlock = listed ?? lastOf(msf.mapBlocks) + mapIndex - (msf.mapBlocks.length - 1);
  const mapAt = blockOffset(msf, mapBlock, 'the block map') + (directoryIndex % perBlock) * NUMBER_BYTES;
  const block = yield* numberAt(mapAt);
  const at = blockOffset(msf, block, 'the stream directory') + (position % msf.blockSizeBytes);
  return yield* numberAt(at);
}

function* numberAt(offset: number): Parsing<number> {
  return viewOf(yield { offset, length: NUMBER_BYTES }).getUint32(0, true);
}

/** Block 0 is the superblock, so nothing else can be in it. */
function blockOffset(msf: Msf, block: number, what: string): number {
  if (block === 0 || block >= msf.blockCount) {
    throw damaged(block * msf.blockSizeBytes, `${what} is said to be in block ${block} of ${msf.blockCount}`);
  }
  return block * msf.blockSizeBytes;
}

function lastOf(blocks: readonly number[]): number {
  return blocks[blocks.length - 1] ?? 0;
}

function damaged(offset: number, reason: string): FormatError {
  return new FormatError('pdb', offset, reason);
}
