/** Restoring whole backups: where each part goes, in which order, and that a chs runs on what came back; drills. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { loadConfig } from '../../config/load.ts';
import { openEmbedded } from '../../daemon/embedded.ts';
import { drill } from '../../src/backup/restore/drill.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { type RestoreOptions, restoreBackup } from '../../src/backup/restore/restore.ts';
import { remoteSource } from '../../src/backup/restore/source.ts';
import { documented } from '../daemon/documented.ts';
import { formOf } from '../daemon/wire.ts';
import { testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { projectRoot } from '../fixtures/shared.ts';
import {
  ID,
  type MadeBackup,
  makeBackup,
  makeDatabase,
  never,
  nowMs,
  poolPath,
  rowsOf,
  sha256,
  started,
  testWorker,
  treeOf,
} from './restore-fixtures.ts';

const BEFORE = 'before-20261130T020005Z';

async function optionsFor(t: Test, folder: string): Promise<Omit<RestoreOptions, 'to' | 'inPlace'>> {
  const source = await openFileSource(folder);
  return { source, only: null, worker: testWorker(t), nowMs, signal: never };
}

/** A chs with one minidump, closed, and a backup of it with another database. */
async function chsBackup(t: Test, top: string): Promise<MadeBackup> {
  const data = join(top, 'chs');
  mkdirSync(data);
  const embedded = await openEmbedded(await testConfig(data));
  const { metadata, bytes } = documented.minidump;
  const body = formOf('minidump', metadata, bytes);
  const reply = await embedded.app.fetch(
    new Request('http://chs.test/api/upload/minidump', {
      method: 'POST',
      body,
      headers: { Authorization: 'Bearer test-key-0123456789' },
    }),
  );
  t.equal(reply.status, 200, await reply.clone().text());
  await embedded.close();
  makeDatabase(join(top, 'msg.db'), 'msg', 4);
  const content: Record<string, Buffer> = {};
  for (const name of readdirSync(join(data, 'storage'), { recursive: true }).map(String)) {
    if (!name.endsWith('.dmp')) continue;
    content[name.replaceAll('\\', '/')] = readFileSync(join(data, 'storage', name));
  }
  t.equal(Object.keys(content).length, 1);
  const databases = { main: join(data, 'data', 'crash_handler.db'), msg: join(top, 'msg.db') };
  return makeBackup(testWorker(t), join(top, 'backups'), databases, { database: 'main', content });
}

t.test('a chs runs on its restored data at once', async (t) => {
  const top = testFolder(t);
  const { folder } = await chsBackup(t, top);
  const to = join(top, 'restored');
  const report = await restoreBackup({ ...(await optionsFor(t, folder)), to, inPlace: null });
  t.match(report, { source: folder, dataFolder: to, files: { written: 1 } });
  t.same(
    report.databases.map(({ name, path }) => [name, path]),
    [
      ['main', join(to, 'data', 'crash_handler.db')],
      ['msg', join(to, 'msg.db')],
    ],
  );
  const env = { PATH: process.env.PATH, HOME: top, CHS_DATA_DIR: to };
  const chs = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(projectRoot, 'dist', 'chs.cjs'), ...args], { cwd: top, env });
  const { stdout } = await chs('dump', 'list', '--json');
  const [{ id = '' } = {}] = JSON.parse(stdout).minidumps;
  const file = join(top, 'back.dmp');
  await chs('dump', 'download', id, '--output', file);
  t.ok(readFileSync(file).equals(documented.minidump.bytes));
});

t.test('a drill restores, opens and removes; a damaged backup makes a report that says so', async (t) => {
  const top = testFolder(t, { scratch: {} });
  const { folder } = await chsBackup(t, top);
  const opened: string[] = [];
  const open = async (dataFolder: string) => {
    opened.push(dataFolder);
    const config = await loadConfig({ cwd: top, home: top, env: { CHS_DATA_DIR: dataFolder }, flags: {} });
    const embedded = await openEmbedded(config);
    try {
      const { status } = await embedded.app.fetch(new Request('http://chs.test/health/ready'));
      return { ok: status === 200, detail: String(status) };
    } finally {
      await embedded.close();
    }
  };
  const { source, worker } = await optionsFor(t, folder);
  const options = { source, worker, scratch: join(top, 'scratch'), open, nowMs, signal: never };
  const report = await drill(options);
  t.same(
    report.checks.map(({ name, check, ok }) => [name, check, ok]),
    [
      [ID, 'restore', true],
      ['main', 'open', true],
      ['msg', 'open', true],
      ['chs', 'ready', true],
    ],
    JSON.stringify(report),
  );
  t.equal(report.ok, true);
  t.equal(opened.length, 1);
  t.same(readdirSync(join(top, 'scratch')), [], 'nothing is left');

  const failing = await drill({ ...options, open: async () => ({ ok: false, detail: 'no' }) });
  t.equal(failing.ok, false);
  await t.rejects(drill({ ...options, open: () => Promise.reject(new Error('broken')) }), {
    message: 'broken',
  });
  t.same(readdirSync(join(top, 'scratch')), [], 'whatever happens');

  writeFileSync(join(folder, 'msg.db.gz'), 'damaged');
  const damagedReport = await drill(options);
  t.equal(damagedReport.ok, false);
  t.match(damagedReport.checks, [{ check: 'restore', ok: false }]);
  t.same(readdirSync(join(top, 'scratch')), []);
});

