/** Restoring stored files: what is there already, what is in the way, and lists that lead elsewhere. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Test } from 'tap';
import t from 'tap';
import { isSafeKey } from '../../src/backup/restore/file-list.ts';
import { restoreFiles } from '../../src/backup/restore/files.ts';
import { trackFolders } from '../../src/backup/restore/made-folders.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  ended,
  type MadeBackup,
  makeBackup,
  makeDatabase,
  never,
  nowMs,
  poolPath,
  sha256,
  started,
  testWorker,
  treeOf,
  writeList,
} from './restore-fixtures.ts';

const content = {
  'minidumps/app/1/a.dmp': 'first',
  'minidumps/app/2/a.dmp': 'second',
  'pdbs/ü/b.pdb': 'symbols'.repeat(10_000),
  'exes/empty.exe': '',
};

async function backupOf(t: Test, top: string): Promise<MadeBackup> {
  makeDatabase(join(top, 'main.db'), 'main', 3);
  return makeBackup(
    testWorker(t),
    join(top, 'backups'),
    { main: join(top, 'main.db') },
    { database: 'main', content },
  );
}

async function restoreTo(folder: string, to: string, signal = never) {
  const source = await openFileSource(folder);
  const entry = source.manifest.files;
  if (!entry) throw new Error('no files');
  return restoreFiles({ source, entry, to, made: trackFolders(), nowMs, signal });
}

t.test('restores files with their times, and leaves those that are there already', async (t) => {
  const top = testFolder(t);
  const { folder } = await backupOf(t, top);
  const to = join(top, 'storage');
  const bytes = Object.values(content).join('').length;
  t.match(await restoreTo(folder, to), { count: 4, written: 4, same: 0, bytes, replaced: 0, kept: [] });
  for (const [key, text] of Object.entries(content)) {
    const path = join(to, ...key.split('/'));
    t.equal(readFileSync(path, 'utf8'), text, key);
    t.equal(statSync(path).mtimeMs, Date.UTC(2025, 4, 6));
  }
  if (process.platform !== 'win32') t.equal(statSync(join(to, 'minidumps', 'app')).mode & 0o777, 0o750);
  t.same(readdirSync(to).sort(), ['exes', 'minidumps', 'pdbs'], 'nothing of the restore is left');
  t.match(await restoreTo(folder, to), { count: 4, written: 0, same: 4, bytes: 0, replaced: 0 });
});

t.test('keeps another file that has the name, also one of the same size', async (t) => {
  const top = testFolder(t);
  const { folder } = await backupOf(t, top);
  const to = join(top, 'storage');
  mkdirSync(join(to, 'minidumps', 'app', '1'), { recursive: true });
  writeFileSync(join(to, 'minidumps', 'app', '1', 'a.dmp'), 'FIRST');
  const keptAs = join(to, 'minidumps', 'app', '1', 'a.before-20261130T020005Z.dmp');
  t.match(await restoreTo(folder, to), {
    written: 4,
    replaced: 1,
    kept: [{ path: join(to, 'minidumps', 'app', '1', 'a.dmp'), keptAs }],
  });
  t.equal(readFileSync(keptAs, 'utf8'), 'FIRST');
  t.equal(readFileSync(join(to, 'minidumps', 'app', '1', 'a.dmp'), 'utf8'), 'first');
});

t.test('refuses a folder or a link where a file belongs', async (t) => {
  const top = testFolder(t, { storage: { minidumps: { app: { 1: { 'a.dmp': {} } } } }, other: 'other' });
  const { folder } = await backupOf(t, top);
  const path = join(top, 'storage', 'minidumps', 'app', '1', 'a.dmp');
  await t.rejects(restoreTo(folder, join(top, 'storage')), { code: 'RESTORE_REFUSED', params: { path } });
  rmSync(path, { recursive: true });
  symlinkSync(join(top, 'other'), path);
  await t.rejects(restoreTo(folder, join(top, 'storage')), { code: 'RESTORE_REFUSED', params: { path } });
  t.equal(readFileSync(join(top, 'other'), 'utf8'), 'other');
});

t.test('a file of the pool that is missing, cut short, too long or another one is refused', async (t) => {
  const top = testFolder(t);
  const { folder } = await backupOf(t, top);
  const hash = sha256(Buffer.from('second'));
  const path = poolPath(join(top, 'backups'), hash);
  const whole = readFileSync(path);
  const broken = [
    whole.subarray(0, -3),
    gzipSync('secone'),
    gzipSync('second'.repeat(9_000_000)),
    Buffer.from('no'),
  ];
  for (const [n, bytes] of broken.entries()) {
    writeFileSync(path, bytes);
    const to = join(top, `storage-${n}`);
    await t.rejects(restoreTo(folder, to), { code: 'BACKUP_DAMAGED' }, String(n));
    t.notOk('minidumps/app/2/a.dmp' in treeOf(to), 'it is not there');
    t.same(
      readdirSync(to).filter((name) => name.startsWith('.')),
      [],
    );
  }
  rmSync(path);
  await t.rejects(restoreTo(folder, join(top, 'storage')), { code: 'BACKUP_DAMAGED' });
  writeFileSync(path, whole);
  t.match(await restoreTo(folder, join(top, 'storage')), { count: 4 }, 'and goes on where it was');
});

t.test('hostile lists are refused before anything is written', async (t) => {
  const top = testFolder(t, { storage: {} });
  const backup = await backupOf(t, top);
  const line = { size: 5, sha256: sha256(Buffer.from('first')), modified_ms: 0, inode: '1' };
  const good = { ...line, key: 'minidumps/a.dmp' };
  const keys = [
    '../evil',
    '/etc/evil',
    'a/../../evil',
    'C:/evil',
    'C:evil',
    'a\\..\\evil',
    '.incoming/x/data',
    '',
  ];
  for (const key of [
    ...keys,
    'a//b',
    'a/./b',
    'a\0b',
    'a/...',
    '.INCOMING/x',
    'a/b:stream',
    `${'x'.repeat(256)}`,
  ]) {
    const entry = backup.manifest.files;
    if (!entry) throw new Error('no files');
    backup.manifest.files = { ...entry, ...writeList(backup.folder, [good, { ...line, key }]) };
    backup.write();
    t.equal(isSafeKey(key), false);
    const refused = restoreTo(backup.folder, join(top, 'storage'));
    await t.rejects(refused, { code: 'BACKUP_DAMAGED', params: { reason: /line 2 leads elsewhere/ } }, key);
    t.same(treeOf(join(top, 'storage')), {});
  }
});

t.test('a list that is no list, or another one than the manifest counts, is refused', async (t) => {
  const top = testFolder(t, { storage: {} });
  const backup = await backupOf(t, top);
  const entry = backup.manifest.files;
  if (!entry) throw new Error('no files');
  const lists = [
    gzipSync('no JSON\n'),
    gzipSync('{"key":"a"}\n'),
    gzipSync(`{"key":"${'x'.repeat(100_000)}"}`),
    gzipSync(Buffer.alloc(50_000_000, 'x')),
    gzipSync(''),
    gzipSync('x').subarray(0, -2),
    Buffer.from('no gzip'),
  ];
  for (const [n, bytes] of lists.entries()) {
    writeFileSync(join(backup.folder, 'files.ndjson.gz'), bytes);
    backup.manifest.files = { ...entry, list_size: bytes.length, list_sha256: sha256(bytes) };
    backup.write();
    await t.rejects(restoreTo(backup.folder, join(top, 'storage')), { code: 'BACKUP_DAMAGED' }, String(n));
  }
  for (const change of [{ count: 3 }, { count: 5 }, { size: 1 }, { list_sha256: 'a'.repeat(64) }]) {
    const files = { 'a.dmp': 'a', 'b.dmp': 'b', 'c.dmp': 'c', 'd.dmp': 'd' };
    const lines = Object.entries(files).map(([key, text]) => {
      return { key, size: 1, sha256: sha256(Buffer.from(text)), modified_ms: 0, inode: '1' };
    });
    backup.manifest.files = { ...entry, ...writeList(backup.folder, lines), ...change };
    backup.write();
    await t.rejects(restoreTo(backup.folder, join(top, 'storage')), { code: 'BACKUP_DAMAGED' });
  }
  t.same(treeOf(join(top, 'storage')), {});
});

t.test('an aborted restore of files leaves whole files alone', async (t) => {
  const top = testFolder(t);
  const { folder } = await backupOf(t, top);
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await t.rejects(restoreTo(folder, join(top, 'storage'), stop.signal), { message: 'enough' });
  t.same(treeOf(join(top, 'storage')), {});
});

t.test(
  'killed at any instant, every file that is there is whole, and the next restore ends it',
  async (t) => {
    const top = testFolder(t);
    makeDatabase(join(top, 'main.db'), 'main', 3);
    const many: Record<string, string> = {};
    for (let n = 0; n < 300; n += 1) many[`minidumps/${n % 17}/${n}.dmp`] = `dump ${n} `.repeat(2000);
    const { folder } = await makeBackup(
      testWorker(t),
      join(top, 'backups'),
      { main: join(top, 'main.db') },
      { database: 'main', content: many },
    );
    const to = join(top, 'storage');
    let partial = 0;
    for (let round = 0; round < 6; round += 1) {
      rmSync(to, { recursive: true, force: true });
      const child = await started(t, 'restore-process.js', [folder, to, 'files']);
      await wait(Math.random() * 400);
      child.kill('SIGKILL');
      await ended(child);
      const keys = (existsSync(to) ? readdirSync(to, { recursive: true }) : [])
        .map((name) => String(name).replaceAll('\\', '/'))
        .filter((name) => name.endsWith('.dmp'));
      const broken = keys.filter((key) => readFileSync(join(to, key), 'utf8') !== many[key]);
      t.same(broken, [], `${keys.length} files`);
      if (keys.length > 0 && keys.length < 300) partial += 1;
      t.match(await restoreTo(folder, to), { count: 300, same: keys.length, written: 300 - keys.length });
      t.same(readdirSync(to), ['minidumps'], 'nothing else is left');
    }
    t.comment(`killed in the middle ${partial} times`);
  },
);
