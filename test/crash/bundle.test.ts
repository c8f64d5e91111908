/** What lies where in a bundle: names from dumps and clients are made safe, nothing takes another's place. */
import t from 'tap';
import { type BundleModule, layOutBundle } from '../../src/crash/bundle.ts';
import { openScript } from '../../src/crash/open-script.ts';

const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';
const KEY = '54A340A4D444CC374C4C44205044422E1';

const dump = { id: 'dump-1', fileName: 'crash_1.dmp', sizeBytes: 10, sha256: 'd'.repeat(64) };

const stored = (id: string) => ({
  id,
  size_bytes: 5,
  sha256: id.padEnd(64, '0'),
  exe_guid: GUID,
  exe_age: 1,
});

function module(given: Partial<BundleModule> = {}): BundleModule {
  return {
    index: 0,
    name: 'app.exe',
    version: '1.0',
    pdb_name: 'app.pdb',
    guid: GUID,
    age: 1,
    code_id: '6B024A3069000',
    system: false,
    pdb: {
      ...stored('pdb-1'),
      pdb_filename: 'app.pdb',
      parsed: { exe_guid: GUID, exe_age: 1, format: 'msf' },
    },
    exe: {
      ...stored('exe-1'),
      exe_filename: 'app.exe',
      parsed: { pdb_path: 'D:\\out\\app.pdb' },
      time_date_stamp: '0x6B024A30',
      size_of_image: 0x69000,
    },
    reason: null,
    ...given,
  };
}

function laidOut(modules: readonly BundleModule[], gone: readonly string[] = [], fileName = dump.fileName) {
  return layOutBundle({ dump: { ...dump, fileName }, modules, gone: new Set(gone), version: '1.2.3' });
}

const paths = (modules: readonly BundleModule[]): string[] => laidOut(modules).files.map(({ path }) => path);

t.test('puts the dump, its symbols, a script and a manifest where debuggers look', async (t) => {
  const { files, texts, manifest } = laidOut([module()]);
  t.same(
    files.map(({ path, id }) => [path, id]),
    [
      ['crash_1.dmp', 'dump-1'],
      [`symbols/app.pdb/${KEY}/app.pdb`, 'pdb-1'],
      ['symbols/app.exe/6B024A3069000/app.exe', 'exe-1'],
    ],
  );
  t.same(
    texts.map(({ path }) => path),
    ['open.cmd', 'manifest.json'],
  );
  t.same(JSON.parse(texts[1]?.text ?? ''), manifest);
  t.match(manifest, {
    made_by: 'chs 1.2.3',
    minidump: { path: 'crash_1.dmp', sha256: 'd'.repeat(64), size_bytes: 10 },
    modules: [
      { name: 'app.exe', pdb: { included: true, id: 'pdb-1' }, exe: { included: true, id: 'exe-1' } },
    ],
  });
});

t.test('says what is missing, and why', async (t) => {
  const other = {
    ...stored('pdb-2'),
    pdb_filename: 'app.pdb',
    exe_guid: GUID,
    parsed: { exe_guid: `9${GUID.slice(1)}` },
  };
  const { files, manifest } = laidOut(
    [
      module({ pdb: null, exe: null, reason: 'app.pdb is not stored' }),
      module({ pdb: other, exe: null }),
      module({ name: 'lib.dll' }),
    ],
    ['exe-1'],
  );
  t.equal(files.length, 2, 'the dump and one PDB');
  t.match(manifest.modules, [
    {
      pdb: { included: false, reason: 'app.pdb is not stored' },
      exe: { included: false, reason: 'it is not stored' },
    },
    { pdb: { included: false, reason: /pdb-2 was declared to be it, but its bytes say/ } },
    { pdb: { included: true }, exe: { included: false, reason: /exe-1\), but its file is gone/ } },
  ]);
});

