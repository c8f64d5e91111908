/** The first page of a copy, foretold: what it is hashed with before SQLite writes it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  foretellFirstPage,
  isFirstPageOf,
  readFirstPage,
} from '../../src/backends/sqlite/backup-worker/first-page.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type Database, fileOf, filled, open, snapshotInput, workerOf } from './backup-working.ts';

/** What is done to a database between the look at its first page and the cut. */
type Change = (database: Database) => void;

const SMALL_ROWS = 500;
/** Enough for a copy that is hashed while it is made. */
const LARGE_ROWS = 130_000;

/** Whether the first page of a copy into `folder` is foretold, where `change` was made to the source since its own was read. */
async function isForetold(t: Test, folder: string, source: Database, change: Change): Promise<boolean> {
  const page = readFirstPage(source.name);
  if (page === null) throw new Error('the source has no first page');
  change(source);
  const reader = open(t, source.name);
  reader.exec('begin');
  reader.prepare('select count(*) from sqlite_schema').get();
  const foretold = foretellFirstPage(page, reader);
  const output = await workerOf(t)('snapshot', snapshotInput(folder, { main: source.name }));
  return foretold !== null && isFirstPageOf(fileOf(output, 'main'), foretold);
}

const insert: Change = (database) => {
  database.exec(`insert into rows (name, bytes) select hex(randomblob(9)), randomblob(5000) from rows`);
};
const dropAll: Change = (database) => database.exec('delete from rows');

const changes: Readonly<Record<string, Change>> = {
  'did not change': () => {},
  'grows, in its WAL': insert,
  'grows, without a WAL': (database) => {
    database.pragma('journal_mode = delete');
    insert(database);
  },
  'tells programs its version': (database) => {
    database.pragma('user_version = -7');
    database.pragma('application_id = 305419896');
  },
  'was filled again, after it had free pages': (database) => {
    dropAll(database);
    database.exec('vacuum');
    insert(database);
  },
};

for (const [what, change] of Object.entries(changes))
  for (const pageSizeBytes of [512, 4096, 65536])
    t.test(`is foretold of a database that ${what} (pages of ${pageSizeBytes} bytes)`, async (t) => {
      const folder = testFolder(t, { out: {} });
      const source = filled(t, join(folder, 'live.db'), SMALL_ROWS, pageSizeBytes);
      source.pragma('wal_checkpoint(truncate)');
      t.equal(await isForetold(t, join(folder, 'out'), source, change), true);
    });

t.test('is known for wrong when the schema changed in the WAL', async (t) => {
  const folder = testFolder(t, { out: {} });
  const source = filled(t, join(folder, 'live.db'), SMALL_ROWS);
  source.pragma('wal_checkpoint(truncate)');
  const addTable: Change = (database) => database.exec('create table another (id integer primary key)');
  t.equal(await isForetold(t, join(folder, 'out'), source, addTable), false);
});

t.test('is none where there is no database', (t) => {
  const folder = testFolder(t, { empty: '', text: 'x'.repeat(5000), folder: {} });
  for (const name of ['empty', 'text', 'folder', 'missing']) t.equal(readFirstPage(join(folder, name)), null);
  t.end();
});

for (const isRight of [true, false])
  t.test(
    `a large copy has its own hash, its first page foretold ${isRight ? 'right' : 'wrong'}`,
    async (t) => {
      const folder = testFolder(t, { out: {} });
      const source = filled(t, join(folder, 'live.db'), LARGE_ROWS);
      source.pragma('wal_checkpoint(truncate)');
      if (!isRight) source.exec('create table another (id integer primary key)');
      const output = await workerOf(t)('snapshot', snapshotInput(join(folder, 'out'), { main: source.name }));
      const bytes = readFileSync(fileOf(output, 'main'));
      t.equal(output.databases[0]?.sha256, createHash('sha256').update(bytes).digest('hex'));
    },
  );
