/** Zip archives without compression, laid out before a byte is read: the length is known, and any part can be made. */
import { Readable } from 'node:stream';

export interface ZipEntry {
  /** `/` between its segments. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Where the bytes of entries come from, by their places in the list. */
export interface ZipContent {
  /** Of the whole entry, unsigned. */
  crc32(index: number): Promise<number>;
  /** The bytes from `start` to `end`, both included. */
  open(index: number, start: number, end: number): Readable;
}

export interface Zip {
  readonly sizeBytes: number;
  /** The bytes of the archive from `start` to `end`, both included. */
  open(start: number, end: number): Readable;
}

/** A piece of the archive, of which any part can be made. `to` is not included. */
interface Part {
  readonly sizeBytes: number;
  slice(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** An entry, and where its header stands. */
interface PlacedEntry {
  readonly name: Buffer;
  readonly sizeBytes: number;
  readonly offset: number;
}

const PIECE_BYTES_MIN = 32 * 1024;
/** Headers without names and extra fields. */
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const UINT16_MAX = 0xffff;
const UINT32_MAX = 0xffff_ffff;
/** The 1st of January 1980, the first day that there is: the same content is always the same archive. */
const DOS_DATE = 0x21;
const FLAG_UTF8 = 0x0800;
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** Attributes are those of Unix. */
const MADE_BY = (3 << 8) | VERSION_ZIP64;
const REGULAR_FILE = 0o100644 * 0x1_0000;
const ZIP64_EXTRA = 1;

/**
 * Lays out an archive (PKWARE: APPNOTE.TXT 6.3.10, method 0, ZIP64 where numbers are too large). Checksums stand
 * before the data and not behind, so that whoever reads it as a stream knows where an entry ends.
 */
export function layOutZip(entries: readonly ZipEntry[], content: ZipContent): Zip {
  const parts: Part[] = [];
  const central: Part[] = [];
  let offset = 0;
  for (const [index, { path, sizeBytes }] of entries.entries()) {
    const entry = { name: Buffer.from(path), sizeBytes, offset };
    const headerBytes = LOCAL_BYTES + entry.name.length + extraBytes(localNumbers(entry));
    parts.push(
      textPart(headerBytes, async () => localHeader(entry, await content.crc32(index))),
      dataPart(sizeBytes, path, (from, to) => content.open(index, from, to - 1)),
    );
    const centralBytes = CENTRAL_BYTES + entry.name.length + extraBytes(centralNumbers(entry));
    central.push(textPart(centralBytes, async () => centralHeader(entry, await content.crc32(index))));
    offset += headerBytes + sizeBytes;
  }
  const centralBytes = central.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const end = endOfArchive(entries.length, centralBytes, offset);
  parts.push(
    ...central,
    textPart(end.length, async () => end),
  );
  return {
    sizeBytes: offset + centralBytes + end.length,
    open: (start, last) => Readable.from(inLargerPieces(piecesOf(parts, start, last)), { objectMode: false }),
  };
}

async function* piecesOf(parts: readonly Part[], start: number, last: number): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const part of parts) {
    const from = Math.max(0, start - offset);
    const to = Math.min(part.sizeBytes, last + 1 - offset);
    offset += part.sizeBytes;
    if (from < to) yield* part.slice(from, to);
  }
}

/** Headers are dozens of bytes each, and each piece takes its time on its way. */
async function* inLargerPieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < PIECE_BYTES_MIN) continue;
    yield waiting.length === 1 ? piece : Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting);
}

function textPart(sizeBytes: number, make: () => Promise<Uint8Array>): Part {
  return {
    sizeBytes,
    async *slice(from, to) {
      yield (await make()).subarray(from, to);
    },
  };
}

function dataPart(sizeBytes: number, path: string, open: (from: number, to: number) => Readable): Part {
  return {
    sizeBytes,
    async *slice(from, to) {
      let left = to - from;
      for await (const piece of open(from, to)) {
        left -= piece.length;
        yield piece;
      }
      if (left !== 0) throw new Error(`${path} is not as long as it was: ${left} bytes are missing`);
    },
  };
}

