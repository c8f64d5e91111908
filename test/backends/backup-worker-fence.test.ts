/** Several databases cut at one instant, whoever writes to them together meanwhile. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  countIn,
  type Database,
  fileOf,
  filled,
  open,
  processAt,
  snapshotInput,
  stopped,
  workerOf,
} from './backup-working.ts';

const CUTS = 120;

function counter(database: Database, journalMode: string): void {
  database.pragma(`journal_mode = ${journalMode}`);
  database.exec('create table counter (n integer); insert into counter values (0)');
  database.close();
}

for (const journalMode of ['wal', 'delete']) {
  t.test(`two databases that one transaction writes always agree: ${journalMode}`, async (t) => {
    const folder = testFolder(t, { out: {} });
    const paths = { a: join(folder, 'a.db'), b: join(folder, 'b.db') };
    for (const path of Object.values(paths)) counter(open(t, path), journalMode);
    const writer = await processAt(t, 'pairs', paths.a, paths.b);
    const run = workerOf(t);
    const seen = new Set<number>();
    let atOneInstant = 0;
    for (let cut = 0; cut < CUTS; cut += 1) {
      const output = await run(
        'snapshot',
        snapshotInput(join(folder, 'out'), paths, { busyTimeoutMs: 20_000 }),
      );
      const [a, b] = ['a', 'b'].map((name) => valueIn(fileOf(output, name)));
      if (output.isOneInstant) {
        atOneInstant += 1;
        if (a !== b) t.fail(`cut ${cut}: ${a} in one, ${b} in the other`);
        seen.add(a ?? -1);
      }
      for (const { file } of output.databases) rmSync(file);
    }
    t.ok(Number(await stopped(writer)) > CUTS, 'the writer never failed');
    t.equal(atOneInstant, CUTS);
    t.ok(seen.size > CUTS / 4, `it wrote meanwhile: ${seen.size} states of ${CUTS} cuts`);
  });
}

t.test('cuts one by one, and says why, where a database is held by another process', async (t) => {
  const folder = testFolder(t, { out: {} });
  const paths = { a: join(folder, 'a.db'), b: join(folder, 'b.db') };
  filled(t, paths.a, 10).close();
  filled(t, paths.b, 10).close();
  await processAt(t, 'migrating', paths.b);
  const input = snapshotInput(join(folder, 'out'), paths, { busyTimeoutMs: 100 });
  const output = await workerOf(t)('snapshot', input);
  t.match(output, {
    isOneInstant: false,
    reason: 'a database was locked by another process for too long',
  });
  t.same(
    output.databases.map(({ file }) => countIn(file)),
    [10, 10],
  );
});

t.test('cuts compact copies one by one, and says so', async (t) => {
  const folder = testFolder(t, { out: {} });
  const paths = { a: join(folder, 'a.db'), b: join(folder, 'b.db') };
  for (const path of Object.values(paths)) filled(t, path, 10).close();
  const run = workerOf(t);
  const both = await run('snapshot', snapshotInput(join(folder, 'out'), paths, { compact: true }));
  t.match(both, { isOneInstant: false, reason: 'compact copies are cut one after the other' });
  rmSync(join(folder, 'out', 'a.db'));
  const one = await run('snapshot', snapshotInput(join(folder, 'out'), { a: paths.a }, { compact: true }));
  t.match(one, { isOneInstant: true, reason: null });
});

t.test('makes no file for a source that is missing, among others that are there', async (t) => {
  const folder = testFolder(t, { out: {} });
  const paths = { a: join(folder, 'a.db'), b: join(folder, 'b.db') };
  filled(t, paths.a, 10).close();
  const asked = workerOf(t)('snapshot', snapshotInput(join(folder, 'out'), paths));
  await t.rejects(asked, { code: 'SOURCE_MISSING', params: { name: 'b', path: paths.b } });
  t.notOk(existsSync(paths.b));
  t.same(readdirSync(join(folder, 'out')), []);
});

/**
 * Why there is a fence, without chance: a transaction over two files commits them one by one. What stands here for the
 * moment between is two readers that begin before and after a commit, as they would without it.
 */
t.test('readers that begin one after the other see halves of a transaction', (t) => {
  const folder = testFolder(t);
  const paths = { a: join(folder, 'a.db'), b: join(folder, 'b.db') };
  for (const path of Object.values(paths)) counter(open(t, path), 'wal');
  const [a, b, writer] = [open(t, paths.a), open(t, paths.b), open(t, paths.a)];
  a.exec('begin');
  const value = 'select n from counter';
  const first = a.prepare(value).pluck().get();
  writer.prepare('attach ? as other').run(paths.b);
  writer.exec('begin; update main.counter set n = n + 1; update other.counter set n = n + 1; commit');
  b.exec('begin');
  t.not(b.prepare(value).pluck().get(), first);
  a.exec('rollback');
  b.exec('rollback');
  t.end();
});

function valueIn(path: string): number {
  const database = new (loadDriver())(path, { readonly: true });
  try {
    return Number(database.prepare('select n from counter').pluck().get());
  } finally {
    database.close();
  }
}
