/** Where a download goes: files, links, pipes and devices, none of which becomes anything else. */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { cleanEnvironment, example, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const posix = { skip: process.platform === 'win32' ? 'no devices and pipes among the files' : false };

async function storedDump(cwd: string): Promise<string> {
  const [reply] = jsonLines((await runChs(['dump', 'upload', example('av.dmp'), '--json'], { cwd })).stdout);
  return String(reply?.minidump_id);
}

function mkfifo(path: string): void {
  if (spawnSync('mkfifo', [path]).status !== 0) throw new Error('mkfifo failed');
}

t.test('streams into pipes, with --force and without, and leaves them what they are', posix, async (t) => {
  const cwd = t.testdir();
  const id = await storedDump(cwd);
  mkfifo(join(cwd, 'pipe'));
  symlinkSync('pipe', join(cwd, 'link'));
  for (const args of [
    ['-o', 'pipe'],
    ['-o', 'pipe', '--force'],
    ['-o', 'link', '-f'],
  ]) {
    const reader = spawn('cat', [join(cwd, 'pipe')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const read: Buffer[] = [];
    reader.stdout.on('data', (piece: Buffer) => void read.push(piece));
    const gone = new Promise((resolve) => reader.once('close', resolve));
    t.match(await runChs(['dump', 'download', id, ...args], { cwd }), { code: 0, stdout: '' });
    await gone;
    t.ok(Buffer.concat(read).equals(readFileSync(example('av.dmp'))), args.join(' '));
    t.ok(lstatSync(join(cwd, 'pipe')).isFIFO());
  }
  t.equal(readlinkSync(join(cwd, 'link')), 'pipe');
});

t.test('Ctrl-C ends the wait for the reader of a pipe', posix, async (t) => {
  const cwd = t.testdir();
  const id = await storedDump(cwd);
  mkfifo(join(cwd, 'pipe'));
  // The signal comes when the process has its handlers, whether or not it waits by then.
  const child = spawn(
    process.execPath,
    ['--import', signalled, program, 'dump', 'download', id, '-o', 'pipe', '-f'],
    { cwd, env: cleanEnvironment(cwd), stdio: 'ignore' },
  );
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 130);
  t.ok(lstatSync(join(cwd, 'pipe')).isFIFO());
});

/** Sends the process its own Ctrl-C as soon as something listens for it. */
const signalled = `data:text/javascript,process.on('newListener',(name)=>{if(name==='SIGINT')setTimeout(()=>process.kill(process.pid,'SIGINT'),200)})`;

t.test('writes to devices and to standard output by its name', posix, async (t) => {
  const cwd = t.testdir();
  const id = await storedDump(cwd);
  symlinkSync('/dev/null', join(cwd, 'nothing'));
  for (const args of [
    ['-o', 'nothing'],
    ['-o', 'nothing', '-f'],
  ]) {
    t.match(await runChs(['dump', 'download', id, ...args], { cwd }), { code: 0, stdout: '', stderr: '' });
  }
  t.equal(readlinkSync(join(cwd, 'nothing')), '/dev/null');
  t.ok(lstatSync('/dev/null').isCharacterDevice());
  const { code, stdout } = await runChs(['dump', 'download', id, '-o', '/dev/stdout'], { cwd });
  t.equal(code, 0);
  t.equal(stdout.slice(0, 4), 'MDMP');

  for (const [name, force] of [
    ['a.dmp', []],
    ['b.dmp', ['-f']],
  ] as const) {
    const file = openSync(join(cwd, name), 'w');
    const child = spawn(process.execPath, [program, 'dump', 'download', id, '-o', '/dev/stdout', ...force], {
      cwd,
      env: cleanEnvironment(cwd),
      stdio: ['ignore', file, 'ignore'],
    });
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
    closeSync(file);
    t.ok(readFileSync(join(cwd, name)).equals(readFileSync(example('av.dmp'))));
  }
});

t.test('replaces the file that a link leads to, and keeps the link', posix, async (t) => {
  const cwd = t.testdir({ real: { 'old.dmp': 'old' }, into: {} });
  const id = await storedDump(cwd);
  symlinkSync(join('real', 'old.dmp'), join(cwd, 'link.dmp'));
  t.match(await runChs(['dump', 'download', id, '-o', 'link.dmp'], { cwd }), {
    code: 2,
    stderr: /exists already/,
  });
  t.match(await runChs(['dump', 'download', id, '-o', 'link.dmp', '-f'], { cwd }), {
    code: 0,
    stdout: 'link.dmp\n',
  });
  t.equal(readlinkSync(join(cwd, 'link.dmp')), join('real', 'old.dmp'));
  t.ok(readFileSync(join(cwd, 'real', 'old.dmp')).equals(readFileSync(example('av.dmp'))));
  t.strictSame(readdirSync(join(cwd, 'real')), ['old.dmp']);

  symlinkSync(join('real', 'new.dmp'), join(cwd, 'dangling.dmp'));
  symlinkSync('circle.dmp', join(cwd, 'circle.dmp'));
  t.equal((await runChs(['dump', 'download', id, '-o', 'dangling.dmp', '-f'], { cwd })).code, 0);
  t.equal(readlinkSync(join(cwd, 'dangling.dmp')), join('real', 'new.dmp'));
  t.ok(readFileSync(join(cwd, 'real', 'new.dmp')).equals(readFileSync(example('av.dmp'))));
  t.equal((await runChs(['dump', 'download', id, '-o', 'circle.dmp', '-f'], { cwd })).code, 2);
});

t.test('under the name that the server gives, replaces files only', posix, async (t) => {
  const cwd = t.testdir({ into: {} });
  const id = await storedDump(cwd);
  const named = (await runChs(['dump', 'download', id], { cwd })).stdout.trim();
  mkfifo(join(cwd, 'into', named));
  t.match(await runChs(['dump', 'download', id, '-o', 'into', '-f'], { cwd }), {
    code: 2,
    stderr: /it is not a regular file/,
  });
  t.ok(lstatSync(join(cwd, 'into', named)).isFIFO());
});

t.test('says when what went into a device was not what was announced', posix, async (t) => {
  const cwd = t.testdir();
  const liar = createServer((_request, response) => {
    response.writeHead(200, { etag: `"${'0'.repeat(64)}"`, 'content-disposition': 'attachment' });
    response.end('MZ and so on');
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  t.teardown(() => liar.close());
  const address = liar.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const line = ['exe', 'download', 'x', '--server', `http://127.0.0.1:${port}`, '-o', '/dev/null'];
  t.match(await runChs(line, { cwd }), { code: 2, stderr: /SHA-256 of what arrived/ });
});
