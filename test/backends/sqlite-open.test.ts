/** Opening SQLite databases: settings, several processes, locks held by others, files that are no database. */
import { execFile } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import type { SqlBackend } from '../../src/backends/sql/backend.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { makeDocumentedDatabase } from './documented.ts';
import { readOnlyView } from './mounted.ts';
import { minidumpRow } from './rows.ts';

const run = promisify(execFile);
const writingProcess = fileURLToPath(new URL('./writing-process.js', import.meta.url));

async function opened(t: Test, path: string, busyTimeoutMs = 5000): Promise<SqlBackend> {
  const backend = await openSqlite({ path, busyTimeoutMs });
  t.teardown(() => backend.close());
  return backend;
}

/** A connection of another program. */
function foreign(t: Test, path: string): InstanceType<ReturnType<typeof loadDriver>> {
  const database = new (loadDriver())(path);
  t.teardown(() => database.close());
  return database;
}

t.test('opens with WAL, durable commits and foreign keys', async (t) => {
  const { db } = await opened(t, join(t.testdir(), 'new', 'folder', 'chs.db'));
  const pragma = async (name: string): Promise<unknown> =>
    Object.values((await sql<object>`pragma ${sql.raw(name)}`.execute(db)).rows[0] ?? {})[0];
  t.equal(await pragma('journal_mode'), 'wal');
  t.equal(await pragma('synchronous'), 2);
  t.equal(await pragma('foreign_keys'), 1);
});

t.test('opens a new database from six processes at once, and all write', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const runs = Array.from({ length: 6 }, () => run(process.execPath, [writingProcess, path, '20']));
  for (const { stdout } of await Promise.all(runs)) t.equal(stdout.trim(), '20');
  const store = createCrashStore(await opened(t, path));
  t.equal((await store.listMinidumps({}, { offset: 0, limit: 1 })).total, 120);
});

t.test('migrates a documented database from three processes at once', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const dumps = Array.from({ length: 500 }, (_, index) => ({
    id: `dump-${index}`,
    timestamp: '2026-01-06T12:34:56Z',
    file_path: `./storage/minidumps/${index}.dmp`,
  }));
  makeDocumentedDatabase(path, dumps);
  await Promise.all(Array.from({ length: 3 }, () => run(process.execPath, [writingProcess, path, '5'])));
  const store = createCrashStore(await opened(t, path));
  t.equal((await store.listMinidumps({}, { offset: 0, limit: 1 })).total, 515);
});

t.test('waits for a lock that another process gives up in time', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const store = createCrashStore(await opened(t, path, 60_000));
  const other = foreign(t, path);
  other.exec('BEGIN IMMEDIATE');
  const adding = store.addMinidump(minidumpRow(), '{}');
  await sleep(200);
  t.equal(await store.find('minidumps', 'none'), null, 'reads go on meanwhile');
  other.exec('COMMIT');
  t.equal((await adding).added, true);
});

t.test('says DATABASE_BUSY in the end, and lets everything else run meanwhile', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const store = createCrashStore(await opened(t, path, 600));
  foreign(t, path).exec('BEGIN IMMEDIATE');
  let longestGapMs = 0;
  let lastMs = performance.now();
  const ticking = setInterval(() => {
    const nowMs = performance.now();
    longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 5);
  await t.rejects(store.addMinidump(minidumpRow(), '{}'), { code: 'DATABASE_BUSY' });
  clearInterval(ticking);
  t.comment(`longest gap: ${Math.round(longestGapMs)} ms`);
  t.ok(longestGapMs < 400, 'the event loop never stands still for the whole wait');
});

t.test('says DATABASE_BUSY when a new database stays locked, and opens one that is in use', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const other = foreign(t, path);
  other.exec('BEGIN EXCLUSIVE');
  await t.rejects(openSqlite({ path, busyTimeoutMs: 100 }), { code: 'DATABASE_BUSY' });
  other.exec('COMMIT');
  await opened(t, path);
  other.exec('BEGIN IMMEDIATE');
  const store = createCrashStore(await opened(t, path, 100));
  t.equal(await store.find('minidumps', 'none'), null);
});

t.test('says DATABASE_UNUSABLE, and why, for what is no database of ours', async (t) => {
  const folder = t.testdir({
    'text.db': 'not a database, but long enough to be one\n'.repeat(100),
    'folder.db': {},
  });
  const refused = (name: string, reason: RegExp): Promise<unknown> =>
    t.rejects(openSqlite({ path: join(folder, name), busyTimeoutMs: 100 }), {
      code: 'DATABASE_UNUSABLE',
      params: { path: join(folder, name), reason },
    });
  await refused('text.db', /not a database/);
  t.match(readFileSync(join(folder, 'text.db'), 'utf8'), /^not a database/, 'and leaves it alone');
  await refused('folder.db', /unable to open/);
  await refused(join('text.db', 'chs.db'), /ENOTDIR|EEXIST|ENOENT/);

  const whole = join(folder, 'truncated.db');
  await (await openSqlite({ path: whole, busyTimeoutMs: 100 })).close();
  truncateSync(whole, 4096 + 100);
  await refused('truncated.db', /malformed/);
  writeFileSync(join(folder, 'header.db'), readFileSync(whole).subarray(0, 60));
  await refused('header.db', /not a database|malformed/);

  const newer = new (loadDriver())(join(folder, 'newer.db'));
  newer.pragma('user_version = 999');
  newer.close();
  await refused('newer.db', /newer version of chs/);
});

t.test('says DATABASE_UNUSABLE for a database that cannot be written', async (t) => {
  const folder = t.testdir();
  await (await openSqlite({ path: join(folder, 'chs.db'), busyTimeoutMs: 100 })).close();
  const view = readOnlyView(t, folder);
  if (view === null) return void t.pass('not tested', { skip: 'cannot mount a read-only file system here' });
  const opening = openSqlite({ path: join(view, 'chs.db'), busyTimeoutMs: 100 });
  await t.rejects(opening, {
    code: 'DATABASE_UNUSABLE',
    params: { reason: /readonly|read-only|unable to open/ },
  });
});

t.test('leaves the database as it was when a migration fails in the middle', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  makeDocumentedDatabase(path, [
    { id: 'a', timestamp: '2026-01-06T12:34:56Z', file_path: './storage/a.dmp' },
  ]);
  const other = foreign(t, path);
  other.exec('CREATE TABLE minidump_tallies (in_the_way TEXT)');
  const columnsOf = (): unknown[] => other.prepare('SELECT name FROM pragma_table_info(?)').all('minidumps');
  const before = columnsOf();
  await t.rejects(openSqlite({ path, busyTimeoutMs: 1000 }), {
    code: 'DATABASE_UNUSABLE',
    params: { reason: /minidump_tallies already exists/ },
  });
  t.same(columnsOf(), before);
  t.same(other.prepare('SELECT id, exe_version FROM minidumps').all(), [{ id: 'a', exe_version: '1.0.2.3' }]);
  t.equal(other.pragma('user_version', { simple: true }), 0);
  other.exec('DROP TABLE minidump_tallies');
  const store = createCrashStore(await opened(t, path));
  t.equal((await store.find('minidumps', 'a'))?.exe_version, '1.0.2.3');
});

t.test('opens a database again with what was in it', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const row = minidumpRow();
  const first = await openSqlite({ path, busyTimeoutMs: 100 });
  await createCrashStore(first).addMinidump(row, '{}');
  await first.close();
  t.same(await createCrashStore(await opened(t, path)).find('minidumps', row.id), row);
});