t.test('keys are those that debuggers ask for', async (t) => {
  const exe = null;
  const portable = {
    ...stored('p'),
    pdb_filename: 'il.pdb',
    parsed: { exe_guid: GUID, exe_age: null, format: 'portable' },
  };
  t.same(paths([module({ exe, pdb: portable })])[1], `symbols/app.pdb/${KEY.slice(0, -1)}FFFFFFFF/app.pdb`);
  const unparsed = { ...stored('u'), pdb_filename: 'old.pdb', parsed: null };
  t.same(
    paths([module({ exe, pdb: unparsed, age: 31, pdb_name: null })])[1],
    `symbols/old.pdb/${KEY.slice(0, -1)}1F/old.pdb`,
  );
  const bare = module({ guid: null, age: null, pdb_name: null });
  t.same(paths([bare])[1], `symbols/app.pdb/${KEY}/app.pdb`, 'the image says what the dump does not');
  const unknown = module().exe;
  const nameless = module({ name: null, pdb: null, exe: unknown && { ...unknown, time_date_stamp: null } });
  t.same(paths([nameless])[1], 'symbols/app.exe/6B024A3069000/app.exe');
});

t.test('no two files have one place, however Windows compares', async (t) => {
  const twice = laidOut([module(), module({ index: 1 })]);
  t.equal(twice.files.length, 3, 'one file of two modules is there once');
  t.match(twice.manifest.modules[1], { pdb: { included: true }, exe: { included: true } });
  const pdb = module().pdb;
  const shouting = module({ pdb_name: 'APP.PDB', exe: null, pdb: pdb && { ...pdb, id: 'pdb-2' } });
  const { files, manifest } = laidOut([module(), shouting]);
  t.equal(files.length, 3);
  t.match(manifest.modules[1]?.pdb, { included: false, reason: /another file has its place/ });
});

t.test('names that could do harm become others', async (t) => {
  for (const [name, expected] of [
    ['..\\..\\evil.dll', 'evil.dll'],
    ['/etc/passwd', 'passwd'],
    ['con.dll', '_con.dll'],
    ['COM1', '_COM1'],
    ['a:b?.dll', 'a_b_.dll'],
    ['a\u202Efdp.exe', 'a_fdp.exe'],
    ['a\n\0b.dll', 'a__b.dll'],
    ['trailing. .', 'trailing'],
    ['..', 'unknown.exe'],
    ['\uD800.dll', '\uFFFD.dll'],
    ['сборка ü.dll', 'сборка ü.dll'],
    [`${'x'.repeat(300)}.dll`, `${'x'.repeat(80)}.dll`],
    [`${'崩'.repeat(300)}.dll`, `${'崩'.repeat(60)}.dll`],
  ] as const) {
    const [, path = ''] = paths([module({ name, pdb: null })]);
    t.equal(path, `symbols/${expected}/6B024A3069000/${expected}`, JSON.stringify(name).slice(0, 40));
  }
});

t.test('the dump has a name that a script can say in every code page', async (t) => {
  for (const [name, expected] of [
    ['crash_20261122015009_432_436.dmp', 'crash_20261122015009_432_436.dmp'],
    ['C:\\dumps\\my crash & co (1)%PATH%.dmp', 'my_crash___co__1__PATH_.dmp'],
    ['崩溃.dmp', 'crash.dmp'],
    ['nul.dmp', 'crash.dmp'],
    ['a.mdmp', 'a.dmp'],
    ['no-extension', 'no-extension.dmp'],
    ['', 'crash.dmp'],
  ] as const)
    t.equal(laidOut([], [], name).files[0]?.path, expected, name);
  const script = openScript('crash_1.dmp');
  t.notMatch(script, /[^\x20-\x7e\r\n]/, 'ASCII alone');
  t.notMatch(script.replaceAll('\r\n', ''), /[\r\n]/, 'each line ends with CR LF');
  t.match(script, 'set "SYMBOLS=srv*%HERE%symbols;srv*"');
  t.match(script, '-y "%SYMBOLS%" -i "%SYMBOLS%" -z "%DUMP%"');
});
