/** PE images: one built here, the real ones, the hostile ones, and damage at random. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import t from 'tap';
import { FormatError, parseBytes, parseSource } from '../../../src/crash/formats/bytes.ts';
import { formatCodeId, type Pe, parsePe } from '../../../src/crash/formats/pe.ts';
import { projectRoot, sharedFixtures } from '../../fixtures/shared.ts';
import { guidOf, node, peImage, rsds, text, utf16, versionBlock } from './pe-image.ts';

const parse = (bytes: Uint8Array): Pe => parseBytes(bytes, parsePe(bytes.length));

const crash = sharedFixtures('crash') ?? '';
const hostile = sharedFixtures('crash/hostile') ?? '';
const windows = sharedFixtures('windows') ?? '';
const absent = (folder: string) => folder === '' && 'needs the shared fixtures';

/** Either the image or the FormatError; anything else that is thrown comes through. */
function attempt(bytes: Uint8Array): Pe | FormatError {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof FormatError && error.format === 'pe') return error;
    throw error;
  }
}

/** Why the bytes were refused; undefined when they were read. */
function refusal(bytes: Uint8Array): string | undefined {
  const outcome = attempt(bytes);
  return outcome instanceof FormatError ? outcome.reason : undefined;
}

const NATIVE = { type: 2, data: rsds('a', 1, 'app.ni.pdb') };
const PORTABLE = { type: 2, minor: 0x504d, data: rsds('b', 1, 'app.pdb') };

t.test('reads a 64-bit DLL and a 32-bit EXE', async (t) => {
  const dll = parse(peImage({ debug: [NATIVE, { type: 16 }] }));
  t.match(dll, { machine: 0xaa64, machineName: 'arm64', is64: true, isDll: true, reproducible: true });
  t.match(dll, {
    timeDateStamp: 0x0abcdef0,
    sizeOfImage: 0x1f000,
    checksum: 0xfeedbeef,
    codeId: '0ABCDEF01f000',
  });
  t.same(dll.debugId, { guid: guidOf('A'), age: 1 });
  t.match(dll, { pdbPath: 'app.ni.pdb', version: '1.2.3.4', strings: { ProductName: 'Tiny' } });
  t.same(dll.warnings, []);
  const exe = parse(peImage({ is64: false, block: null }));
  t.match(exe, {
    machineName: 'x86',
    is64: false,
    isDll: false,
    reproducible: false,
    codeId: '0ABCDEF01f000',
  });
  t.match(exe, { debugId: null, pdbPath: null, version: null, codeViews: [], strings: {}, warnings: [] });
});

t.test('writes a code id as the symbol store does', async (t) => {
  t.equal(formatCodeId(0x589dfd11, 0x1a000), '589DFD111a000');
  t.equal(formatCodeId(0xffffffff, 0xffffffff), 'FFFFFFFFffffffff');
  t.equal(formatCodeId(0, 0x4000), '000000004000');
});

t.test('gives every RSDS entry in file order, and a portable one does not hide a native one', async (t) => {
  const both = parse(peImage({ debug: [PORTABLE, NATIVE] }));
  t.same(
    both.codeViews.map(({ portable, pdbPath }) => [portable, pdbPath]),
    [
      [true, 'app.pdb'],
      [false, 'app.ni.pdb'],
    ],
  );
  t.match(both, { debugId: { guid: guidOf('A') }, pdbPath: 'app.ni.pdb' });
  t.match(parse(peImage({ debug: [PORTABLE] })), { debugId: { guid: guidOf('B') }, pdbPath: 'app.pdb' });
  const unknown = { type: 2, data: rsds('0', 0, 'zero.pdb') };
  t.match(parse(peImage({ debug: [unknown, PORTABLE] })), {
    debugId: { guid: guidOf('B') },
    pdbPath: 'app.pdb',
  });
  t.match(parse(peImage({ debug: [unknown] })), { debugId: null, pdbPath: 'zero.pdb' });
});

t.test('finds a record behind many other entries, and bounds how many it reads', async (t) => {
  const others = Array.from({ length: 70 }, () => ({ type: 13 }));
  t.match(parse(peImage({ debug: [...others, NATIVE] })), { debugId: { guid: guidOf('A') }, warnings: [] });
  const many = parse(
    peImage({ debug: Array.from({ length: 70 }, () => ({ type: 2, data: rsds('1', 1, '') })) }),
  );
  t.equal(many.codeViews.length, 64);
  t.match(many.warnings, [/only the first 64 CodeView records/]);
});

