/** Snapshots of live databases by the backup worker: what is copied, what is left, and what is refused. */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import {
  addRows,
  countIn,
  fileOf,
  filled,
  open,
  processAt,
  snapshotInput,
  stopped,
  workerOf,
} from './backup-working.ts';

t.test('copies a database that another process writes to without a pause', async (t) => {
  const folder = testFolder(t, { out: {} });
  const run = workerOf(t);
  const path = join(folder, 'live.db');
  filled(t, path, 20_000).close();
  const writer = await processAt(t, 'rows', path);
  const output = await run('snapshot', snapshotInput(join(folder, 'out'), { main: path }));
  const written = Number(await stopped(writer));
  t.ok(written > 0, 'it was written to, and no write failed');
  const [database] = output.databases;
  t.match(output, { isOneInstant: true, reason: null });
  t.same(readdirSync(join(folder, 'out')), ['main.db'], 'nothing is left beside it');
  const bytes = readFileSync(join(folder, 'out', 'main.db'));
  t.equal(database?.sizeBytes, bytes.length);
  t.equal(database?.sha256, createHash('sha256').update(bytes).digest('hex'));
  t.equal((database?.pages ?? 0) * (database?.pageSizeBytes ?? 0), bytes.length);
  t.same([...bytes.subarray(18, 20)], [1, 1], 'it has no WAL');
  t.ok(countIn(join(folder, 'out', 'main.db')) >= 20_000);
  t.same(readdirSync(join(folder, 'out')), ['main.db'], 'reading it leaves nothing either');
});

for (const pageSizeBytes of [512, 1024, 8192, 65536]) {
  for (const compact of [false, true]) {
    t.test(`copies pages of ${pageSizeBytes} bytes${compact ? ', compact' : ''}`, async (t) => {
      const folder = testFolder(t, { out: {} });
      const path = join(folder, 'live.db');
      const database = filled(t, path, 3000, pageSizeBytes);
      database.exec('delete from rows where id % 2 = 0');
      const run = workerOf(t);
      const output = await run('snapshot', snapshotInput(join(folder, 'out'), { main: path }, { compact }));
      t.equal(output.databases[0]?.pageSizeBytes, pageSizeBytes);
      t.same(readdirSync(join(folder, 'out')), ['main.db']);
      const copy = open(t, fileOf(output, 'main'));
      const rows = 'select id, name, hex(bytes) h from rows order by id';
      t.same(copy.prepare(rows).all(), database.prepare(rows).all());
      const live = Number(database.pragma('page_count', { simple: true }));
      t.equal((output.databases[0]?.pages ?? 0) < live, compact, 'only compact gives up free pages');
    });
  }
}

t.test('copies an empty file as an empty database', async (t) => {
  const folder = testFolder(t, { 'empty.db': '', out: {} });
  const run = workerOf(t);
  for (const compact of [false, true]) {
    const output = await run(
      'snapshot',
      snapshotInput(join(folder, 'out'), { main: join(folder, 'empty.db') }, { compact }),
    );
    t.same(readdirSync(join(folder, 'out')), ['main.db']);
    t.match(await run('check', { path: fileOf(output, 'main'), depth: 'full' }), { problems: [], tables: 0 });
    rmSync(join(folder, 'out', 'main.db'));
  }
});

t.test('copies the state before a transaction that is open in another process', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  const database = filled(t, path, 500);
  database.close();
  await processAt(t, 'migrating', path);
  const run = workerOf(t);
  const output = await run('snapshot', snapshotInput(join(folder, 'out'), { main: path }));
  const columns = open(t, fileOf(output, 'main')).pragma('table_info(rows)');
  t.equal((columns as unknown[]).length, 3);
});

t.test('copies a database with a rollback journal', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  const database = filled(t, path, 500);
  database.pragma('journal_mode = delete');
  const output = await workerOf(t)('snapshot', snapshotInput(join(folder, 'out'), { main: path }));
  t.equal(countIn(fileOf(output, 'main')), 500);
  addRows(database, 1);
  t.same(readdirSync(folder).sort(), ['live.db', 'out'], 'nothing beside the live file');
});

