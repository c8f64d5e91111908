/** Dumps of a real PostgreSQL server: whole, of one instant, without leftovers, and no password anywhere. */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dumpPostgres } from '../../src/backup/postgres/dump.ts';
import { listDump } from '../../src/backup/postgres/list.ts';
import { runTool } from '../../src/backup/postgres/process.ts';
import { newestTools, serverVersion, toolFolders, toolsFor } from '../../src/backup/postgres/tools.ts';
import { parsePostgresUrl } from '../../src/backup/postgres/url.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
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
/** About 20 MB that do not compress. */
const bigContent = `CREATE TABLE big AS
  SELECT g AS id, (SELECT string_agg(md5(g::text || k::text), '') FROM generate_series(1, 32) k) AS noise
  FROM generate_series(1, 20000) g`;

t.test('dumps a database, durable and checked', onPostgres, async (t) => {
  const url = await makeDatabase(t, { suffix: ` "o'dd" =ü\\`, content: oddContent });
  const folder = testFolder(t);
  const to = join(folder, 'app.dump');
  const sizes: number[] = [];
  const dump = await dumpPostgres({ name: 'app', url, to, signal, onProgress: (size) => sizes.push(size) });
  const bytes = readFileSync(to);
  t.equal(bytes.subarray(0, 5).toString(), 'PGDMP');
  t.equal(dump.sizeBytes, bytes.length);
  t.equal(dump.sha256, createHash('sha256').update(bytes).digest('hex'));
  t.equal(sizes.at(-1), bytes.length);
  t.equal(dump.serverVersion, (await sql(url, 'SHOW server_version')).split(' ')[0]);
  t.ok(dump.entries > 20);
  t.strictSame(readdirSync(folder), ['app.dump']);
  if (process.platform !== 'win32') t.equal(statSync(to).mode & 0o777, 0o600, 'nobody else reads it');
  t.strictSame(await listDump(to, signal), { entries: dump.entries, problems: [] });
});

t.test('says in short why there is no dump', onPostgres, async (t) => {
  const url = await makeDatabase(t);
  const folder = testFolder(t);
  const closed = new URL(url);
  closed.port = '1';
  const cases: [string, string, RegExp][] = [
    ['a wrong password', urlAs(url, 'chs_test', 'wr0ng-sEcret'), /^password authentication failed for user/],
    ['nobody listens', closed.href, /^connection refused/i],
    ['no such database', urlOf('t_no_such'), /^database "t_no_such" does not exist$/],
    ['no such host', 'postgres://u:wr0ng-sEcret@no-such-host.invalid/x', /could not translate host name/],
    ['no password', urlAs(url, 'chs_test', ''), /no password supplied/],
  ];
  for (const [what, wrong, reason] of cases) {
    const failed = dumpPostgres({ name: 'app', url: wrong, to: join(folder, 'x.dump'), signal });
    const error = await failed.then(
      () => t.fail(what),
      (error) => error,
    );
    t.match(error, { code: 'DATABASE_SERVER', params: { name: 'app', reason } }, what);
    t.notMatch(error.message, /sEcret|p@ss|p%40ss/);
  }
  t.strictSame(readdirSync(folder), []);
});

t.test('says which rights a role lacks', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: 'CREATE TABLE closed (x int)' });
  const role = await makeRole(t, "LOGIN PASSWORD 'pw'");
  const to = join(testFolder(t), 'x.dump');
  await t.rejects(dumpPostgres({ name: 'app', url: urlAs(url, role, 'pw'), to, signal }), {
    code: 'DATABASE_SERVER',
    params: { reason: /permission denied for table closed/ },
  });
});

t.test('is of one instant while others write', onPostgres, async (t) => {
  const content = `CREATE TABLE a (n int); CREATE TABLE b (n int); ${bigContent}`;
  const url = await makeDatabase(t, { content });
  let isOver = false;
  const writer = (async () => {
    let written = 0;
    for (; !isOver; written += 50) {
      const pair = 'BEGIN; INSERT INTO b VALUES (1); INSERT INTO a VALUES (1); COMMIT;';
      await sql(url, pair.repeat(50));
    }
    return written;
  })();
  const to = join(testFolder(t), 'x.dump');
  try {
    await dumpPostgres({ name: 'app', url, to, signal });
  } finally {
    isOver = true;
  }
  t.ok((await writer) > 0, 'the writer never failed');
  const { pgRestore } = await newestTools();
  const rows = (table: string) => rowsIn(pgRestore, to, table);
  t.equal(await rows('a'), await rows('b'));
});

t.test('leaves nothing when it is given up, and no pg_dump runs on', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: bigContent });
  const folder = testFolder(t);
  for (const atBytes of [0, 1, 1_000_000]) {
    const controller = new AbortController();
    const to = join(folder, 'x.dump');
    const dump = dumpPostgres({
      name: 'app',
      url,
      to,
      signal: controller.signal,
      onProgress: (size) => size >= atBytes && controller.abort(new Error('enough')),
    });
    await t.rejects(dump, { message: 'enough' }, `at ${atBytes} bytes`);
    t.strictSame(readdirSync(folder), []);
  }
  // The server notices when it writes the next time.
  while ((await sql(serverUrl, sessions(url))) !== '0') signal.throwIfAborted();
});

