/** The gate before a release: PDBs that are stored, that are not, and that were only said to be. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';
const crash = sharedFixtures('crash');

function builtIn(t: Test): string {
  const cwd = testFolder(t, { out: { 'notes.txt': 'no image' }, empty: {} });
  copyFileSync(example('crashme.exe'), join(cwd, 'out', 'crashme.exe'));
  return cwd;
}

for (const mode of modes) {
  t.test(`lets pass what has its PDB stored, and nothing else (${mode.name})`, async (t) => {
    const cwd = builtIn(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    const missing = await chs('symbols', 'check', 'out');
    t.equal(missing.code, 1);
    t.match(missing.stdout, new RegExp(`^out.crashme\\.exe +crashme\\.pdb +${GUID} +1 +not stored$`, 'm'));
    t.equal(missing.stderr, '1 image, 1 PDB needed: 1 missing\n');

    const declared = ['--exe-guid', GUID, '--exe-age', '1'];
    await chs('pdb', 'upload', example('r2/crashme.pdb'), ...declared);
    t.match(await chs('symbols', 'check', 'out'), { code: 1, stdout: /only declared: the bytes of / });
    t.match(jsonLines((await chs('symbols', 'check', 'out', '--json')).stdout), [
      {
        file: join('out', 'crashme.exe'),
        status: 'missing',
        needs: [{ status: 'declared', guid: GUID, age: 1 }],
      },
    ]);

    await chs('pdb', 'upload', example('crashme.pdb'));
    t.match(await chs('symbols', 'check', 'out'), { code: 0, stdout: '', stderr: /all stored/ });
    t.match(jsonLines((await chs('symbols', 'check', 'out/*.exe', '--json')).stdout), [
      { status: 'ok', needs: [{ pdb: 'crashme.pdb', portable: false, status: 'stored', id: /^[\w-]{36}$/ }] },
    ]);
  });
}

t.test('lets nothing pass where there is nothing to check', async (t) => {
  const cwd = builtIn(t);
  for (const [place, words] of [
    ['empty', /it is empty/],
    ['otu', /there is no such file/],
    ['out/*.dll', /nothing matches this pattern/],
  ] as const) {
    t.match(
      await runChs(['symbols', 'check', place], { cwd }),
      { code: 2, stdout: '', stderr: words },
      place,
    );
  }
  t.match(await runChs(['symbols', 'check', 'out', '--ignore', '*.exe'], { cwd }), { code: 2 });
  writeFileSync(join(cwd, 'out', 'cut.dll'), 'MZ');
  t.match(await runChs(['symbols', 'check', 'out'], { cwd }), {
    code: 2,
    stderr: /cut\.dll[\s\S]*could not be checked/,
  });
});

t.test(
  'knows portable PDBs, cabinets and images without a record',
  { skip: crash ? false : 'no fixtures' },
  async (t) => {
    if (!crash) return;
    const cwd = testFolder(t, { out: { third: {} } });
    const copy = (name: string, to = name): void => copyFileSync(join(crash, name), join(cwd, 'out', to));
    copy('ppdb-sourcelink-sample.dll');
    copy('ShowSSEConfig.ex_', 'third/ShowSSEConfig.ex_');
    mkdirSync(join(cwd, 'pdbs'));
    const chs = (...args: string[]) => runChs(args, { cwd });
    await chs('pdb', 'upload', join(crash, 'ppdb-sourcelink-sample.pdb'));
    t.match(await chs('symbols', 'check', 'out'), {
      code: 1,
      stdout: /ShowSSEConfig\.ex_/,
      stderr: /1 missing/,
    });
    t.match(await chs('symbols', 'check', 'out', '--ignore', 'third/**', '--ignore', 'x'), { code: 0 });
    copy('crash.exe');
    await chs('pdb', 'upload', join(crash, 'crash.pdb'), '--exe-age', '1');
    t.match(await chs('symbols', 'check', 'out', '--ignore', '*.ex_'), {
      code: 0,
      stderr: /2 images, 2 PDBs needed/,
    });
  },
);
