/** PDBs, MSF and portable: identities of real files, of built ones, and what damage is answered with. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FormatError, parseBytes, parseSource } from '../../../src/crash/formats/bytes.ts';
import { MSF_MAGIC } from '../../../src/crash/formats/msf.ts';
import { type Pdb, parsePdb, pdbMagic } from '../../../src/crash/formats/pdb.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';
import { ABSENT, buildMsf, dbiStream, GUID, infoStream, portablePdb, smallPdb } from './built-pdb.ts';
import { MUTATIONS, outcomeOf, parseDamaged } from './damage.ts';
import { readManifest } from './manifest.ts';

const identify = (bytes: Uint8Array): Pdb => parseBytes(bytes, parsePdb(bytes.length));

/** The reason of the FormatError that identifying gives; fails on anything else. */
function refusal(bytes: Uint8Array): string {
  try {
    identify(bytes);
  } catch (error) {
    if (error instanceof FormatError && error.format === 'pdb') return error.reason;
    throw error;
  }
  throw new Error('was accepted');
}

t.test('gives GUID, both ages, machine and signature of an MSF', async (t) => {
  t.strictSame(identify(smallPdb()), {
    kind: 'msf',
    guid: GUID,
    age: 3,
    infoAge: 7,
    dbiAge: 3,
    machine: 0x8664,
    signature: 0xf0000001,
    warnings: [],
  });
});

t.test('takes the info stream’s age where there is no DBI stream', async (t) => {
  for (const streams of [
    [null, infoStream(7)],
    [null, infoStream(7), null, null],
    [null, infoStream(7), null, Buffer.alloc(0)],
  ]) {
    const pdb = identify(buildMsf({ blockSizeBytes: 1024, streams }));
    t.match(pdb, { age: 7, infoAge: 7, dbiAge: null, machine: null, warnings: [] });
  }
});

t.test('warns of an unknown info version, a zero GUID and a DBI stream without a header', async (t) => {
  const unknown = identify(buildMsf({ blockSizeBytes: 512, streams: [null, infoStream(7, 1)] }));
  t.match(unknown, { guid: GUID, age: 7, warnings: [/unknown version 1$/] });
  const zero = identify(
    buildMsf({ blockSizeBytes: 512, streams: [null, infoStream(7, 20000404, Buffer.alloc(16))] }),
  );
  t.match(zero, { guid: '00000000-0000-0000-0000-000000000000', warnings: [/all zeros/] });
  for (const dbi of [dbiStream(3).subarray(0, 12), Buffer.alloc(64)]) {
    const pdb = identify(buildMsf({ blockSizeBytes: 512, streams: [null, infoStream(7), null, dbi] }));
    t.match(pdb, { age: 7, dbiAge: null, warnings: [/DBI stream/] });
  }
});

t.test('warns of a file that is longer than its superblock says, and refuses a shorter one', async (t) => {
  const longer = (bytes: number) => identify(Buffer.concat([smallPdb(), Buffer.alloc(bytes)])).warnings;
  t.same(longer(0), []);
  t.same(longer(511), []);
  t.match(longer(512), [/goes on for 512 bytes after the last block/]);
  t.match(longer(1_000_000), [/1000000 bytes/]);
  t.match(refusal(smallPdb().subarray(0, -1)), /truncated: the superblock says/);
});

t.test('follows a block map of several blocks, listed in the superblock or contiguous', async (t) => {
  const streams = [Buffer.alloc(9_000_000), infoStream(7), Buffer.alloc(100_000), dbiStream(3)];
  for (const map of ['listed', 'contiguous'] as const) {
    const bytes = buildMsf({ blockSizeBytes: 512, streams, map });
    t.ok(bytes.readUInt32LE(44) > 512 * 128, 'the directory needs more than one map block');
    t.match(identify(bytes), { guid: GUID, age: 3 }, map);
  }
});

t.test('refuses a damaged MSF, saying why', async (t) => {
  const damaged = (at: number, value: number): Buffer => {
    const bytes = smallPdb();
    bytes.writeUInt32LE(value, at);
    return bytes;
  };
  for (const size of [0, 1, 511, 768, 131072, 0x80000000]) {
    t.match(refusal(damaged(32, size)), /not a power of two in 512\.\.65536/, `block size ${size}`);
  }
  t.match(refusal(damaged(40, 100)), /truncated: the superblock says 100 blocks/);
  t.match(refusal(damaged(40, 0)), /more than the file holds/);
  t.match(refusal(damaged(44, 0xffffffff)), /more than the file holds/);
  t.match(refusal(damaged(44, 0)), /directory of 0 bytes/);
  t.match(refusal(damaged(44, 16)), /4 streams do not fit/);
  t.match(refusal(damaged(44, 28)), /past the end of the directory/);
  for (const block of [0, 0xfffffff0])
    t.match(refusal(damaged(52, block)), /block map is said to be in block/);
  const mapAt = smallPdb().readUInt32LE(52) * 512;
  t.match(refusal(damaged(mapAt, 0xffffff)), /directory is said to be in block 16777215/);
  const directoryAt = smallPdb().readUInt32LE(mapAt) * 512;
  t.match(refusal(damaged(directoryAt, 1)), /no info stream/);
  t.match(refusal(damaged(directoryAt, 0x40000001)), /1073741825 streams do not fit/);
  t.match(refusal(damaged(directoryAt + 4, 0xfffffffe)), /stream 0 says 4294967294 bytes/);
  t.match(refusal(damaged(directoryAt + 8, ABSENT)), /no info stream/);
  t.match(refusal(damaged(directoryAt + 8, 27)), /info stream of 27 bytes/);
  t.match(refusal(damaged(directoryAt + 20 + 8, 0xffffff)), /stream 1 is said to be in block 16777215/);
});