t.test('says which source is missing, a folder, no database, locked', async (t) => {
  const folder = testFolder(t, { 'text.db': 'no database at all, '.repeat(100), folder: {}, out: {} });
  const locked = join(folder, 'locked.db');
  filled(t, locked, 10).pragma('journal_mode = delete');
  await processAt(t, 'exclusive', locked);
  const run = workerOf(t);
  const asked = (name: string): Promise<unknown> =>
    run(
      'snapshot',
      snapshotInput(join(folder, 'out'), { source: join(folder, name) }, { busyTimeoutMs: 200 }),
    );
  const params = (name: string) => ({ name: 'source', path: join(folder, name) });
  await t.rejects(asked('none.db'), { code: 'SOURCE_MISSING', params: params('none.db') });
  await t.rejects(asked('folder'), {
    code: 'SOURCE_UNREADABLE',
    params: { ...params('folder'), reason: 'it is a folder' },
  });
  await t.rejects(asked('text.db'), {
    code: 'SOURCE_UNREADABLE',
    params: { ...params('text.db'), reason: 'it is not a SQLite database' },
  });
  await t.rejects(asked('locked.db'), { code: 'SOURCE_BUSY', params: params('locked.db') });
  t.same(readdirSync(join(folder, 'out')), []);
  t.notOk(readdirSync(folder).includes('none.db'), 'what is missing is not made');
});

t.test('finds a damaged source, and leaves no copy of it', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  const database = filled(t, path, 2000);
  database.pragma('journal_mode = delete');
  database.close();
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 100 * 4096, 103 * 4096);
  writeFileSync(path, bytes);
  const run = workerOf(t);
  await t.rejects(run('snapshot', snapshotInput(join(folder, 'out'), { main: path })), {
    code: 'SOURCE_DAMAGED',
    params: { name: 'main', path },
  });
  truncateSync(path, 200 * 4096);
  await t.rejects(run('snapshot', snapshotInput(join(folder, 'out'), { main: path })), {
    code: 'SOURCE_DAMAGED',
  });
  t.same(readdirSync(join(folder, 'out')), []);
});

t.test('counts rows that break a foreign key, up to a thousand, and takes them along', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  const database = open(t, path);
  database.pragma('foreign_keys = off');
  database.exec(`create table parent (id integer primary key);
    create table child (id integer primary key, parent integer references parent, n check (n < 5));
    insert into child (parent) values (7), (8), (9);
    pragma ignore_check_constraints = on;
    insert into child (n) values (9)`);
  const run = workerOf(t);
  const snapshot = async (): Promise<number | undefined> =>
    (await run('snapshot', snapshotInput(join(folder, 'out'), { main: path }))).databases[0]
      ?.foreignKeyViolations;
  t.equal(await snapshot(), 3);
  database.exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
    insert into child (parent) select i from n`);
  t.equal(await snapshot(), 1000);
});

t.test('gives the same hash of a schema for a compact copy, another one for another schema', async (t) => {
  const folder = testFolder(t, { a: {}, b: {}, c: {} });
  const path = join(folder, 'live.db');
  const database = filled(t, path, 10);
  const run = workerOf(t);
  const hash = async (out: string, compact: boolean): Promise<string | undefined> =>
    (await run('snapshot', snapshotInput(join(folder, out), { main: path }, { compact }))).databases[0]
      ?.schemaSha256;
  const before = await hash('a', false);
  t.match(before, /^[0-9a-f]{64}$/);
  t.equal(await hash('b', true), before);
  database.exec('create index more on rows (bytes)');
  t.not(await hash('c', false), before);
});

t.test('refuses names that lead out of the folder', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  filled(t, path, 1);
  const run = workerOf(t);
  for (const name of ['../x', '..', '', 'a/b'])
    await t.rejects(run('snapshot', snapshotInput(join(folder, 'out'), { [name]: path })), {
      code: 'BACKUP_FAILED',
    });
  t.same(readdirSync(join(folder, 'out')), []);
});

t.test(
  'takes one file under two names for one',
  { skip: process.platform === 'win32' ? 'links need rights on Windows' : false },
  async (t) => {
    const folder = testFolder(t, { out: {} });
    const path = join(folder, 'live.db');
    filled(t, path, 10);
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(path, join(folder, 'elsewhere', 'link.db'));
    const output = await workerOf(t)(
      'snapshot',
      snapshotInput(join(folder, 'out'), { a: path, b: join(folder, 'elsewhere', 'link.db') }),
    );
    t.match(output, { isOneInstant: true, reason: null });
    t.equal(output.databases[0]?.sha256, output.databases[1]?.sha256);
  },
);
