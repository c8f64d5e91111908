/** Drills on a real PostgreSQL server: restored, opened, counted, and gone again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { drillPostgres } from '../../src/backup/postgres/drill.ts';
import { dumpPostgres } from '../../src/backup/postgres/dump.ts';
import { identifier, literal, suffixed } from '../../src/backup/postgres/sql.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  makeDatabase,
  makeRole,
  oddContent,
  onPostgres,
  serverUrl,
  sql,
  urlAs,
} from '../fixtures/postgres.ts';

const signal = AbortSignal.timeout(300_000);

/** Those of this process: other tests may be drilling on the same server. */
async function drills(): Promise<string[]> {
  const mark = `%"pid":${process.pid},%`;
  const text = `SELECT datname FROM pg_database WHERE datname LIKE 'chs\\_drill\\_%'
    AND shobj_description(oid, 'pg_database') LIKE '${mark}'`;
  return (await sql(serverUrl, text)).split('\n').filter((name) => name !== '');
}

t.test('restores an archive, counts what is in it, and leaves nothing', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: oddContent });
  const file = join(testFolder(t), 'app.dump');
  const { entries } = await dumpPostgres({ name: 'app', url, to: file, signal });
  const drill = await drillPostgres({ file, url: serverUrl, signal });
  t.match(drill, { entries, tables: 4 });
  t.strictSame(drill.counted, [
    { table: '"Ünï code"."Täble ""x"""', rows: 500 },
    { table: 'public.child', rows: 100 },
    { table: 'public.parted_1', rows: 2 },
  ]);
  t.strictSame(await drills(), []);
});

t.test('leaves nothing of what fails either', onPostgres, async (t) => {
  const url = await makeDatabase(t, {
    content: 'CREATE TABLE big AS SELECT md5(g::text) FROM generate_series(1, 400000) g',
  });
  const file = join(testFolder(t), 'app.dump');
  await dumpPostgres({ name: 'app', url, to: file, signal });
  const controller = new AbortController();
  const drill = drillPostgres({ file, url: serverUrl, signal: controller.signal });
  while ((await drills()).length === 0) await Promise.race([drill, sql(serverUrl, 'SELECT 1')]);
  controller.abort(new Error('enough'));
  await t.rejects(drill, { message: 'enough' });
  t.strictSame(await drills(), []);
  const bytes = readFileSync(file);
  for (let at = Math.floor(bytes.length * 0.6); at < bytes.length * 0.7; at += 1) bytes[at] = 0;
  writeFileSync(file, bytes);
  await t.rejects(drillPostgres({ file, url: serverUrl, signal, name: 'app' }), {
    code: /DATABASE_SERVER|RESTORE_REFUSED/,
  });
  t.strictSame(await drills(), []);
});

t.test('says that a role may not create databases', onPostgres, async (t) => {
  const role = await makeRole(t, "LOGIN PASSWORD 'pw'");
  const url = await makeDatabase(t);
  const file = join(testFolder(t), 'app.dump');
  await dumpPostgres({ name: 'app', url, to: file, signal });
  await t.rejects(drillPostgres({ file, url: urlAs(serverUrl, role, 'pw'), signal, name: 'app' }), {
    code: 'DATABASE_SERVER',
    params: { name: 'app', reason: /^the role may not create databases \(it needs CREATEDB\)/ },
  });
});

t.test('quotes names and texts, and cuts names between characters', (t) => {
  t.equal(identifier('a"b\\'), '"a""b\\"');
  t.equal(literal("it's \\"), "E'it''s \\\\'");
  t.equal(suffixed('app', '_before_x'), 'app_before_x');
  const cut = suffixed('ü'.repeat(40), '_x');
  t.equal(cut, `${'ü'.repeat(30)}_x`);
  t.ok(Buffer.byteLength(suffixed('日'.repeat(30), '_restoring_abcdef')) <= 63);
  t.end();
});