t.test('gives the id of a portable PDB, and its last four bytes as the signature', async (t) => {
  t.strictSame(identify(portablePdb()), {
    kind: 'portable',
    guid: GUID,
    age: null,
    infoAge: null,
    dbiAge: null,
    machine: null,
    signature: 0xd629d4bb,
    warnings: [],
  });
  t.match(identify(portablePdb(['#Pdb'], 'v4.0.30319')), { guid: GUID, warnings: [/"v4.0.30319"/] });
});

t.test('refuses damaged .NET metadata, saying why', async (t) => {
  t.match(refusal(portablePdb([])), /no #Pdb stream/);
  t.match(refusal(portablePdb(['#~'])), /no #Pdb stream/);
  t.match(refusal(portablePdb(Array.from({ length: 65 }, () => '#~'))), /65 metadata streams/);
  t.match(refusal(portablePdb(['#Pdb', 'x'.repeat(40)])), /name of stream 2 does not end/);
  t.match(refusal(portablePdb().subarray(0, -1)), /reaches past the end/);
  for (const length of [0x7ffffffc, 0xffffffff, 13]) {
    const bytes = portablePdb();
    bytes.writeUInt32LE(length, 12);
    t.match(refusal(bytes), /a version string of/);
  }
  const short = portablePdb();
  short.writeUInt32LE(19, 36);
  t.match(refusal(short), /#Pdb stream of 19 bytes/);
});

t.test('names the other files that come as PDBs', async (t) => {
  const starts: [string, ReturnType<typeof pdbMagic>, RegExp][] = [
    ['SPDB and so on', 'spdb', /SPDB/],
    ['Microsoft MSFZ Container\r\n\x1aALD\0\0', 'msfz', /MSFZ/],
    ['Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0', 'pdb2', /program database 2\.00/],
    ['MSCF\0\0\0\0', 'cabinet', /cabinet/],
    ['MDMP\x93\xa7\0\0', null, /neither an MSF/],
    ['Microsoft C/C++ MSF 7.01\r\n\x1aDS\0\0\0', null, /neither an MSF/],
    [MSF_MAGIC.slice(0, 20), null, /truncated/],
    ['', null, /empty/],
  ];
  for (const [start, magic, reason] of starts) {
    const bytes = Buffer.from(start, 'latin1');
    t.equal(pdbMagic(bytes), magic);
    t.match(refusal(bytes), reason);
  }
  t.equal(pdbMagic(smallPdb()), 'msf');
  t.equal(pdbMagic(portablePdb()), 'portable');
});

const skipSparse = process.platform === 'win32' ? 'a grown file is not sparse here' : false;
t.test('identifies a sparse 4.9 GB PDB by a handful of reads', { skip: skipSparse }, async (t) => {
  const blockSizeBytes = 4096;
  const blockCount = 1_200_000;
  const path = join(t.testdir({}), 'huge.pdb');
  const file = await open(path, 'w+');
  t.teardown(() => file.close());
  const typesBytes = 2_800_000_000;
  const typesBlocks = Math.ceil(typesBytes / blockSizeBytes);
  const directoryBytes = 4 * (1 + 4 + 1 + typesBlocks + 1);
  const directoryBlocks = Math.ceil(directoryBytes / blockSizeBytes);
  const [mapBlock, firstDirectoryBlock] = [blockCount - 1, 1_100_000];
  const [infoBlock, dbiBlock] = [1_150_000, 3];
  const put = async (block: number, at: number, words: readonly number[]) =>
    file.write(
      Uint8Array.from(Buffer.from(Uint32Array.from(words).buffer)),
      0,
      words.length * 4,
      block * 4096 + at,
    );
  await file.truncate(blockSizeBytes * blockCount);
  await file.write(Buffer.from(MSF_MAGIC, 'latin1'), 0, 32, 0);
  await put(0, 32, [blockSizeBytes, 1, blockCount, directoryBytes, 0, mapBlock]);
  await put(
    mapBlock,
    0,
    Array.from({ length: directoryBlocks }, (_, index) => firstDirectoryBlock + index),
  );
  await put(firstDirectoryBlock, 0, [4, ABSENT, 40, typesBytes, 64, infoBlock]);
  await put(firstDirectoryBlock, directoryBytes - 4, [dbiBlock]);
  await file.write(infoStream(7), 0, 40, infoBlock * blockSizeBytes);
  await file.write(dbiStream(3), 0, 64, dbiBlock * blockSizeBytes);

  const sizeBytes = (await file.stat()).size;
  let reads = 0;
  let bytesRead = 0;
  const read = async (offset: number, length: number) => {
    reads += 1;
    bytesRead += length;
    return (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
  };
  const pdb = await parseSource({ sizeBytes, read }, parsePdb(sizeBytes));
  t.match(pdb, { guid: GUID, age: 3, infoAge: 7, machine: 0x8664 });
  t.ok(reads <= 8 && bytesRead <= 8 * 32768, `${reads} reads, ${bytesRead} bytes`);
});

t.test('answers every prefix of a PDB with a FormatError', async (t) => {
  for (const bytes of [smallPdb(), portablePdb()]) {
    const sizes = Array.from(bytes.keys()).filter((size) => outcomeOf(bytes, parsePdb, size) === 'accepted');
    t.strictSame(sizes, [], 'no prefix is accepted');
  }
});

t.test('survives random damage to built PDBs', async (t) => {
  for (const [seed, bytes] of [smallPdb(), portablePdb()].entries()) {
    const outcome = parseDamaged(bytes, parsePdb, MUTATIONS, seed);
    t.equal(outcome.accepted + outcome.refused, MUTATIONS, JSON.stringify(outcome));
    t.ok(outcome.refused > 0 && outcome.accepted > 0);
  }
});

const crash = sharedFixtures('crash');
t.test(
  'agrees with other readers about real PDBs',
  { skip: crash ? false : 'no crash fixtures' },
  async (t) => {
    const rows = readManifest(join(crash ?? '', 'MANIFEST.tsv')).filter((row) =>
      /^(portable-)?pdb$/.test(row.kind),
    );
    t.ok(rows.length >= 6);
    for (const row of rows) {
      const pdb = identify(readFileSync(join(crash ?? '', row.file)));
      const isPortable = row.kind === 'portable-pdb';
      t.equal(pdb.kind, isPortable ? 'portable' : 'msf', row.file);
      t.equal(pdb.guid, row.cell('guid'), row.file);
      t.equal(pdb.infoAge, isPortable ? null : Number(row.cell('pdb_info_age')), row.file);
      t.equal(pdb.dbiAge, isPortable ? null : Number(row.cell('pdb_dbi_age')), row.file);
      t.equal(pdb.machine, isPortable ? null : Number(row.cell('os_arch')), row.file);
      const age = isPortable ? 'FFFFFFFF' : (pdb.age ?? 0).toString(16).toUpperCase();
      t.equal(pdb.guid.replaceAll('-', '') + age, row.cell('symstore_pdb_key'), row.file);
      t.strictSame(pdb.warnings, [], row.file);
    }
  },
);

const windows = sharedFixtures('windows');
const skipWindows = windows ? false : 'no windows fixtures';
t.test('identifies the PDBs of both builds', { skip: skipWindows }, async (t) => {
  const rows = readManifest(join(windows ?? '', 'MANIFEST.tsv')).filter((row) => row.kind === 'pdb');
  t.equal(rows.length, 3);
  for (const row of rows) {
    const pdb = identify(readFileSync(join(windows ?? '', row.file)));
    t.match(
      pdb,
      { guid: row.cell('guid'), age: Number(row.cell('age')), machine: 0x8664, warnings: [] },
      row.file,
    );
  }
});

t.test('survives truncation and random damage of a real PDB', { skip: skipWindows }, async (t) => {
  const bytes = readFileSync(join(windows ?? '', '1.2.3.4-r1', 'crashme.pdb'));
  for (let size = 0; size < bytes.length; size += size < 8192 ? 1 : 509) {
    if (outcomeOf(bytes, parsePdb, size) === 'accepted') t.fail(`a prefix of ${size} bytes was accepted`);
  }
  const outcome = parseDamaged(bytes, parsePdb, MUTATIONS, 7);
  t.equal(outcome.accepted + outcome.refused, MUTATIONS, JSON.stringify(outcome));
});

const hostile = sharedFixtures('crash/hostile');
t.test('gives each hostile PDB its verdict', { skip: hostile ? false : 'no hostile fixtures' }, async (t) => {
  const rows = readManifest(join(hostile ?? '', 'HOSTILE.tsv')).filter((row) => row.kind === 'pdb');
  t.ok(rows.length >= 18);
  for (const row of rows) {
    const bytes = readFileSync(join(hostile ?? '', row.file));
    const outcome = outcomeOf(bytes, parsePdb);
    if (row.cell('verdict') !== 'either')
      t.equal(outcome, row.cell('verdict') === 'reject' ? 'refused' : 'accepted', row.file);
    const expected = row.cell('expect_json');
    if (outcome === 'accepted' && expected) t.match(identify(bytes), JSON.parse(expected), row.file);
    t.comment(`${row.file}: ${outcome === 'refused' ? refusal(bytes) : JSON.stringify(identify(bytes))}`);
  }
});
