/** Backups in a folder: the common suite, its files and modes, disks that refuse, and processes that are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openFolderTarget } from '../../src/backends/fs/backup-target.ts';
import type { BackupTarget } from '../../src/backup/target.ts';
import { testFolder } from '../fixtures/folder.ts';
import { backupId, collect, localFile, makeBackup, sha256, transfer, wholeBackups } from './backup-making.ts';
import { backupTargetConformance } from './backup-target-conformance.ts';
import { readOnlyView, smallDisk } from './mounted.ts';

const child = fileURLToPath(new URL('./backup-process.js', import.meta.url));
const posix = { skip: process.platform === 'win32' && 'modes are those of POSIX' };

function opened(t: Test, folder: string): BackupTarget {
  const target = openFolderTarget({ folder });
  t.teardown(() => target.close());
  return target;
}

/** Says why, since a test that checks nothing must not look like one that does. */
function skip(t: Test, reason: string): void {
  t.pass('not tested', { skip: reason });
}

backupTargetConformance(t, async (t) => openFolderTarget({ folder: join(testFolder(t), 'deep', 'backups') }));

t.test('makes nothing before it is written to', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  await target.list();
  await target.sweep();
  await target.freeBytes();
  t.notOk(existsSync(folder));
});

t.test('keeps backups for their owner and group', posix, async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const id = backupId();
  await makeBackup(target, id);
  await target.writeNote(`${id}/verified.json`, Buffer.from('{}'));
  await target.pool.put(sha256('x'), localFile(await target.workFolder(), 'x', 'x'), transfer());
  const mode = (path: string): string => (statSync(join(folder, path)).mode & 0o777).toString(8);
  t.equal(mode('.'), '750');
  t.equal(mode(id), '750');
  for (const file of ['manifest.json', 'main.db.gz', 'verified.json'])
    t.equal(mode(`${id}/${file}`), '640', file);
  const hash = sha256('x');
  t.equal(mode(`pool/${hash.slice(0, 2)}/${hash}.gz`), '640');
  const [own = ''] = readdirSync(join(folder, '.partial'));
  t.equal(mode(`.partial/${own}`), '700');
});

t.test('takes the file itself on the same disk', async (t) => {
  const target = opened(t, join(testFolder(t), 'backups'));
  const from = localFile(await target.workFolder(), 'x', 'bytes');
  const { ino } = statSync(from.path);
  const id = backupId();
  const pending = await target.begin(id);
  await pending.put('main.db.gz', from, transfer());
  await pending.commit(Buffer.from('{}'));
  t.notOk(existsSync(from.path));
  t.equal(statSync(join(target.place, id, 'main.db.gz')).ino, ino);
});

t.test('copies what a link stands for', posix, async (t) => {
  const folder = testFolder(t);
  const target = opened(t, join(folder, 'backups'));
  const from = localFile(folder, 'x', 'bytes');
  symlinkSync(from.path, join(folder, 'link'));
  const id = backupId();
  const pending = await target.begin(id);
  await pending.put('main.db.gz', { ...from, path: join(folder, 'link') }, transfer());
  await pending.commit(Buffer.from('{}'));
  t.ok(existsSync(from.path));
  t.equal(readFileSync(join(target.place, id, 'main.db.gz'), 'utf8'), 'bytes');
  t.notOk(statSync(join(target.place, id, 'main.db.gz')).isSymbolicLink());
});

t.test('neither lists nor touches what others put there', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  await makeBackup(target, backupId());
  const half = backupId();
  const named = backupId();
  mkdirSync(join(folder, half));
  writeFileSync(join(folder, half, 'main.db.gz'), 'being copied by somebody');
  writeFileSync(join(folder, named), 'a file');
  mkdirSync(join(folder, 'old'));
  writeFileSync(join(folder, 'old', 'manifest.json'), '{}');
  mkdirSync(join(folder, 'pool', 'zz'), { recursive: true });
  writeFileSync(join(folder, 'pool', 'zz', 'notes.txt'), 'notes');
  t.equal((await target.list()).length, 1);
  await t.rejects(target.readManifest(named), { code: 'BACKUP_NOT_FOUND' });
  await t.rejects(target.begin(half), { code: 'BACKUP_TARGET' });
  await t.rejects(target.begin(named), { code: 'BACKUP_TARGET' });
  t.same(await collect(target.pool.list()), []);
  t.equal(await target.sweep(), 0);
  for (const path of [`${half}/main.db.gz`, named, 'old/manifest.json', 'pool/zz/notes.txt'])
    t.ok(existsSync(join(folder, path)), path);
});

