/** Backups through their operations: made, read back, verified, restored, pruned, whatever happens meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { openEmbedded } from '../../daemon/embedded.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { takeRunLock } from '../../src/backends/sqlite/run-lock.ts';
import { withPlace } from '../../src/backup/creating.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreBackup } from '../../src/backup/restore/restore.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { makeData, makeDatabase, TARGET, workingIn } from './working.ts';

const createProcess = join(import.meta.dirname, 'create-process.js');
const { signal } = new AbortController();

/** Every file below a folder, relative, sorted. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What is kept of backups: not what runs keep for themselves. */
function leftovers(folder: string): string[] {
  return filesBelow(join(folder, TARGET, '.partial'));
}

t.test('backs up all of chs, and restores a chs that works', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 4);
  const { create, client } = await workingIn(t, folder);
  const made = await create();
  t.match(made, {
    databases: [{ name: 'main', kind: 'sqlite', file: 'main.db.gz', foreign_key_violations: 0 }],
    options: { db: 'all', compact: false },
    one_instant: true,
    files: { database: 'main', count: 4, missing: [] },
    signature: 'own',
    sequence: 1,
    previous: null,
    copies: [{ place: join(folder, TARGET), verified: { depth: 'made', ok: true } }],
  });
  t.same(leftovers(folder), []);
  t.notOk(existsSync(join(folder, 'storage', '.backup')), 'nothing is held any more');

  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  const source = await openFileSource(join(folder, TARGET, made.id));
  const to = join(folder, 'restored');
  const report = await restoreBackup({
    source,
    only: null,
    to,
    inPlace: null,
    worker,
    nowMs: Date.now(),
    signal,
  });
  t.equal(report.dataFolder, to);
  const restored = await openEmbedded(
    await testConfig(to, {
      'storage.base_path': join(to, 'storage'),
      'database.path': join(to, 'data', 'crash_handler.db'),
    }),
  );
  t.teardown(() => restored.close());
  const get = async (path: string) =>
    restored.app.fetch(
      new Request(`http://chs.test${path}`, { headers: { 'x-api-key': 'test-key-0123456789' } }),
    );
  const { data } = (await (await get('/api/list/minidumps')).json()) as {
    data: { minidumps: { id: string }[] };
  };
  t.equal(data.minidumps.length, 4);
  for (const { id } of data.minidumps) t.equal((await get(`/api/minidumps/${id}`)).status, 200);
  t.equal((await get('/health/ready')).status, 200);
  t.equal((await client.listBackups({})).backups.length, 1);
});

t.test('packs a stored file once, and keeps what is deleted meanwhile', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 3);
  const { create, verify } = await workingIn(t, folder);
  await create();
  const pool = join(folder, TARGET, 'pool');
  const times = filesBelow(pool).map((name) => statSync(join(pool, name)).mtimeMs);
  const second = await create();
  t.equal(second.files?.count, 3);
  t.same(
    filesBelow(pool).map((name) => statSync(join(pool, name)).mtimeMs),
    times,
  );
  const [gone = ''] = filesBelow(join(folder, 'storage')).filter((name) => name.endsWith('.dmp'));
  rmSync(join(folder, 'storage', gone));
  const third = await create();
  t.same(third.files?.missing, [gone.replaceAll('\\', '/')], 'a file that the database names and nobody has');
  t.equal((await verify(second.id)).ok, true, 'the earlier backup has it still');
});

t.test('chains each backup to the one before, and misses one that is taken away', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, client } = await workingIn(t, folder);
  const first = await create();
  const second = await create();
  const third = await create();
  t.equal(second.previous?.id, first.id);
  t.equal(third.sequence, 3);
  rmSync(join(folder, TARGET, second.id), { recursive: true });
  const { backups, warnings } = await client.listBackups({});
  t.same(
    backups.map(({ id }) => id),
    [third.id, first.id],
  );
  t.match(warnings.join(), new RegExp(second.id));
});

