/** Microsoft cabinets (`.pd_`, `.ex_`, `.dl_`): their list of files, and unpacking one as a stream. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inflateRawSync } from 'node:zlib';
import { type ByteSource, FormatError, type Parsing, viewOf } from './bytes.ts';

/** A file inside a cabinet. `name` is the archive's own text: no path to write to before it is checked. */
export interface CabinetFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Index into the cabinet's folders. */
  readonly folder: number;
  /** Where it begins among the folder's unpacked bytes. */
  readonly offsetInFolder: number;
}

/** A run of data blocks that were compressed together. */
export interface CabinetFolder {
  readonly offset: number;
  readonly blockCount: number;
  readonly compression: 'none' | 'mszip';
}

/** What a cabinet says of itself. */
export interface Cabinet {
  readonly files: readonly CabinetFile[];
  readonly folders: readonly CabinetFolder[];
  /** The cabinet's own size; a signature may follow it in the file. */
  readonly sizeBytes: number;
  /** Bytes reserved for applications in the header of each data block. */
  readonly blockReserveBytes: number;
}

/** A symbol server's cabinet holds one file; these bounds are for what comes from elsewhere. */
export const CABINET_FILES_MAX = 1024;
const CABINET_FOLDERS_MAX = 256;
const NAME_BYTES_MAX = 256;

const HEADER_BYTES = 36;
const FOLDER_BYTES = 8;
const FILE_BYTES = 16;
const BLOCK_HEADER_BYTES = 8;
/** Every block of a folder but the last unpacks to exactly this; the one before is its dictionary. */
const BLOCK_BYTES_MAX = 32768;
/** MSZIP: 32 KiB that do not compress, with deflate's overhead. The format allows 6144 above. */
const PACKED_BYTES_MAX = BLOCK_BYTES_MAX + 6144;
const READ_AHEAD_BYTES = 128 * 1024;
/** After so many blocks (1 MiB) other work of the process gets its turn. */
const BLOCKS_PER_TURN = 32;

const HAS_PREVIOUS = 1;
const HAS_NEXT = 2;
const HAS_RESERVE = 4;
const NAME_IS_UTF8 = 0x80;
const CONTINUED_FOLDER_FROM = 0xfffd;

/**
 * Reads the lists of folders and files of a cabinet of `sizeBytes`; no data block is read.
 *
 * Source: Microsoft, [MS-CAB] "Cabinet File Format" (CFHEADER, CFFOLDER, CFFILE).
 * @throws FormatError 'cabinet' for damage, for one part of several, and for LZX and Quantum.
 */
export function* parseCabinet(sizeBytes: number): Parsing<Cabinet> {
  if (sizeBytes < HEADER_BYTES) throw damaged(sizeBytes, 'cut inside the cabinet header');
  const header = viewOf(yield { offset: 0, length: HEADER_BYTES });
  if (header.getUint32(0, true) !== 0x4643534d) throw damaged(0, 'no cabinet signature (MSCF)');
  const cabinetBytes = header.getUint32(8, true);
  const filesAt = header.getUint32(16, true);
  const folderCount = header.getUint16(26, true);
  const fileCount = header.getUint16(28, true);
  const flags = header.getUint16(30, true);
  if (header.getUint8(25) !== 1) throw damaged(24, `cabinet format version ${header.getUint8(25)}`);
  if (cabinetBytes > sizeBytes) {
    throw damaged(8, `truncated: the header says ${cabinetBytes} bytes, the file has ${sizeBytes}`);
  }
  if (flags & (HAS_PREVIOUS | HAS_NEXT)) throw multiPart(30);
  if (fileCount === 0 || fileCount > CABINET_FILES_MAX) {
    throw damaged(28, `${fileCount} files; from 1 to ${CABINET_FILES_MAX} are accepted`);
  }
  if (folderCount === 0 || folderCount > CABINET_FOLDERS_MAX) {
    throw damaged(26, `${folderCount} folders; from 1 to ${CABINET_FOLDERS_MAX} are accepted`);
  }

  let at = HEADER_BYTES;
  let folderReserveBytes = 0;
  let blockReserveBytes = 0;
  if (flags & HAS_RESERVE) {
    if (at + 4 > cabinetBytes) throw damaged(at, 'cut inside the reserved fields');
    const reserve = viewOf(yield { offset: at, length: 4 });
    folderReserveBytes = reserve.getUint8(2);
    blockReserveBytes = reserve.getUint8(3);
    at += 4 + reserve.getUint16(0, true);
  }
  const folders = yield* readFolders(at, folderCount, folderReserveBytes, cabinetBytes);
  const files = yield* readFiles(filesAt, fileCount, folders, cabinetBytes);
  return { files, folders, sizeBytes: cabinetBytes, blockReserveBytes };
}

