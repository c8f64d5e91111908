/** `chs backup pull`: a server's databases in a file, checked before it gets its name. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { testFolder } from '../fixtures/folder.ts';
import { cleanEnvironment, jsonLines, program, runChs } from './run-chs.ts';

t.setTimeout(300_000);

const TOKEN = 'a-long-random-token';

/** A daemon in `folder` that backs up two databases. @returns its URL */
async function server(t: Test, folder: string): Promise<string> {
  mkdirSync(folder);
  for (const name of ['main', 'msg']) {
    const database = new (loadDriver())(join(folder, `${name}.db`));
    database.exec("create table notes (text text); insert into notes values ('kept')");
    database.close();
  }
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--json'], {
    cwd: folder,
    env: {
      ...cleanEnvironment(folder),
      CHS_LOGGING_STDOUT: 'false',
      CHS_BACKUP_DATABASES: 'main=main.db,msg=msg.db',
      CHS_BACKUP_TOKEN: TOKEN,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  t.teardown(async () => {
    child.kill();
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) return String(JSON.parse(line).url);
  throw new Error('chs serve ended before it listened');
}

t.test('pulls a snapshot and checks it', async (t) => {
  const cwd = testFolder(t);
  const url = await server(t, join(cwd, 'server'));
  const chs = (args: string[], env = {}) =>
    runChs(['backup', 'pull', '--server', url, ...args], { cwd, env });
  writeFileSync(join(cwd, 'token'), `${TOKEN}\n`);
  writeFileSync(join(cwd, 'wrong'), 'another-token\n');

  t.match(await chs(['--token-file', 'wrong']), { code: 2, stdout: '' });
  t.match(await chs(['--token-file', 'missing']), { code: 2, stderr: /missing: there is no such file/ });
  t.strictSame(readdirSync(cwd).toSorted(), ['server', 'token', 'wrong'], 'nothing is left');

  const pulled = await chs(['--token-file', 'token']);
  t.match(pulled, {
    code: 0,
    stdout: /^backup-\d{8}T\d{6}Z\.zip\n$/,
    stderr: /2 databases: checksums verified\n$/,
  });
  t.notMatch(pulled.stderr, TOKEN);
  t.match(await runChs(['backup', 'verify', pulled.stdout.trim()], { cwd }), {
    code: 0,
    stdout: /^ok +msg +integrity/m,
  });

  mkdirSync(join(cwd, 'folder'));
  const one = await chs(['--db', 'msg', '--to', 'folder', '--json'], { CHS_BACKUP_TOKEN: TOKEN });
  const [json] = jsonLines(one.stdout);
  t.match(json, { databases: ['msg'], file: /^folder/ });
  const bytes = readFileSync(join(cwd, String(json?.file)));
  t.equal(json?.sha256, createHash('sha256').update(bytes).digest('hex'));

  writeFileSync(join(cwd, 'mine.zip'), 'mine');
  const refused = await chs(['--token-file', 'token', '--to', 'mine.zip']);
  t.match(refused, { code: 2, stderr: /mine\.zip: it exists already/ });
  t.equal(readFileSync(join(cwd, 'mine.zip'), 'utf8'), 'mine');
  t.match(await chs(['--token-file', 'token', '--db', 'other']), {
    code: 2,
    stderr: /no database called other|other/,
  });
});

t.test('gives no name to what is damaged', async (t) => {
  const cwd = testFolder(t);
  const url = await server(t, join(cwd, 'server'));
  const reply = await fetch(`${url}/backupdb?token=${TOKEN}`);
  const whole = Buffer.from(await reply.arrayBuffer());
  // Stored or compressed, the first file's bytes lie here.
  whole[200] = (whole[200] ?? 0) ^ 1;
  const liar = createServer((_, response) => {
    response.setHeader('content-type', 'application/zip');
    response.setHeader('content-disposition', 'attachment; filename="backup.zip"');
    response.end(whole);
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void liar.close());
  const { port } = liar.address() as AddressInfo;
  const ended = await runChs(['backup', 'pull', '--server', `http://127.0.0.1:${port}`], { cwd });
  t.match(ended, { code: 2, stdout: '' });
  t.notOk(existsSync(join(cwd, 'backup.zip')));
  t.strictSame(readdirSync(cwd), ['server'], 'nor is a part of it left');
});

t.test('needs a server', async (t) => {
  const cwd = testFolder(t);
  t.match(await runChs(['backup', 'pull'], { cwd }), { code: 64, stdout: '', stderr: /no server is named/ });
});
