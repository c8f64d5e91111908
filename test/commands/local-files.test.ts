/** What the commands tell of local files: no server, and no data directory either. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { join as joinBytes, MinidumpBuilder, moduleRecord, u32 } from '../crash/formats/minidump-builder.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { cleanEnvironment, example, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const crash = sharedFixtures('crash');
const hostile = sharedFixtures('crash/hostile');

t.test('shows a minidump', async (t) => {
  const cwd = t.testdir();
  const { code, stdout, stderr } = await runChs(['dump', 'show', example('av.dmp')], { cwd });
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(stdout, /^program +crashme\.exe$/m);
  t.match(stdout, /^exception +0xC0000005 ACCESS_VIOLATION$/m);
  t.match(stdout, /^address +0x14000156E \(crashme\.exe\+0x156E\)$/m);
  t.match(stdout, /^meaning +write to address 0x0/m);
  t.match(stdout, /^comment +crashme 1\.2\.3\.4 build r1$/m);
  t.match(stdout, /^Modules \(8\)/m);
  t.match(stdout, /3 more threads; --all shows them/);
  t.notMatch((await runChs(['dump', 'show', example('av.dmp'), '--all'], { cwd })).stdout, /--all/);
  const [value] = jsonLines((await runChs(['dump', 'show', example('av.dmp'), '--json'], { cwd })).stdout);
  t.match(value, { identity: { exe_version: '1.2.3.4' }, parsed: { threadCount: 4 } });
  t.strictSame(readdirSync(cwd), [], 'nothing was made');
});

t.test('shows the build id of a Linux program', async (t) => {
  const builder = new MinidumpBuilder();
  const nameRva = builder.text16('/usr/bin/prog');
  const codeView = builder.location(Buffer.from('4c457042dab3f8b6b432d6e2240f2902b246c27b00112233', 'hex'));
  builder.stream(4, joinBytes(u32(1), moduleRecord({ nameRva, codeView })));
  const cwd = t.testdir({ 'linux.dmp': Buffer.from(builder.build()) });
  const { code, stdout } = await runChs(['dump', 'show', 'linux.dmp'], { cwd });
  t.equal(code, 0);
  t.match(stdout, /^guid +B6F8B3DA-32B4-E2D6-240F-2902B246C27B$/m);
  t.match(stdout, /^age +0$/m);
  t.match(stdout, /^build id +dab3f8b6b432d6e2240f2902b246c27b00112233$/m);
});

t.test('shows a PDB and an EXE', async (t) => {
  const cwd = t.testdir();
  const pdb = await runChs(['pdb', 'show', example('crashme.pdb')], { cwd });
  t.match(pdb.stdout, /^store key +54A340A4D444CC374C4C44205044422E1$/m);
  const exe = await runChs(['exe', 'show', example('crashme.exe')], { cwd });
  t.match(exe.stdout, /^kind +EXE, amd64, 64 bit$/m);
  t.match(exe.stdout, /^pdb path +D:\\ci\\crashme\\out\\crashme\.pdb$/m);
  for (const [group, file] of [
    ['pdb', 'crashme.pdb'],
    ['exe', 'crashme.exe'],
  ] as const) {
    const [value] = jsonLines((await runChs([group, 'show', example(file), '--json'], { cwd })).stdout);
    t.match(value, { identity: { exe_age: 1 }, parsed: {} });
  }
  t.strictSame(readdirSync(cwd), []);
});

t.test('gives no time where the linker left none', async (t) => {
  const cwd = t.testdir();
  const bytes = readFileSync(example('crashme.exe'));
  for (const [stamp, shown] of [
    [0, /^kind/m],
    [0xffff_ffff, /^kind/m],
    [1_700_000_000, /^linked +2023-11-14 22:13:20 UTC$/m],
  ] as const) {
    bytes.writeUInt32LE(stamp, bytes.readUInt32LE(0x3c) + 8);
    writeFileSync(join(cwd, 'a.exe'), bytes);
    const { stdout } = await runChs(['exe', 'show', 'a.exe'], { cwd });
    t.match(stdout, shown);
    t.equal(/^linked/m.test(stdout), stamp === 1_700_000_000);
  }
});

t.test('says what is wrong with a file', async (t) => {
  const cwd = t.testdir({ 'a.dmp': 'nonsense', 'b.pdb': '', 'c.exe': {} });
  t.match(await runChs(['dump', 'show', 'a.dmp'], { cwd }), { code: 2, stderr: /a\.dmp: .*minidump/ });
  t.match(await runChs(['pdb', 'show', 'b.pdb'], { cwd }), { code: 2, stderr: /b\.pdb: the file is empty/ });
  t.match(await runChs(['exe', 'show', 'c.exe'], { cwd }), { code: 2, stderr: /c\.exe: it is a directory/ });
});

t.test('refuses a FIFO instead of waiting for its writer', async (t) => {
  const cwd = t.testdir();
  if (spawnSync('mkfifo', [join(cwd, 'f.dmp')]).status !== 0) return t.pass('there is no mkfifo here');
  for (const [line, message] of [
    ['dump upload f.dmp', /f\.dmp: it is not a regular file; send it through a pipe/],
    ['dump list --config f.dmp', /f\.dmp: this is not a regular file/],
  ] as const) {
    t.match(await runChs(line.split(' '), { cwd }), { code: 2, stdout: '', stderr: message }, line);
  }
  t.match((await runChs(['config', 'check', '--config', 'f.dmp'], { cwd })).stdout, /not a regular file/);
  const zh = await runChs(['dump', 'upload', 'f.dmp', '--lang', 'zh'], { cwd });
  t.match(zh.stderr, /f\.dmp：不是普通文件/);
});

t.test(
  'works from a directory that was deleted, where it needs none',
  { skip: process.platform === 'win32' ? 'a directory in use cannot be deleted' : false },
  async (t) => {
    const cwd = t.testdir({ gone: {} });
    const there = (line: string) => {
      // What measures coverage wants a working directory, and puts itself into every process's environment.
      const script = 'cd gone && rmdir "$PWD" && unset NODE_OPTIONS NODE_V8_COVERAGE && exec "$@"';
      const args = ['-c', script, 'sh', process.execPath, program, ...line.split(' ')];
      mkdirSync(join(cwd, 'gone'), { recursive: true });
      return spawnSync('sh', args, { cwd, env: cleanEnvironment(cwd), encoding: 'utf8' });
    };
    t.match(there(`dump show ${example('av.dmp')}`), { status: 0, stdout: /^program +crashme\.exe$/m });
    t.match(there('dump list'), { status: 2, stderr: /^chs: \.: the working directory is gone\n$/ });
    t.match(there('dump show av.dmp'), { status: 2, stderr: /av\.dmp: there is no such file/ });
  },
);

t.test('takes what is neither a file nor like an ID for a slip', async (t) => {
  const cwd = t.testdir();
  for (const line of ['dump show nosuchname', 'dump explain nosuchname b.pdb', 'pdb match nosuchname']) {
    const { code, stderr } = await runChs(line.split(' '), { cwd });
    t.equal(code, 2);
    t.match(stderr, /nosuchname: there is no such file, and it is no ID/);
  }
  t.match(await runChs(['pdb', 'match', example('av.dmp'), '.'], { cwd }), {
    code: 1,
    stderr: /no PDB in \./,
  });
  t.match(await runChs(['pdb', 'match', example('av.dmp'), '.', '--json'], { cwd }), {
    code: 1,
    stdout: '{"matches":[]}\n',
    stderr: '',
  });
  t.strictSame(readdirSync(cwd), [], 'no data were opened');
  t.match(await runChs(['dump', 'show', 'older_row_12'], { cwd }), { code: 2, stderr: /no such minidump/ });
});

t.test('explains a match and a mismatch', async (t) => {
  const cwd = t.testdir();
  const right = await runChs(['dump', 'explain', example('av.dmp'), example('crashme.pdb')], { cwd });
  t.equal(right.code, 0);
  t.match(right.stdout, /^match: the PDB belongs to crashme\.exe$/m);
  const wrong = await runChs(['dump', 'explain', example('av.dmp'), example('r2/crashme.pdb')], { cwd });
  t.equal(wrong.code, 1);
  t.match(wrong.stdout, /^guid +54A340A4.* 925ADDF6.* different +the PDB is of another build/m);
  t.match(wrong.stdout, /^age +1 +1 +same/m);
  t.match(wrong.stdout, /^no match/m);
  const [value] = jsonLines(
    (await runChs(['dump', 'explain', example('av.dmp'), example('r2/crashme.pdb'), '--json'], { cwd }))
      .stdout,
  );
  t.match(value, {
    matches: false,
    module: 'crashme.exe',
    fields: [{ field: 'guid', verdict: 'different' }, {}, {}],
  });
  t.strictSame(readdirSync(cwd), []);
});

t.test('finds the PDB among files and directories', async (t) => {
  const cwd = t.testdir({ out: { deep: {} } });
  mkdirSync(join(cwd, 'out', 'old'));
  copyFileSync(example('r2/crashme.pdb'), join(cwd, 'out', 'old', 'crashme.pdb'));
  const none = await runChs(['pdb', 'match', example('av.dmp'), 'out'], { cwd });
  t.equal(none.code, 1);
  t.match(none.stderr, /the PDB does not match av\.dmp: crashme\.exe needs 54A340A4/);
  copyFileSync(example('crashme.pdb'), join(cwd, 'out', 'deep', 'CRASHME.PDB'));
  writeFileSync(join(cwd, 'out', 'broken.pdb'), 'no PDB');
  const found = await runChs(['pdb', 'match', example('av.dmp'), 'out'], { cwd });
  t.equal(found.code, 0);
  t.equal(found.stdout, `${join('out', 'deep', 'CRASHME.PDB')}  crashme.exe\n`);
  t.match(found.stderr, /warning: .*broken\.pdb/);
  const asJson = await runChs(['pdb', 'match', example('av.dmp'), 'out', '--json'], { cwd });
  t.match(jsonLines(asJson.stderr), [{ warning: /broken\.pdb/ }], 'every line is JSON');
  t.match(await runChs(['pdb', 'match', example('av.dmp'), 'nowhere'], { cwd }), {
    code: 2,
    stderr: /nowhere: there is no such file/,
  });
});

t.test(
  'shows every real and hostile dump without a stack or an escape sequence',
  { skip: crash && hostile ? false : 'no fixtures' },
  async (t) => {
    const cwd = t.testdir();
    const folders = [crash, hostile].filter((folder) => folder !== null);
    const dumps = folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.dmp'))
        .map((name) => join(folder, name)),
    );
    for (const dump of dumps) {
      const { code, stdout, stderr } = await runChs(['dump', 'show', dump, '--all'], { cwd });
      t.ok(code === 0 || code === 2, `${dump} ends with ${code}`);
      t.notMatch((stdout + stderr).replaceAll('\n', ''), /\p{Cc}/u);
      t.notMatch(stderr, /unexpected error|\n {4}at /);
    }
  },
);
