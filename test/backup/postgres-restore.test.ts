/** Restores into a real PostgreSQL server: beside, whole, swapped in one transaction; nothing is left of what failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { dumpPostgres } from '../../src/backup/postgres/dump.ts';
import { type RestoreStep, restorePostgres } from '../../src/backup/postgres/restore.ts';
import { connectServer, makeScratch, sweepRestores } from '../../src/backup/postgres/scratch.ts';
import { newestTools } from '../../src/backup/postgres/tools.ts';
import { libpqEnvironment, parsePostgresUrl } from '../../src/backup/postgres/url.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  databaseName,
  databases,
  fingerprint,
  makeDatabase,
  makeRole,
  oddContent,
  onPostgres,
  serverUrl,
  sql,
  urlAs,
  urlOf,
} from '../fixtures/postgres.ts';

const signal = AbortSignal.timeout(300_000);
const manyRows =
  'CREATE TABLE big AS SELECT g AS id, md5(g::text) AS noise FROM generate_series(1, 400000) g';

function nameIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

async function dumpOf(t: Test, url: string): Promise<string> {
  const to = join(testFolder(t), 'app.dump');
  await dumpPostgres({ name: 'app', url, to, signal });
  return to;
}

/** Counts the sessions in databases whose names begin so, and those that change them. */
function sessionsOf(stem: string): string {
  return `SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state <> 'idle'
    AND (datname LIKE '${stem}%' OR query LIKE '%${stem}%')`;
}

/** A session that stays open until the test ends it. */
async function session(psql: string, url: string, applicationName: string): Promise<() => Promise<void>> {
  const env = { ...libpqEnvironment(parsePostgresUrl(url)), PGAPPNAME: applicationName };
  const child = spawn(psql, ['-X', '-q', '-A', '-t', '-w'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write("SELECT 'ready';\n");
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await once(child, 'close');
  };
}

t.test('restores everything, odd as it is, into a database that was not there', onPostgres, async (t) => {
  const source = await makeDatabase(t, { content: oddContent });
  const file = await dumpOf(t, source);
  const name = databaseName(t, ` "zwei" =ü\\'`);
  const steps: RestoreStep[] = [];
  const restored = await restorePostgres({
    file,
    to: urlOf(name),
    name: 'app',
    keepReplaced: true,
    signal,
    onStep: (step) => steps.push(step),
  });
  t.strictSame(restored, { database: name, replaced: null, tables: 4, withoutOwners: null });
  t.strictSame(steps, ['create', 'restore', 'check', 'swap']);
  t.equal(await sql(urlOf(name), fingerprint), await sql(source, fingerprint));
  const comment = `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()`;
  t.equal(await sql(urlOf(name), comment), '', 'the mark is gone');
});

t.test(
  'replaces a database, keeps the old one, and all that it had beside its content',
  onPostgres,
  async (t) => {
    const role = await makeRole(t, 'LOGIN');
    const url = await makeDatabase(t, { suffix: ' ü"x', content: oddContent });
    const name = nameIn(url);
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await sql(
      serverUrl,
      `ALTER DATABASE ${quoted} OWNER TO ${role}; ALTER DATABASE ${quoted} CONNECTION LIMIT 7;
     ALTER DATABASE ${quoted} SET search_path TO "Ünï code", public; ALTER DATABASE ${quoted} SET work_mem TO '7MB';
     ALTER ROLE ${role} IN DATABASE ${quoted} SET statement_timeout TO '7s';
     REVOKE ALL ON DATABASE ${quoted} FROM PUBLIC; GRANT CONNECT ON DATABASE ${quoted} TO pg_monitor WITH GRANT OPTION;
     COMMENT ON DATABASE ${quoted} IS 'it''s \\ ours'`,
    );
    const properties = (database: string) =>
      sql(
        serverUrl,
        `SELECT pg_get_userbyid(datdba), datcollate, encoding, datconnlimit, shobj_description(d.oid, 'pg_database'),
        (SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM unnest(datacl) x),
        (SELECT string_agg(setrole || ' ' || setconfig::text, ' ' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = '${database.replaceAll("'", "''")}'`,
      );
    const expected = await properties(name);
    const content = await sql(url, fingerprint);
    const file = await dumpOf(t, url);
    await sql(url, 'DELETE FROM child');
    const later = await sql(url, fingerprint);
    const restored = await restorePostgres({ file, to: url, name: 'app', keepReplaced: true, signal });
    t.match(restored.replaced, /^t[0-9a-f]{8} ü"x_before_\d{8}T\d{6}Z$/);
    t.equal(await sql(url, fingerprint), content, 'as it was when it was dumped');
    t.equal(await properties(name), expected);
    t.equal(await sql(urlOf(restored.replaced ?? ''), fingerprint), later, 'the old one is all there');
    const again = await restorePostgres({ file, to: url, name: 'app', keepReplaced: true, signal });
    t.not(again.replaced, restored.replaced, 'in the same second, too');
    const last = await restorePostgres({ file, to: url, name: 'app', keepReplaced: false, signal });
    t.equal(last.replaced, null);
    t.equal((await databases(`${name.slice(0, 9)}%`)).length, 3, 'the target, and the two that were to stay');
  },
);

t.test('refuses while somebody is connected, and says who', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: oddContent });
  const file = await dumpOf(t, url);
  const before = await sql(url, fingerprint);
  const input = { file, to: url, name: 'app', keepReplaced: true, signal };
  const { psql } = await newestTools();
  const close = await session(psql, url, 'the shop');
  await t.rejects(restorePostgres(input), {
    code: 'RESTORE_REFUSED',
    params: { path: /^postgres:\/\/chs_test@/, reason: '1 connection is open (the shop)' },
  });
  await close();
  // Somebody who comes while it is being restored.
  let closeLate: Promise<() => Promise<void>> | undefined;
  const late = restorePostgres({
    ...input,
    onStep: (step) => {
      if (step === 'restore') closeLate = session(psql, url, 'a late one');
    },
  });
  await t.rejects(late, { code: 'RESTORE_REFUSED', params: { reason: '1 connection is open (a late one)' } });
  await (await closeLate)?.();
  t.strictSame(await databases(`${nameIn(url)}%`), [nameIn(url)], 'nothing is left beside it');
  t.equal(await sql(url, fingerprint), before);
});