t.test('backs up what is configured, by name, and chs beside it', async (t) => {
  const folder = testFolder(t);
  const databases = { main: join(folder, 'main.db'), msg: join(folder, 'msg.db') };
  for (const path of Object.values(databases)) makeDatabase(path);
  const settings = { 'backup.databases': databases };
  const { create, client } = await workingIn(t, folder, settings);
  const names = ({ databases: made }: { databases: readonly { name: string }[] }) =>
    made.map(({ name }) => name);
  t.same(names(await create()), ['main', 'msg']);
  const one = await create({ names: ['msg'] });
  t.same(names(one), ['msg']);
  t.equal(one.options.db, 'msg');
  await makeData(folder, 1);
  const all = await create();
  t.same(names(all), ['main', 'msg', 'chs'], 'the data of chs, once there are some');
  t.equal(all.one_instant, true);
  t.equal(all.files?.database, 'chs');
  t.equal((await create({ files: false })).files, null);
  await t.rejects(
    client.createBackup({ names: [] }),
    { code: 'INVALID_INPUT' },
    'a backup of nothing is none',
  );
  await t.rejects(client.createBackup({ names: ['other'] }), {
    code: 'NO_SUCH_DATABASE',
    message: /no database called other is configured \(there are: main, msg, chs\)/,
  });
});

t.test('refuses a run while another process has one under way', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { client, create, prune } = await workingIn(t, folder);
  const lock = await takeRunLock(join(folder, 'data', 'backup.lock'));
  t.ok(lock);
  await t.rejects(client.createBackup({}), { code: 'BACKUP_RUNNING', status: 429, retryAfterMs: 10_000 });
  await t.rejects(client.downloadDatabases({}), { code: 'BACKUP_RUNNING', status: 429 });
  await t.rejects(prune(), { code: 'BACKUP_RUNNING', message: /as many backups .* as may run at once/ });
  await lock?.release();
  await create();
});

t.test('a failed run leaves nothing, says why, and is remembered', async (t) => {
  const folder = testFolder(t);
  const settings = {
    'backup.databases': { main: join(folder, 'main.db'), msg: join(folder, 'text.db') },
    'backup.busy_timeout': '100ms',
  };
  makeDatabase(join(folder, 'main.db'));
  const { create, client } = await workingIn(t, folder, settings);
  await t.rejects(create(), { code: 'SOURCE_MISSING', message: /database msg: there is no file .*text\.db/ });
  writeFileSync(join(folder, 'text.db'), 'this is not a database, '.repeat(100));
  await t.rejects(create(), { code: 'SOURCE_UNREADABLE' });
  const { backups, schedule } = await client.listBackups({});
  t.same(backups, []);
  t.match(schedule.last_run, { ok: false, reason: /text\.db/ });
  t.same(leftovers(folder), []);
});

t.test('makes a second copy; one that cannot be made undoes nothing, and is said', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 2);
  const copyTo = join(folder, 'copies');
  const settings = { 'backup.copy_to': copyTo };
  const { create, client, verify } = await workingIn(t, folder, settings);
  const made = await create();
  t.same(
    made.copies.map(({ place, verified }) => [place, verified?.ok]),
    [
      [join(folder, TARGET), true],
      [copyTo, true],
    ],
  );
  t.same(filesBelow(join(copyTo, made.id)), filesBelow(join(folder, TARGET, made.id)));
  t.equal((await verify(made.id, true)).place, copyTo);
  rmSync(copyTo, { recursive: true });
  writeFileSync(copyTo, 'a file where a folder should be');
  await t.rejects(create(), {
    code: 'BACKUP_TARGET',
    message: /the backup \S+ was made, without a copy there/,
  });
  const { backups, places } = await client.listBackups({});
  t.equal(backups.length, 2);
  t.type(places[1]?.problem, 'string');
  t.equal((await verify()).ok, true);
});

t.test('finds one bit that is flipped anywhere in a backup', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 2);
  const { create, verify } = await workingIn(t, folder);
  const made = await create();
  const files = [
    ...['main.db.gz', 'files.ndjson.gz', 'manifest.json'].map((name) => join(folder, TARGET, made.id, name)),
    ...filesBelow(join(folder, TARGET, 'pool')).map((name) => join(folder, TARGET, 'pool', name)),
  ];
  for (const path of files) {
    const whole = readFileSync(path);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const damaged = Buffer.from(whole);
      const at = Math.floor(Math.random() * whole.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
      writeFileSync(path, damaged);
      const found = await verify(made.id).catch((error: Error) => error);
      const isFound = found instanceof Error ? 'code' in found && found.code === 'BACKUP_DAMAGED' : !found.ok;
      t.ok(isFound, `${relative(folder, path)}: byte ${at}`);
    }
    writeFileSync(path, whole);
  }
  // Bytes of the header that say nothing of the content: RFC 1952, the time and the system.
  for (const path of files.filter((name) => name.endsWith('.gz')))
    for (const at of [4, 9]) {
      const whole = readFileSync(path);
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(path, damaged);
      t.equal((await verify(made.id)).ok, false, `${relative(folder, path)}: byte ${at}`);
      writeFileSync(path, whole);
    }
  t.equal((await verify((await create()).id)).ok, true, 'the next backup knows the files that it shares');
  truncateSync(join(folder, TARGET, made.id, 'main.db.gz'), 100);
  t.equal((await verify(made.id)).ok, false);
});

