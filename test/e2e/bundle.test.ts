/** The bundled program, as it is shipped: one file and its compiled code. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compileBundle } from '../../bin/bundle.ts';
import { projectRoot } from '../fixtures/shared.ts';

const dist = join(projectRoot, 'dist');
const examples = join(projectRoot, 'examples', 'crashme');

function run(folder: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    USERPROFILE: folder,
    APPDATA: folder,
    LOCALAPPDATA: folder,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(dist, 'chs.cjs'), ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

t.test('the compiled code is accepted by the Node.js that made it', async (t) => {
  const cache = join(dist, 'program.cache');
  t.ok(existsSync(cache));
  t.equal(compileBundle(dist, readFileSync(cache)).cachedDataRejected, false);
});

t.test('says its version, lists, shows and matches', async (t) => {
  const folder = t.testdir();
  t.match(run(folder, '--version'), { status: 0, stdout: /^chs \d+\.\d+\.\d+\n$/, stderr: '' });
  t.match(run(folder, 'dump', 'list'), { status: 0, stdout: '' });
  t.match(run(folder, 'dump', 'show', join(examples, 'av.dmp')), { status: 0, stdout: /ACCESS_VIOLATION/ });
  t.match(run(folder, 'pdb', 'match', join(examples, 'av.dmp'), examples), {
    status: 0,
    stdout: /crashme\.pdb/,
  });
  t.match(run(folder, 'demo'), { status: 0, stdout: /Everything worked/ });
});

t.test('runs configurations that are programs', async (t) => {
  for (const [name, text] of [
    ['chs.config.mjs', 'export default { server: { port: 4001 } };'],
    ['chs.config.cjs', 'module.exports = { server: { port: 4001 } };'],
    ['chs.config.yaml', 'server:\n  port: 4001\n'],
  ] as const) {
    const folder = t.testdir();
    writeFileSync(join(folder, name), text);
    t.match(run(folder, 'config', 'check'), { status: 0, stdout: /ok/ }, name);
    t.match(run(folder, 'config', 'show').stdout, /server\.port +4001/, name);
  }
});

t.test('works without its compiled code, too', async (t) => {
  const folder = t.testdir();
  const copy = join(folder, 'dist');
  mkdirSync(copy);
  for (const name of ['chs.cjs', 'program.cjs']) copyFileSync(join(dist, name), join(copy, name));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(copy, 'chs.cjs'), 'dump', 'show', join(examples, 'av.dmp')],
    { encoding: 'utf8' },
  );
  t.equal(status, 0);
  t.match(stdout, 'ACCESS_VIOLATION');
  t.equal(stderr, '', 'no warning of Node.js either');
});
