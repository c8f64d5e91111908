/** The download of databases: what it refuses, what it says of that, and that nothing of it is left. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startDaemon } from '../../daemon/serve.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { type Settings, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { makeData, makeDatabase, settingsIn, TARGET, workingIn } from './working.ts';

/** A daemon whose `main` is a database of the test's own. */
async function served(t: Test, folder: string, settings: Settings = {}) {
  makeDatabase(join(folder, 'main.db'));
  const databases = { main: join(folder, 'main.db'), gone: join(folder, 'gone.db') };
  const own = settingsIn(folder, { 'backup.databases': databases, 'server.port': 0, ...settings });
  const daemon = await startDaemon(await testConfig(folder, own));
  t.teardown(() => daemon.stop('the test is over'));
  const log = (): string => readFileSync(join(folder, 'logs', 'server.log'), 'utf8');
  return { url: `${daemon.url}/backupdb`, inner: daemon.backupUrl ?? '', log };
}

async function failureOf(response: Response): Promise<{ status: number; code: string }> {
  const { code }: { code: string } = JSON.parse(await response.text());
  return { status: response.status, code };
}

function workFolders(folder: string): string[] {
  const partial = join(folder, TARGET, '.partial');
  if (!existsSync(partial)) return [];
  const names = readdirSync(partial, { recursive: true }).map(String);
  return names.filter((name) => /work-[^/\\]*$/.test(name));
}

/** The log is written to after the reply is over. */
async function logged(log: () => string, line: RegExp): Promise<boolean> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (line.test(log())) return true;
    await sleep(20);
  }
  return false;
}

t.test('a name that is none of the configured ones is a bad request', async (t) => {
  const { url, log } = await served(t, testFolder(t));
  for (const db of ['other', 'MAIN'])
    t.same(await failureOf(await fetch(`${url}?db=${db}`)), { status: 400, code: 'NO_SUCH_DATABASE' });
  t.same(await failureOf(await fetch(`${url}?db=..%2Fmain`)), { status: 400, code: 'INVALID_INPUT' });
  t.same(await failureOf(await fetch(`${url}?db=gone`)), { status: 404, code: 'SOURCE_MISSING' });
  t.match(log(), /\[ERROR\].*code=NO_SUCH_DATABASE stage=request db=other address=127\.0\.0\.1/);
  t.match(log(), /\[ERROR\].*code=INVALID_INPUT stage=request address=127\.0\.0\.1/);
  t.match(log(), /\[ERROR\].*code=SOURCE_MISSING stage=snapshot db=gone/);
});

t.test('says how a download ended, and keeps nothing of it', async (t) => {
  const folder = testFolder(t);
  const { url, log } = await served(t, folder);
  const whole = await fetch(`${url}?db=main`);
  await whole.arrayBuffer();
  t.ok(await logged(log, /\[INFO\] - Backup downloaded .*db=main ms=\d+ address=127\.0\.0\.1/));
  t.notMatch(log(), 'did not arrive');
  for (let tries = 0; tries < 500 && workFolders(folder).length > 0; tries += 1) await sleep(20);
  t.same(workFolders(folder), []);
});

/** An answer to HEAD, with what a proxy or a monitor would look at. */
async function head(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'HEAD', headers });
  const { status } = response;
  const [type, name, length] = ['content-type', 'content-disposition', 'content-length'].map((header) =>
    response.headers.get(header),
  );
  return { status, type, name, length, body: await response.text() };
}