t.test('what verifying finds is remembered: a damaged backup does not count as verified', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, verify, client } = await workingIn(t, folder);
  const first = await create();
  const second = await create();
  truncateSync(join(folder, TARGET, second.id, 'main.db.gz'), 100);
  t.equal((await verify(second.id)).ok, false);
  const { backups, last_verified } = await client.listBackups({});
  t.equal(last_verified?.id, first.id);
  t.match(backups[0]?.copies[0]?.verified, { ok: false, depth: 'full' });
});

t.test('a backup of some databases is not taken for one of everything', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const path = join(folder, 'app.db');
  makeDatabase(path, 1);
  const { create, verify, prune, client } = await workingIn(t, folder, { 'backup.databases': { app: path } });
  const newest = async () => {
    const state = JSON.parse(readFileSync(join(folder, 'data', 'backup_state.json'), 'utf8'));
    return [(await client.listBackups({})).last_verified?.id ?? null, state.last_verified?.id ?? null];
  };
  const some = await create({ names: ['app'] });
  t.equal(some.options.db, 'app');
  await verify(some.id);
  t.same(await newest(), [null, null]);
  const all = await create();
  t.equal(all.options.db, 'all');
  await verify((await create({ names: ['app'] })).id);
  await prune();
  t.same(await newest(), [all.id, all.id]);
});

t.test('reads back a few backups at a time, and says in the log what could not be', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, client } = await workingIn(t, folder);
  const { id } = await create();
  const asked = Array.from({ length: 12 }, () =>
    client.verifyBackup({ id }).then(
      ({ run }) => run,
      ({ code, retryAfterMs }) => `${code} ${retryAfterMs}`,
    ),
  );
  const answers = await Promise.all(asked);
  const refused = answers.filter((answer) => answer === 'BACKUP_RUNNING 10000');
  t.equal(refused.length, 8);
  for (const run of answers.filter((answer) => /^[0-9a-f]{16}$/.test(answer)))
    for await (const event of await client.watchBackupRun({ run })) t.not(event.type, 'run.failed');

  writeFileSync(join(folder, TARGET, id, 'manifest.json'), '{}');
  const { run } = await client.verifyBackup({ id });
  const events = [];
  for await (const event of await client.watchBackupRun({ run })) events.push(event);
  t.match(events.at(-1), { type: 'run.failed', error: { code: 'BACKUP_DAMAGED' } });
  t.match(
    readFileSync(join(folder, 'logs', 'server.log'), 'utf8'),
    /\[ERROR\] - Verification failed .*manifest/,
  );
});

t.test('a watcher that comes late hears it from the beginning, one that comes back the rest', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { client } = await workingIn(t, folder);
  const { run } = await client.createBackup({});
  const all = [];
  for await (const event of await client.watchBackupRun({ run })) all.push(event);
  t.same(
    all.filter(({ type }) => type === 'run.step').map(({ step }) => step),
    ['snapshot', 'files', 'archive'],
  );
  t.equal(all.at(-1)?.type, 'run.done');
  const rest = [];
  const after = all.at(-2)?.id ?? 0;
  for await (const event of await client.watchBackupRun({ run, after })) rest.push(event);
  t.same(rest, all.slice(-1));
  await t.rejects(client.watchBackupRun({ run: '0123456789abcdef' }), { code: 'BACKUP_NOT_FOUND' });
});