function* readFolders(
  from: number,
  count: number,
  reserveBytes: number,
  end: number,
): Parsing<CabinetFolder[]> {
  const folders: CabinetFolder[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = from + index * (FOLDER_BYTES + reserveBytes);
    if (at + FOLDER_BYTES > end) throw damaged(at, `folder ${index + 1} of ${count} lies past the end`);
    const view = viewOf(yield { offset: at, length: FOLDER_BYTES });
    const offset = view.getUint32(0, true);
    const compression = compressionOf(view.getUint16(6, true), at + 6);
    if (offset > end) throw damaged(at, `the data of folder ${index + 1} lies past the end`);
    folders.push({ offset, blockCount: view.getUint16(4, true), compression });
  }
  return folders;
}

/** The low four bits are the method, the others its parameters. */
function compressionOf(type: number, at: number): 'none' | 'mszip' {
  const method = type & 15;
  if (method === 0) return 'none';
  if (method === 1) return 'mszip';
  const name = method === 2 ? 'Quantum' : method === 3 ? 'LZX' : `an unknown method (${method})`;
  throw damaged(at, `compressed with ${name}; only MSZIP and uncompressed cabinets can be read`);
}

function* readFiles(
  from: number,
  count: number,
  folders: readonly CabinetFolder[],
  end: number,
): Parsing<CabinetFile[]> {
  const files: CabinetFile[] = [];
  let at = from;
  for (let index = 0; index < count; index += 1) {
    if (at + FILE_BYTES + 1 > end) throw damaged(at, `file ${index + 1} of ${count} lies past the end`);
    const entry = yield { offset: at, length: Math.min(FILE_BYTES + NAME_BYTES_MAX + 1, end - at) };
    const view = viewOf(entry);
    const folder = view.getUint16(8, true);
    if (folder >= CONTINUED_FOLDER_FROM) throw multiPart(at + 8);
    const held = folders[folder];
    if (!held) throw damaged(at + 8, `file ${index + 1} is in folder ${folder} of ${folders.length}`);
    const sizeBytes = view.getUint32(0, true);
    const offsetInFolder = view.getUint32(4, true);
    if (offsetInFolder + sizeBytes > held.blockCount * BLOCK_BYTES_MAX) {
      throw damaged(at, `file ${index + 1} is larger than the ${held.blockCount} blocks of its folder`);
    }
    const name = entry.subarray(FILE_BYTES);
    const nameBytes = name.indexOf(0);
    if (nameBytes < 1) throw damaged(at + FILE_BYTES, `file ${index + 1} has no name that ends`);
    const encoding = view.getUint16(14, true) & NAME_IS_UTF8 ? 'utf-8' : 'latin1';
    const text = new TextDecoder(encoding).decode(name.subarray(0, nameBytes));
    files.push({ name: text, sizeBytes, folder, offsetInFolder });
    at += FILE_BYTES + nameBytes + 1;
  }
  return files;
}

/**
 * Gives the bytes of one file of the cabinet, block by block (<= 32 KiB each), `file.sizeBytes` in
 * all. A block that was given must not be changed: the next one may be unpacked against it.
 * Memory is bounded (one block, its predecessor and a read-ahead of 128 KiB), and the event loop gets
 * a turn after each MiB.
 *
 * All that lies before the file in its folder is unpacked, too: whoever has a limit for that looks at
 * `offsetInFolder` first.
 *
 * Source: Microsoft, [MS-CAB] (CFDATA, checksum) and [MS-MCI] (MSZIP).
 * @throws FormatError 'cabinet' for a bad checksum, damaged data, or blocks that end too early or are too short.
 */
export async function* unpackCabinet(
  source: ByteSource,
  cabinet: Cabinet,
  file: CabinetFile,
): AsyncGenerator<Uint8Array> {
  const folder = cabinet.folders[file.folder];
  if (!folder) throw damaged(0, `no folder ${file.folder} in this cabinet`);
  const take = sequentialReader(source, folder.offset, Math.min(cabinet.sizeBytes, source.sizeBytes));
  const end = file.offsetInFolder + file.sizeBytes;
  let history: Uint8Array = new Uint8Array(0);
  let position = 0;
  for (let index = 0; position < end; index += 1) {
    if (index >= folder.blockCount) {
      throw damaged(
        folder.offset,
        `the folder ends after ${position} of the ${end} bytes that its file needs`,
      );
    }
    if (index % BLOCKS_PER_TURN === BLOCKS_PER_TURN - 1) await nextTurn();
    const block = await readBlock(take, cabinet.blockReserveBytes);
    // Else 65,535 blocks of one byte each could be asked for, and each costs as much as a whole one.
    const isLast = index === folder.blockCount - 1 || position + block.unpackedBytes >= end;
    if (block.unpackedBytes < BLOCK_BYTES_MAX && !isLast) {
      throw damaged(
        block.offset,
        `a data block of ${block.unpackedBytes} bytes before the last of its folder`,
      );
    }
    const bytes = folder.compression === 'none' ? stored(block) : inflated(block, history);
    const from = Math.max(file.offsetInFolder - position, 0);
    const given = bytes.subarray(from, Math.max(end - position, 0));
    position += bytes.length;
    history = bytes;
    if (given.length > 0) yield given;
  }
}