t.test('HEAD has the headers of GET, and takes no snapshot', async (t) => {
  const folder = testFolder(t);
  const { url, inner, log } = await served(t, folder, { 'backup.listen': '127.0.0.1:0' });
  const name = /^attachment; filename="backup-\d{8}T\d{6}Z\.zip"$/;
  for (const place of [url, inner]) {
    const whole = { status: 200, type: 'application/zip', name, length: null, body: '' };
    t.match(await head(`${place}?db=main`), whole);
    t.match(await head(`${place}?db=other`), { status: 400 });
    t.match(await head(`${place}?db=..%2Fmain`), { status: 400 });
    t.match(await head(`${place}?db=gone`), { status: 404 });
    t.match(await head(place), { status: 404 }, 'all of them are asked for');
    t.match(await head(`${place}?db=main`, { 'x-forwarded-for': '192.0.2.1' }), { status: 403 });
  }
  t.notOk(existsSync(join(folder, TARGET)), 'the place of backups was not even made');
  t.match(log(), /\[ERROR\].*code=SOURCE_MISSING stage=request db=gone/);
  t.notMatch(log(), 'Backup taken');

  rmSync(join(folder, 'main.db'));
  mkdirSync(join(folder, 'main.db'));
  t.match(await head(`${url}?db=main`), { status: 500 });
  t.match(log(), /\[ERROR\].*it is a folder .*code=SOURCE_UNREADABLE/);
});

t.test('HEAD is answered while a snapshot is taken, with a token where one is set', async (t) => {
  const folder = testFolder(t);
  const token = 'backup-token-0123456789';
  const settings = { 'backup.busy_timeout': '60s', 'backup.listen': '127.0.0.1:0', 'backup.token': token };
  const { url, inner } = await served(t, folder, settings);
  const Driver = loadDriver();
  const holder = new Driver(join(folder, 'main.db'));
  t.teardown(() => holder.close());
  holder.pragma('locking_mode = exclusive');
  holder.exec('begin exclusive');
  const reply = fetch(`${url}?db=main&token=${token}`);
  for (let tries = 0; tries < 500 && workFolders(folder).length === 0; tries += 1) await sleep(20);
  const before = workFolders(folder);
  t.equal(before.length, 1);
  t.same((await failureOf(await fetch(`${url}?db=main&token=${token}`))).status, 429);
  for (const place of [url, inner]) {
    t.match(await head(`${place}?db=main`, { 'x-backup-token': token }), { status: 200, body: '' });
    t.match(await head(`${place}?db=main`), { status: 401 });
  }
  t.same(workFolders(folder), before);
  holder.exec('rollback');
  holder.close();
  t.equal((await (await reply).arrayBuffer()).byteLength > 0, true);
});

t.test('a caller who goes away while it is made is no fault in the code', async (t) => {
  const folder = testFolder(t);
  const { url, log } = await served(t, folder, { 'backup.busy_timeout': '60s' });
  const Driver = loadDriver();
  const holder = new Driver(join(folder, 'main.db'));
  t.teardown(() => holder.close());
  holder.pragma('locking_mode = exclusive');
  holder.exec('begin exclusive');
  const caller = new AbortController();
  const reply = fetch(`${url}?db=main`, { signal: caller.signal });
  reply.catch(() => {});
  for (let tries = 0; tries < 500 && workFolders(folder).length === 0; tries += 1) await sleep(20);
  t.equal(workFolders(folder).length, 1);
  caller.abort();
  await t.rejects(reply);
  t.ok(await logged(log, /\[ERROR\].*the caller went away.*code=CALLER_GONE stage=snapshot db=main/));
  t.notMatch(log(), 'INTERNAL');
  for (let tries = 0; tries < 500 && workFolders(folder).length > 0; tries += 1) await sleep(20);
  t.same(workFolders(folder), []);
});

t.test('a place that cannot be written, and a lock that cannot be taken, are said', async (t) => {
  const folder = testFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const { url } = await served(t, folder, { 'backup.target': join(folder, 'file') });
  t.same(await failureOf(await fetch(`${url}?db=main`)), { status: 502, code: 'BACKUP_TARGET' });

  const other = testFolder(t);
  mkdirSync(join(other, 'data', 'backup.lock'), { recursive: true });
  const { url: locked } = await served(t, other);
  t.same(await failureOf(await fetch(`${locked}?db=main`)), { status: 502, code: 'BACKUP_TARGET' });
});

t.test('a key that is none is named by whatever signs with it', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, prune } = await workingIn(t, folder);
  writeFileSync(join(folder, 'data', 'backup_key'), 'no key');
  await t.rejects(create(), { code: 'BACKUP_KEY' });
  await t.rejects(prune(), { code: 'BACKUP_KEY' });
});
