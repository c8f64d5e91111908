/** Cabinets: real ones unpack to the bytes that others unpack, built and damaged ones stay in bounds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { type ByteSource, FormatError, parseBytes, parseSource } from '../../../src/crash/formats/bytes.ts';
import { type Cabinet, parseCabinet, unpackCabinet } from '../../../src/crash/formats/cab.ts';
import { parsePdb } from '../../../src/crash/formats/pdb.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';
import { BLOCK, buildCab } from './built-cab.ts';
import { MUTATIONS, mutations, outcomeOf, parseDamaged, random, spansOf } from './damage.ts';
import { readManifest } from './manifest.ts';

const read = (bytes: Uint8Array): Cabinet => parseBytes(bytes, parseCabinet(bytes.length));

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => {
      if (length > 1 << 17) throw new Error(`a read of ${length} bytes`);
      if (offset + length > bytes.length) throw new Error(`a read past the end, at ${offset}`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** The bytes of one file of a cabinet; throws when a block is longer than it may be. */
async function unpack(bytes: Uint8Array, index = 0): Promise<Buffer> {
  const cabinet = read(bytes);
  const file = cabinet.files[index];
  if (!file) throw new Error(`no file ${index}`);
  const parts: Uint8Array[] = [];
  for await (const part of unpackCabinet(sourceOf(bytes), cabinet, file)) {
    if (part.length > BLOCK || part.length === 0) throw new Error(`a part of ${part.length} bytes`);
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  if (whole.length !== file.sizeBytes) throw new Error(`${whole.length} of ${file.sizeBytes} bytes`);
  return whole;
}

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await unpack(bytes);
  } catch (error) {
    if (error instanceof FormatError && error.format === 'cabinet') return error.reason;
    throw error;
  }
  throw new Error('was accepted');
}

/** Bytes that compress somewhat and repeat what lies 20 KiB before them, across blocks. */
function content(sizeBytes: number): Buffer {
  const below = random(sizeBytes);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) {
    bytes[at] = at >= 20_000 && at % 64 !== 0 ? (bytes[at - 20_000] ?? 0) : below(256);
  }
  return bytes;
}

t.test('unpacks MSZIP and uncompressed cabinets, with and without reserved fields', async (t) => {
  const bytes = content(100_001);
  for (const type of [0, 1]) {
    for (const reserve of [undefined, [7, 3, 5] as const]) {
      for (const checksums of ['right', 'none'] as const) {
        const cab = buildCab({ files: [['a.pdb', bytes]], type, checksums, ...(reserve ? { reserve } : {}) });
        t.ok((await unpack(cab)).equals(bytes), `type ${type}, reserve ${reserve}, checksums ${checksums}`);
      }
    }
  }
});

t.test(
  'unpacks each of several files, among them an empty one, and ignores what follows the cabinet',
  async (t) => {
    const files = [40_000, 0, 1, 70_000].map((size, index) => [`дамп${index}.dll`, content(size)] as const);
    const cab = Buffer.concat([buildCab({ files }), Buffer.alloc(500, 0x41)]);
    t.strictSame(
      read(cab).files.map((file) => file.name),
      files.map(([name]) => name),
    );
    for (const [index, [name, bytes]] of files.entries())
      t.ok((await unpack(cab, index)).equals(bytes), name);
  },
);

t.test('gives other work its turn while it unpacks', async (t) => {
  const cab = buildCab({ files: [['zeros.pdb', Buffer.alloc(40 * BLOCK)]] });
  let turns = 0;
  const immediate = () => {
    turns += 1;
    if (turns < 10) setImmediate(immediate);
  };
  setImmediate(immediate);
  await unpack(cab);
  t.ok(turns > 0);
});

t.test('refuses what it cannot unpack, by name', async (t) => {
  const files = [['a.pdb', content(1000)]] as const;
  t.match(await refusal(buildCab({ files, type: 0x1503 })), /LZX/);
  t.match(await refusal(buildCab({ files, type: 0x0472 })), /Quantum/);
  t.match(await refusal(buildCab({ files, type: 9 })), /unknown method \(9\)/);
  for (const flags of [1, 2, 3]) t.match(await refusal(buildCab({ files, flags })), /spans several files/);
  const continued = buildCab({ files });
  continued.writeUInt16LE(0xfffe, continued.readUInt32LE(16) + 8);
  t.match(await refusal(continued), /spans several files/);
});

t.test('refuses damage, saying why', async (t) => {
  const files = [['a.pdb', content(40_000)]] as const;
  const damaged = (at: number, width: number, value: number): Buffer => {
    const bytes = buildCab({ files });
    bytes.writeUIntLE(value, at, width);
    return bytes;
  };
  const fileAt = buildCab({ files }).readUInt32LE(16);
  t.match(await refusal(Buffer.from('MSCF')), /cabinet header/);
  t.match(await refusal(damaged(0, 4, 0)), /no cabinet signature/);
  t.match(await refusal(damaged(8, 4, 0xffffffff)), /truncated/);
  t.match(await refusal(damaged(16, 4, 0xffffffff)), /file 1 of 1 lies past the end/);
  t.match(await refusal(damaged(25, 1, 2)), /format version 2/);
  for (const count of [0, 65535]) t.match(await refusal(damaged(26, 2, count)), /folders; from 1/);
  for (const count of [0, 65535]) t.match(await refusal(damaged(28, 2, count)), /files; from 1/);
  t.match(await refusal(damaged(36, 4, 0xffffffff)), /data of folder 1 lies past the end/);
  t.match(await refusal(damaged(40, 2, 1)), /larger than the 1 blocks/);
  t.match(await refusal(damaged(fileAt, 4, 0xffffffff)), /larger than the 2 blocks/);
  t.match(await refusal(damaged(fileAt, 4, 65536)), /ends after 40000 of the 65536 bytes/);
  t.match(await refusal(damaged(fileAt + 8, 2, 1)), /in folder 1 of 1/);
  t.match(await refusal(damaged(fileAt + 16, 1, 0)), /no name that ends/);
  t.match(await refusal(buildCab({ files, checksums: 'wrong' })), /checksum/);
  t.match(await refusal(buildCab({ files, packed: (packed) => packed.fill('XX', 0, 2) })), /CK/);
});

