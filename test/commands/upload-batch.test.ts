/** Batches of uploads: folders and patterns, going on where a run was interrupted, the summary. */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import t, { type Test } from 'tap';
import { expand } from '../../commands/upload/expand.ts';
import { isOfKind } from '../../commands/upload/recognise.ts';
import { testFolder } from '../fixtures/folder.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { modes } from './modes.ts';
import { example, jsonLines, permissionsDoNotBind, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const posix = { skip: process.platform === 'win32' ? 'making links needs rights' : false };
const crash = sharedFixtures('crash');

/** A build's output: two PDBs of one name, an image under a strange name, and what belongs to no kind. */
function builtIn(t: Test): string {
  const cwd = testFolder(t, { out: { sub: {}, '.cache': {}, 'readme.txt': 'MZ and no more' } });
  copyFileSync(example('crashme.pdb'), join(cwd, 'out', 'crashme.pdb'));
  copyFileSync(example('r2/crashme.pdb'), join(cwd, 'out', 'sub', 'crashme.pdb'));
  copyFileSync(example('crashme.exe'), join(cwd, 'out', 'sub', 'plugin.node'));
  copyFileSync(example('av.dmp'), join(cwd, 'out', '.cache', 'core'));
  return cwd;
}

function summaryIn(
  cwd: string,
  name = 'summary.json',
): Record<string, unknown> & { files: { path: string }[] } {
  return JSON.parse(readFileSync(join(cwd, name), 'utf8'));
}

for (const mode of modes) {
  t.test(`takes of a folder what fits the kind, in order (${mode.name})`, async (t) => {
    const cwd = builtIn(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    const pdbs = await chs('pdb', 'upload', 'out', '--jobs', '2');
    t.equal(pdbs.code, 0);
    t.match(pdbs.stdout, /^.{36} {2}verified {2}no version {2}54A340A4.*\n.{36} {2}verified.*925ADDF6.*\n$/);
    t.equal(pdbs.stderr, '2 uploaded (3 other files passed over)\n');
    t.match(await chs('exe', 'upload', 'out'), { code: 0, stdout: /version 1\.2\.3\.4/ });
    t.match(await chs('dump', 'upload', 'out'), { code: 0, stdout: /version 1\.2\.3\.4/ });
    t.match(await chs('dump', 'upload', join('out', 'sub')), {
      code: 2,
      stderr: /sub: it holds no minidumps, only 2 other files/,
    });
  });

  t.test(`goes on where it was interrupted, without sending anything twice (${mode.name})`, async (t) => {
    const cwd = builtIn(t);
    const env = await mode.start(t, cwd);
    const upload = async (...args: string[]) =>
      jsonLines((await runChs(['pdb', 'upload', ...args, '--json'], { cwd, env })).stdout);
    const [first] = await upload(join('out', 'crashme.pdb'));
    const again = await upload('out');
    t.match(again, [
      { ...first, deduplicated: true },
      { deduplicated: false, exe_guid: /^925ADDF6/ },
    ]);
    const [once, ...rest] = await upload('out');
    t.strictSame(once, { ...first, deduplicated: true }, 'the reply of an upload that was not sent');
    t.equal(rest.length, 1);
    // What is said for the first time has to be sent.
    const [versioned] = await upload('out', '--exe-version', '7.1');
    t.match(versioned, { deduplicated: true, exe_version: '7.1' });
    const [other] = await upload('out', '--exe-version', '7.2');
    t.match(other, { deduplicated: true, exe_version: '7.1', warnings: [/version 7\.2 is not kept/] });
  });

  t.test(`writes one document on all of it, failures and all (${mode.name})`, async (t) => {
    const cwd = builtIn(t);
    writeFileSync(join(cwd, 'out', 'broken.pdb'), 'no PDB');
    const env = await mode.start(t, cwd);
    const line = ['pdb', 'upload', 'out', 'gone.pdb', '--summary', 'summary.json'];
    const { code, stderr } = await runChs(line, { cwd, env });
    t.equal(code, 2);
    t.match(stderr, /^2 uploaded, 2 failed/m);
    t.match(summaryIn(cwd), {
      total: 4,
      uploaded: 2,
      deduplicated: 0,
      skipped: 3,
      failed: 2,
      bytes: 565248,
      files: [
        { path: join('out', 'broken.pdb'), status: 'failed', id: null, error: { code: 'WRONG_FILE_TYPE' } },
        { path: join('out', 'crashme.pdb'), kind: 'pdb', status: 'uploaded', state: 'verified', exe_age: 1 },
        { path: join('out', 'sub', 'crashme.pdb'), status: 'uploaded', sha256: /^[\da-f]{64}$/ },
        { path: 'gone.pdb', status: 'failed', error: { code: 'LOCAL_FILE' } },
      ],
    });
    const [document] = jsonLines(
      (await runChs([...line.slice(0, 3), '--summary', '-'], { cwd, env })).stdout,
    );
    t.match(document, { total: 3, deduplicated: 2, failed: 1 });
    t.match(await runChs(['pdb', 'upload', 'out', '--summary', join('no', 'x.json')], { cwd, env }), {
      code: 2,
      stderr: /there is no such directory/,
    });
  });

  t.test(`says by its exit code that a file is not what was declared (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const line = ['dump', 'upload', example('av.dmp'), '--exe-age', '7', '--fail-on-mismatch'];
    t.match(await runChs(line, { cwd, env }), { code: 1, stdout: /mismatch/ });
    t.match(await runChs([...line, '--wait'], { cwd, env }), { code: 1, stdout: /mismatch.*stored before/ });
    t.equal((await runChs([...line.slice(0, 3), '--wait', '--fail-on-mismatch'], { cwd, env })).code, 0);
  });
}

t.test('expands patterns that the shell has left as they are', async (t) => {
  const cwd = builtIn(t);
  writeFileSync(join(cwd, 'a[1].pdb'), '');
  const { signal } = new AbortController();
  const test = ({ path }: { path: string }) => isOfKind('pdb', path);
  const named = async (...args: string[]) =>
    (
      await expand(
        args.map((arg) => join(cwd, arg)),
        { many: 'PDBs', test },
        signal,
      )
    ).files;
  const pathsOf = async (...args: string[]): Promise<string[]> =>
    (await named(...args)).map(({ path }) => relative(cwd, path));
  const [top, sub] = [join('out', 'crashme.pdb'), join('out', 'sub', 'crashme.pdb')];
  t.strictSame(await pathsOf('out/**/*.pdb'), [top, sub]);
  t.strictSame(await pathsOf('out/*.pdb'), [top]);
  t.strictSame(await pathsOf('out/{sub,nowhere}/crash??.pdb'), [sub]);
  t.strictSame(await pathsOf('out/*'), [top, sub], 'a folder that matches is one that was named');
  t.strictSame(await pathsOf('out/**'), [top, sub], 'the kind decides where the pattern says nothing');
  t.strictSame(await pathsOf('out/**/*.node'), [join('out', 'sub', 'plugin.node')], 'the pattern decides');
  t.strictSame(await pathsOf('a[1].pdb'), ['a[1].pdb'], 'a file of that very name comes first');
  t.strictSame(await pathsOf(sub, 'out', top), [sub, top], 'each file once');
  t.match(await named('out/*.bdp', 'nowhere/**/*.pdb'), [
    { problem: { code: 'LOCAL_FILE', params: { reason: 'nothing matches this pattern' } } },
    { problem: { code: 'LOCAL_FILE' } },
  ]);
  t.match(await runChs(['pdb', 'upload', './out/*.bdp', '--lang', 'zh'], { cwd }), {
    code: 2,
    stderr: /\.\/out\/\*\.bdp.*没有文件与此通配模式相符/,
  });
});

t.test('goes through links in circles once', posix, async (t) => {
  const cwd = builtIn(t);
  symlinkSync('..', join(cwd, 'out', 'sub', 'up'));
  symlinkSync('sub', join(cwd, 'out', 'also'));
  symlinkSync('nowhere', join(cwd, 'out', 'dangling.pdb'));
  mkdirSync(join(cwd, 'else'));
  symlinkSync(join(cwd, 'out'), join(cwd, 'else', 'linked'));
  const run = await runChs(['pdb', 'upload', 'else', 'out', '--summary', 'summary.json'], { cwd });
  t.equal(run.code, 0);
  t.strictSame(
    summaryIn(cwd).files.map(({ path }) => path),
    [join('else', 'linked', 'also', 'crashme.pdb'), join('else', 'linked', 'crashme.pdb')],
  );
});

t.test('says which folder it could not read', { skip: permissionsDoNotBind() }, async (t) => {
  const cwd = builtIn(t);
  const hidden = join(cwd, 'out', 'hidden');
  mkdirSync(hidden, { mode: 0 });
  const run = await runChs(['pdb', 'upload', 'out'], { cwd, unprivileged: true });
  t.match(run, { code: 2, stderr: /hidden: permission denied\n2 uploaded, 1 failed/ });
});

t.test('knows what is inside of a cabinet', { skip: crash ? false : 'no fixtures' }, async (t) => {
  if (!crash) return;
  const cwd = testFolder(t, { store: {} });
  copyFileSync(join(crash, 'basic32.pd_'), join(cwd, 'store', 'basic32.pd_'));
  copyFileSync(join(crash, 'ShowSSEConfig.ex_'), join(cwd, 'store', 'ShowSSEConfig.ex_'));
  const upload = async (kind: string) =>
    jsonLines((await runChs([kind, 'upload', 'store', '--wait', '--json'], { cwd })).stdout);
  for (const kind of ['pdb', 'exe']) {
    const [first] = await upload(kind);
    t.match(first, { deduplicated: false, state: 'verified' });
    t.strictSame(await upload(kind), [{ ...first, deduplicated: true }]);
  }
});

t.test('sends a dump that is stored for the annotations that it brings', async (t) => {
  const cwd = testFolder(t);
  const line = ['dump', 'upload', example('av.dmp'), '--wait', '--annotation'];
  for (const annotation of ['channel=beta', 'user=ann']) await runChs([...line, annotation], { cwd });
  for (const annotation of ['channel=beta', 'user=ann']) {
    const list = await runChs(['dump', 'list', '--annotation', annotation, '--json'], { cwd });
    t.match(jsonLines(list.stdout), [{ total: 1 }], annotation);
  }
});

t.test('refuses settings that make no sense', async (t) => {
  const cwd = testFolder(t);
  for (const [option, value] of [
    ['--jobs', '0'],
    ['--jobs', '65'],
    ['--retries', '-1'],
    ['--wait-timeout', 'soon'],
  ] as const) {
    const run = await runChs(['pdb', 'upload', 'x.pdb', option, value], { cwd });
    t.match(run, { code: 64, stderr: /is invalid\. .*expected/i }, `${option} ${value}`);
  }
});
