/** Pipes and cabinets where a file may stand: read through a temporary file that leaves no trace. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { sharedFixtures } from '../fixtures/shared.ts';
import { cleanEnvironment, example, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const crash = sharedFixtures('crash');
const posix = { skip: process.platform === 'win32' ? 'no pipes among the files' : false };

function fifo(path: string, bytes?: Uint8Array): string {
  if (spawnSync('mkfifo', [path]).status !== 0) throw new Error('mkfifo failed');
  if (bytes) createWriteStream(path).end(bytes);
  return path;
}

t.test('reads minidumps, PDBs and EXEs from standard input', async (t) => {
  const cwd = t.testdir();
  for (const [group, file, shown] of [
    ['dump', 'av.dmp', /^program +crashme\.exe$/m],
    ['pdb', 'crashme.pdb', /^store key +54A340A4/m],
    ['exe', 'crashme.exe', /^kind +EXE, amd64/m],
  ] as const) {
    const input = readFileSync(example(file));
    for (const name of process.platform === 'win32' ? ['-'] : ['-', '/dev/stdin']) {
      t.match(await runChs([group, 'show', name], { cwd, input }), { code: 0, stdout: shown, stderr: '' });
    }
    t.match(await runChs([group, 'show', '-'], { cwd, input: '' }), {
      code: 2,
      stderr: /-: the file is empty/,
    });
  }
  const input = readFileSync(example('av.dmp'));
  t.equal((await runChs(['dump', 'explain', '-', example('crashme.pdb')], { cwd, input })).code, 0);
  t.match(await runChs(['pdb', 'match', '-', example('')], { cwd, input }), {
    code: 0,
    stdout: /crashme\.pdb/,
  });
  const pdb = readFileSync(example('crashme.pdb'));
  t.match(await runChs(['pdb', 'match', example('av.dmp'), '-'], { cwd, input: pdb }), {
    code: 0,
    stdout: '-  crashme.exe\n',
  });
  t.strictSame(readdirSync(cwd), []);
});

t.test('reads pipes by name', posix, async (t) => {
  const cwd = t.testdir();
  const dump = readFileSync(example('av.dmp'));
  const pdb = readFileSync(example('crashme.pdb'));
  t.match(await runChs(['dump', 'show', fifo(join(cwd, 'a'), dump)], { cwd }), {
    code: 0,
    stdout: /^program +crashme\.exe$/m,
  });
  const both = [fifo(join(cwd, 'b'), dump), fifo(join(cwd, 'c'), pdb)];
  t.equal((await runChs(['dump', 'explain', ...both], { cwd })).code, 0);
});

t.test('reads no more of a pipe than it would of an upload, and keeps none of it', async (t) => {
  const cwd = t.testdir({ tmp: {} });
  const env = { TMPDIR: join(cwd, 'tmp'), TEMP: join(cwd, 'tmp'), TMP: join(cwd, 'tmp') };
  const input = Buffer.alloc(104_857_601);
  t.match(await runChs(['dump', 'show', '-'], { cwd, env, input }), {
    code: 2,
    stderr: /it holds more than the 100MB that are read of a pipe/,
  });
  t.strictSame(readdirSync(join(cwd, 'tmp')), []);
});

/** Sends the process its own Ctrl-C, some time after something listens for it. */
const signalled = `data:text/javascript,process.on('newListener',(name)=>{if(name==='SIGINT')setTimeout(()=>process.kill(process.pid,'SIGINT'),300)})`;

t.test('Ctrl-C ends the wait for a pipe that nobody writes to', posix, async (t) => {
  const cwd = t.testdir({ tmp: {} });
  fifo(join(cwd, 'f'));
  const env = { ...cleanEnvironment(cwd), TMPDIR: join(cwd, 'tmp') };
  for (const line of [
    'dump show ./f',
    'dump show -',
    'pdb match ./f .',
    'dump list --server http://127.0.0.1:9 --key-file f',
  ]) {
    const args = ['--import', signalled, program, ...line.split(' ')];
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['pipe', 'ignore', 'ignore'] });
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 130, line);
    child.stdin?.destroy();
  }
  t.strictSame(readdirSync(join(cwd, 'tmp')), []);
});

t.test('takes the key from a pipe, and no more of it than a key may have', posix, async (t) => {
  const cwd = t.testdir();
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['x-api-key']);
    response.end('{"success":true,"data":{"minidumps":[],"page":1,"page_size":20,"total":0}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const list = ['dump', 'list', '--server', `http://127.0.0.1:${port}`, '--key-file'];
  const pipe = fifo(join(cwd, 'key'), Buffer.from('the-key-0123456789\nand more\n'));
  t.equal((await runChs([...list, pipe], { cwd })).code, 0);
  t.equal((await runChs([...list, '/dev/stdin'], { cwd, input: 'another-key\n' })).code, 0);
  t.strictSame(keys, ['the-key-0123456789', 'another-key']);
  t.match(await runChs([...list, '/dev/zero'], { cwd }), { code: 2, stderr: /first line is not an API key/ });
});

t.test('reads what is inside of cabinets', { skip: crash ? false : 'no fixtures' }, async (t) => {
  if (!crash) return;
  const cwd = t.testdir({ tmp: {} });
  const env = { TMPDIR: join(cwd, 'tmp') };
  t.match(await runChs(['pdb', 'show', join(crash, 'basic32.pd_')], { cwd, env }), {
    code: 0,
    stdout: /^guid/m,
  });
  t.match(await runChs(['exe', 'show', join(crash, 'ShowSSEConfig.ex_')], { cwd, env }), {
    code: 0,
    stdout: /^kind/m,
  });
  const input = readFileSync(join(crash, 'basic32.pd_'));
  const [piped] = jsonLines((await runChs(['pdb', 'show', '-', '--json'], { cwd, env, input })).stdout);
  t.match(piped, { identity: { format: 'msf' } });
  mkdirSync(join(cwd, 'symbols'));
  copyFileSync(join(crash, 'basic32.pd_'), join(cwd, 'symbols', 'basic32.pd_'));
  t.match(await runChs(['pdb', 'match', example('av.dmp'), 'symbols'], { cwd, env }), {
    code: 1,
    stderr: /the PDB does not match av\.dmp/,
  });
  t.match(await runChs(['dump', 'explain', example('av.dmp'), join(crash, 'basic32.pd_')], { cwd, env }), {
    code: 1,
    stdout: /different/,
  });
  t.match(await runChs(['dump', 'show', join(crash, 'basic32.pd_')], { cwd, env }), { code: 2 });
  t.strictSame(readdirSync(join(cwd, 'tmp')), []);
});