t.test('refuses what is beyond the limit of a manifest', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const big = Buffer.alloc(8 * 1024 * 1024 + 1, ' ');
  const pending = await target.begin(backupId());
  await t.rejects(pending.commit(big), { code: 'BACKUP_TARGET' });
  await t.rejects(target.writeNote('removed.json', big), { code: 'BACKUP_TARGET' });
  const id = backupId();
  await makeBackup(target, id);
  writeFileSync(join(folder, id, 'manifest.json'), big);
  await t.rejects(target.readManifest(id), { code: 'BACKUP_DAMAGED', params: { id } });
});

t.test('says what is wrong with a place', async (t) => {
  const folder = testFolder(t, { file: 'x' });
  const target = opened(t, join(folder, 'file'));
  const reason = 'a file stands where a folder should be';
  await t.rejects(target.list(), { code: 'BACKUP_TARGET', params: { reason } });
  await t.rejects(target.workFolder(), { code: 'BACKUP_TARGET' });
});

t.test('says that a disk is read-only', async (t) => {
  const folder = testFolder(t, { backups: {} });
  const view = readOnlyView(t, join(folder, 'backups'));
  if (view === null) return skip(t, 'cannot mount a read-only file system here');
  const target = opened(t, view);
  t.same(await target.list(), []);
  const reason = 'the disk is read-only';
  await t.rejects(target.begin(backupId()), { code: 'BACKUP_TARGET', params: { reason } });
});

t.test('says STORAGE_FULL on a full disk, and goes on when there is room', async (t) => {
  const disk = smallDisk(t, 1024 * 1024);
  if (disk === null) return skip(t, 'cannot mount a small file system here');
  const target = opened(t, disk);
  const elsewhere = testFolder(t);
  const kept = backupId();
  await makeBackup(target, kept, 50_000);
  const id = backupId();
  const pending = await target.begin(id);
  const big = localFile(elsewhere, 'big', Buffer.alloc(2_000_000, 'x'));
  await t.rejects(pending.put('main.db.gz', big, transfer()), {
    code: 'STORAGE_FULL',
    params: { path: disk },
  });
  t.ok(existsSync(big.path), 'what comes from another disk stays there');
  t.throws(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(2_000_000)), { code: 'ENOSPC' });
  await t.rejects(pending.commit(Buffer.from('{}')), { code: 'STORAGE_FULL' });
  await t.rejects(target.writeNote('removed.json', Buffer.from('{}')), { code: 'STORAGE_FULL' });
  await pending.discard();
  t.same(await target.list(), [kept]);
  t.equal(await target.readNote('removed.json'), null);
  await target.remove(kept);
  t.same((await wholeBackups(target)).broken, []);
  await makeBackup(target, id, 20_000);
  t.same((await wholeBackups(target)).whole, [id]);
});

t.test('removes a backup where no folder can be made any more', async (t) => {
  const disk = smallDisk(t, 1024 * 1024, 12);
  if (disk === null) return skip(t, 'cannot mount a small file system here');
  const maker = openFolderTarget({ folder: disk });
  const id = backupId();
  const pending = await maker.begin(id);
  await pending.put('main.db.gz', localFile(testFolder(t), 'x', 'bytes'), transfer());
  await pending.commit(Buffer.from('{}'));
  await maker.close();
  t.throws(
    () => {
      for (let index = 0; index < 20; index += 1) writeFileSync(join(disk, `${index}`), '');
    },
    { code: 'ENOSPC' },
  );
  const target = opened(t, disk);
  await t.rejects(target.begin(backupId()), { code: 'STORAGE_FULL' });
  await target.remove(id);
  t.same(await target.list(), []);
  t.notOk(existsSync(join(disk, id)));
});

t.test('finishes a removal that was cut off on a full disk', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const id = backupId();
  mkdirSync(join(folder, id), { recursive: true });
  writeFileSync(join(folder, id, 'manifest.removing'), '{}');
  writeFileSync(join(folder, id, 'main.db.gz'), 'bytes');
  t.same(await target.list(), []);
  t.equal(await target.sweep(), 1);
  t.notOk(existsSync(join(folder, id)));
});