t.test('refuses blocks that unpack to more or less than they say', async (t) => {
  const files = [['a.pdb', content(1000)]] as const;
  const replaced = (plain: Buffer) => (): Buffer => Buffer.concat([Buffer.from('CK'), deflateRawSync(plain)]);
  t.match(
    await refusal(buildCab({ files, packed: replaced(Buffer.alloc(30_000_000)) })),
    /cannot be inflated/,
  );
  t.match(await refusal(buildCab({ files, packed: replaced(Buffer.alloc(1001)) })), /cannot be inflated/);
  t.match(await refusal(buildCab({ files, packed: replaced(Buffer.alloc(999)) })), /unpacks to 999 bytes/);
  t.match(
    await refusal(buildCab({ files, packed: (packed) => packed.subarray(0, -9) })),
    /cannot be inflated/,
  );
  t.match(await refusal(buildCab({ files, packed: (packed) => packed.fill(0xff, 2) })), /cannot be inflated/);
  t.match(
    await refusal(buildCab({ files, type: 0, packed: () => Buffer.alloc(5) })),
    /uncompressed block of 5/,
  );
});

t.test('refuses a block before the last that is not full', async (t) => {
  const bytes = content(2000);
  for (const type of [0, 1]) {
    const files = [['a.pdb', bytes]] as const;
    for (const [blockBytes, reason] of [
      [1, /a data block of 1 bytes before the last/],
      [1999, /a data block of 1999 bytes before the last/],
    ] as const) {
      t.match(await refusal(buildCab({ files, type, blockBytes })), reason);
    }
    const two = [['a.pdb', bytes.subarray(0, 1000)] as const, ['b.pdb', bytes.subarray(1000)] as const];
    const cab = buildCab({ files: two, type, blockBytes: 1000 });
    t.ok((await unpack(cab)).equals(bytes.subarray(0, 1000)), 'the last that is needed may be short');
  }
});

/** Parses and unpacks whatever is in it; only FormatErrors are answers to damage. */
async function unpacked(bytes: Uint8Array): Promise<'unpacked' | 'refused'> {
  try {
    for (const index of read(bytes).files.keys()) await unpack(bytes, index);
    return 'unpacked';
  } catch (error) {
    if (error instanceof FormatError) return 'refused';
    throw error;
  }
}

t.test('answers every prefix with a FormatError', async (t) => {
  const cab = buildCab({ files: [['a.pdb', content(3000)]], reserve: [7, 3, 5] });
  const sizes = Array.from(cab.keys()).filter((size) => outcomeOf(cab, parseCabinet, size) === 'accepted');
  t.strictSame(sizes, [], 'no prefix is accepted');
});

t.test('survives random damage', async (t) => {
  const files = [['a.pdb', content(3000)] as const, ['b.pdb', content(2000)] as const];
  const cab = buildCab({ files, reserve: [7, 3, 5], checksums: 'none' });
  const outcome = parseDamaged(cab, parseCabinet, MUTATIONS, 3);
  t.equal(outcome.accepted + outcome.refused, MUTATIONS, JSON.stringify(outcome));
  const outcomes = { unpacked: 0, refused: 0 };
  const places = [...spansOf(cab, parseCabinet), { offset: cab.length - 3200, length: 3200 }];
  for (const { bytes, sizeBytes } of mutations(cab, places, Math.min(MUTATIONS, 4000), 4)) {
    outcomes[await unpacked(bytes.subarray(0, sizeBytes))] += 1;
  }
  t.ok(outcomes.refused > 0 && outcomes.unpacked > 0, JSON.stringify(outcomes));
});

const crash = sharedFixtures('crash');
t.test(
  'agrees with cabextract about real cabinets',
  { skip: crash ? false : 'no crash fixtures' },
  async (t) => {
    const folder = crash ?? '';
    const rows = readManifest(join(folder, 'MANIFEST.tsv')).filter((row) => row.kind.startsWith('cab['));
    t.equal(rows.length, 2);
    for (const row of rows) {
      const [, name, size, sha256] =
        /contains (\S+) \((\d+) bytes, sha256 (\w{64})\)/.exec(row.cell('note')) ?? [];
      const cab = readFileSync(join(folder, row.file));
      t.match(read(cab).files, [{ name, sizeBytes: Number(size) }], row.file);
      const inside = await unpack(cab);
      t.equal(createHash('sha256').update(inside).digest('hex'), sha256, row.file);
      if (row.kind !== 'cab[pdb]') continue;
      const pdb = await parseSource(sourceOf(inside), parsePdb(inside.length));
      t.match(pdb, { guid: row.cell('guid'), machine: Number(row.cell('os_arch')) }, row.file);
      t.match(
        pdb,
        { dbiAge: Number(row.cell('pdb_dbi_age')), infoAge: Number(row.cell('pdb_info_age')) },
        row.file,
      );
    }
  },
);
