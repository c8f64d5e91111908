/** What can be a source of a restore, and what hostile or damaged ones cannot do. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { verifyFile } from '../../src/backup/restore/check-file.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreBackup } from '../../src/backup/restore/restore.ts';
import type { BackupWorker } from '../../src/backup/worker/protocol.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  makeBackup,
  makeDatabase,
  makeZip,
  never,
  nowMs,
  openDatabase,
  rowsOf,
  sha256,
  testWorker,
  treeOf,
} from './restore-fixtures.ts';

async function restoreTo(path: string, to: string, worker: BackupWorker) {
  const source = await openFileSource(path);
  return restoreBackup({ source, only: null, to, inPlace: null, worker, nowMs, signal: never });
}

function manifestOf(databases: Readonly<Record<string, Buffer>>, hashes = true): Buffer {
  const entries = Object.entries(databases).map(([name, bytes]) => ({
    name,
    path: `/data/${name}.db`,
    size: bytes.length,
    ...(hashes ? { sha256: sha256(bytes) } : {}),
  }));
  return Buffer.from(
    JSON.stringify({ timestamp: '2025-12-24T12:00:00Z', databases: entries, options: { db: 'all' } }),
  );
}

t.test('restores a zip with the documented manifest, all of it or one database', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  for (const name of ['main', 'msg']) makeDatabase(join(top, `${name}.db`), name);
  const bytes = { main: readFileSync(join(top, 'main.db')), msg: readFileSync(join(top, 'msg.db')) };
  const zip = join(top, 'download.zip');
  await makeZip(zip, {
    'main.db': bytes.main,
    'msg.db': bytes.msg,
    'manifest.json': manifestOf(bytes, false),
  });
  const report = await restoreTo(zip, join(top, 'all'), worker);
  t.same(
    report.databases.map(({ name, path, replaced }) => [name, path, replaced]),
    [
      ['main', join(top, 'all', 'main.db'), null],
      ['msg', join(top, 'all', 'msg.db'), null],
    ],
  );
  t.same(rowsOf(join(top, 'all', 'msg.db')), { msg: 50 });
  const source = await openFileSource(zip);
  const to = join(top, 'one.db');
  await restoreBackup({ source, only: ['msg'], to, inPlace: null, worker, nowMs, signal: never });
  t.same(rowsOf(to), { msg: 50 });
  const verified = await verifyFile(zip, { worker, signal: never });
  t.equal(verified.ok, true, JSON.stringify(verified));
});

t.test('restores a bare database, plain or in gzip, and refuses one that is in use', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  makeDatabase(join(top, 'my data.db'), 'bare');
  const bytes = readFileSync(join(top, 'my data.db'));
  writeFileSync(join(top, 'packed.bin'), gzipSync(bytes));
  await restoreTo(join(top, 'my data.db'), join(top, 'one.db'), worker);
  t.same(rowsOf(join(top, 'one.db')), { bare: 50 });
  await restoreTo(join(top, 'packed.bin'), join(top, 'two.db'), worker);
  t.ok(readFileSync(join(top, 'two.db')).equals(bytes));
  t.equal((await verifyFile(join(top, 'packed.bin'), { worker, signal: never })).ok, true);
  const db = openDatabase(join(top, 'my data.db'));
  db.pragma('journal_mode = WAL');
  db.exec('delete from item');
  await t.rejects(openFileSource(join(top, 'my data.db')), {
    code: 'LOCAL_FILE',
    params: { reason: /in use/ },
  });
  db.close();
});

t.test('says what is no backup at all', async (t) => {
  const top = testFolder(t, { 'a.txt': 'text', 'b.gz': gzipSync('text'), empty: '', folder: {} });
  for (const name of ['a.txt', 'b.gz', 'empty', 'folder', 'absent']) {
    await t.rejects(openFileSource(join(top, name)), { code: 'LOCAL_FILE' }, name);
  }
});

t.test('hostile zips are refused, and nothing is written', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { out: {} });
  makeDatabase(join(top, 'main.db'), 'main');
  const main = readFileSync(join(top, 'main.db'));
  const manifest = manifestOf({ main });
  const zip = join(top, 'hostile.zip');
  const good = { 'main.db': main, 'manifest.json': manifest };
  const refused = async (what: string, change?: (bytes: Buffer) => Buffer): Promise<void> => {
    if (change) writeFileSync(zip, change(readFileSync(zip)));
    await t.rejects(restoreTo(zip, join(top, 'out', 'x.db'), worker), { code: 'BACKUP_DAMAGED' }, what);
    const verified = await verifyFile(zip, { worker, signal: never });
    t.equal(verified.ok, false, what);
  };
  const renamed = (name: string) => (bytes: Buffer) =>
    Buffer.from(bytes.toString('latin1').replaceAll('evil-name.db', name), 'latin1');

  for (const name of ['../../evil.db', '/etc/evil.db', 'C:\\evil12.db', 'a\0vil-nam.db']) {
    await makeZip(zip, { ...good, 'evil-name.db': main });
    await refused(`a file called ${JSON.stringify(name)}`, renamed(name.padEnd(12, 'x')));
  }
  await makeZip(zip, good);
  await refused('another CRC', (bytes) => {
    const at = bytes.indexOf('PK\x01\x02', 0, 'latin1');
    bytes[at + 16] = (bytes[at + 16] ?? 0) ^ 1;
    return bytes;
  });
  await makeZip(zip, good);
  await refused('a size of four gigabytes', (bytes) => {
    bytes.writeUInt32LE(0xfffffff0, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    return bytes;
  });
  await makeZip(zip, { ...good, 'main.db': Buffer.alloc(50_000_000) });
  await refused('more than the manifest says');
  await makeZip(zip, { ...good, 'main.db': Buffer.alloc(50_000_000) });
  await refused('more than it says itself', (bytes) => {
    bytes.writeUInt32LE(main.length, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    return bytes;
  });
  await makeZip(zip, good);
  await refused('cut short', (bytes) => bytes.subarray(0, bytes.length >> 1));
  await makeZip(zip, { 'main.db': main });
  await refused('no manifest');
  await makeZip(zip, { 'manifest.json': manifest });
  await refused('no database');
  await makeZip(zip, { ...good, 'manifest.json': Buffer.from('{"databases":') });
  await refused('no JSON');
  const outside = JSON.parse(manifest.toString());
  outside.databases[0].file = '../main.db';
  await makeZip(zip, { ...good, 'manifest.json': Buffer.from(JSON.stringify(outside)) });
  await refused('a manifest that leads elsewhere');
  const many = Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`f${n}`, Buffer.from('x')]));
  await makeZip(zip, { ...good, ...many });
  await refused('too many files');
  t.same(treeOf(join(top, 'out')), {});
});

t.test('verify finds a flipped bit in each part of a backup', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  makeDatabase(join(top, 'main.db'), 'main', 5);
  const content = { 'minidumps/a/1.dmp': 'one', 'pdbs/b/2.pdb': 'two'.repeat(1000) };
  const backup = await makeBackup(
    worker,
    join(top, 'backups'),
    { main: join(top, 'main.db') },
    { database: 'main', content },
  );
  const whole = await verifyFile(backup.folder, { worker, signal: never });
  t.equal(whole.ok, true, JSON.stringify(whole));
  t.ok(whole.checks.some(({ check, detail }) => check === 'files' && detail === '2 whole, 0 damaged'));
  for (const file of [`${backup.folder}/main.db.gz`, `${backup.folder}/files.ndjson.gz`]) {
    const bytes = readFileSync(file);
    for (let n = 0; n < 25; n += 1) {
      const flipped = Buffer.from(bytes);
      const at = Math.floor(Math.random() * bytes.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (n % 8));
      writeFileSync(file, flipped);
      const { ok } = await verifyFile(backup.folder, { worker, signal: never });
      t.equal(ok, false, `${file.slice(-15)} byte ${at}`);
    }
    writeFileSync(file, bytes);
  }
  const hash = sha256(Buffer.from('one'));
  writeFileSync(join(top, 'backups', 'pool', hash.slice(0, 2), `${hash}.gz`), gzipSync('won'));
  const { ok, checks } = await verifyFile(backup.folder, { worker, signal: never });
  t.equal(ok, false);
  t.ok(checks.some((check) => check.name === 'minidumps/a/1.dmp' && !check.ok));
});

t.test('verify holds broken foreign keys against the manifest, or against nothing', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t);
  const path = join(top, 'broken.db');
  const db = openDatabase(path);
  db.pragma('foreign_keys = off');
  db.exec(
    'create table a (id integer primary key); create table b (a integer references a); insert into b values (9)',
  );
  db.close();
  const bare = await verifyFile(path, { worker, signal: never });
  t.same(
    bare.checks.filter(({ ok }) => !ok).map(({ check, detail }) => [check, detail]),
    [['foreign_key_check', 'broken foreign keys: 1']],
  );
  const { folder } = await makeBackup(worker, join(top, 'backups'), { main: path });
  t.equal((await verifyFile(folder, { worker, signal: never })).ok, true, 'the source had it already');
});

t.test('a gzip that holds far more than it should ends early', async (t) => {
  const worker = testWorker(t);
  const top = testFolder(t, { out: {} });
  makeDatabase(join(top, 'main.db'), 'main');
  const bytes = readFileSync(join(top, 'main.db'));
  writeFileSync(join(top, 'bomb.db.gz'), gzipSync(Buffer.concat([bytes, Buffer.alloc(300_000_000)])));
  await t.rejects(restoreTo(join(top, 'bomb.db.gz'), join(top, 'out', 'x.db'), worker), {
    code: 'BACKUP_DAMAGED',
  });
  t.same(treeOf(join(top, 'out')), {});
});