t.test('gives out files of a backup, and nothing beside it', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, client } = await workingIn(t, folder);
  const { id, files } = await create();
  const bytesOf = async (download: { bytes: AsyncIterable<Uint8Array> }) => {
    const pieces = [];
    for await (const piece of download.bytes) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const database = await bytesOf(await client.readBackupFile({ id: 'latest', file: 'main.db.gz' }));
  t.equal(gunzipSync(database).toString('latin1', 0, 15), 'SQLite format 3');
  const list = await bytesOf(await client.readBackupFile({ id, file: files?.list ?? '' }));
  const { sha256, size } = JSON.parse(gunzipSync(list).toString());
  t.equal(gunzipSync(await bytesOf(await client.readPoolFile({ sha256 }))).length, size);
  const unknown = { code: 'BACKUP_FILE_NOT_FOUND', status: 404 };
  await t.rejects(client.readBackupFile({ id, file: 'verified.json' }), unknown);
  await t.rejects(client.readPoolFile({ sha256: '0'.repeat(64) }), unknown);
  rmSync(join(folder, TARGET, id, 'main.db.gz'));
  await t.rejects(client.readBackupFile({ id, file: 'main.db.gz' }), { code: 'BACKUP_DAMAGED' });
  await t.rejects(client.getBackup({ id: '20200101T000000Z-000000' }), { code: 'BACKUP_NOT_FOUND' });
});

/** Starts a process that makes backups, kills it after so many milliseconds, and gives the IDs that it told of. */
async function killedAfter(folder: string, delayMs: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [createProcess, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const made: string[] = [];
  const ended = once(child, 'close');
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), delayMs);
    else made.push(line.replace('made ', ''));
  }
  await ended;
  return made;
}

t.test('killed at any instant it leaves whole backups, and nothing that looks like one', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 3);
  const told: string[] = [];
  for (let round = 0; round < 8; round += 1) {
    told.push(...(await killedAfter(folder, 20 + Math.random() * 900)));
    const { client, create, verify, close } = await workingIn(t, folder);
    const { backups, warnings } = await client.listBackups({});
    t.same(warnings, []);
    const ids = backups.map(({ id }) => id);
    t.same(
      told.filter((id) => !ids.includes(id)),
      [],
      'what it told of is there',
    );
    for (const { id } of backups.slice(0, 2)) t.equal((await verify(id)).ok, true);
    told.push((await create()).id);
    t.same(leftovers(folder), [], 'the next run sweeps what the killed one left');
    t.notOk(existsSync(join(folder, 'storage', '.backup')));
    await close();
  }
});

t.test('the databases of a backup agree, while another process writes into both at once', async (t) => {
  const folder = testFolder(t);
  const databases = { main: join(folder, 'main.db'), msg: join(folder, 'msg.db') };
  for (const path of Object.values(databases)) makeDatabase(path, 1);
  const writer = spawn(
    process.execPath,
    [join(import.meta.dirname, 'pair-process.js'), databases.main, databases.msg],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => writer.kill('SIGKILL'));
  await once(writer.stdout, 'data');
  const { create } = await workingIn(t, folder, { 'backup.databases': databases });
  for (let round = 0; round < 10; round += 1) {
    const made = await create();
    t.equal(made.one_instant, true, made.one_instant_reason ?? '');
    const counts = made.databases.map(({ file }) => countIn(folder, join(folder, TARGET, made.id, file)));
    t.equal(counts[0], counts[1]);
  }
  t.equal(writer.exitCode, null, 'the writer never failed');
});

function countIn(folder: string, packed: string): number {
  const path = join(folder, 'unpacked.db');
  writeFileSync(path, gunzipSync(readFileSync(packed)));
  const database = new (loadDriver())(path);
  const count = database.prepare('SELECT count(*) FROM t').pluck().get();
  database.close();
  return Number(count);
}

t.test('a backup without the stored files is no backup of everything', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, prune } = await workingIn(t, folder);
  const whole = await create();
  const part = await create({ files: false });
  t.equal(part.options.db, 'main');
  t.equal((await prune({ keep_days: 1 })).deleted.length, 0);
  const state = JSON.parse(readFileSync(join(folder, 'data', 'backup_state.json'), 'utf8'));
  t.equal(state.last_verified.id, whole.id);
});

t.test('says that no place can be looked into, and names the disk that is full', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  writeFileSync(join(folder, 'file'), 'where a folder should be');
  const { client } = await workingIn(t, folder, { 'backup.target': join(folder, 'file') });
  await t.rejects(client.listBackups({}), { code: 'BACKUP_TARGET', message: /a file stands where/ });
  const full = withPlace(new ChsError('STORAGE_FULL', { path: '/mnt/backups' }));
  t.match(full, { code: 'BACKUP_NO_ROOM', status: 507, message: /on the disk of \/mnt\/backups/ });
  const other = new ChsError('SOURCE_BUSY', { name: 'main', path: '/x' });
  t.equal(withPlace(other), other);
});
