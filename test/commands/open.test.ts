/** `chs dump open`: folders for a debugger, whole or not there at all, of stored dumps and of files here. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { cleanEnvironment, example, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const PDB_PATH = 'symbols/crashme.pdb/54A340A4D444CC374C4C44205044422E1/crashme.pdb';
const EXE_PATH = 'symbols/crashme.exe/6B024A3069000/crashme.exe';

/** Every file below a folder with its SHA-256. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
      return [path.slice(folder.length + 1).replaceAll('\\', '/'), hash];
    }),
  );
}

const hashOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(example(name)))
    .digest('hex');

for (const mode of modes) {
  t.test(`makes a folder of a stored dump and of a file (${mode.name})`, async (t) => {
    const cwd = testFolder(t, { work: {} });
    const env = await mode.start(t, cwd);
    const work = join(cwd, 'work');
    const chs = (...args: string[]) => runChs(args, { cwd: work, env: { ...env, ...home(cwd) } });
    const upload = async (kind: string, name: string) =>
      jsonLines((await chs(kind, 'upload', example(name), '--json')).stdout)[0];
    const id = String((await upload('dump', 'av.dmp'))?.minidump_id);
    const pdb = await upload('pdb', 'crashme.pdb');
    await upload('pdb', 'r2/crashme.pdb');
    await upload('exe', 'crashme.exe');

    const made = await chs('dump', 'open', id);
    t.match(made, { code: 0, stderr: process.platform === 'win32' ? '' : /wherever it is on Windows/ });
    t.match(made.stdout, /^symbols +1 PDB, 1 EXE or DLL of 8 modules$/m);
    t.match(made.stdout, /windbgx -y .*srv\*.*symbols;srv\*.* -z /);
    const content = contentOf(join(work, id));
    const [dumpName = ''] = Object.keys(content).filter((name) => name.endsWith('.dmp'));
    t.match(content, {
      [dumpName]: hashOf('av.dmp'),
      [PDB_PATH]: hashOf('crashme.pdb'),
      [EXE_PATH]: hashOf('crashme.exe'),
    });
    t.equal(Object.keys(content).length, 5);
    t.same(readdirSync(work), [id], 'nothing is beside it');

    const again = await chs('dump', 'open', id);
    t.match(again, {
      code: 2,
      stdout: '',
      stderr: /exists already and is not empty; --force replaces a bundle/,
    });
    writeFileSync(join(work, id, 'notes.txt'), 'mine');
    t.match(await chs('dump', 'open', id, '--force'), {
      code: 2,
      stderr: /it holds notes\.txt, which is not of the bundle/,
    });
    t.equal(readFileSync(join(work, id, 'notes.txt'), 'utf8'), 'mine');
    rmSync(join(work, id, 'notes.txt'));
    // As a run leaves it that is ended between its two renames.
    renameSync(join(work, id), join(work, `${id}.0123abcd.old`));
    t.match(await chs('dump', 'open', id), { code: 2, stderr: /exists already and is not empty/ });
    t.same(readdirSync(work), [id], 'it is back');
    cpSync(join(work, id), join(work, `${id}.0123abcd.old`), { recursive: true });
    t.equal((await chs('dump', 'open', id, '--force')).code, 0);
    t.same(readdirSync(work), [id], 'and the one that was replaced is gone');
    t.same(contentOf(join(work, id)), content);
    mkdirSync(join(work, 'empty'));
    t.equal((await chs('dump', 'open', id, '-o', 'empty/')).code, 0);
    t.same(contentOf(join(work, 'empty')), content);

    const [local] = jsonLines((await chs('dump', 'open', example('av.dmp'), '-o', 'here', '--json')).stdout);
    t.match(local, {
      folder: 'here',
      minidump: join('here', 'av.dmp'),
      files: [{ kind: 'minidump', sha256: hashOf('av.dmp') }, { path: PDB_PATH }, { path: EXE_PATH }],
    });
    t.match(contentOf(join(work, 'here')), { 'av.dmp': hashOf('av.dmp'), [PDB_PATH]: hashOf('crashme.pdb') });

    rmSync(join(cwd, fileOf(cwd, String(pdb?.file_path))));
    const partly = await chs('dump', 'open', id, '-o', 'partly');
    t.equal(partly.code, 0);
    t.match(partly.stdout, /missing +crashme\.exe: .*its file is gone/);
    t.notOk(existsSync(join(work, 'partly', PDB_PATH)));
    t.match(readFileSync(join(work, 'partly', 'manifest.json'), 'utf8'), 'its file is gone');
  });

  t.test(`writes an archive, and refuses what it cannot do (${mode.name})`, async (t) => {
    const cwd = testFolder(t, { work: { full: { file: '' } } });
    const env = await mode.start(t, cwd);
    const work = join(cwd, 'work');
    const chs = (...args: string[]) => runChs(args, { cwd: work, env: { ...env, ...home(cwd) } });
    const [dump] = jsonLines((await chs('dump', 'upload', example('av.dmp'), '--json')).stdout);
    const id = String(dump?.minidump_id);
    t.match(await chs('dump', 'open', id, '--zip'), { code: 0, stdout: /^crash_\d+_32_36\.zip\n$/ });
    t.match(await chs('dump', 'open', id, '-o', 'a.zip'), { code: 0, stdout: 'a.zip\n' });
    t.equal(readFileSync(join(work, 'a.zip')).toString('latin1', 0, 4), 'PK\x03\x04');
    t.match(await chs('dump', 'open', id, '-o', 'full', '--force'), {
      code: 2,
      stderr: /other things than a bundle/,
    });
    t.match(await chs('dump', 'open', id, '-o', 'a.zip/x'), { code: 2 });
    t.match(await chs('dump', 'open', id, '-o', '.'), { code: 64 });
    t.match(await chs('dump', 'open', example('av.dmp'), '--zip'), {
      code: 64,
      stderr: /upload this one first/,
    });
    t.match(await chs('dump', 'open', '-'), { code: 64 });
    t.match(await chs('dump', 'open', 'none.dmp'), { code: 2, stderr: /no such file/ });
    t.match(await chs('dump', 'open', example('crashme.pdb')), { code: 2 });
    t.match(await chs('dump', 'open', `a${id}`), { code: 2, stderr: /no such minidump/ });
    if (process.platform !== 'win32')
      t.match(await chs('dump', 'open', id, '--start'), { code: 1, stderr: /WinDbg runs on Windows only/ });
    t.same(
      readdirSync(work).filter((name) => /\.(part|old)$/.test(name)),
      [],
    );
  });
}

/** The data are the daemon's and the commands' alike, wherever these are called. */
function home(cwd: string): Record<string, string> {
  return { HOME: cwd, XDG_DATA_HOME: join(cwd, 'xdg-data'), LOCALAPPDATA: join(cwd, 'xdg-data') };
}

