/** `chs backup`: the whole life of a backup, in both modes, as a user has it. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(600_000);

const ID = /\d{8}T\d{6}Z-[0-9a-f]{6}/;
/** As `show` has it. */
const TAKEN = 'taken \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC \\(just now\\)';

/** A database in WAL mode, open all the time, as a program has it that runs. */
function liveDatabase(t: Test, path: string, rows: number) {
  const database = new (loadDriver())(path);
  t.teardown(() => void (database.open && database.close()));
  database.exec('pragma journal_mode = wal; create table notes (id integer primary key, text text)');
  const insert = database.prepare('insert into notes (text) values (?)');
  for (let row = 0; row < rows; row += 1) insert.run(`note ${row}`);
  return database;
}

function countIn(path: string): unknown {
  const database = new (loadDriver())(path, { readonly: true });
  try {
    return database.prepare('select count(*) as count from notes').get();
  } finally {
    database.close();
  }
}

/** Changes one bit in the middle of a file. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function configured(cwd: string, more = ''): void {
  const text = `[backup]\ndatabases = { app = "app.db", msg = "msg.db" }\ntarget = "kept"\n${more}`;
  writeFileSync(join(cwd, 'chs.config.toml'), text);
}

for (const mode of modes) {
  t.test(`makes, lists, shows, verifies, restores and prunes (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    configured(cwd);
    const app = liveDatabase(t, join(cwd, 'app.db'), 100);
    liveDatabase(t, join(cwd, 'msg.db'), 5);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });

    const none = await chs('backup', 'list');
    t.match(none, {
      code: 0,
      stdout: '',
      stderr: /^No backups in .*kept yet\. `chs backup create` makes one\.\n/,
    });
    t.match(await chs('backup', 'show'), { code: 2, stdout: '', stderr: /no backup latest/ });
    t.match(await chs('backup', 'prune'), { code: 0, stdout: 'Nothing to delete; 0 backups kept.\n' });
    t.match(await chs('backup', 'prune', '--quiet'), { code: 0, stdout: '', stderr: '' });

    const made = await chs('backup', 'create', 'app', 'msg');
    t.equal(made.code, 0, made.stderr);
    t.match(made.stdout, new RegExp(`^${ID.source}  2 databases  [\\d.]+ K?B  verified  .*kept\\n$`));
    t.match(made.stderr, /^taking a snapshot of app, msg$/m, 'one line a step where there is no terminal');
    const [id = ''] = ID.exec(made.stdout) ?? [];
    app.exec("insert into notes (text) values ('after the backup')");

    const quiet = await chs('backup', 'create', 'app', '--quiet', '--json');
    t.match(quiet, { code: 0, stderr: '' });
    const [second] = jsonLines(quiet.stdout);
    t.match(second, { sequence: 2, previous: { id }, databases: [{ name: 'app' }], signature: 'own' });

    const list = await chs('backup', 'list');
    t.match(list.stdout, /^ID +WHEN \(UTC\) +DATABASES +SIZE +VERIFIED +COPIES\n/);
    t.match(list.stdout.split('\n')[2], new RegExp(`^${id} .* app, msg .*just now \\(made\\) +1$`));
    t.match(list.stderr, /No schedule is set/);
    const [listed] = jsonLines((await chs('backup', 'list', '--json')).stdout);
    t.match(listed, { backups: [{ id: String(second?.id) }, { id }], places: [{ problem: null }] });

    const shown = await chs('backup', 'show', id);
    t.match(shown.stdout, /^one instant +yes$/m);
    t.match(shown.stdout, /^signature +by the key of this installation$/m);
    t.equal(shown.stdout.match(/^sha256 +[0-9a-f]{64}$/gm)?.length, 2);
    t.match(shown.stdout, /^verified +whole, /m);

    const verified = await chs('backup', 'verify', id);
    t.match(verified, { code: 0, stdout: /^RESULT +NAME +CHECK +DETAIL\n/ });
    t.match(verified.stdout, /^ok +app +integrity_check/m);
    t.match(verified.stdout, new RegExp(`^${id}, ${TAKEN}: ok\n$`, 'm'));
    t.match((await chs('backup', 'list')).stdout, /just now \(full\)/);

    const restored = await chs('backup', 'restore', id, '--to', 'back/');
    t.match(restored, { code: 0, stdout: /^restored app to .*app\.db\nrestored msg to .*msg\.db\n$/ });
    t.strictSame(countIn(join(cwd, 'back', 'app.db')), { count: 100 }, 'as it was when it was backed up');
    t.strictSame(readdirSync(join(cwd, 'back')).toSorted(), ['app.db', 'msg.db'], 'and nothing beside it');

    const drill = await chs('backup', 'drill', id);
    t.match(drill, { code: 0, stdout: /^ok +app +open .* 1 table, /m });
    t.match(drill.stdout, new RegExp(`^${id}, ${TAKEN}: ok in [\\d.]+ s\\n$`, 'm'));

    const plan = await chs('backup', 'prune', '--plan');
    t.match(plan, {
      code: 0,
      stdout: /^PLAN +ID +PLACE +WHY\nkeep [\s\S]*Nothing to delete; 2 backups kept\.\n$/,
    });
    t.match(await chs('backup', 'prune', '--keep-days', '0'), { code: 64, stderr: /--keep-days/ });
  });

  t.test(`finds a bit that has changed (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    configured(cwd);
    liveDatabase(t, join(cwd, 'app.db'), 1000);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    const [backup] = jsonLines((await chs('backup', 'create', 'app', '--json')).stdout);
    const id = String(backup?.id);
    damage(join(cwd, 'kept', id, 'app.db.gz'));
    const verified = await chs('backup', 'verify');
    t.match(verified, { code: 1, stdout: /^FAILED +app +checksum +.*app\.db\.gz/m });
    t.match(verified.stdout, new RegExp(`^${id}, ${TAKEN}: FAILED$`, 'm'));
    t.match((await chs('backup', 'list')).stdout, / DAMAGED /);
    t.match(await chs('backup', 'drill'), { code: 1, stdout: /^FAILED +\S+ +restore/m });
    const refused = await chs('backup', 'restore', id, '--to', 'back.db');
    t.match(refused, { code: 1, stdout: '', stderr: /is damaged/ });
    t.notOk(existsSync(join(cwd, 'back.db')));
  });

  t.test(`names a stored file that the backup has lost (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    writeFileSync(join(cwd, 'chs.config.toml'), '[backup]\ntarget = "kept"\n');
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    await chs('dump', 'upload', example('av.dmp'));
    t.match(await chs('backup', 'create'), { code: 0 });
    const pool = readdirSync(join(cwd, 'kept', 'pool'), { recursive: true }).map(String);
    const [file = ''] = pool.filter((name) => name.endsWith('.gz'));
    rmSync(join(cwd, 'kept', 'pool', file));
    const missing = `the (stored )?file ${basename(file, '.gz')} is missing`;
    const refused = await chs('backup', 'restore', 'latest', '--to', 'again');
    t.match(refused, {
      code: 1,
      stdout: '',
      stderr: new RegExp(`^chs: the backup .* is damaged: ${missing}$`, 'm'),
    });
    t.notOk(existsSync(join(cwd, 'again')), 'what it had made ready is gone, with its folders');
    const verified = await chs('backup', 'verify');
    t.match(verified, {
      code: 1,
      stdout: new RegExp(`^FAILED +minidumps/.*\\.dmp +checksum +${missing}$`, 'm'),
    });
    t.match(verified.stdout, /^FAILED +files\.ndjson\.gz +files +0 whole, 1 damaged$/m);
    t.match(await chs('backup', 'drill'), { code: 1, stdout: new RegExp(missing) });
  });

  t.test(`brings the data of chs back, with its files (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    await chs('dump', 'upload', example('av.dmp'));
    const made = await chs('backup', 'create');
    t.match(made, { code: 0, stdout: / {2}1 database and 1 file \([\d.]+ KB\) {2}.* {2}verified {2}/ });
    const drill = await chs('backup', 'drill');
    t.match(drill, { code: 0, stdout: /^ok +chs +ready +.*ready, 1 minidump$/m });
    const restored = await chs('backup', 'restore', 'latest', '--to', 'again');
    t.match(restored, {
      code: 0,
      stdout: /^restored 1 stored file /m,
      stderr: /`CHS_DATA_DIR=.*again chs serve`/,
    });
    const elsewhere = { CHS_DATA_DIR: join(cwd, 'again') };
    const list = await runChs(['dump', 'list', '--json'], { cwd, env: elsewhere });
    const [{ minidumps: [dump] = [] } = {}] = jsonLines(list.stdout) as { minidumps?: { id?: string }[] }[];
    const download = await runChs(['dump', 'download', String(dump?.id), '-o', 'dump'], {
      cwd,
      env: elsewhere,
    });
    t.equal(download.code, 0);
    t.ok(readFileSync(join(cwd, 'dump')).equals(readFileSync(example('av.dmp'))));
  });
}

t.test('restores in place, keeps what was there, refuses while it is open', async (t) => {
  const cwd = testFolder(t);
  configured(cwd);
  const path = join(cwd, 'app.db');
  const app = liveDatabase(t, path, 10);
  const chs = (...args: string[]) => runChs(['backup', ...args], { cwd });
  t.match(await chs('create', 'app'), { code: 0 });
  app.exec('delete from notes');
  const inPlace = ['restore', 'latest', '--in-place', '--only', 'app'];
  const unasked = await chs(...inPlace);
  t.match(unasked, {
    code: 64,
    stdout: '',
    stderr: /app replaces .*app\.db[\s\S]*no terminal to ask on[\s\S]*--yes/,
  });
  t.match(await chs(...inPlace, '--yes'), { code: 2, stdout: '', stderr: /not restored to .*app\.db/ });
  app.close();
  const done = await chs(...inPlace, '--yes');
  t.match(done, {
    code: 0,
    stdout: /^restored app to .*app\.db\n {2}what was there is .*app\.before-.*\.db\n$/,
  });
  t.strictSame(countIn(path), { count: 10 });
  const [, kept = ''] = /what was there is (.*)\n/.exec(done.stdout) ?? [];
  t.strictSame(countIn(kept), { count: 0 });
  const wrong = [
    [['restore', 'latest'], /where to is not said/],
    [['restore', 'latest', '--to', 'x', '--in-place'], /exclude each other/],
    [['restore', 'latest', '--to', 'postgres://u:hunter2@h/d'], /password in it is refused/],
    [['restore', 'soon', '--to', 'x'], /id 'soon'/],
  ] as const;
  for (const [args, stderr] of wrong) {
    const { code, stdout, stderr: said } = await chs(...args);
    t.match({ code, stdout, said }, { code: 64, stdout: '', said: stderr }, args.join(' '));
    t.notMatch(said, /hunter2/);
  }
});

t.test('backs up databases that nothing configures', async (t) => {
  const cwd = testFolder(t);
  liveDatabase(t, join(cwd, 'my app.db'), 3);
  liveDatabase(t, join(cwd, 'msg.sqlite3'), 3);
  const chs = (...args: string[]) => runChs(['backup', ...args], { cwd });
  const made = await chs('create', './my app.db', 'msg.sqlite3', '--to', 'kept', '--compact', '--json');
  t.equal(made.code, 0, made.stderr);
  const [backup] = jsonLines(made.stdout);
  t.match(backup, {
    options: { compact: true },
    databases: [
      { name: 'my-app', path: join(cwd, 'my app.db') },
      { name: 'msg', path: join(cwd, 'msg.sqlite3') },
    ],
    copies: [{ place: join(cwd, 'kept') }],
  });
  const zipped = await chs('verify', join('kept', String(backup?.id)));
  t.match(zipped, { code: 0, stdout: /^ok +my-app +integrity_check/m });
  const bare = await chs('verify', join('kept', String(backup?.id), 'msg.db.gz'));
  t.match(bare, { code: 0, stdout: /^ok +msg +integrity_check[\s\S]*\n\S*msg\.db\.gz: ok\n$/m });
  t.match(await chs('verify', 'chs.txt'), { code: 64, stderr: /expected an ID/ });
  writeFileSync(join(cwd, 'chs.txt'), 'text');
  t.match(await chs('verify', 'chs.txt'), { code: 2, stderr: /it is no backup/ });
  t.match(await chs('verify', join('kept', String(backup?.id)), '--copy'), {
    code: 2,
    stderr: /has no copy/,
  });
});

t.test('refuses what cannot be meant', async (t) => {
  const cwd = testFolder(t, { a: {}, b: {} });
  liveDatabase(t, join(cwd, 'a', 'app.db'), 1);
  liveDatabase(t, join(cwd, 'b', 'app.db'), 1);
  const chs = (...args: string[]) => runChs(['backup', 'create', ...args], { cwd });
  const server = ['--server', 'http://127.0.0.1:1'];
  const wrong: [string[], number, RegExp][] = [
    [['a/app.db', 'b/app.db'], 64, /two databases would be called 'app'/],
    [['postgres://user:hunter2@db/app'], 64, /password in it is refused/],
    [['postgres://db/app?password=hunter2'], 64, /password in it is refused/],
    [['--to', 'kept', ...server], 64, /--to is for databases here/],
    [['a/app.db', ...server], 64, /a server backs up what its own configuration names/],
    [['--to', 'ftp://host'], 2, /backup\.target: expected a folder, or s3:\/\//],
    [['app'], 2, /no database called app/],
    [['no/such.db', '--to', 'kept'], 2, /there is no file/],
    [['a name'], 64, /expected a name of letters/],
  ];
  for (const [args, code, stderr] of wrong) {
    const ended = await chs(...args);
    t.match(ended, { code, stdout: '', stderr }, args.join(' '));
    t.notMatch(ended.stderr, /hunter2/);
  }
  t.match(await chs('--lang', 'zh', 'a/app.db', 'b/app.db'), { code: 64, stderr: /两个数据库都叫 'app'/ });
});

t.test('says in both modes what went wrong with a run', async (t) => {
  for (const mode of modes) {
    const cwd = testFolder(t);
    configured(cwd);
    writeFileSync(
      join(cwd, 'app.db'),
      'this is no database at all, but it is long enough to be looked at as one',
    );
    const env = await mode.start(t, cwd);
    const ended = await runChs(['backup', 'create', 'app', '--json'], { cwd, env });
    t.equal(ended.stdout, '', mode.name);
    t.match(jsonLines(ended.stderr), [{ error: { message: /app/ } }]);
    t.ok(ended.code === 1 || ended.code === 2);
  }
});

t.test('runs in the foreground, and makes up for what was missed', async (t) => {
  const cwd = testFolder(t);
  configured(cwd);
  liveDatabase(t, join(cwd, 'app.db'), 10);
  liveDatabase(t, join(cwd, 'msg.db'), 10);
  const ended = await runChs(['backup', 'cron', '--schedule', '* * * * *'], {
    cwd,
    started: (kill, stdout) => stdout.once('data', () => kill('SIGINT')),
  }).catch((error: unknown) => t.fail(String(error)));
  t.match(ended, { code: 0, stdout: new RegExp(`^${ID.source}  2 databases  .*  verified  .*kept\\n$`) });
  t.match(ended, {
    stderr: /^The next backup is due at .* UTC \(\* \* \* \* \* in .*\); Ctrl-C ends this\.$/m,
  });
});