t.test('databases go in place, as the configuration has them, and stored files with them', async (t) => {
  const top = testFolder(t, { live: {} });
  for (const name of ['main', 'msg']) makeDatabase(join(top, `${name}.db`), name);
  makeDatabase(join(top, 'live', 'here.db'), 'old', 2);
  const content = { 'minidumps/1.dmp': 'one' };
  const { folder } = await makeBackup(
    testWorker(t),
    join(top, 'backups'),
    { main: join(top, 'main.db'), msg: join(top, 'msg.db') },
    { database: 'main', content },
  );
  const options = { ...(await optionsFor(t, folder)), to: null };
  const databases = { main: join(top, 'live', 'here.db'), msg: join(top, 'live', 'there.db') };
  const inPlace = { databases, storage: join(top, 'live', 'files') };
  const report = await restoreBackup({ ...options, inPlace });
  t.equal(report.databases[0]?.replaced, join(top, 'live', `here.${BEFORE}.db`));
  t.same(rowsOf(databases.main), { main: 50 });
  t.same(rowsOf(databases.msg), { msg: 50 });
  t.equal(readFileSync(join(top, 'live', 'files', 'minidumps', '1.dmp'), 'utf8'), 'one');
  await restoreBackup({ ...options, only: ['msg'], inPlace });
  await t.rejects(
    restoreBackup({ ...options, inPlace: { databases: { main: databases.main }, storage: null } }),
    {
      code: 'NO_SUCH_DATABASE',
      params: { name: 'msg' },
    },
  );
  await t.rejects(restoreBackup({ ...options, only: ['other'], inPlace }), { code: 'NO_SUCH_DATABASE' });
  const same = {
    databases: { main: databases.main, msg: databases.main },
    storage: join(top, 'live', 'files'),
  };
  await t.rejects(restoreBackup({ ...options, inPlace: same }), { code: 'RESTORE_REFUSED' });
  await t.rejects(restoreBackup({ ...options, inPlace: null }), { code: 'USAGE' });
});

t.test('nothing is changed while one of the targets cannot be replaced', async (t) => {
  const top = testFolder(t, { out: {} });
  for (const name of ['main', 'msg']) makeDatabase(join(top, `${name}.db`), name);
  for (const name of ['main', 'msg']) makeDatabase(join(top, 'out', `${name}.db`), 'old', 2);
  const { folder } = await makeBackup(testWorker(t), join(top, 'backups'), {
    main: join(top, 'main.db'),
    msg: join(top, 'msg.db'),
  });
  const options = { ...(await optionsFor(t, folder)), to: join(top, 'out'), inPlace: null };
  const holder = await started(t, 'restore-holder.js', [join(top, 'out', 'msg.db'), 'transaction']);
  const before = treeOf(join(top, 'out'));
  await t.rejects(restoreBackup(options), { code: 'RESTORE_REFUSED' });
  t.same(treeOf(join(top, 'out')), before);
  holder.kill('SIGKILL');
  writeFileSync(join(folder, 'msg.db.gz'), 'damaged');
  await t.rejects(restoreBackup(options), { code: 'BACKUP_DAMAGED' });
  t.same(rowsOf(join(top, 'out', 'main.db')), { old: 2 });
});

t.test('a damaged file of the pool leaves the database alone', async (t) => {
  const top = testFolder(t);
  makeDatabase(join(top, 'main.db'), 'main');
  const { folder } = await makeBackup(
    testWorker(t),
    join(top, 'backups'),
    { main: join(top, 'main.db') },
    { database: 'main', content: { 'a/1.dmp': 'one' } },
  );
  writeFileSync(poolPath(join(top, 'backups'), sha256(Buffer.from('one'))), 'damaged');
  const options = { ...(await optionsFor(t, folder)), inPlace: null };
  await t.rejects(restoreBackup({ ...options, to: join(top, 'out') }), { code: 'BACKUP_DAMAGED' });
  t.notOk(existsSync(join(top, 'out', 'data', 'crash_handler.db')));
  const report = await restoreBackup({ ...options, to: join(top, 'out.db') });
  t.match(report, { files: null, notes: [/stored files were left out/] });
  const without = await restoreBackup({ ...options, files: false, to: join(top, 'out2') });
  t.same([without.files, without.notes, without.databases[0]?.path], [null, [], join(top, 'out2')]);
});