t.test('changes nothing when the archive is damaged or it is given up', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: `${oddContent}; ${manyRows}` });
  const file = await dumpOf(t, url);
  const before = await sql(url, fingerprint);
  const whole = readFileSync(file);
  const damaged = join(dirname(file), 'damaged.dump');
  const input = { to: url, name: 'app', keepReplaced: true };
  const flipped = Buffer.from(whole);
  const middle = Math.floor(whole.length / 2);
  flipped[middle] = (flipped[middle] ?? 0) ^ 8;
  writeFileSync(damaged, flipped);
  await t.rejects(restorePostgres({ ...input, file: damaged, signal }), { code: 'DATABASE_SERVER' });
  writeFileSync(damaged, whole.subarray(0, 50));
  await t.rejects(restorePostgres({ ...input, file: damaged, signal }), {
    code: 'RESTORE_REFUSED',
    params: { reason: /^the archive cannot be read: / },
  });
  for (const at of ['create', 'restore', 'check', 'swap'] as const) {
    const controller = new AbortController();
    const given = restorePostgres({
      ...input,
      file,
      signal: controller.signal,
      onStep: (step) => step === at && controller.abort(new Error('enough')),
    });
    if (at === 'swap')
      t.match((await given).replaced, /_before_/, 'what has begun to swap is brought to its end');
    else await t.rejects(given, { message: 'enough' }, at);
    const there = await databases(`${nameIn(url)}%`);
    t.equal(there.length, at === 'swap' ? 2 : 1, `given up at ${at}: ${there}`);
    t.equal(await sql(url, fingerprint), before);
  }
  await t.rejects(restorePostgres({ ...input, to: serverUrl.replace(/\/\w+$/, ''), file, signal }), {
    code: 'RESTORE_REFUSED',
    params: { reason: 'the URL names no database' },
  });
  await t.rejects(restorePostgres({ ...input, to: urlOf('template1'), file, signal }), {
    code: 'RESTORE_REFUSED',
    params: { reason: 'it is a template' },
  });
});

t.test('keeps owners where their roles are, and says when it cannot', onPostgres, async (t) => {
  const role = await makeRole(t, 'NOLOGIN');
  const source = await makeDatabase(t, {
    content: `CREATE TABLE x (n int); ALTER TABLE x OWNER TO ${role}; CREATE TABLE y (n int)`,
  });
  const file = await dumpOf(t, source);
  const name = databaseName(t);
  const owners =
    "SELECT string_agg(tableowner, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'";
  const input = { file, to: urlOf(name), name: 'app', keepReplaced: false, signal };
  t.equal((await restorePostgres(input)).withoutOwners, null);
  t.equal(await sql(urlOf(name), owners), `${role} chs_test`);
  await sql(source, 'DROP TABLE x');
  await sql(urlOf(name), 'DROP TABLE x');
  await sql(serverUrl, `DROP ROLE ${role}`);
  const restored = await restorePostgres(input);
  t.match(restored.withoutOwners, new RegExp(`role "${role}" does not exist`));
  t.equal(await sql(urlOf(name), owners), 'chs_test chs_test');
});

