/** What every place of backups must do, whatever holds it: one suite for all of them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { BackupTarget } from '../../src/backup/target.ts';
import { backupId, collect, localFile, makeBackup, sha256, transfer, wholeBackups } from './backup-making.ts';

/** @param open an empty place; the suite closes it */
export function backupTargetConformance(t: Test, open: (t: Test) => Promise<BackupTarget>): void {
  const opened = async (t: Test): Promise<BackupTarget> => {
    const target = await open(t);
    t.teardown(() => target.close());
    return target;
  };

  t.test('has nothing where nothing was written', async (t) => {
    const target = await opened(t);
    const id = backupId();
    t.same(await target.list(), []);
    t.equal(await target.readNote('removed.json'), null);
    t.equal(await target.pool.size(sha256('x')), null);
    t.same(await collect(target.pool.list()), []);
    t.equal(await target.sweep(), 0);
    await t.rejects(target.readManifest(id), { code: 'BACKUP_NOT_FOUND', params: { id } });
    await t.rejects(target.fileSize(id, 'main.db.gz'), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.open(id, 'main.db.gz'), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.remove(id), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.readNote(`${id}/verified.json`), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.writeNote(`${id}/verified.json`, Buffer.from('{}')), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.pool.open(sha256('x')), { code: 'BACKUP_DAMAGED', params: { id: 'pool' } });
    await target.pool.remove(sha256('x'));
  });

  t.test('gives a backup back byte for byte', async (t) => {
    const target = await opened(t);
    const id = backupId();
    const pending = await target.begin(id);
    const folder = await target.workFolder();
    const contents = [randomBytes(1), Buffer.alloc(0), randomBytes(700_001)];
    let told = 0;
    for (const [index, bytes] of contents.entries()) {
      const from = localFile(folder, `${index}`, bytes);
      await pending.put(`db${index}.db.gz`, from, {
        ...transfer(),
        onBytes(bytes) {
          told += bytes;
        },
      });
    }
    t.equal(told, 700_002, 'and tells of each byte once');
    const manifest = Buffer.from(JSON.stringify({ id }));
    await pending.commit(manifest);

    t.same(await target.list(), [id]);
    t.equal(Buffer.from(await target.readManifest(id)).toString(), manifest.toString());
    for (const [index, bytes] of contents.entries()) {
      t.equal(await target.fileSize(id, `db${index}.db.gz`), bytes.length);
      const read = Buffer.concat(await collect(await target.open(id, `db${index}.db.gz`)));
      t.ok(read.equals(bytes), `${bytes.length} bytes`);
    }
    t.equal(await target.fileSize(id, 'other.db.gz'), null);
    await t.rejects(target.open(id, 'other.db.gz'), { code: 'BACKUP_DAMAGED', params: { id } });
  });

  t.test('shows nothing of a backup before it is committed, nor after it is discarded', async (t) => {
    const target = await opened(t);
    const id = backupId();
    const pending = await target.begin(id);
    const from = localFile(await target.workFolder(), 'x', 'bytes');
    await pending.put('main.db.gz', from, transfer());
    t.same(await target.list(), []);
    await t.rejects(target.readManifest(id), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.fileSize(id, 'main.db.gz'), { code: 'BACKUP_NOT_FOUND' });
    await pending.discard();
    t.same(await target.list(), []);
    await makeBackup(target, id);
    t.same(await target.list(), [id], 'the ID may be used again');
    await pending.discard();
    t.same(await target.list(), [id], 'to discard once more does nothing to it');
  });

  t.test('lists the oldest first', async (t) => {
    const target = await opened(t);
    const ids = ['20250101T000000Z-ffffff', '20241231T235959Z-000000', '20250101T000000Z-000000'];
    for (const id of ids) await makeBackup(target, id);
    t.same(await target.list(), [ids[1], ids[2], ids[0]]);
  });

  t.test('refuses an ID that is taken, and leaves what has it alone', async (t) => {
    const target = await opened(t);
    const id = backupId();
    const before = await makeBackup(target, id);
    await t.rejects(
      target.begin(id).then((pending) => pending.commit(Buffer.from('{}'))),
      { code: 'BACKUP_TARGET' },
    );
    t.equal(Buffer.from(await target.readManifest(id)).toString(), before);
  });

  t.test(
    'refuses a file that is in the backup already, and one whose hash or length is another',
    async (t) => {
      const target = await opened(t);
      const folder = await target.workFolder();
      const id = backupId();
      const pending = await target.begin(id);
      await pending.put('main.db.gz', localFile(folder, 'a', 'first'), transfer());
      const second = localFile(folder, 'b', 'second');
      await t.rejects(pending.put('main.db.gz', second, transfer()), { code: 'BACKUP_TARGET' });
      for (const wrong of [{ sha256: sha256('other') }, { sizeBytes: 6 }]) {
        const from = { ...localFile(folder, 'c', 'third'), ...wrong };
        await t.rejects(pending.put('msg.db.gz', from, transfer()), { code: 'BACKUP_TARGET' });
      }
      await pending.put('msg.db.gz', localFile(folder, 'd', 'fourth'), transfer());
      await pending.commit(Buffer.from('{}'));
      const read = async (file: string): Promise<string> =>
        Buffer.concat(await collect(await target.open(id, file))).toString();
      t.equal(await read('main.db.gz'), 'first');
      t.equal(await read('msg.db.gz'), 'fourth');
    },
  );

  t.test('takes no name that leads elsewhere, and no place of the manifest', async (t) => {
    const target = await opened(t);
    const folder = await target.workFolder();
    const id = backupId();
    for (const bad of ['', '..', '../x', `${id}/..`, 'x', `${id}\n`, `.${id}`]) {
      await t.rejects(target.begin(bad), { code: 'BACKUP_TARGET' }, JSON.stringify(bad));
      await t.rejects(target.readManifest(bad), { code: 'BACKUP_NOT_FOUND' });
      await t.rejects(target.remove(bad), { code: 'BACKUP_NOT_FOUND' });
    }
    const pending = await target.begin(id);
    const names = [
      '',
      '.',
      '..',
      '../x.gz',
      'a/b',
      'a\\b',
      '/x',
      '.x',
      'x\0',
      'manifest.json',
      'verified.json',
    ];
    for (const bad of [...names, 'MANIFEST.JSON', 'x'.repeat(129)]) {
      const from = localFile(folder, 'f', 'bytes');
      await t.rejects(pending.put(bad, from, transfer()), { code: 'BACKUP_TARGET' }, JSON.stringify(bad));
    }
    await pending.commit(Buffer.from('{}'));
    for (const bad of ['', '..', '../pool', `../${id}/manifest.json`, '/etc/hostname', 'a\\b']) {
      t.equal(await target.fileSize(id, bad), null, JSON.stringify(bad));
      await t.rejects(target.open(id, bad), { code: 'BACKUP_DAMAGED' });
    }
    for (const bad of [
      '',
      'x',
      '../x.json',
      `${id}/manifest.json`,
      `${id}/../x.json`,
      'a/b.json',
      '/x.json',
    ]) {
      t.equal(await target.readNote(bad), null, JSON.stringify(bad));
      await t.rejects(target.writeNote(bad, Buffer.from('{}')), { code: 'BACKUP_TARGET' });
    }
    for (const bad of ['', 'x', '..', sha256('x').toUpperCase()]) {
      t.equal(await target.pool.size(bad), null);
      await t.rejects(target.pool.open(bad), { code: 'BACKUP_DAMAGED' });
      await t.rejects(target.pool.put(bad, localFile(folder, 'f', 'bytes'), transfer()));
      await target.pool.remove(bad);
    }
    t.same(await target.list(), [id]);
  });

  t.test('removes a backup with all that is in it, and no other', async (t) => {
    const target = await opened(t);
    const [one, other] = [backupId(), backupId()];
    await makeBackup(target, one);
    await makeBackup(target, other);
    await target.writeNote(`${one}/verified.json`, Buffer.from('{"ok":true}'));
    await target.remove(one);
    t.same(await target.list(), [other]);
    await t.rejects(target.readManifest(one), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.readNote(`${one}/verified.json`), { code: 'BACKUP_NOT_FOUND' });
    await t.rejects(target.remove(one), { code: 'BACKUP_NOT_FOUND' });
    t.same((await wholeBackups(target)).broken, []);
  });

  t.test('keeps notes, each replaced whole', async (t) => {
    const target = await opened(t);
    const id = backupId();
    await makeBackup(target, id);
    t.equal(await target.readNote(`${id}/verified.json`), null);
    for (const name of ['removed.json', `${id}/verified.json`]) {
      for (const text of ['{"a":"the longer one of the two"}', '{}', '']) {
        await target.writeNote(name, Buffer.from(text));
        t.equal(Buffer.from((await target.readNote(name)) ?? 'none').toString(), text, name);
      }
    }
    t.same(await target.list(), [id]);
  });

  t.test('keeps files of the pool once, and never changes them', async (t) => {
    const target = await opened(t);
    const folder = await target.workFolder();
    const startMs = Date.now();
    const [one, other] = [sha256('one'), sha256('other')];
    await target.pool.put(one, localFile(folder, 'a', 'one, compressed'), transfer());
    await target.pool.put(other, localFile(folder, 'b', 'other, compressed'), transfer());
    await target.pool.put(one, localFile(folder, 'c', 'one, in other words'), transfer());
    t.equal(await target.pool.size(one), 15);
    t.equal(Buffer.concat(await collect(await target.pool.open(one))).toString(), 'one, compressed');
    const listed = await collect(target.pool.list());
    t.same(
      listed.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]).sort(),
      [
        [one, 15],
        [other, 17],
      ].sort(),
    );
    // File systems and servers round times.
    for (const { putAtMs } of listed) t.ok(putAtMs > startMs - 5000 && putAtMs < Date.now() + 5000);
    const wrong = { ...localFile(folder, 'd', 'third'), sha256: sha256('fourth') };
    await t.rejects(target.pool.put(sha256('third'), wrong, transfer()), { code: 'BACKUP_TARGET' });
    t.equal(await target.pool.size(sha256('third')), null);
    await target.pool.remove(one);
    t.equal(await target.pool.size(one), null);
    t.equal(await target.pool.size(other), 17);
    t.same(await target.list(), []);
  });

  t.test('takes one file of the pool from several at once', async (t) => {
    const target = await opened(t);
    const folder = await target.workFolder();
    const bytes = randomBytes(300_000);
    await Promise.all(
      [0, 1, 2, 3].map((index) =>
        target.pool.put(sha256(bytes), localFile(folder, `${index}`, bytes), transfer()),
      ),
    );
    t.ok(Buffer.concat(await collect(await target.pool.open(sha256(bytes)))).equals(bytes));
    t.equal((await collect(target.pool.list())).length, 1);
  });

  t.test('stops when it is told to, and nothing is left to be seen', async (t) => {
    const target = await opened(t);
    const folder = await target.workFolder();
    const id = backupId();
    const pending = await target.begin(id);
    const from = localFile(folder, 'x', randomBytes(2_000_000));
    const stop = new AbortController();
    const put = pending.put('main.db.gz', from, { signal: stop.signal, onBytes: () => stop.abort() });
    await t.rejects(put, { name: 'AbortError' });
    const again = pending.put('main.db.gz', from, { signal: stop.signal });
    await t.rejects(again, { name: 'AbortError' }, 'nor does it begin');
    await pending.discard();
    t.same(await target.list(), []);
    t.equal(await target.sweep(), 0, 'nothing is left to sweep');
  });

  t.test('gives private folders to work in, on a disk that it knows', async (t) => {
    const target = await opened(t);
    const [one, other] = [await target.workFolder(), await target.workFolder()];
    t.not(one, other);
    if (process.platform !== 'win32') t.equal(statSync(one).mode & 0o777, 0o700);
    mkdirSync(join(one, 'below'));
    t.ok((await target.freeBytes()) > 0);
    t.equal(await target.sweep(), 0, 'those of living processes stay');
    t.ok(statSync(join(one, 'below')).isDirectory());
  });
}
