/** `chs doctor` on backups: what is there, what is too old, what cannot be reached; nothing where nobody asked. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type BackupExamination, backupChecks } from '../../commands/doctor/backup.ts';
import { postgresTools } from '../../commands/doctor/backup-sources.ts';
import { loadConfig } from '../../config/load.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { testFolder } from '../fixtures/folder.ts';
import { needs } from '../fixtures/needs.ts';
import { example, permissionsDoNotBind, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

function makeDatabase(path: string): void {
  const database = new (loadDriver())(path);
  database.exec('create table notes (id integer primary key, text text)');
  database.close();
}

/** A folder with a configuration and the database that it names. */
function configured(t: Test, settings = ''): string {
  const cwd = testFolder(t, {
    'chs.config.toml': `[backup]\ndatabases = { app = "app.db" }\ntarget = "kept"\n${settings}`,
  });
  makeDatabase(join(cwd, 'app.db'));
  return cwd;
}

/** The lines of backups alone, with what is advised. */
async function doctor(cwd: string, env: Record<string, string> = {}, unprivileged = false) {
  const { code, stdout } = await runChs(['doctor'], { cwd, env, unprivileged });
  const lines = stdout.match(/^\w+ +(?:backup[.\w]*|database \w+|pg_dump): .*\n(?: {9}.*\n)?/gm);
  return { code, lines: lines?.join('') ?? '' };
}

async function checksOf(cwd: string, given: Partial<BackupExamination> = {}) {
  const loaded = await loadConfig({ cwd, env: {}, home: cwd });
  const checks = [];
  for await (const check of backupChecks({ loaded, signal: new AbortController().signal, ...given }))
    checks.push(check);
  return checks;
}

/** Its line with some of what is remembered between runs changed. */
async function withState(cwd: string, change: Record<string, unknown>) {
  const path = join(cwd, 'data', 'backup_state.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  return doctor(cwd);
}

t.test('says nothing on a fresh machine, and that there is none when there is something', async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': '' });
  t.strictSame(await doctor(cwd), { code: 0, lines: '' });
  await runChs(['dump', 'upload', example('av.dmp')], { cwd });
  t.strictSame(await doctor(cwd), {
    code: 0,
    lines:
      'ok       backup: none was made so far\n         `chs backup create` makes one, and reads it back.\n',
  });
});

t.test('tells the last verified one, its age, and when that is too much', async (t) => {
  const cwd = configured(t);
  const before = await doctor(cwd);
  t.equal(before.code, 0);
  t.match(before.lines, /^ok +database app: .*app\.db$/m);
  t.match(before.lines, /^ok +backup\.target: .*kept is not there yet; the first backup makes it$/m);
  t.match(before.lines, /^ok +backup: no backup of everything was verified so far$/m);
  const asked = await doctor(cwd, { CHS_BACKUP_SCHEDULE: '0 2 * * *' });
  t.match(asked, {
    code: 0,
    lines: /^warning +backup: no backup .* so far\n +`chs backup create` makes one/m,
  });

  t.equal((await runChs(['backup', 'create', '--quiet'], { cwd })).code, 0);
  const made = await doctor(cwd);
  t.equal(made.code, 0);
  t.match(made.lines, /^ok +backup\.target: .*kept, 1 backup$/m);
  t.match(
    made.lines,
    /^ok +backup: the last verified one, \d{8}T\d{6}Z-\w{6}, was taken at [-\d]{10} [:\d]{8} UTC \(just now\)$/m,
  );
  const [, late] = (await checksOf(cwd, { nowMs: Date.now() + 51 * 3_600_000 })).slice(-2);
  t.match(late, {
    name: 'backup',
    status: 'warning',
    detail: /\(2 d ago\), longer ago than backup\.max_age, 50 h$/,
    advice: /`chs backup create`.*`chs backup cron`/,
  });
});