t.test('an NB10 record gives no identity and a warning', async (t) => {
  const data = Buffer.concat([Buffer.from('NB10'), Buffer.alloc(12, 1), Buffer.from('old.pdb\0')]);
  const pe = parse(peImage({ debug: [{ type: 2, data }, NATIVE] }));
  t.match(pe, { debugId: { guid: guidOf('A') }, warnings: [/NB10/] });
  t.equal(pe.codeViews.length, 1);
});

t.test('a CodeView record of an ELF image is none of a PE image', async (t) => {
  const data = Buffer.concat([Buffer.from('LEpB'), Buffer.alloc(20, 1)]);
  t.match(parse(peImage({ debug: [{ type: 2, data }] })), { codeViews: [], warnings: [/unknown kind/] });
});

t.test('reads the known strings, whole or cut, and no others', async (t) => {
  const strings = [
    text('CompanyName', 'x'.repeat(600)),
    text('originalFilename', 'tiny.dll'),
    text('FileVersion', ''),
    text('__proto__', 'nothing'),
    node('ProductName', 1, utf16('Tiny\0'), 10),
    text('ProductName', 'second'),
    text('InternalName', 'a\ud800b'),
  ];
  t.same(parse(peImage({ block: versionBlock(strings) })).strings, {
    CompanyName: 'x'.repeat(512),
    OriginalFilename: 'tiny.dll',
    ProductName: 'Tiny',
    InternalName: 'a\ufffdb',
  });
});

t.test('a damaged version resource is unknown, with a warning', async (t) => {
  t.match(parse(peImage({ block: Buffer.alloc(200) })), { version: null, warnings: [/damaged/] });
  const bare = node('VS_VERSION_INFO', 0, Buffer.alloc(0), 0);
  t.match(parse(peImage({ block: bare })), { version: null, warnings: [/VS_FIXEDFILEINFO/] });
  const loop = peImage();
  loop.writeUInt32LE(0x80000000, 0x1014);
  t.match(parse(loop), { version: null, warnings: [/version resource/] });
});

t.test('of several languages takes the neutral version, else the English, else the first', async (t) => {
  const versionIn = (...ids: number[]) => {
    const languages = ids.map((id, index) => [id, versionBlock([], index + 1)] as const);
    return parse(peImage({ languages })).version;
  };
  t.equal(versionIn(0x804, 0x407), '1.2.3.4');
  t.equal(versionIn(0x407, 0x804, 0x409), '3.2.3.4');
  t.equal(versionIn(0, 0x409), '1.2.3.4');
  t.equal(versionIn(0x409, 0), '2.2.3.4');
});

t.test('reads more sections than the loader is documented to take, and says so', async (t) => {
  t.match(parse(peImage({ emptySections: 94 })), { version: '1.2.3.4', warnings: [] });
  const many = parse(peImage({ emptySections: 150, debug: [NATIVE] }));
  t.match(many, { version: '1.2.3.4', debugId: { age: 1 } });
  t.same(many.warnings, ["claims 152 sections, above the Windows loader's documented limit of 96"]);
  const tooMany = parse(peImage({ emptySections: 1023 }));
  t.match(tooMany, { version: null, warnings: [/claims 1025 .* only the first 1024 were/] });
});

/** Where the headers of .rdata and .rsrc are in the built image. */
const RDATA_HEADER = 64 + 24 + 240;
const RSRC_HEADER = RDATA_HEADER + 40;

t.test('raw data that is longer than its section hides no other section', async (t) => {
  const image = peImage({ debug: [NATIVE] });
  image.writeUInt32LE(0x10000, RDATA_HEADER + 16);
  t.match(parse(image), { version: '1.2.3.4', debugId: { age: 1 }, warnings: [/beyond the end/] });
});

t.test('a section begins at a whole sector, unless the alignment is smaller', async (t) => {
  const FILE_ALIGNMENT = 64 + 24 + 36;
  const versionWith = (alignment: number) => {
    const image = peImage();
    image.writeUInt32LE(alignment, FILE_ALIGNMENT);
    image.writeUInt32LE(image.readUInt32LE(RSRC_HEADER + 20) + 0x10, RSRC_HEADER + 20);
    return parse(image).version;
  };
  t.equal(versionWith(0x200), '1.2.3.4');
  t.equal(versionWith(0x1000), '1.2.3.4');
  t.equal(versionWith(0x10), null);
});