t.test('sweeps what dead processes left, and nothing of living ones', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const pending = await target.begin(backupId());
  await pending.put('main.db.gz', localFile(await target.workFolder(), 'x', 'bytes'), transfer());
  const [own = ''] = readdirSync(join(folder, '.partial'));
  const [host, space, , nonce] = own.split('.');
  const ended = spawn(process.execPath, ['--version']);
  await once(ended, 'exit');
  const dead = join(folder, '.partial', `${host}.${space}.${ended.pid}.${nonce}`);
  mkdirSync(join(dead, backupId()), { recursive: true });
  mkdirSync(join(dead, 'work-1', 'deep'), { recursive: true });
  const elsewhere = join(folder, '.partial', `elsewhere.${space}.1.${nonce}`);
  mkdirSync(join(elsewhere, backupId()), { recursive: true });
  const half = join(folder, '.partial', `${host}.${space}.1.${nonce}.dead`);
  mkdirSync(join(half, 'removing-x'), { recursive: true });
  t.equal(await target.sweep(), 3);
  t.same(readdirSync(join(folder, '.partial')).sort(), [own, `elsewhere.${space}.1.${nonce}`].sort());
  await pending.commit(Buffer.from('{}'));
  t.equal((await target.list()).length, 1);
});

t.test('does not commit what was swept in spite of its process being alive', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const pending = await target.begin(backupId());
  await pending.put('main.db.gz', localFile(await target.workFolder(), 'x', 'bytes'), transfer());
  const [own = ''] = readdirSync(join(folder, '.partial'));
  renameSync(join(folder, '.partial', own), join(folder, '.partial', `${own}.dead`));
  await t.rejects(pending.commit(Buffer.from('{}')), { code: 'BACKUP_TARGET' });
  t.same(await target.list(), []);
  await pending.discard();
});

/** A process that makes and removes backups in `folder`; its lines are told to `onLine`. */
function making(folder: string, onLine: (line: string) => void): ChildProcess {
  const started = spawn(process.execPath, [child, folder, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: started.stdout }).on('line', onLine);
  return started;
}

t.test('holds whole backups only, whenever a process is killed', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const made = new Set<string>();
  for (let round = 0; round < 12; round += 1) {
    const process = making(folder, (line) => {
      const [what, id = ''] = line.split(' ');
      if (what === 'made') made.add(id);
      else if (what === 'removing') made.delete(id);
    });
    if (process.stdout) await once(process.stdout, 'data');
    await sleep(randomInt(250));
    process.kill('SIGKILL');
    await once(process, 'close');
    await target.sweep();
    const { whole, broken } = await wholeBackups(target);
    t.same(
      [...made].filter((id) => !whole.includes(id)),
      [],
      'what was said to be made is there',
    );
    const left = readdirSync(folder).filter((name) => !whole.includes(name));
    t.same(
      left.filter((name) => !['.partial', 'pool', 'removed.json'].includes(name)),
      [],
    );
    t.same(readdirSync(join(folder, '.partial')), [], 'nothing is left of the process');
    for (const { sha256: hash } of await collect(target.pool.list())) {
      const text = Buffer.concat(await collect(await target.pool.open(hash)));
      if (sha256(text) !== hash) broken.push(`${hash} in the pool`);
    }
    t.same(broken, []);
    const note = await target.readNote('removed.json');
    if (note !== null) t.ok(JSON.parse(Buffer.from(note).toString()).id);
  }
});

t.test('is shared by several processes at once', async (t) => {
  const folder = join(testFolder(t), 'backups');
  const target = opened(t, folder);
  const counts = [0, 0, 0];
  const processes: ChildProcess[] = [];
  await new Promise<void>((resolve) => {
    for (const index of counts.keys()) {
      const process = making(folder, (line) => {
        if (line.startsWith('made')) counts[index] = (counts[index] ?? 0) + 1;
        if (counts.every((count) => count >= 8)) resolve();
      });
      processes.push(process.once('exit', () => resolve()));
    }
  });
  t.same(
    processes.map(({ exitCode }) => exitCode),
    [null, null, null],
    'none has failed',
  );
  t.equal(await target.sweep(), 0, 'nothing of theirs is swept');
  for (const process of processes) process.kill('SIGKILL');
  await Promise.all(processes.map((process) => once(process, 'close')));
  await target.sweep();
  const { whole, broken } = await wholeBackups(target);
  t.same(broken, []);
  t.ok(whole.length >= 6, `${whole.length} backups`);
});