t.test('shows no password in the process list', { skip: onPostgres.skip || onLinux() }, async (t) => {
  const url = await makeDatabase(t, { content: bigContent });
  const to = join(testFolder(t), 'x.dump');
  const seen = new Set<string>();
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      for (const line of commandLines()) if (/pg_dump|psql|pg_restore/.test(line)) seen.add(line);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  await dumpPostgres({ name: 'app', url, to, signal }).finally(() => {
    isOver = true;
  });
  await watch;
  t.ok(
    [...seen].some((line) => line.includes('--format=custom')),
    'pg_dump was seen',
  );
  for (const line of seen) t.notMatch(line, /p@ss|p%40ss|w\/rd|rd%/, 'no password');
});

t.test('says that the disk is full', { skip: onPostgres.skip || onLinux() }, async (t) => {
  const url = await makeDatabase(t, { content: bigContent });
  const folder = testFolder(t);
  // The kernel's own full disk.
  symlinkSync('/dev/full', join(folder, 'x.dump.part'));
  await t.rejects(dumpPostgres({ name: 'app', url, to: join(folder, 'x.dump'), signal }), {
    code: 'STORAGE_FULL',
  });
  t.strictSame(readdirSync(folder), []);
});

t.test('refuses a client that is older than the server', { skip: onPostgres.skip || onUnix() }, async (t) => {
  const url = await makeDatabase(t);
  const folder = testFolder(t);
  const server = await serverVersion(parsePostgresUrl(url), signal);
  const real = await newestTools();
  // Programs that say they are old, and are the real ones in all else.
  for (const [name, path] of Object.entries({
    pg_dump: real.pgDump,
    psql: real.psql,
    pg_restore: real.pgRestore,
  })) {
    const script = `#!/bin/sh\n[ "$1" = --version ] && { echo "${name} (PostgreSQL) 9.6.24"; exit; }\nexec ${path} "$@"\n`;
    writeFileSync(join(folder, name), script);
    chmodSync(join(folder, name), 0o755);
  }
  const input = { name: 'app', url, to: join(folder, 'x.dump'), signal };
  await t.rejects(dumpPostgres({ ...input, folders: [folder] }), {
    code: 'DATABASE_TOOL',
    params: {
      tool: 'pg_dump',
      reason: new RegExp(`version ${server.major}, the newest client here of 9\\.6\\.24`),
    },
  });
  t.ok(
    (await toolsFor(server.major, [folder, ...(await toolFolders())])).major >= server.major,
    'a newer one is taken',
  );
  t.equal((await toolsFor(9, [folder, ...(await toolFolders())])).version, '9.6.24', 'the nearest is taken');
  await t.rejects(toolsFor(15, [join(folder, 'none')]), {
    code: 'DATABASE_TOOL',
    params: { reason: /not installed/ },
  });
});

t.test('finds a flipped bit in every block of data', onPostgres, async (t) => {
  const url = await makeDatabase(t, { content: bigContent.replace('20000', '500') });
  const folder = testFolder(t);
  const to = join(folder, 'x.dump');
  const { entries } = await dumpPostgres({ name: 'app', url, to, signal });
  const whole = readFileSync(to);
  const damaged = join(folder, 'damaged.dump');
  // The table of contents comes first; the blocks fill the rest.
  const from = Math.floor(whole.length / 4);
  for (let n = 0; n < 40; n += 1) {
    const bytes = Buffer.from(whole);
    const at = from + Math.floor(((whole.length - from) * n) / 40);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (n % 8));
    writeFileSync(damaged, bytes);
    const { problems } = await listDump(damaged, signal);
    t.equal(problems.length, 1, `bit ${n % 8} of byte ${at}: ${problems[0]}`);
  }
  for (const length of [0, 3, 100, from, whole.length - 1]) {
    writeFileSync(damaged, whole.subarray(0, length));
    t.equal((await listDump(damaged, signal)).problems.length, 1, `cut to ${length} bytes`);
  }
  t.equal((await listDump(join(folder, 'none.dump'), signal)).problems.length, 1, 'not there');
  t.strictSame(await listDump(to, signal), { entries, problems: [] });
});

function onLinux(): string | false {
  return process.platform === 'linux' ? false : 'needs Linux (/proc, /dev/full)';
}

function onUnix(): string | false {
  return process.platform === 'win32' ? 'needs a shell' : false;
}

function sessions(url: string): string {
  return `SELECT count(*) FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'`;
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });
}

/** Rows of a table in an archive. */
async function rowsIn(pgRestore: string, file: string, table: string): Promise<number> {
  const { stdout } = await runTool({
    file: pgRestore,
    args: ['--data-only', `--table=${table}`, '--file=-', file],
    env: { PATH: process.env.PATH ?? '' },
    signal,
    output: 'collect',
  });
  return stdout.split('\n').filter((line) => line === '1').length;
}
