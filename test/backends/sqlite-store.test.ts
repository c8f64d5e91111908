/** The stores on SQLite: the common suites, and tallies that hold whoever writes the rows. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SqlBackend } from '../../src/backends/sql/backend.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { createMissStore } from '../../src/backends/sql/miss-store.ts';
import { createModuleStore } from '../../src/backends/sql/module-store.ts';
import { createTokenStore } from '../../src/backends/sql/token-store.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { crashStoreConformance } from './crash-store-conformance.ts';
import { missStoreConformance } from './miss-store-conformance.ts';
import { moduleStoreConformance } from './module-store-conformance.ts';
import { chance, guidKey, minidumpRow } from './rows.ts';
import { tokenStoreConformance } from './token-store-conformance.ts';

async function opened(t: Test, path = join(t.testdir(), 'chs.db')): Promise<SqlBackend> {
  const backend = await openSqlite({ path, busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  return backend;
}

crashStoreConformance(t, async (t) => createCrashStore(await opened(t)));
moduleStoreConformance(t, async (t) => {
  const backend = await opened(t);
  return { crash: createCrashStore(backend), modules: createModuleStore(backend) };
});
missStoreConformance(t, async (t) => createMissStore(await opened(t)));
tokenStoreConformance(t, async (t) => createTokenStore(await opened(t)));

t.test('keeps tallies that equal a recount, also for rows of another program', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const store = createCrashStore(await opened(t, path));
  const other = new (loadDriver())(path);
  t.teardown(() => other.close());
  const random = chance(7);
  const ids: string[] = [];
  const insert =
    other.prepare(`INSERT INTO minidumps (id, timestamp, exe_version, exe_guid, exe_age, pid, tid,
    exception_code, file_path, created_at) VALUES (?, ?, ?, ?, 1, 1, 1, ?, ?, '2026-01-06T12:34:56Z')`);
  for (let index = 0; index < 400; index += 1) {
    const number = Math.floor(random() * 5);
    const ms = Math.floor((random() - 0.3) * 1e9);
    if (random() < 0.5) {
      const key = number === 0 ? null : guidKey(number);
      const exe_version = number === 1 ? null : `1.${number}`;
      const exception_code = random() < 0.1 ? null : '0xC0000005';
      const row = minidumpRow({ exe_version, guid_key: key, timestamp_ms: ms, exception_code });
      await store.addMinidump(row, '{}');
      ids.push(row.id);
    } else {
      const guid = guidKey(number)
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        .toLowerCase();
      const text = random() < 0.1 ? 'no date' : new Date(ms).toISOString();
      insert.run(`foreign-${index}`, text, `1.${number}`, `{${guid}}`, '0xC0000005', `./storage/${index}`);
      ids.push(`foreign-${index}`);
    }
    if (random() < 0.4) {
      const [gone = ''] = ids.splice(Math.floor(random() * ids.length), 1);
      if (random() < 0.5) await store.remove('minidumps', gone, 0);
      else other.prepare('DELETE FROM minidumps WHERE id = ?').run(gone);
    }
  }
  const all = (query: string): unknown[] => other.prepare(query).all();
  t.same(
    all('SELECT hour, row_count FROM minidump_hours ORDER BY hour'),
    all(`SELECT cast(floor(timestamp_ms / 3600000.0) AS INTEGER) AS hour, count(*) AS row_count
      FROM minidumps GROUP BY 1 ORDER BY 1`),
  );
  const columns = { version: 'exe_version', guid: 'guid_key', code: 'exception_code' };
  for (const [kind, column] of Object.entries(columns)) {
    t.same(
      all(`SELECT key, row_count FROM minidump_tallies WHERE kind = '${kind}' ORDER BY key`),
      all(
        `SELECT coalesce(${column}, '') AS key, count(*) AS row_count FROM minidumps GROUP BY 1 ORDER BY 1`,
      ),
      `a ${kind}`,
    );
  }
  t.same(all('SELECT id FROM minidumps WHERE timestamp_ms IS NULL'), []);
  const { total, rows } = await store.listMinidumps({ guidKey: guidKey(2) }, { offset: 0, limit: 100 });
  t.ok(
    rows.some((row) => row.id.startsWith('foreign-')),
    'and lists them with the others',
  );
  t.equal(total, rows.length);
});

t.test('answers a list over rows that another process is changing with a total that fits', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const reader = createCrashStore(await opened(t, path));
  const writer = createCrashStore(await opened(t, path));
  let done = false;
  const writing = (async () => {
    for (let index = 0; index < 150; index += 1)
      await writer.addMinidump(minidumpRow({ timestamp_ms: index }), '{}');
    done = true;
  })();
  let checked = 0;
  while (!done) {
    const { rows, total } = await reader.listMinidumps({}, { offset: 0, limit: 1000 });
    if (rows.length !== total) t.equal(rows.length, total);
    checked += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  t.ok(checked > 0);
});
