/** The backup worker on a disk that is full, and on one that cannot be written. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { countIn, fileOf, filled, snapshotInput, workerOf } from './backup-working.ts';
import { readOnlyView, smallDisk } from './mounted.ts';

const NO_MOUNTS = 'this process may not mount file systems';

t.test('says that the disk is full, and leaves nothing on it', async (t) => {
  const disk = smallDisk(t, 2 * 1024 * 1024);
  if (disk === null) {
    t.pass(NO_MOUNTS, { skip: NO_MOUNTS });
    return;
  }
  const folder = testFolder(t, { big: Buffer.alloc(4_000_000, 'text') });
  const path = join(folder, 'live.db');
  filled(t, path, 8000).close();
  const run = workerOf(t);
  for (const compact of [false, true]) {
    await t.rejects(run('snapshot', snapshotInput(disk, { main: path }, { compact })), {
      code: 'STORAGE_FULL',
    });
    t.same(readdirSync(disk), []);
  }
  writeFileSync(join(folder, 'big.gz'), gzipSync(Buffer.alloc(4_000_000, 'text')));
  const to = join(disk, 'unpacked');
  await t.rejects(run('unpack', { path: join(folder, 'big.gz'), to }), { code: 'STORAGE_FULL' });
  const queries = ['select hex(bytes) from rows'];
  await t.rejects(run('query', { path, queries, to: join(disk, 'lines') }), { code: 'STORAGE_FULL' });
});

t.test('reads a database on a file system that cannot be written, or says why not', async (t) => {
  const folder = testFolder(t, { out: {}, source: {} });
  const source = join(folder, 'source');
  filled(t, join(source, 'wal.db'), 10).close();
  const plain = filled(t, join(source, 'plain.db'), 10);
  plain.pragma('journal_mode = delete');
  plain.close();
  const view = readOnlyView(t, source);
  if (view === null) {
    t.pass(NO_MOUNTS, { skip: NO_MOUNTS });
    return;
  }
  const run = workerOf(t);
  const path = join(view, 'wal.db');
  mkdirSync(join(folder, 'other'));
  await t.rejects(run('snapshot', snapshotInput(join(folder, 'other'), { main: path })), {
    code: 'SOURCE_UNREADABLE',
    params: { name: 'main', path, reason: /-shm file cannot be made/ },
  });
  t.match(await run('check', { path, depth: 'full' }), { problems: [], tables: 1 });
  t.match(await run('probe', { path }), { exists: true, isDatabase: true });
  const paths = { plain: join(view, 'plain.db'), again: join(source, 'wal.db') };
  const output = await run('snapshot', snapshotInput(join(folder, 'out'), paths));
  t.match(output, {
    isOneInstant: false,
    reason: 'not every database could be held: one cannot be written by this process',
  });
  t.equal(countIn(fileOf(output, 'plain')), 10);
});