t.test('finds a debug record by its address when it has no file pointer', async (t) => {
  t.match(parse(peImage({ debug: [{ ...NATIVE, byAddress: true }] })), {
    debugId: { guid: guidOf('A'), age: 1 },
    pdbPath: 'app.ni.pdb',
    warnings: [],
  });
  const nowhere = peImage({ debug: [{ ...NATIVE, byAddress: true }] });
  for (const address of [0, 0xfffff000]) {
    nowhere.writeUInt32LE(address, 0x200 + 20);
    t.match(parse(nowhere), { debugId: null, warnings: [/outside the file/] });
  }
});

t.test('says what else a file is', async (t) => {
  t.match(refusal(Buffer.from('7f454c4602010100', 'hex')), /ELF/);
  t.match(refusal(Buffer.from('cffaedfe07000001', 'hex')), /Mach-O/);
  t.match(refusal(Buffer.from('MDMP')), /minidump/);
  t.match(refusal(Buffer.from('<!doctype html>')), /not MZ/);
  t.match(refusal(Buffer.alloc(0)), /empty/);
  const old = peImage();
  old.write('NE', 64);
  t.match(refusal(old), /no PE signature/);
});

t.test('every prefix is refused or read with a warning, and never throws anything else', async (t) => {
  const whole = peImage({ debug: [NATIVE, PORTABLE] });
  const tableEnd = 64 + 24 + 240 + 2 * 40;
  for (let length = 0; length < whole.length; length += 1) {
    const outcome = attempt(whole.subarray(0, length));
    const refused = outcome instanceof FormatError;
    if (refused !== length < tableEnd) t.fail(`cut at ${length}`);
    if (!refused && outcome.warnings.length === 0) t.fail(`no warning when cut at ${length}`);
  }
});

/** Small, fast, the same everywhere: a failure can be repeated from its seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const EXTREMES = [0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0, 0xffffffff];

/** Damages one to eight places, half of the time inside `areas`; returns the number that were read. */
function mutate(original: Buffer, areas: readonly (readonly [number, number])[], count: number): number {
  const bytes = Buffer.from(original);
  let accepted = 0;
  for (let seed = 1; seed <= count; seed += 1) {
    const random = randomFrom(seed);
    const touched: number[] = [];
    for (let left = 1 + random(8); left > 0; left -= 1) {
      const area = seed % 2 === 0 ? areas[random(areas.length)] : undefined;
      const [start, length] = area ?? [0, bytes.length];
      const at = Math.min(start + random(length), bytes.length - 4);
      touched.push(at);
      if (random(2) === 0) bytes[at] = random(256);
      else bytes.writeUInt32LE(EXTREMES[random(EXTREMES.length)] ?? 0, at);
    }
    try {
      if (!(attempt(bytes) instanceof FormatError)) accepted += 1;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    for (const at of touched) original.copy(bytes, at, at, at + 4);
  }
  return accepted;
}

const mutations = Number(process.env.CHS_MUTATIONS ?? 3000);

t.test('survives random damage to the built image', async (t) => {
  const whole = peImage({ debug: [NATIVE, PORTABLE] });
  const areas = [[0, 0x300] as const, [0x1000, 0x200] as const];
  const read = mutate(whole, areas, mutations);
  t.ok(read > 0 && read < mutations, `${read} of ${mutations} were read`);
});

t.test('survives random damage to a real program', async (t) => {
  const whole = readFileSync(join(projectRoot, 'examples/crashme/crashme.exe'));
  t.match(parse(whole), {
    debugId: { guid: '54A340A4-D444-CC37-4C4C-44205044422E', age: 1 },
    codeId: '6B024A3069000',
    version: '1.2.3.4',
    strings: { OriginalFilename: 'crashme.exe' },
  });
  // The headers, the debug directory with its record, the resource directory with the version block.
  const areas = [[0, 0x1000] as const, [0x29600, 0x60] as const, [0x2b200, 0x2c8] as const];
  const read = mutate(whole, areas, mutations);
  t.ok(read > 0 && read < mutations, `${read} of ${mutations} were read`);
});

type Row = Readonly<Record<string, string>>;

function readTable(file: string): Row[] {
  const [head = [], ...rows] = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  return rows.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? ''])));
}