t.test('restores as a role that may create databases and no more', onPostgres, async (t) => {
  const role = await makeRole(t, "LOGIN CREATEDB PASSWORD 'p w'");
  const source = await makeDatabase(t, { content: 'CREATE TABLE x AS SELECT 7 AS n' });
  const file = await dumpOf(t, source);
  const name = databaseName(t);
  const to = urlAs(urlOf(name), role, 'p w');
  const input = { file, to, name: 'app', keepReplaced: false, signal };
  t.match((await restorePostgres(input)).withoutOwners, /must be|SET ROLE/);
  t.equal(await sql(to, 'SELECT n FROM x'), '7');
  const { psql } = await newestTools();
  const close = await session(psql, urlOf(name), 'hidden');
  await t.rejects(restorePostgres(input), {
    code: 'RESTORE_REFUSED',
    params: { reason: /^1 connection is open/ },
  });
  await close();
  t.equal((await restorePostgres(input)).replaced, null);
});

t.test('killed in the middle, the target is whole and the rest is swept', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: `${oddContent}; ${manyRows}` });
  const file = await dumpOf(t, url);
  const before = await sql(url, fingerprint);
  const stem = nameIn(url);
  const module = new URL('../../src/backup/postgres/restore.js', import.meta.url).href;
  const script = `import { restorePostgres } from ${JSON.stringify(module)};
    await restorePostgres({ file: process.env.FILE, to: process.env.TO, name: 'app', keepReplaced: true,
      signal: new AbortController().signal, onStep: (step) => console.log(step) });`;
  for (const at of ['create', 'restore', 'check', 'swap']) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, FILE: file, TO: url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    for await (const piece of child.stdout) if (String(piece).includes(at)) break;
    if (at === 'restore') await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGKILL');
    await closed;
    // What psql was given it brings to its end; then nothing is left to be waited for.
    let swept: string[] = [];
    for (;;) {
      swept = swept.concat(await sweepRestores(parsePostgresUrl(serverUrl), signal));
      const busy = await sql(serverUrl, sessionsOf(stem));
      if (busy === '0') break;
    }
    swept = swept.concat(await sweepRestores(parsePostgresUrl(serverUrl), signal));
    const there = await databases(`${stem}%`);
    t.notOk(
      there.some((name) => name.includes('_restoring_')),
      `killed at ${at}: swept ${swept.join(' ')}`,
    );
    t.ok(there.includes(stem));
    t.equal(await sql(url, fingerprint), before, 'the target is whole');
  }
});

t.test('sweeps nothing that is not surely abandoned', onPostgres, async (t) => {
  const stem = databaseName(t);
  const server = await connectServer(parsePostgresUrl(serverUrl), 'app', null, signal);
  const own = await makeScratch(server, stem, '_restoring_', ["ENCODING 'UTF8'"], signal);
  const marked = async (name: string, mark: string | null) => {
    await sql(serverUrl, `CREATE DATABASE "${name}" TEMPLATE template0`);
    if (mark !== null) await sql(serverUrl, `COMMENT ON DATABASE "${name}" IS '${mark}'`);
    return name;
  };
  const started = new Date().toISOString();
  const stays = [
    own,
    await marked(`${stem}_restoring_000001`, null),
    await marked(`${stem}_restoring_000002`, 'a copy of mine'),
    await marked(
      `${stem}_restoring_000003`,
      `chs scratch {"host":"elsewhere","pid":1,"started":"${started}"}`,
    ),
    await marked(`${stem}_restoring_000004`, 'chs scratch {'),
    await marked(
      `${stem}_other`,
      'chs scratch {"host":"elsewhere","pid":1,"started":"2001-01-01T00:00:00Z"}',
    ),
  ];
  const old = 'chs scratch {"host":"elsewhere","pid":1,"started":"2001-01-01T00:00:00Z"}';
  const goes = await marked(`${stem}_restoring_000005`, old);
  t.strictSame(await sweepRestores(parsePostgresUrl(serverUrl), signal), [goes]);
  t.strictSame(await databases(`${stem}%`), stays.toSorted());
});