function fileOf(cwd: string, filePath: string): string {
  const ending = join(...filePath.split('/').slice(1));
  const found = readdirSync(cwd, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(ending));
  if (!found) throw new Error(`${filePath} is not below ${cwd}`);
  return found;
}

/** Passes requests on to a daemon, but for the download of PDBs, of which only the first bytes come. */
async function stallingProxy(t: { teardown(work: () => void): void }, target: string): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', target);
    const headers = { ...incoming.headers, host: url.host };
    const passed = request(url, { method: incoming.method, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
      if (!url.pathname.includes('/download/pdb/')) reply.pipe(outgoing);
      else reply.once('data', (piece: Buffer) => outgoing.write(piece.subarray(0, 1000)));
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('Ctrl-C leaves nothing', { skip: process.platform === 'win32' ? 'no signals' : false }, async (t) => {
  const cwd = testFolder(t, { work: {} });
  const remote = modes.find(({ name }) => name === 'remote');
  const env = (await remote?.start(t, cwd)) ?? {};
  const work = join(cwd, 'work');
  const [dump] = jsonLines(
    (await runChs(['dump', 'upload', example('av.dmp'), '--json'], { cwd, env })).stdout,
  );
  await runChs(['pdb', 'upload', example('crashme.pdb')], { cwd, env });
  const proxy = await stallingProxy(t, env.CHS_SERVER ?? '');
  const child = spawn(process.execPath, [program, 'dump', 'open', String(dump?.minidump_id), '-o', 'out'], {
    cwd: work,
    env: { ...cleanEnvironment(cwd), CHS_SERVER: proxy, CHS_API_KEY: keyOf(cwd) },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const isHalfway = (): boolean =>
    readdirSync(work, { recursive: true, encoding: 'utf8' }).some((path) => path.endsWith('crashme.pdb'));
  while (!isHalfway() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 25));
  t.notOk(existsSync(join(work, 'out')), 'nothing half-done has the name');
  child.kill('SIGINT');
  t.equal(await ended, 130);
  t.same(readdirSync(work), []);
});

/** The key that the daemon made for itself. */
function keyOf(cwd: string): string {
  const path = readdirSync(cwd, { recursive: true, encoding: 'utf8' }).find((name) =>
    /(^|[/\\])api_key$/.test(name),
  );
  return path ? readFileSync(join(cwd, path), 'utf8').trim() : '';
}