/** The numbers of a header that do not fit into it, in the order in which its extra field has them. */
function localNumbers({ sizeBytes }: PlacedEntry): number[] {
  return sizeBytes >= UINT32_MAX ? [sizeBytes, sizeBytes] : [];
}

function centralNumbers(entry: PlacedEntry): number[] {
  return [...localNumbers(entry), ...(entry.offset >= UINT32_MAX ? [entry.offset] : [])];
}

function extraBytes(numbers: readonly number[]): number {
  return numbers.length > 0 ? 4 + 8 * numbers.length : 0;
}

function localHeader(entry: PlacedEntry, crc: number): Buffer {
  const { name, sizeBytes } = entry;
  const extra = zip64Extra(localNumbers(entry));
  const fixed = Buffer.alloc(LOCAL_BYTES);
  fixed.writeUInt32LE(0x04034b50, 0);
  fixed.writeUInt16LE(extra.length > 0 ? VERSION_ZIP64 : VERSION, 4);
  writeCommon(fixed.subarray(6), { name, sizeBytes, crc, extra });
  return Buffer.concat([fixed, name, extra]);
}

function centralHeader(entry: PlacedEntry, crc: number): Buffer {
  const { name, sizeBytes, offset } = entry;
  const extra = zip64Extra(centralNumbers(entry));
  const fixed = Buffer.alloc(CENTRAL_BYTES);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(MADE_BY, 4);
  fixed.writeUInt16LE(extra.length > 0 ? VERSION_ZIP64 : VERSION, 6);
  writeCommon(fixed.subarray(8), { name, sizeBytes, crc, extra });
  fixed.writeUInt32LE(REGULAR_FILE, 38);
  fixed.writeUInt32LE(Math.min(offset, UINT32_MAX), 42);
  return Buffer.concat([fixed, name, extra]);
}

/** What both headers of an entry have, from the flags on. */
function writeCommon(
  at: Buffer,
  {
    name,
    sizeBytes,
    crc,
    extra,
  }: { readonly name: Buffer; readonly sizeBytes: number; readonly crc: number; readonly extra: Buffer },
): void {
  at.writeUInt16LE(FLAG_UTF8, 0);
  at.writeUInt16LE(DOS_DATE, 6);
  at.writeUInt32LE(crc, 8);
  at.writeUInt32LE(Math.min(sizeBytes, UINT32_MAX), 12);
  at.writeUInt32LE(Math.min(sizeBytes, UINT32_MAX), 16);
  at.writeUInt16LE(name.length, 20);
  at.writeUInt16LE(extra.length, 22);
}

function zip64Extra(numbers: readonly number[]): Buffer {
  const extra = Buffer.alloc(extraBytes(numbers));
  if (extra.length === 0) return extra;
  extra.writeUInt16LE(ZIP64_EXTRA, 0);
  extra.writeUInt16LE(8 * numbers.length, 2);
  for (const [index, number] of numbers.entries()) extra.writeBigUInt64LE(BigInt(number), 4 + 8 * index);
  return extra;
}

function endOfArchive(count: number, centralBytes: number, centralOffset: number): Buffer {
  const isLarge = count >= UINT16_MAX || centralBytes >= UINT32_MAX || centralOffset >= UINT32_MAX;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, UINT16_MAX), 8);
  end.writeUInt16LE(Math.min(count, UINT16_MAX), 10);
  end.writeUInt32LE(Math.min(centralBytes, UINT32_MAX), 12);
  end.writeUInt32LE(Math.min(centralOffset, UINT32_MAX), 16);
  return isLarge ? Buffer.concat([zip64End(count, centralBytes, centralOffset), end]) : end;
}

/** The ZIP64 end of the central directory, and where it is. */
function zip64End(count: number, centralBytes: number, centralOffset: number): Buffer {
  const end = Buffer.alloc(56 + 20);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(MADE_BY, 12);
  end.writeUInt16LE(VERSION_ZIP64, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(centralBytes), 40);
  end.writeBigUInt64LE(BigInt(centralOffset), 48);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeBigUInt64LE(BigInt(centralOffset + centralBytes), 64);
  end.writeUInt32LE(1, 72);
  return end;
}
