/** Cabinets made for tests, right or wrong in one way. */
import { deflateRawSync } from 'node:zlib';

export const BLOCK = 32768;

export interface CabinetPlan {
  readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly type?: number;
  readonly flags?: number;
  /** Bytes reserved in the header, each folder and each block; needs flag 4. */
  readonly reserve?: readonly [number, number, number];
  readonly checksums?: 'none' | 'right' | 'wrong';
  /** Replaces a block's data before the checksum is made. */
  readonly packed?: (packed: Buffer, index: number) => Buffer;
  /** Folder bytes of zeros that come before the files. */
  readonly before?: number;
  /** How many bytes go into a block, instead of 32 KiB. */
  readonly blockBytes?: number;
}

/** [MS-CAB] 3.1 as published, over one run of bytes. */
function checksum(bytes: Buffer, seed: number): number {
  let sum = seed;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) sum ^= bytes.readInt32LE(at);
  const rest = bytes.subarray(at);
  if (rest.length > 0) sum ^= rest.readUIntBE(0, rest.length);
  return sum >>> 0;
}

function packBlocks(content: Buffer, plan: CabinetPlan): Buffer[] {
  const blocks: Buffer[] = [];
  const type = plan.type ?? 1;
  const blockBytes = plan.blockBytes ?? BLOCK;
  for (let at = 0; at < content.length; at += blockBytes) {
    const plain = content.subarray(at, at + blockBytes);
    const dictionary = at > 0 ? { dictionary: content.subarray(Math.max(0, at - BLOCK), at) } : {};
    const honest = type === 0 ? plain : Buffer.concat([Buffer.from('CK'), deflateRawSync(plain, dictionary)]);
    const packed = plan.packed?.(honest, blocks.length) ?? honest;
    const header = Buffer.alloc(8 + (plan.reserve?.[2] ?? 0), 0xee);
    header.writeUInt16LE(packed.length, 4);
    header.writeUInt16LE(plain.length, 6);
    const sum = checksum(header.subarray(4), checksum(packed, 0));
    const written = { none: 0, right: sum, wrong: (sum ^ 0x100) >>> 0 }[plan.checksums ?? 'right'];
    header.writeUInt32LE(written, 0);
    blocks.push(header, packed);
  }
  return blocks;
}

/** A cabinet of one folder that holds all the files, one after the other. */
export function buildCab(plan: CabinetPlan): Buffer {
  const [headerReserve, folderReserve, blockReserve] = plan.reserve ?? [0, 0, 0];
  const before = Buffer.alloc(plan.before ?? 0);
  const content = Buffer.concat([before, ...plan.files.map(([, bytes]) => bytes)]);
  const blocks = packBlocks(content, plan);
  let offset = before.length;
  const entries = plan.files.map(([name, bytes]) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(bytes.length, 0);
    entry.writeUInt32LE(offset, 4);
    entry.writeUInt16LE(0xa0, 14); // archive, name in UTF-8
    offset += bytes.length;
    return Buffer.concat([entry, Buffer.from(`${name}\0`)]);
  });
  const reserve = Buffer.alloc(plan.reserve ? 4 + headerReserve : 0);
  if (plan.reserve) {
    reserve.writeUInt16LE(headerReserve, 0);
    reserve.set([folderReserve, blockReserve], 2);
  }
  const folder = Buffer.alloc(8 + folderReserve);
  const header = Buffer.alloc(36);
  const filesAt = header.length + reserve.length + folder.length;
  const dataAt = filesAt + Buffer.concat(entries).length;
  folder.writeUInt32LE(dataAt, 0);
  folder.writeUInt16LE(blocks.length / 2, 4);
  folder.writeUInt16LE(plan.type ?? 1, 6);
  header.write('MSCF');
  header.writeUInt32LE(dataAt + Buffer.concat(blocks).length, 8);
  header.writeUInt32LE(filesAt, 16);
  header.set([3, 1, 1, 0], 24);
  header.writeUInt16LE(plan.files.length, 28);
  header.writeUInt16LE(plan.flags ?? (plan.reserve ? 4 : 0), 30);
  return Buffer.concat([header, reserve, folder, ...entries, ...blocks]);
}
