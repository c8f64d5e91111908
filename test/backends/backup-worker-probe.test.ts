/** Whether a SQLite file may be replaced: who has it open, in another process, idle or not. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { filled, open, processAt, workerOf } from './backup-working.ts';

const isLinux = process.platform === 'linux';

t.test('finds a process that has it open and does nothing, in WAL mode', async (t) => {
  const path = join(testFolder(t), 'live.db');
  filled(t, path, 10).close();
  const run = workerOf(t);
  t.match(await run('probe', { path }), { exists: true, openBy: null, isDatabase: true });
  const other = await processAt(t, 'idle', path);
  const { openBy } = await run('probe', { path });
  t.match(openBy, isLinux ? new RegExp(`^process ${other.pid} \\(.+\\)$`) : 'another process');
  other.kill('SIGKILL');
  await new Promise((resolve) => other.once('close', resolve));
  t.match(await run('probe', { path }), { exists: true, openBy: null, isDatabase: true });
});

t.test('finds this process too, which is not the worker', async (t) => {
  const path = join(testFolder(t), 'live.db');
  const database = filled(t, path, 10);
  const run = workerOf(t);
  t.not((await run('probe', { path })).openBy, null);
  database.close();
  t.equal((await run('probe', { path })).openBy, null);
});

t.test(
  'finds an idle process with a rollback journal',
  { skip: isLinux ? false : 'only Linux shows who has a file open' },
  async (t) => {
    const path = join(testFolder(t), 'live.db');
    const database = filled(t, path, 10);
    database.pragma('journal_mode = delete');
    database.close();
    const other = await processAt(t, 'idle', path);
    t.match((await workerOf(t)('probe', { path })).openBy, `process ${other.pid} `);
  },
);

t.test('finds a process in the middle of a transaction', async (t) => {
  const path = join(testFolder(t), 'live.db');
  const database = filled(t, path, 10);
  database.pragma('journal_mode = delete');
  database.close();
  await processAt(t, 'exclusive', path);
  t.not((await workerOf(t)('probe', { path })).openBy, null);
});

t.test('tells what is missing, empty, no database', async (t) => {
  const folder = testFolder(t, { 'empty.db': '', 'text.db': 'just words '.repeat(200), folder: {} });
  const run = workerOf(t);
  const probe = (name: string) => run('probe', { path: join(folder, name) });
  t.same(await probe('none.db'), { exists: false, openBy: null, isDatabase: false });
  t.same(await probe('empty.db'), { exists: true, openBy: null, isDatabase: true });
  t.same(await probe('text.db'), { exists: true, openBy: null, isDatabase: false });
  t.same(await probe('folder'), { exists: true, openBy: null, isDatabase: false });
  t.equal(statSync(join(folder, 'empty.db')).size, 0);
});

t.test('changes nothing', async (t) => {
  const folder = testFolder(t);
  const run = workerOf(t);
  for (const mode of ['wal', 'delete']) {
    const path = join(folder, `${mode}.db`);
    const database = open(t, path);
    database.pragma(`journal_mode = ${mode}`);
    database.exec('create table t (a); insert into t values (1)');
    database.close();
    const before = readFileSync(path);
    t.equal((await run('probe', { path })).openBy, null);
    t.ok(before.equals(readFileSync(path)), mode);
  }
});