interface DataBlock {
  readonly offset: number;
  readonly packed: Uint8Array;
  readonly unpackedBytes: number;
}

/** Gives the next `length` bytes and where they lie. What it gave before is overwritten by nothing. */
type Take = (length: number) => Promise<{ offset: number; bytes: Uint8Array }>;

function sequentialReader(source: ByteSource, from: number, end: number): Take {
  let offset = from;
  let ahead: Uint8Array = new Uint8Array(0);
  return async (length) => {
    if (offset + length > end)
      throw damaged(offset, `the cabinet's data is cut: ${length} more bytes needed`);
    if (ahead.length < length) {
      ahead = await source.read(offset, Math.min(READ_AHEAD_BYTES, end - offset));
    }
    const taken = { offset, bytes: ahead.subarray(0, length) };
    ahead = ahead.subarray(length);
    offset += length;
    return taken;
  };
}

async function readBlock(take: Take, reserveBytes: number): Promise<DataBlock> {
  const header = await take(BLOCK_HEADER_BYTES + reserveBytes);
  const view = viewOf(header.bytes);
  const packedBytes = view.getUint16(4, true);
  const unpackedBytes = view.getUint16(6, true);
  if (unpackedBytes === 0) throw multiPart(header.offset);
  if (packedBytes > PACKED_BYTES_MAX || unpackedBytes > BLOCK_BYTES_MAX) {
    throw damaged(header.offset, `a data block of ${packedBytes} bytes that unpacks to ${unpackedBytes}`);
  }
  const said = view.getUint32(0, true);
  const { bytes: packed } = await take(packedBytes);
  // Zero says that no checksum was made. Writers differ on whether the reserved bytes take part.
  const ofData = said === 0 ? 0 : checksum(packed, 0);
  const matches = (covered: Uint8Array) => checksum(covered, ofData) === said;
  if (said !== 0 && !matches(header.bytes.subarray(4)) && !matches(header.bytes.subarray(4, 8))) {
    throw damaged(header.offset, 'the checksum of a data block does not match: the cabinet is damaged');
  }
  return { offset: header.offset, packed, unpackedBytes };
}

/**
 * [MS-CAB] 3.1: exclusive or of little-endian 32-bit words; one to three bytes at the end count as a
 * word whose bytes come in the opposite order.
 */
function checksum(bytes: Uint8Array, seed: number): number {
  const view = viewOf(bytes);
  const whole = bytes.length - (bytes.length % 4);
  let sum = seed;
  for (let at = 0; at < whole; at += 4) sum ^= view.getUint32(at, true);
  let rest = 0;
  for (let at = whole; at < bytes.length; at += 1) rest = (rest << 8) | view.getUint8(at);
  return (sum ^ rest) >>> 0;
}

function stored({ offset, packed, unpackedBytes }: DataBlock): Uint8Array {
  if (packed.length === unpackedBytes) return packed;
  throw damaged(offset, `an uncompressed block of ${packed.length} bytes says that it has ${unpackedBytes}`);
}

function inflated({ offset, packed, unpackedBytes }: DataBlock, history: Uint8Array): Uint8Array {
  if (packed[0] !== 0x43 || packed[1] !== 0x4b) throw damaged(offset, 'no MSZIP signature (CK) in a block');
  const dictionary = history.length > 0 ? { dictionary: history } : {};
  const bounds = { maxOutputLength: unpackedBytes, chunkSize: BLOCK_BYTES_MAX };
  let bytes: Uint8Array;
  try {
    bytes = inflateRawSync(packed.subarray(2), { ...bounds, ...dictionary });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw damaged(offset, `a data block cannot be inflated (${why})`);
  }
  if (bytes.length === unpackedBytes) return bytes;
  throw damaged(offset, `a data block unpacks to ${bytes.length} bytes where ${unpackedBytes} were said`);
}

function multiPart(offset: number): FormatError {
  return damaged(offset, 'one part of a cabinet that spans several files; only whole cabinets can be read');
}

function damaged(offset: number, reason: string): FormatError {
  return new FormatError('cabinet', offset, reason);
}
