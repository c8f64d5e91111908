/** The store of log sessions on SQLite: the common suite, several processes, and sums that equal a recount. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { SqlBackend } from '../../src/backends/sql/backend.ts';
import { createLogStore } from '../../src/backends/sql/log-store.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { ALL, factRow, fileRow, hitRows, NO_LIMIT, NOW_MS, recordRow, sessionRow } from './log-rows.ts';
import { logStoreConformance } from './log-store-conformance.ts';
import { chance } from './rows.ts';

async function opened(t: Test, path = join(t.testdir(), 'chs.db')): Promise<SqlBackend> {
  const backend = await openSqlite({ path, busyTimeoutMs: 30_000 });
  t.teardown(() => backend.close());
  return backend;
}

logStoreConformance(t, async (t) => createLogStore(await opened(t)));

t.test('several processes that make the key of cursors have the same one', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const script = fileURLToPath(new URL('./log-process.js', import.meta.url));
  const outputs = await Promise.all(
    Array.from({ length: 3 }, async (_, index) => {
      const child = spawn(process.execPath, [script, path, `ses_${index}`]);
      child.stderr.pipe(process.stderr);
      let text = '';
      child.stdout.on('data', (chunk) => (text += chunk));
      const [code] = await once(child, 'close');
      t.equal(code, 0);
      return text.trim().split(' ');
    }),
  );
  const store = createLogStore(await opened(t, path));
  const key = Buffer.from(await store.cursorKey()).toString('hex');
  t.same(new Set(outputs.map(([shown]) => shown)), new Set([key]));
  const directory = new Set(outputs.map(([, id]) => id));
  t.equal(directory.size, 1, 'and one session for one directory');
  const { rows, total } = await store.sessions(10, ALL);
  t.equal(total, 4);
  t.match(
    rows.find(({ id }) => directory.has(id)),
    { searches: 3, hits: 600 },
  );
});

t.test('sums equal a recount whatever is added and removed', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const backend = await opened(t, path);
  const store = createLogStore(backend);
  const random = chance(11);
  const pick = (count: number) => Math.floor(random() * count);
  await store.createSession(sessionRow('ses_a'));
  const empty = (await store.sessions(1, ALL)).rows[0]?.storedBytes ?? 0;
  for (let round = 0; round < 150; round += 1) {
    const record = `src_${pick(12)}`;
    const act = pick(5);
    if (act === 0)
      await store.saveSearch(recordRow(record, 'ses_a'), hitRows(record, pick(30), pick(30)), 30_000);
    if (act === 1) await store.putFiles('ses_a', [fileRow(`/${pick(5)}`), fileRow('/x', { size: round })]);
    if (act === 2) await store.putFiles('ses_a', [], { gone: [`/${pick(5)}`] });
    if (act === 3)
      await store.remember('ses_a', { key: `${pick(4)}`, value: 'v'.repeat(pick(50)) }, NO_LIMIT);
    if (act === 4)
      await store.saveFacts('ses_a', [factRow(`f${pick(100)}`, `hit_${record}_${pick(40)}`)], NO_LIMIT);
    if (pick(10) === 0) await store.forget('ses_a', `${pick(4)}`);
  }
  const reader = new (loadDriver())(path);
  t.teardown(() => reader.close());
  const sum = (table: string, columns: string) => {
    const lengths = columns.split(' ').map((column) => `coalesce(octet_length(${column}), 0)`);
    const query = `SELECT coalesce(sum(${lengths.join(' + ')} + 100), 0) AS bytes FROM ${table}`;
    return Number(reader.prepare<[], { bytes: number }>(query).get()?.bytes);
  };
  const searches =
    sum('search_records', 'id session_id query_json snapshot') +
    sum('search_hits', 'id record_id session_id file content context') +
    sum('facts', 'id session_id hit_id rule_name fields_json');
  const ofRecords = reader
    .prepare('SELECT sum(bytes) AS bytes, sum(hit_count) AS hits FROM search_records')
    .get();
  const hits = reader.prepare('SELECT count(*) AS hits FROM search_hits').get();
  t.match(ofRecords, { bytes: searches, ...Object(hits) });
  const files = reader.prepare('SELECT count(*) AS files, sum(size) AS sizeBytes FROM session_files').get();
  const rest =
    sum('session_files', 'path encoding timestamp_format family_id details') +
    sum('memories', 'session_id key value');
  const { rows } = await store.sessions(1, ALL);
  t.match(rows, [{ storedBytes: empty + searches + rest, ...Object(files) }]);
});

t.test('a deletion that was broken off is finished by the next expiry, and seen by nobody', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const store = createLogStore(await opened(t, path));
  await store.createSession(sessionRow('ses_a'));
  await store.saveSearch(recordRow('src_1', 'ses_a'), hitRows('src_1', 3), NO_LIMIT);
  const other = new (loadDriver())(path);
  t.teardown(() => other.close());
  other.exec("UPDATE sessions SET used_at = 0, directory = NULL WHERE id = 'ses_a'");
  t.equal(await store.session('ses_a'), null);
  t.equal(await store.searchRecord('src_1'), null);
  t.same(await store.sessions(10, ALL), { rows: [], total: 0 });
  t.equal(await store.saveSearch(recordRow('src_2', 'ses_a'), [], NO_LIMIT), 'no_session');
  t.equal(await store.deleteSession('ses_a'), false);
  t.equal(await store.expireSessions(NOW_MS - 1), 1);
  for (const table of ['sessions', 'search_records', 'search_hits'])
    t.same(other.prepare(`SELECT count(*) AS rows FROM ${table}`).get(), { rows: 0 }, table);
});