t.test('a failed restore takes back the folders that it made, and no others', async (t) => {
  const top = testFolder(t, { mine: {}, used: { 'my.txt': 'mine' } });
  for (const name of ['main', 'msg']) makeDatabase(join(top, `${name}.db`), name);
  const content = { 'a/1.dmp': 'one' };
  const { folder } = await makeBackup(
    testWorker(t),
    join(top, 'backups'),
    { main: join(top, 'main.db'), msg: join(top, 'msg.db') },
    { database: 'main', content },
  );
  const options = { ...(await optionsFor(t, folder)), inPlace: null };
  const failing = async (code: string): Promise<void> => {
    for (const to of ['new', join('deep', 'er'), 'mine', 'used']) {
      const before = treeOf(top);
      await t.rejects(restoreBackup({ ...options, to: join(top, to) }), { code }, to);
      t.same(treeOf(top), before, to);
    }
  };
  const pool = poolPath(join(top, 'backups'), sha256(Buffer.from('one')));
  const whole = readFileSync(pool);
  writeFileSync(pool, 'damaged');
  await failing('BACKUP_DAMAGED');
  writeFileSync(pool, whole);
  writeFileSync(join(folder, 'msg.db.gz'), 'damaged');
  await failing('BACKUP_DAMAGED');

  const stop = new AbortController();
  const onStep = (step: string): void => {
    if (step === 'files') stop.abort(new Error('enough'));
  };
  const aborted = { ...options, only: ['main'], signal: stop.signal, onStep };
  await t.rejects(restoreBackup({ ...aborted, to: join(top, 'new') }), { message: 'enough' });
  t.notOk(existsSync(join(top, 'new')));
});

t.test('a restore that fails half-way leaves what it has restored', async (t) => {
  const top = testFolder(t);
  for (const name of ['main', 'msg']) makeDatabase(join(top, `${name}.db`), name);
  const { folder } = await makeBackup(testWorker(t), join(top, 'backups'), {
    main: join(top, 'main.db'),
    msg: join(top, 'msg.db'),
  });
  const options = { ...(await optionsFor(t, folder)), inPlace: null };
  let replacedCount = 0;
  const stop = new AbortController();
  const onStep = (step: string): void => {
    if (step !== 'replace') return;
    replacedCount += 1;
    if (replacedCount === 2) stop.abort(new Error('enough'));
  };
  const to = `${join(top, 'new')}/`;
  await t.rejects(restoreBackup({ ...options, to, signal: stop.signal, onStep }), { message: 'enough' });
  t.same(readdirSync(join(top, 'new')), ['main.db']);
  t.same(rowsOf(join(top, 'new', 'main.db')), { main: 50 });
});

t.test('a dump of PostgreSQL goes to a function, or into the folder with a word about its use', async (t) => {
  const top = testFolder(t);
  const bytes = Buffer.from(`PGDMP${'x'.repeat(1000)}`);
  const source = remoteSource({
    backup: {
      id: ID,
      timestamp: '2026-11-30T02:00:00Z',
      files: null,
      databases: [
        {
          name: 'app',
          path: 'postgres://server/app',
          kind: 'postgres',
          size: bytes.length,
          sha256: sha256(bytes),
          pages: null,
          page_size: null,
          schema_sha256: null,
          foreign_key_violations: null,
          server_version: '15.14',
          file: 'app.dump',
          file_size: bytes.length,
          file_sha256: sha256(bytes),
        },
      ],
    },
    open: async () => Readable.from([bytes]),
    openPool: () => Promise.reject(new Error('no pool')),
  });
  const options = { source, only: null, worker: testWorker(t), nowMs, signal: never, inPlace: null };
  const to = join(top, 'out', 'app.dump');
  const report = await restoreBackup({ ...options, to: `${join(top, 'out')}/` });
  t.ok(readFileSync(to).equals(bytes));
  t.match(report.notes, [/pg_restore/]);
  const again = await restoreBackup({ ...options, to: join(top, 'out') });
  t.equal(again.databases[0]?.replaced, join(top, 'out', `app.${BEFORE}.dump`));
  const url = 'postgres://user:secret@server/app';
  await t.rejects(restoreBackup({ ...options, to: url }), { code: 'RESTORE_REFUSED' });
  const calls: string[] = [];
  const scratch = join(top, 'scratch');
  const postgres: NonNullable<RestoreOptions['postgres']> = async ({ file, entry, url }) => {
    calls.push(`${entry.name} ${url} ${sha256(readFileSync(file)) === sha256(bytes)}`);
    return 'restored';
  };
  const done = await restoreBackup({ ...options, to: url, postgres, scratch });
  t.same(calls, [`app ${url} true`]);
  t.same(
    [done.databases, done.notes],
    [[{ name: 'app', kind: 'postgres', path: null, replaced: null }], ['restored']],
  );
  t.same(readdirSync(scratch), []);
});
