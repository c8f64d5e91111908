/** Restoring one SQLite database: what it replaces, what it refuses, and what it compares. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { retire } from '../../src/backends/sqlite/backup-worker/retire.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreBackup } from '../../src/backup/restore/restore.ts';
import { probeTarget } from '../../src/backup/restore/sqlite.ts';
import type { BackupWorker } from '../../src/backup/worker/protocol.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  ended,
  makeBackup,
  makeDatabase,
  never,
  nowMs,
  rowsOf,
  started,
  testWorker,
} from './restore-fixtures.ts';

const BEFORE = 'main.before-20261130T020005Z.db';

async function restoreFrom(folder: string, to: string, worker: BackupWorker, signal = never) {
  const source = await openFileSource(folder);
  const options = { source, only: null, to, inPlace: null, worker, nowMs, signal };
  const [restored] = (await restoreBackup(options)).databases;
  return { path: restored?.path, replaced: restored?.replaced };
}

t.test('restores to where nothing was, in a folder that it makes', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  makeDatabase(join(top, 'from.db'), 'new');
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const to = join(top, 'deep', 'er', 'main.db');
  t.same(await restoreFrom(folder, to, worker), { path: to, replaced: null });
  t.same(readdirSync(join(top, 'deep', 'er')), ['main.db']);
  t.ok(readFileSync(to).equals(readFileSync(join(top, 'from.db'))), 'byte for byte');
});

t.test('keeps what it replaces, with the commits of a WAL, and its mode', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  mkdirSync(join(top, 'db'));
  const to = join(top, 'db', 'main.db');
  makeDatabase(join(top, 'from.db'), 'new');
  makeDatabase(to, 'old', 20);
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  chmodSync(to, 0o604);
  const holder = await started(t, 'restore-holder.js', [to, 'crash']);
  holder.kill('SIGKILL');
  await ended(holder);
  t.ok(existsSync(`${to}-wal`), 'it died with commits in its WAL');
  t.same(await restoreFrom(folder, to, worker), { path: to, replaced: join(top, 'db', BEFORE) });
  t.same(readdirSync(join(top, 'db')).sort(), [BEFORE, 'main.db'], 'no WAL is left');
  t.same(rowsOf(to), { new: 50 });
  t.same(rowsOf(join(top, 'db', BEFORE)), { old: 20, 'in-wal': 7 });
  if (process.platform !== 'win32') t.equal(statSync(to).mode & 0o777, 0o604);
  t.same(await restoreFrom(folder, to, worker), {
    path: to,
    replaced: join(top, 'db', 'main.before-20261130T020005Z-2.db'),
  });
});

t.test('a stale WAL and journal without a database are not applied to the new one', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  const to = join(top, 'db', 'main.db');
  makeDatabase(join(top, 'from.db'), 'new');
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  for (const suffix of ['-wal', '-shm', '-journal']) writeFileSync(`${to}${suffix}`, Buffer.alloc(5000, 7));
  await restoreFrom(folder, to, worker);
  t.same(readdirSync(join(top, 'db')), ['main.db']);
  t.same(rowsOf(to), { new: 50 });
});

t.test('an old database with a hot journal is rolled back before it is kept', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  const to = join(top, 'db', 'main.db');
  makeDatabase(to, 'old', 20);
  makeDatabase(join(top, 'from.db'), 'new');
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const holder = await started(t, 'restore-holder.js', [to, 'spilled']);
  holder.kill('SIGKILL');
  await ended(holder);
  t.ok(statSync(`${to}-journal`).size > 0, 'it died in a transaction');
  await restoreFrom(folder, to, worker);
  t.same(readdirSync(join(top, 'db')).sort(), [BEFORE, 'main.db']);
  t.same(rowsOf(join(top, 'db', BEFORE)), { old: 20 });
  t.same(rowsOf(to), { new: 50 });
});

for (const how of ['wal', 'transaction', 'idle']) {
  const skip =
    how === 'idle' &&
    process.platform !== 'linux' &&
    'an idle connection without a WAL is seen on Linux only';
  t.test(`refuses while another process has it open (${how})`, { skip }, async (t) => {
    const worker = testWorker(t);
    const top = testFolder(t, { db: {} });
    const to = join(top, 'db', 'main.db');
    makeDatabase(to, 'old', 20);
    makeDatabase(join(top, 'from.db'), 'new');
    const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
    const holder = await started(t, 'restore-holder.js', [to, how]);
    const who = process.platform === 'linux' ? `process ${holder.pid} (` : 'another process';
    await t.rejects(restoreFrom(folder, to, worker), { code: 'RESTORE_REFUSED', params: { path: to } });
    const reason = await restoreFrom(folder, to, worker).catch((error) => String(error.params.reason));
    t.ok(String(reason).startsWith(who), String(reason));
    // Also when it was opened after the probe.
    const paths = {
      path: to,
      replacement: join(top, 'from.db'),
      held: join(top, 'held'),
      keepAs: join(top, 'kept'),
    };
    const output = await worker.run(
      'retire',
      { ...paths, links: true, notDatabase: true },
      { signal: never },
    );
    t.match(output, { refused: /has it open$/, kept: false });
    t.ok(existsSync(join(top, 'from.db')), 'nothing was moved');
    t.notOk(existsSync(join(top, 'held')));
    holder.stdin?.end();
    await ended(holder);
    t.same(rowsOf(to), { old: 20 }, 'it was left alone');
    t.same(
      readdirSync(join(top, 'db')).filter((name) => name.startsWith('.')),
      [],
      'nothing is left beside it',
    );
    await restoreFrom(folder, to, worker);
    t.same(rowsOf(to), { new: 50 });
  });
}

t.test('refuses what is there and is no database, a folder, a link to nothing', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, {
    'text.db': 'this is no database, but somebody may need it'.repeat(40),
    folder: {},
  });
  makeDatabase(join(top, 'from.db'), 'new');
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const text = readFileSync(join(top, 'text.db'));
  await t.rejects(restoreFrom(folder, join(top, 'text.db'), worker), { code: 'RESTORE_REFUSED' });
  t.ok(readFileSync(join(top, 'text.db')).equals(text));
  const target = { to: join(top, 'folder'), worker, signal: never };
  await t.rejects(probeTarget(target), { code: 'RESTORE_REFUSED' });
  symlinkSync(join(top, 'nowhere.db'), join(top, 'link.db'));
  await t.rejects(restoreFrom(folder, join(top, 'link.db'), worker), { code: 'RESTORE_REFUSED' });
});

t.test('follows a symbolic link to the database', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { real: {} });
  const real = join(top, 'real', 'main.db');
  makeDatabase(real, 'old', 20);
  makeDatabase(join(top, 'from.db'), 'new');
  symlinkSync(real, join(top, 'link.db'));
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  t.same(await restoreFrom(folder, join(top, 'link.db'), worker), {
    path: real,
    replaced: join(top, 'real', BEFORE),
  });
  t.same(rowsOf(join(top, 'link.db')), { new: 50 });
  t.same(rowsOf(real), { new: 50 });
});

t.test('without hard links the old database is copied, with its WAL', async (t) => {
  const top = testFolder(t, { db: {}, '.staging': { held: {} } });
  const to = join(top, 'db', 'main.db');
  makeDatabase(to, 'old', 20);
  makeDatabase(join(top, '.staging', 'new.db'), 'new');
  const holder = await started(t, 'restore-holder.js', [to, 'crash']);
  holder.kill('SIGKILL');
  await ended(holder);
  const output = await retire({
    path: to,
    replacement: join(top, '.staging', 'new.db'),
    held: join(top, '.staging', 'held', BEFORE),
    keepAs: join(top, 'db', BEFORE),
    links: false,
    notDatabase: false,
  });
  t.same(output, { refused: null, kept: true });
  t.same(rowsOf(to), { new: 50 });
  t.same(rowsOf(join(top, 'db', BEFORE)), { old: 20, 'in-wal': 7 });
  t.same(readdirSync(join(top, '.staging'), { recursive: true }), ['held']);
});

t.test('a flipped bit anywhere in the archive is refused, and the target stays', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  const to = join(top, 'db', 'main.db');
  makeDatabase(to, 'old', 20);
  makeDatabase(join(top, 'from.db'), 'new', 10);
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const path = join(folder, 'main.db.gz');
  const whole = readFileSync(path);
  for (let n = 0; n < 60; n += 1) {
    const at = n < 20 ? n : Math.floor(Math.random() * whole.length);
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (n % 8));
    writeFileSync(path, bytes);
    await t.rejects(restoreFrom(folder, to, worker), { code: 'BACKUP_DAMAGED' }, `byte ${at}`);
  }
  for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from([0])]), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    await t.rejects(restoreFrom(folder, to, worker), { code: 'BACKUP_DAMAGED' });
  }
  t.same(readdirSync(join(top, 'db')), ['main.db']);
  t.same(rowsOf(to), { old: 20 });
});

t.test('compares the content with the manifest, whatever the archive says', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  const to = join(top, 'db', 'main.db');
  makeDatabase(join(top, 'from.db'), 'new');
  const backup = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const [entry] = backup.manifest.databases;
  if (!entry) throw new Error('no database');
  const changes = [
    { sha256: 'a'.repeat(64) },
    { size: entry.size + 1 },
    { size: entry.size - 1 },
    { pages: 3 },
    { page_size: 512 },
    { schema_sha256: 'b'.repeat(64) },
    { foreign_key_violations: 2 },
    { file_size: entry.file_size - 1 },
  ];
  for (const change of changes) {
    backup.manifest.databases[0] = { ...entry, ...change };
    backup.write();
    await t.rejects(
      restoreFrom(backup.folder, to, worker),
      { code: 'BACKUP_DAMAGED' },
      JSON.stringify(change),
    );
    t.same(readdirSync(join(top, 'db')), []);
  }
});

t.test('asks for the room that it needs before it begins', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  makeDatabase(join(top, 'from.db'), 'new');
  const backup = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const [entry] = backup.manifest.databases;
  if (!entry) throw new Error('no database');
  backup.manifest.databases[0] = { ...entry, size: 2 ** 50 };
  backup.write();
  await t.rejects(restoreFrom(backup.folder, join(top, 'db', 'main.db'), worker), { code: 'STORAGE_FULL' });
  t.same(readdirSync(join(top, 'db')), []);
});

t.test('an aborted restore leaves nothing', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { db: {} });
  makeDatabase(join(top, 'from.db'), 'new', 500);
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
  const source = await openFileSource(folder);
  for (const at of ['receive', 'unpack', 'check']) {
    const stop = new AbortController();
    const onStep = (step: string): void => {
      if (step === at) stop.abort(new Error('enough'));
    };
    const to = join(top, 'db', 'main.db');
    const options = { source, only: null, to, inPlace: null, worker, nowMs, signal: stop.signal, onStep };
    await t.rejects(restoreBackup(options), { message: 'enough' }, at);
    t.same(readdirSync(join(top, 'db')), []);
  }
});