t.test('a schedule leaves one line, and says where to look', async (t) => {
  const cwd = configured(t, 'schedule = "0 2 * * *"\nmax_age = "1s"\n');
  await runChs(['dump', 'upload', example('av.dmp')], { cwd });
  t.equal((await runChs(['backup', 'create', '--quiet'], { cwd })).code, 0);
  const nowMs = Date.now() + 10_000;
  t.match((await checksOf(cwd, { nowMs })).at(-1), { status: 'warning', advice: /`chs serve`.* log/ });
  const lines = (await doctor(cwd)).lines.split('\n').filter((line) => / backup:/.test(line));
  t.equal(lines.length, 1);
});

t.test('a run that failed, backups that are gone, a key that is gone', async (t) => {
  const cwd = configured(t);
  t.equal((await runChs(['backup', 'create', '--quiet'], { cwd })).code, 0);
  const last_run = { at: new Date().toISOString(), ok: false, reason: 'the disk is full' };
  t.match(await withState(cwd, { last_run }), {
    code: 0,
    lines: /^warning +backup: .*just now\); the last run, just now, failed: the disk is full$/m,
  });
  rmSync(join(cwd, 'kept'), { recursive: true });
  t.match(await doctor(cwd), {
    code: 0,
    lines: /^warning +backup: .*Z-\w{6}, is in none of the places any more$/m,
  });
  rmSync(join(cwd, 'data', 'backup_key'));
  t.match(await doctor(cwd), { code: 2, lines: /^failed +backup: the key .* is not in .*data any more$/m });
  t.match(await withState(cwd, { last_verified: null }), {
    code: 0,
    lines: /^warning +backup: no backup of everything was verified so far; the last run, .* failed/m,
  });
});

t.test('damage, a database that no backup has, one that does not count any more', async (t) => {
  const cwd = configured(t);
  t.equal((await runChs(['backup', 'create', '--quiet'], { cwd })).code, 0);
  makeDatabase(join(cwd, 'new.db'));
  const databases = { CHS_BACKUP_DATABASES: JSON.stringify({ app: 'app.db', new: 'new.db' }) };
  t.match(await doctor(cwd, databases), {
    code: 0,
    lines:
      /^warning +backup: .*just now\), without new, which backup\.databases names\n +`chs backup create`/m,
  });

  const key = join(cwd, 'data', 'backup_key');
  const own = readFileSync(key);
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  t.match(
    (await doctor(cwd)).lines,
    /^warning +backup: .*, is there, and does not count any more\n.* a key/m,
  );
  writeFileSync(key, own);

  const [id = ''] = readdirSync(join(cwd, 'kept')).filter((name) => /^\d{8}T/.test(name));
  const packed = join(cwd, 'kept', id, 'app.db.gz');
  const bytes = readFileSync(packed);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(packed, bytes);
  t.equal((await runChs(['backup', 'verify'], { cwd })).code, 1);
  const { code, lines } = await doctor(cwd);
  t.equal(code, 0);
  t.match(
    lines,
    new RegExp(`^warning +backup\\.target: .*kept, 1 backup, 1 damaged: ${id}\\n.*verify ${id}`, 'm'),
  );
});

t.test('trusts no date in the future, and does not blame a place for the state', async (t) => {
  const cwd = configured(t, 'copy_to = "taken/copies"\n');
  t.equal((await runChs(['backup', 'create', '--quiet'], { cwd })).code, 0);
  rmSync(join(cwd, 'taken'), { recursive: true });
  writeFileSync(join(cwd, 'taken'), '');
  const path = join(cwd, 'data', 'backup_state.json');
  const { last_verified } = JSON.parse(readFileSync(path, 'utf8'));
  const future = { ...last_verified, id: '20990101T000000Z-aaaaaa', timestamp: '2099-01-01T00:00:00Z' };
  const { lines } = await withState(cwd, { last_verified: future });
  t.match(lines, new RegExp(`^ok +backup: the last verified one, ${last_verified.id}, was taken`, 'm'));
  rmSync(join(cwd, 'kept'), { recursive: true });
  t.match((await doctor(cwd)).lines, /^warning +backup: .*-aaaaaa, is dated in the future: 2099-01-01 /m);
  rmSync(path);
  mkdirSync(path);
  const blamed = await doctor(cwd);
  t.equal(blamed.code, 2);
  t.match(blamed.lines, /^failed +backup: .*backup_state\.json/m);
  t.notMatch(blamed.lines, /backup\.target/);
});

