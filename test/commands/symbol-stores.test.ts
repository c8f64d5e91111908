/** Symbol stores: written from what is stored, read as others write them, there and back. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import t from 'tap';
import { folderParts } from '../../commands/symbol-store/admin.ts';
import { testFolder } from '../fixtures/folder.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const KEY1 = '54A340A4D444CC374C4C44205044422E1';
const KEY2 = '925ADDF6B756FC1C4C4C44205044422E1';
const crash = sharedFixtures('crash');

function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

for (const mode of modes) {
  t.test(`takes symbols to a store and back (${mode.name})`, async (t) => {
    const cwd = testFolder(t, { fresh: {} });
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    const file = (...parts: string[]): string => join(cwd, 'store', ...parts);
    t.match(await chs('symbols', 'export', 'store'), { code: 1, stderr: /nothing that is stored fits/ });
    await chs('pdb', 'upload', example('crashme.pdb'), '--exe-version', '1.2.3.4');
    await chs('exe', 'upload', example('crashme.exe'));
    const first = await chs('symbols', 'export', 'store', '--product', 'Game', '--version', '1.2.3.4');
    t.match(first, { code: 0, stderr: /^2 written; transaction 0000000001$/m });
    t.strictSame(tree(file()), [
      '000Admin/0000000001',
      '000Admin/history.txt',
      '000Admin/lastid.txt',
      '000Admin/server.txt',
      'crashme.exe/6B024A3069000/crashme.exe',
      'crashme.exe/6B024A3069000/refs.ptr',
      `crashme.pdb/${KEY1}/crashme.pdb`,
      `crashme.pdb/${KEY1}/refs.ptr`,
      'pingme.txt',
    ]);
    t.equal(sha256(file('crashme.pdb', KEY1, 'crashme.pdb')), sha256(example('crashme.pdb')));
    t.equal(sha256(file('crashme.exe', '6B024A3069000', 'crashme.exe')), sha256(example('crashme.exe')));
    const line = String.raw`0000000001,add,file,\d\d/\d\d/\d{4},\d\d:\d\d:\d\d,"Game","1\.2\.3\.4","chs symbols export",`;
    t.match(readFileSync(file('000Admin', 'server.txt'), 'latin1'), new RegExp(`^${line}\r\n$`));
    t.match(readFileSync(file('000Admin', 'history.txt'), 'latin1'), new RegExp(`^${line}$`));
    t.equal(readFileSync(file('000Admin', 'lastid.txt'), 'latin1'), '0000000001');
    t.match(
      readFileSync(file('000Admin', '0000000001'), 'latin1'),
      new RegExp(`^"crashme\\.pdb\\\\${KEY1}","[^"]+"\r\n"crashme\\.exe\\\\6B024A3069000","[^"]+"\r\n$`),
    );
    t.match(
      readFileSync(file('crashme.pdb', KEY1, 'refs.ptr'), 'latin1'),
      /^0000000001,file,"[^"]+crashme\.pdb",pri,,Y,,$/,
    );

    t.match(await chs('symbols', 'export', 'store'), { code: 0, stdout: '', stderr: '2 there before\n' });
    await chs('pdb', 'upload', example('r2/crashme.pdb'));
    const [second] = jsonLines((await chs('symbols', 'export', 'store', '--json')).stdout);
    t.match(second, { transaction: '0000000002', written: 1, present: 2, failed: 0 });
    t.equal(readFileSync(file('000Admin', '0000000002'), 'latin1').split('\r\n').length, 2);
    t.match(readFileSync(file('000Admin', 'history.txt'), 'latin1'), /^0000000001.*\r\n0000000002,[^\r\n]*$/);

    const fresh = { cwd: join(cwd, 'fresh') };
    const taken = await runChs(['symbols', 'import', join('..', 'store'), '--json'], fresh);
    t.equal(taken.code, 0);
    const replies = jsonLines(taken.stdout);
    t.match(replies, [
      { exe_filename: 'crashme.exe', exe_version: '1.2.3.4', state: 'verified' },
      { pdb_filename: 'crashme.pdb', exe_version: '1.2.3.4', sha256: sha256(example('crashme.pdb')) },
      { pdb_filename: 'crashme.pdb', exe_version: null, sha256: sha256(example('r2/crashme.pdb')) },
    ]);
    t.match(await runChs(['symbols', 'import', join('..', 'store')], fresh), { stderr: '3 stored before\n' });
    t.equal((await runChs(['symbols', 'check', example('')], fresh)).code, 0);
  });
}

t.test('takes the PDBs of a version’s images along, whatever version they were uploaded with', async (t) => {
  const cwd = testFolder(t);
  const chs = (...args: string[]) => runChs(args, { cwd });
  await chs('pdb', 'upload', example('crashme.pdb'), example('r2/crashme.pdb'));
  await chs('exe', 'upload', example('crashme.exe'));
  t.match(await chs('symbols', 'export', 'store', '--version', '1.2.3.4'), {
    code: 0,
    stderr: /^2 written/m,
  });
  const written = tree(join(cwd, 'store')).filter((path) => /crashme\.(exe|pdb)$/.test(path));
  t.strictSame(written, ['crashme.exe/6B024A3069000/crashme.exe', `crashme.pdb/${KEY1}/crashme.pdb`]);
});

t.test('goes on with an export that was cut off, and replaces nothing', async (t) => {
  const cwd = testFolder(t, { store: { '000Admin': { '1234abcd.part': 'half' } } });
  const chs = (...args: string[]) => runChs(args, { cwd });
  await chs('pdb', 'upload', example('crashme.pdb'), example('r2/crashme.pdb'));
  const folders = [KEY1, KEY2].map((key) => join(cwd, 'store', 'crashme.pdb', key));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  copyFileSync(example('crashme.pdb'), join(folders[0] ?? '', 'crashme.pdb'));
  writeFileSync(join(folders[1] ?? '', 'crashme.pdb'), 'of somebody else');
  const run = await chs('symbols', 'export', 'store');
  t.match(run, {
    code: 0,
    stdout: '',
    stderr: /another file is in its place[\s\S]*1 there before.*transaction 0000000001/,
  });
  t.match(
    readFileSync(join(cwd, 'store', '000Admin', '0000000001'), 'latin1'),
    /^"crashme\.pdb\\54A3[^\n]*\n$/,
  );
  t.equal(readFileSync(join(folders[1] ?? '', 'crashme.pdb'), 'latin1'), 'of somebody else');
  t.notOk(existsSync(join(cwd, 'store', '000Admin', '1234abcd.part')));
});

t.test('writes two tiers where there are two, and no folder of a name that the store keeps', async (t) => {
  const cwd = testFolder(t, { fresh: {}, store: { 'index2.txt': '' } });
  copyFileSync(example('r2/crashme.pdb'), join(cwd, 'PingMe.txt'));
  await runChs(['pdb', 'upload', example('crashme.pdb'), 'PingMe.txt'], { cwd });
  const run = await runChs(['symbols', 'export', 'store', '--json'], { cwd });
  t.match(run, { code: 0, stderr: /PingMe\.txt \([\w-]+\): symbol stores keep this name for themselves/ });
  t.match(jsonLines(run.stdout), [{ written: 1, reserved_names: 1, transaction: '0000000001' }]);
  t.strictSame(
    tree(join(cwd, 'store')).filter((path) => !path.startsWith('000Admin')),
    [`cr/crashme.pdb/${KEY1}/crashme.pdb`, `cr/crashme.pdb/${KEY1}/refs.ptr`, 'index2.txt', 'pingme.txt'],
  );
  const taken = await runChs(['symbols', 'import', join('..', 'store')], { cwd: join(cwd, 'fresh') });
  t.match(taken, { code: 0, stderr: /1 uploaded/ });
  t.strictSame(folderParts({ fileName: '..pdb', key: 'A1' }, true), ['..pdb', 'A1']);
  t.strictSame(folderParts({ fileName: 'a.pdb', key: 'A1' }, true), ['a', 'a.pdb', 'A1']);
});

t.test('reads two tiers, pointers, deleted transactions and wrong folders', async (t) => {
  const cwd = testFolder(t, {
    elsewhere: {},
    store: {
      'index2.txt': '',
      '000admin': {
        'server.txt': '0000000001,add,file,10/09/99,00:08:32,Game,"../sane, not",Added from x,\r\n',
        'history.txt':
          '0000000001,add,file,10/09/99,00:08:32,Game,1,Added,\r\n0000000002,add,file,10/09/99,00:08:32,Game,2,,\r\n0000000003,del,0000000002',
        '0000000001': `crashme.pdb\\${KEY1},x\r\n`,
        '0000000002.deleted': `"crashme.exe\\6B024A3069000","x"\r\n`,
      },
      cr: {
        'crashme.pdb': {
          [KEY1]: {
            'file.ptr': `PATH:${join('..', '..', '..', '..', 'elsewhere', 'crashme.pdb')}`,
            'refs.ptr': '',
          },
          DEADBEEF1: {},
          MISSING1: { 'file.ptr': 'MSG: it was too large' },
          MISSING2: { 'file.ptr': '\\\\nowhere\\share\\crashme.pdb' },
        },
        'crashme.exe': { '6B024A3069000': {} },
        'readme.txt': { A1: { 'readme.txt': 'text' } },
      },
    },
  });
  const inStore = (...parts: string[]): string => join(cwd, 'store', 'cr', ...parts);
  copyFileSync(example('crashme.pdb'), join(cwd, 'elsewhere', 'crashme.pdb'));
  copyFileSync(example('r2/crashme.pdb'), inStore('crashme.pdb', 'DEADBEEF1', 'crashme.pdb'));
  copyFileSync(example('crashme.exe'), inStore('crashme.exe', '6B024A3069000', 'crashme.exe'));
  const line = ['symbols', 'import', 'store', '--follow-pointers', '--summary', 'summary.json'];
  const run = await runChs(line, { cwd });
  t.equal(run.code, 2);
  t.match(run.stderr, /6B024A3069000: its transaction was deleted; left out/);
  t.match(run.stderr, new RegExp(`it lies under DEADBEEF1, its bytes say ${KEY2}`));
  t.match(run.stderr, /it says that there is no file: it was too large/);
  t.match(run.stderr, /it leads to \\\\nowhere\\share\\crashme\.pdb, which is not there/);
  t.match(JSON.parse(readFileSync(join(cwd, 'summary.json'), 'utf8')), {
    uploaded: 2,
    failed: 2,
    skipped: 2,
    files: [{ exe_version: null, exe_guid: /^54A3/ }, {}, {}, {}],
  });
  t.match(await runChs(['symbols', 'import', 'elsewhere'], { cwd }), {
    code: 2,
    stderr: /it holds no symbol store/,
  });
});

t.test('sends nothing from outside of the store unasked, and nothing that is no PDB', async (t) => {
  const outside = (name: string): string => join('..', '..', '..', name);
  const cwd = testFolder(t, {
    'secret.txt': 'of nobody else',
    store: {
      'crashme.pdb': {
        [KEY1]: { 'file.ptr': `PATH:${outside('crashme.pdb')}` },
        [KEY2]: { 'file.ptr': 'PATH:..\\shared.pdb' },
        A1: { 'file.ptr': '\\\\nowhere\\share\\crashme.pdb' },
        A2: { 'file.ptr': `PATH:${outside('secret.txt')}` },
        'shared.pdb': 'replaced below',
      },
    },
  });
  const inStore = (...parts: string[]): string => join(cwd, 'store', 'crashme.pdb', ...parts);
  copyFileSync(example('crashme.pdb'), join(cwd, 'crashme.pdb'));
  copyFileSync(example('r2/crashme.pdb'), inStore('shared.pdb'));
  if (process.platform !== 'win32') {
    mkdirSync(inStore('A3'));
    symlinkSync(outside('crashme.pdb'), inStore('A3', 'crashme.pdb'));
  }
  const run = await runChs(['symbols', 'import', 'store', '--json'], { cwd });
  t.equal(run.code, 0);
  t.match(jsonLines(run.stdout), [{ sha256: sha256(example('r2/crashme.pdb')) }]);
  const warnings = run.stderr.match(/it leads out of the store, to \S+; left out/g);
  t.equal(warnings?.length, process.platform === 'win32' ? 3 : 4);
  const trusted = await runChs(['symbols', 'import', 'store', '--follow-pointers'], { cwd });
  t.equal(trusted.code, 2);
  t.match(trusted.stderr, /secret\.txt: it does not begin as a PDB does; it is not sent/);
  rmSync(inStore(KEY2), { recursive: true });
  t.match(await runChs(['symbols', 'import', 'store'], { cwd }), {
    code: 2,
    stderr: /all that it holds leads out/,
  });
});

t.test(
  'takes compressed files, portable PDBs and images of any name',
  { skip: crash ? false : 'no fixtures' },
  async (t) => {
    if (!crash) return;
    const cwd = testFolder(t, { fresh: {} });
    const names = [
      'basic32.pd_',
      'basic32.dll',
      'ShowSSEConfig.ex_',
      'ppdb-sourcelink-sample.pdb',
      'crash_with_srcsrv.pdb',
    ];
    for (const kind of ['pdb', 'exe']) {
      const files = names.filter((name) => /\.pd[b_]$/.test(name) === (kind === 'pdb'));
      await runChs([kind, 'upload', ...files.map((name) => join(crash, name))], { cwd });
    }
    t.equal((await runChs(['symbols', 'export', 'store'], { cwd })).code, 0);
    const files = tree(join(cwd, 'store')).filter((path) => !path.endsWith('.ptr') && path.includes('/'));
    t.strictSame(
      files.filter((path) => !path.startsWith('000Admin')),
      [
        'ShowSSEConfig.exe/6A4B9A365000/ShowSSEConfig.exe',
        'basic32.dll/5DDC1E9A6c000/basic32.dll',
        'basic32.pdb/34060D222DBB44E5AA72243CE8326C2F2/basic32.pdb',
        'crash_with_srcsrv.pdb/3249D99D0C4049318610F4E4FB0B69361/crash_with_srcsrv.pdb',
        'ppdb-sourcelink-sample.pdb/CCBCACCEDCA5467BAE4059282CE78BCEFFFFFFFF/ppdb-sourcelink-sample.pdb',
      ],
    );
    // As symstore.exe compresses: the cabinet in place of the file.
    const folder = join(cwd, 'store', 'basic32.pdb', '34060D222DBB44E5AA72243CE8326C2F2');
    rmSync(join(folder, 'basic32.pdb'));
    copyFileSync(join(crash, 'basic32.pd_'), join(folder, 'basic32.pd_'));
    const fresh = { cwd: join(cwd, 'fresh') };
    const taken = await runChs(['symbols', 'import', join('..', 'store'), '--json'], fresh);
    t.equal(taken.stderr, '');
    t.equal(jsonLines(taken.stdout).length, 5);
    t.match(await runChs(['symbols', 'import', join('..', 'store')], fresh), {
      code: 0,
      stderr: '5 stored before\n',
    });
    t.equal((await runChs(['symbols', 'check', join(crash, 'basic32.dll')], fresh)).code, 0);
  },
);