const orNull = (cell: string | undefined) => cell || null;

t.test('agrees with independent readers about real programs', { skip: absent(crash) }, async (t) => {
  const rows = readTable(join(crash, 'MANIFEST.tsv')).filter(
    ({ kind }) => kind === 'pe' || kind === 'cab[pe]',
  );
  for (const { file = '', kind, ...row } of rows) {
    const stored = readFileSync(join(crash, file));
    // A small cabinet is one MSZIP block: "CK", then deflate.
    const bytes = kind === 'pe' ? stored : inflateRawSync(stored.subarray(stored.indexOf('CK') + 2));
    const pe = parse(bytes);
    t.same(pe.debugId, { guid: row.guid, age: Number(row.cv_or_rsds_age) }, file);
    t.equal(pe.codeId, row.pe_key, file);
    t.equal(pe.version, orNull(row.exe_version), file);
    t.equal(`0x${pe.machine.toString(16)}`, row.os_arch, file);
    t.equal(pe.codeViews[0]?.portable, row.symstore_pdb_key?.endsWith('FFFFFFFF'), file);
    t.equal(pe.reproducible, pe.codeViews[0]?.portable, file);
    t.same(pe.warnings, [], file);
  }
  t.equal(rows.length, 7);
});

t.test(
  'agrees with the linker about our own programs, by positioned reads too',
  { skip: absent(windows) },
  async (t) => {
    const rows = readTable(join(windows, 'MANIFEST.tsv')).filter(
      ({ kind }) => kind === 'exe' || kind === 'dll',
    );
    for (const { file = '', kind, ...row } of rows) {
      const bytes = readFileSync(join(windows, file));
      const pe = parse(bytes);
      t.same(pe.debugId, { guid: row.guid, age: Number(row.age) }, file);
      t.match(pe, { codeId: row.code_id, version: row.version, isDll: kind === 'dll', is64: true }, file);
      const [, machine, path] = /^machine (\S+); RSDS path (.+)$/.exec(row.notes ?? '') ?? [];
      t.equal(`0x${pe.machine.toString(16)}`, machine, file);
      t.equal(pe.pdbPath, path, file);
      t.equal(pe.strings.FileVersion, row.version, file);
      t.same(pe.warnings, [], file);
      let readBytes = 0;
      const read = async (offset: number, length: number) => {
        readBytes += length;
        return bytes.subarray(offset, offset + length);
      };
      t.same(await parseSource({ sizeBytes: bytes.length, read }, parsePe(bytes.length)), pe, file);
      t.ok(readBytes <= 3 * 32 * 1024, `${file}: ${readBytes} bytes were read`);
    }
    t.equal(rows.length, 3);
  },
);

t.test('judges hostile programs as expected', { skip: absent(hostile) }, async (t) => {
  const rows = readTable(join(hostile, 'HOSTILE.tsv')).filter(({ kind }) => kind === 'exe');
  for (const { file = '', verdict, expect_json: expected } of rows) {
    const outcome = attempt(readFileSync(join(hostile, file)));
    const refused = outcome instanceof FormatError;
    if (verdict !== 'either') t.equal(refused, verdict === 'reject', file);
    if (refused) continue;
    if (verdict === 'either') t.not(outcome.warnings.length, 0, `${file}: says what is wrong`);
    const { debugId, version, codeId } = outcome;
    const found = { guid: debugId?.guid ?? null, age: debugId?.age ?? null, version, code_id: codeId };
    if (expected) t.same(found, JSON.parse(expected), file);
  }
  t.ok(rows.length >= 14);
});

t.test(
  'hostile details: nothing outside the file is believed, a path is only data',
  { skip: absent(hostile) },
  async (t) => {
    const read = (name: string) => parse(readFileSync(join(hostile, name)));
    t.equal(read('exe_rsds_traversal.exe').pdbPath, '..\\..\\..\\..\\evil.pdb');
    t.equal(read('exe_sections_overflow.exe').debugId, null);
    t.match(read('exe_resource_entries_131070.exe'), { debugId: { age: 1 }, warnings: [/131070/] });
    t.match(refusal(readFileSync(join(hostile, 'exe_elf.exe'))), /ELF/);
  },
);
