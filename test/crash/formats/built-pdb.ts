/** PDBs made for tests: MSF containers and portable PDBs of a few KiB. */
import { MSF_MAGIC } from '../../../src/crash/formats/msf.ts';

export const GUID_BYTES = Buffer.from('9d9d4932400c31498610f4e4fb0b6936', 'hex');
/** `GUID_BYTES` as it is written. */
export const GUID = '32499D9D-0C40-4931-8610-F4E4FB0B6936';
/** The size of a stream that is not there. */
export const ABSENT = 0xffffffff;

/** The info stream's header with `age`. */
export function infoStream(age: number, version = 20000404, guid: Uint8Array = GUID_BYTES): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt32LE(version, 0);
  bytes.writeUInt32LE(0xf0000001, 4);
  bytes.writeUInt32LE(age, 8);
  bytes.set(guid, 12);
  return bytes;
}

/** The DBI stream's header with `age`. */
export function dbiStream(age: number, machine = 0x8664): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(ABSENT, 0);
  bytes.writeUInt32LE(19990903, 4);
  bytes.writeUInt32LE(age, 8);
  bytes.writeUInt16LE(machine, 58);
  return bytes;
}

export interface MsfPlan {
  readonly blockSizeBytes: number;
  /** A null is an absent stream (size 0xFFFFFFFF). */
  readonly streams: readonly (Uint8Array | null)[];
  /** Whether the superblock lists all blocks of the block map, or only the first of a run. */
  readonly map?: 'listed' | 'contiguous';
}

/** Lays out an MSF: superblock, two free block maps, the streams, the directory, the block map. */
export function buildMsf({ blockSizeBytes, streams, map = 'listed' }: MsfPlan): Buffer {
  const blocks: Buffer[] = [0, 1, 2].map(() => Buffer.alloc(blockSizeBytes));
  const add = (bytes: Uint8Array): number[] => {
    const numbers: number[] = [];
    for (let at = 0; at < bytes.length; at += blockSizeBytes) {
      const block = Buffer.alloc(blockSizeBytes);
      block.set(bytes.subarray(at, at + blockSizeBytes));
      numbers.push(blocks.push(block) - 1);
    }
    return numbers;
  };
  const words = (numbers: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(numbers.length * 4);
    for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4);
    return bytes;
  };
  const lists = streams.flatMap((stream) => (stream ? add(stream) : []));
  const sizes = streams.map((stream) => stream?.length ?? ABSENT);
  const directory = words([streams.length, ...sizes, ...lists]);
  const mapWords = words(add(directory));
  const mapBlocks = map === 'contiguous' ? add(mapWords) : [];
  for (let at = 0; map === 'listed' && at < mapWords.length; at += blockSizeBytes) {
    mapBlocks.push(...add(mapWords.subarray(at, at + blockSizeBytes)));
    add(Buffer.alloc(1)); // keeps the map's blocks apart
  }
  const superblock = blocks[0] as Buffer;
  superblock.write(MSF_MAGIC, 'latin1');
  superblock.set(words([blockSizeBytes, 1, blocks.length, directory.length, 0]), 32);
  superblock.set(words(map === 'listed' ? mapBlocks : mapBlocks.slice(0, 1)), 52);
  return Buffer.concat(blocks);
}

/** A whole PDB of a few KiB: info age 7, DBI age 3. */
export const smallPdb = (): Buffer =>
  buildMsf({
    blockSizeBytes: 512,
    streams: [Buffer.alloc(700), infoStream(7), Buffer.alloc(1500), dbiStream(3)],
  });

/** A portable PDB with streams of these names, 32 bytes each; the first begins with the id. */
export function portablePdb(
  names: readonly string[] = ['#Pdb', '#~', '#Strings'],
  version = 'PDB v1.0',
): Buffer {
  const headers: Buffer[] = [];
  const headerBytes = (name: string) => 8 + Math.ceil((name.length + 1) / 4) * 4;
  const bodyAt = 16 + 12 + 4 + names.reduce((sum, name) => sum + headerBytes(name), 0);
  names.forEach((name, index) => {
    const header = Buffer.alloc(headerBytes(name));
    header.writeUInt32LE(bodyAt + index * 32, 0);
    header.writeUInt32LE(32, 4);
    header.write(name, 8, 'latin1');
    headers.push(header);
  });
  const root = Buffer.alloc(16 + 12 + 4);
  root.write('BSJB', 'latin1');
  root.writeUInt16LE(1, 4);
  root.writeUInt16LE(1, 6);
  root.writeUInt32LE(12, 12);
  root.write(version, 16, 'latin1');
  root.writeUInt16LE(names.length, 30);
  const body = Buffer.alloc(Math.max(names.length, 1) * 32);
  body.set(GUID_BYTES);
  body.writeUInt32LE(0xd629d4bb, 16);
  return Buffer.concat([root, ...headers, body]);
}