t.test('names the place that cannot be used, and the other one', async (t) => {
  const cwd = configured(t, 'copy_to = "taken/copies"\n');
  writeFileSync(join(cwd, 'taken'), '');
  const { code, lines } = await doctor(cwd);
  t.equal(code, 2);
  t.match(lines, /^ok +backup\.target: /m);
  t.match(
    lines,
    /^failed +backup\.copy_to: .*copies: a part of its path is a file, not a folder\n +Check the folder/m,
  );
  const server = { CHS_BACKUP_S3_ENDPOINT: 'http://127.0.0.1:9', CHS_BACKUP_TARGET: 's3://bucket/x' };
  const keys = {
    CHS_BACKUP_S3_ACCESS_KEY_ID: 'k'.repeat(16),
    CHS_BACKUP_S3_SECRET_ACCESS_KEY: 's'.repeat(16),
  };
  const both = await doctor(cwd, { ...server, ...keys });
  t.match(both.lines, /^failed +backup\.target: .*s3:\/\/bucket\/x: cannot be reached\n +Check the network/m);
  t.match(both.lines, /^failed +backup\.copy_to: /m);
});

t.test('waits no longer for a place than it has to', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const cwd = configured(t, 'copy_to = "s3://bucket/x"\n');
  const keys = `access_key_id = "${'k'.repeat(16)}"\nsecret_access_key = "${'s'.repeat(16)}"\n`;
  const file = join(cwd, 'chs.config.toml');
  const s3 = `[backup.s3]\nendpoint = "http://127.0.0.1:${port}"\n${keys}`;
  writeFileSync(file, `${readFileSync(file, 'utf8')}${s3}`);
  const fromMs = performance.now();
  const checks = await checksOf(cwd, { placeTimeoutMs: 300 });
  t.ok(performance.now() - fromMs < 10_000);
  const copy = checks.find(({ name }) => name === 'backup.copy_to');
  t.match(copy, { status: 'failed', detail: 's3://bucket/x: it did not answer within 0.3 s' });
});

t.test('databases and the programs for them', async (t) => {
  const cwd = testFolder(t, {
    'chs.config.toml':
      '[backup.databases]\ngone = "gone.db"\nfolder = "folder"\npg = "postgres://me:not-for-anyone@db/x"\n' +
      'odd = "postgres://me@db/x%zz"\n',
    folder: {},
  });
  const checks = await checksOf(cwd, { toolFolders: [] });
  const named = (name: string) => checks.find((check) => check.name === name);
  t.match(named('database gone'), { status: 'failed', detail: /^there is no file .*gone\.db$/ });
  t.match(named('database folder'), { status: 'failed', detail: /folder: it is a folder$/ });
  t.match(named('database pg'), { status: 'ok', detail: 'postgres://me@db/x, to which nothing was sent' });
  t.match(named('database odd'), { status: 'failed', detail: /the URL is not usable: % is not followed/ });
  t.match(named('pg_dump'), { status: 'failed', detail: /not installed here/, advice: /Install .*client/ });
  t.notMatch(JSON.stringify(checks), 'not-for-anyone');
});

t.test('the version of pg_dump', needs('pg_dump'), async (t) => {
  t.match(await postgresTools(), { status: 'ok', detail: /^\d+\S* \(.*pg_dump/ });
});

t.test('what must not be read or written', { skip: permissionsDoNotBind() }, async (t) => {
  const cwd = configured(t);
  mkdirSync(join(cwd, 'kept'));
  chmodSync(join(cwd, 'kept'), 0o500);
  chmodSync(join(cwd, 'app.db'), 0);
  const { code, lines } = await doctor(cwd, {}, true);
  t.equal(code, 2);
  t.match(lines, /^failed +database app: .*app\.db: permission denied$/m);
  t.match(lines, /^failed +backup\.target: .*kept: permission denied$/m);
});
