/** The bundled program, as it is shipped: one file, its compiled code, and the packages kept apart from it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { compileBundle } from '../../bin/bundle.ts';
import { crashme } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { projectRoot } from '../fixtures/shared.ts';

const dist = join(projectRoot, 'dist');
const examples = join(projectRoot, 'examples', 'crashme');

function run(folder: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(dist, 'chs.cjs'), ...args], {
    ...alone(folder),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Below `folder`, and with nothing else in the environment. */
function alone(folder: string): { cwd: string; env: NodeJS.ProcessEnv } {
  const { PATH } = process.env;
  return {
    cwd: folder,
    env: { PATH, HOME: folder, USERPROFILE: folder, APPDATA: folder, LOCALAPPDATA: folder },
  };
}

t.test('the compiled code is accepted by the Node.js that made it', async (t) => {
  const cache = join(dist, 'program.cache');
  t.ok(existsSync(cache));
  t.equal(compileBundle(dist, readFileSync(cache)).cachedDataRejected, false);
});

t.test('says its version, lists, shows and matches', async (t) => {
  const folder = testFolder(t);
  t.match(run(folder, '--version'), { status: 0, stdout: /^chs \d+\.\d+\.\d+\n$/, stderr: '' });
  t.match(run(folder, 'dump', 'list'), { status: 0, stdout: '' });
  t.match(run(folder, 'dump', 'show', join(examples, 'av.dmp')), { status: 0, stdout: /ACCESS_VIOLATION/ });
  t.match(run(folder, 'pdb', 'match', join(examples, 'av.dmp'), examples), {
    status: 0,
    stdout: /crashme\.pdb/,
  });
  t.match(run(folder, 'demo'), { status: 0, stdout: /Everything worked/ });
});

t.test('works through links to its folder, also where Node.js does not follow them', async (t) => {
  const folder = testFolder(t);
  const link = join(folder, 'a link');
  symlinkSync(dist, link, 'junction');
  for (const flags of [[], ['--preserve-symlinks-main']]) {
    const args = [...flags, join(link, 'chs.cjs'), 'backup', 'list'];
    const { status, stderr } = spawnSync(process.execPath, args, { ...alone(folder), encoding: 'utf8' });
    t.match({ status, stderr }, { status: 0, stderr: /No backups/ });
  }
});

t.test('lays out tables with wide characters', async (t) => {
  const folder = testFolder(t);
  writeFileSync(join(folder, '崩溃.pdb'), readFileSync(join(examples, 'crashme.pdb')));
  t.equal(run(folder, 'pdb', 'upload', '崩溃.pdb').status, 0);
  t.match(run(folder, 'pdb', 'list'), {
    status: 0,
    stdout: /^ID +FILE {6}GUID.*\n[\w-]{36} {2}崩溃\.pdb {2}54A340A4/,
  });
});

t.test('runs configurations that are programs', async (t) => {
  for (const [name, text] of [
    ['chs.config.mjs', 'export default { server: { port: 4001 } };'],
    ['chs.config.cjs', 'module.exports = { server: { port: 4001 } };'],
    ['chs.config.yaml', 'server:\n  port: 4001\n'],
  ] as const) {
    const folder = testFolder(t);
    writeFileSync(join(folder, name), text);
    t.match(run(folder, 'config', 'check'), { status: 0, stdout: /ok/ }, name);
    t.match(run(folder, 'config', 'show').stdout, /server\.port +4001/, name);
  }
});

t.test('works without its compiled code, too', async (t) => {
  const folder = testFolder(t);
  const copy = join(folder, 'dist');
  cpSync(dist, copy, { recursive: true });
  rmSync(join(copy, 'program.cache'));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(copy, 'chs.cjs'), 'dump', 'show', join(examples, 'av.dmp')],
    { encoding: 'utf8' },
  );
  t.equal(status, 0);
  t.match(stdout, 'ACCESS_VIOLATION');
  t.equal(stderr, '', 'no warning of Node.js either');
});

t.test('has the settings and defaults of the program that it was made of', async (t) => {
  const folder = testFolder(t);
  const unbundled = join(projectRoot, 'build', 'bin', 'chs.js');
  for (const args of [
    ['config', 'show', '--json'],
    ['config', 'schema', '--json'],
  ]) {
    const { status, stdout } = spawnSync(process.execPath, [unbundled, ...args], {
      ...alone(folder),
      encoding: 'utf8',
    });
    t.equal(status, 0);
    t.equal(run(folder, ...args).stdout, stdout, args.join(' '));
  }
});

t.test('serves: its log, its HTTP server and its multipart parser are found', async (t) => {
  const folder = testFolder(t);
  const daemon = spawn(process.execPath, [join(dist, 'chs.cjs'), 'serve', '--port', '0', '--json'], {
    ...alone(folder),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => daemon.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: daemon.stdout }), 'line');
  const { url, key_file } = JSON.parse(line);
  const form = new FormData();
  form.append('minidump', new Blob([crashme('av.dmp')]), 'av.dmp');
  const reply = await fetch(`${url}/api/upload/minidump`, {
    method: 'POST',
    headers: { 'x-api-key': readFileSync(key_file, 'utf8').trim() },
    body: form,
  });
  t.equal(reply.status, 200);
  t.match(await reply.json(), { success: true, data: { state: 'verified' } });
  const ended = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  await ended;
});
