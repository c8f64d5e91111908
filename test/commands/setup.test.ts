/** The commands around the data: config, token, doctor, demo; and interruption. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { embeddedChs } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { example, jsonLines, permissionsDoNotBind, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

t.test('writes a sample that it then accepts, and never over an existing file', async (t) => {
  const cwd = testFolder(t);
  t.match(await runChs(['config', 'init'], { cwd }), {
    code: 0,
    stdout: 'config/config.toml\n',
    stderr: /or below keep their data in .*data.* and .*storage/,
  });
  const sample = readFileSync(join(cwd, 'config', 'config.toml'), 'utf8');
  t.match(sample, /\[server\]/);
  t.match(await runChs(['config', 'check'], { cwd }), { code: 0, stdout: /^ok .*config\.toml/ });
  writeFileSync(join(cwd, 'config', 'config.toml'), '[server]\nport = 3001\n');
  t.match(await runChs(['config', 'init'], { cwd }), { code: 2, stderr: /it exists already; --force/ });
  t.equal((await runChs(['config', 'init', '--force'], { cwd })).code, 0);
  t.equal(readFileSync(join(cwd, 'config', 'config.toml'), 'utf8'), sample);
  t.match(await runChs(['config', 'init', 'other.toml', '--json'], { cwd }), {
    code: 0,
    stdout: '{"file":"other.toml"}\n',
    stderr: '',
  });
  t.match(
    (await runChs(['config', 'init', 'third.toml'], { cwd })).stderr,
    /name it by --config or CHS_CONFIG/,
  );
});

t.test('writes TOML only to a name that is read as TOML', async (t) => {
  const cwd = testFolder(t);
  for (const name of ['foo.yaml', 'chs.config.json', 'config', '.chsrc']) {
    t.match(await runChs(['config', 'init', name, '--force'], { cwd }), {
      code: 64,
      stderr: /written as TOML\n {2}hint: Give a name that ends in \.toml/,
    });
  }
  t.strictSame(readdirSync(cwd), []);
});

t.test('names a temporary directory that is missing', async (t) => {
  const cwd = testFolder(t);
  const env = { TMPDIR: join(cwd, 'gone'), TEMP: join(cwd, 'gone'), TMP: join(cwd, 'gone') };
  const { code, stderr } = await runChs(['demo'], { cwd, env });
  t.equal(code, 2);
  t.match(stderr, /gone: the temporary directory cannot be written; set TMPDIR/);
  t.match((await runChs(['doctor'], { cwd, env })).stdout, /^failed +temporary directory: .*gone/m);
});

t.test('shows the configuration with its origins and without its secrets', async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': '[server]\napi_key = "not-for-anyone-to-see"\n' });
  const { code, stdout } = await runChs(['config', 'show', '--origin'], {
    cwd,
    env: { CHS_SERVER_PORT: '4001' },
  });
  t.equal(code, 0);
  t.match(stdout, /^server\.api_key +\[set\] .*chs\.config\.toml:2$/m);
  t.match(stdout, /^server\.port +4001 +CHS_SERVER_PORT$/m);
  t.notMatch(stdout, /not-for-anyone/);
  const [value] = jsonLines((await runChs(['config', 'show', '--json'], { cwd })).stdout);
  t.match(value, { keys: [{ key: 'server.host', value: '127.0.0.1', origin: 'default' }] });
  const keys = value?.keys;
  const configured = (name: string): unknown =>
    Array.isArray(keys) && keys.find(({ key }) => key === name)?.value;
  t.equal(configured('server.port'), 3000);
  t.equal(configured('server.api_key'), '[set]');
  t.equal(configured('client.server'), null);
  t.equal(configured('storage.strict'), false);
});

t.test('checks a configuration: places, inert keys, exit codes', async (t) => {
  const cwd = testFolder(t, {
    'bad.toml':
      '[server]\nport = 99999\n\n[storage]\nstrict = "yes"\nroot = 1\n[search]\nsparse_index_stride_lines = 5\n',
    'odd.toml': '[server]\nprot = 1\n[search]\nsparse_index_stride_lines = 5\n',
  });
  const bad = await runChs(['config', 'check', '--config', 'bad.toml'], { cwd });
  t.equal(bad.code, 2);
  t.match(bad.stdout, /^wrong .*bad\.toml:2: server\.port/m);
  t.match(bad.stdout, /^wrong .*bad\.toml:5: storage\.strict/m);
  t.match(bad.stdout, /^warning .*bad\.toml:6: unknown key storage\.root/m);
  const odd = await runChs(['config', 'check', '--config', 'odd.toml'], { cwd });
  t.equal(odd.code, 0);
  t.match(odd.stdout, /^warning .*did you mean server\.port/m);
  t.match(
    odd.stdout,
    /^warning +search\.sparse_index_stride_lines is accepted, but this version does not use it/m,
  );
  t.match(jsonLines((await runChs(['config', 'check', '--config', 'bad.toml', '--json'], { cwd })).stdout), [
    {
      valid: false,
      file: join(cwd, 'bad.toml'),
      problems: [{ line: 2 }, { line: 5 }],
      warnings: [/bad\.toml:6: unknown key storage\.root/, /^search\.sparse_index_stride_lines is accepted/],
    },
  ]);
  t.match(await runChs(['config', 'check', '--config', 'none.toml'], { cwd }), {
    code: 2,
    stdout: /none\.toml/,
  });
});

t.test('lists the keys of the configuration, and its JSON Schema', async (t) => {
  const cwd = testFolder(t);
  t.match(await runChs(['config', 'schema'], { cwd }), {
    code: 0,
    stdout: /^storage\.base_path +"\.\/storage"/m,
  });
  t.match(jsonLines((await runChs(['config', 'schema', '--json'], { cwd })).stdout), [
    { type: 'object', properties: { server: {} } },
  ]);
});

t.test('makes a token, alone on stdout, lists and revokes it', async (t) => {
  const cwd = testFolder(t);
  t.match(await runChs(['token', 'list'], { cwd }), { code: 0, stdout: '', stderr: /No tokens yet/ });
  const made = await runChs(['token', 'create', '--name', 'ci', '--scope', 'write', '--expires', '30d'], {
    cwd,
  });
  t.equal(made.code, 0);
  t.match(made.stdout, /^\S{20,}\n$/);
  t.match(made.stderr, /write.*expires at/);
  t.notMatch(made.stderr, made.stdout.trim());
  const [listed] = jsonLines((await runChs(['token', 'list', '--json'], { cwd })).stdout);
  t.match(listed, { tokens: [{ name: 'ci', scope: 'write', revoked_at: null }] });
  const table = (await runChs(['token', 'list'], { cwd })).stdout;
  t.match(table, /ci +write +valid/);
  const id = table.split('\n')[1]?.split(' ')[0] ?? '';
  t.match(await runChs(['token', 'revoke', id], { cwd }), { code: 0, stdout: `revoked ${id}\n` });
  t.match((await runChs(['token', 'list'], { cwd })).stdout, /ci +write +revoked/);
  t.match(await runChs(['token', 'revoke', 'abcdef123456'], { cwd }), { code: 2, stderr: /no such token/ });
});

t.test('examines the machine', async (t) => {
  const cwd = testFolder(t);
  const fresh = await runChs(['doctor'], { cwd });
  t.equal(fresh.code, 0);
  t.match(fresh.stdout, /^ok +Node\.js/m);
  t.match(fresh.stdout, /^ok +database: .*the first upload makes it$/m);
  t.notOk(existsSync(join(cwd, 'xdg-data')), 'looking makes nothing');
  await runChs(['dump', 'upload', example('av.dmp')], { cwd });
  t.match(jsonLines((await runChs(['doctor', '--json'], { cwd })).stdout), [{ healthy: true }]);
  const unreachable = await runChs(['doctor', '--server', 'http://127.0.0.1:9'], { cwd });
  t.match(unreachable, { code: 2, stdout: /^failed +server: no answer from http:\/\/127\.0\.0\.1:9/m });
});

t.test('says what is broken', async (t) => {
  const broken = testFolder(t, {
    'chs.config.toml': '',
    data: { 'crash_handler.db': 'this is no database, not by far: it is text' },
  });
  t.match(await runChs(['doctor'], { cwd: broken }), { code: 2, stdout: /^failed +database/m });
  const wrong = testFolder(t, { 'chs.config.toml': '[server]\nport = -1\n' });
  t.match(await runChs(['doctor'], { cwd: wrong }), { code: 2, stdout: /^failed +configuration/m });
});

t.test('shows what it can do, and leaves nothing behind', async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': '[server]\nport = "broken on purpose"\n' });
  const before = demoFolders();
  const { code, stdout, stderr } = await runChs(['demo'], { cwd });
  t.equal(code, 0);
  t.equal(stderr, '');
  for (const line of [
    'chs dump upload av.dmp',
    'chs pdb match',
    'chs dump explain',
    'no match:',
    'windbg',
    'chs serve',
  ]) {
    t.match(stdout, line);
  }
  t.strictSame(readdirSync(cwd), ['chs.config.toml']);
  t.strictSame(demoFolders(), before);
  const [value] = jsonLines((await runChs(['demo', '--json'], { cwd })).stdout);
  t.match(value, { complete: true });
  t.ok(Array.isArray(value?.steps) && value.steps.every(({ ok }) => ok === true));
});

t.test(
  'ends with 130 on Ctrl-C, and leaves no half upload',
  { skip: process.platform === 'win32' ? 'no signals' : false },
  async (t) => {
    const cwd = testFolder(t);
    const { code, stderr } = await runChs(['dump', 'upload', '-'], {
      cwd,
      // The upload is under way once its entry is in the journal; standard input stays open.
      started: (kill) =>
        void until(() => filesBelow(cwd).some((name) => /storage.*\.incoming(?!.reserve)/.test(name))).then(
          () => kill('SIGINT'),
        ),
    });
    t.equal(code, 130);
    t.notMatch(stderr, /unexpected|at /);
    t.match(await runChs(['dump', 'list', '--json'], { cwd }), { stdout: /"total":0/ });
    t.strictSame(
      filesBelow(cwd).filter((name) => name.includes('storage') && !/\.incoming.reserve/.test(name)),
      [],
    );
  },
);

t.test('Ctrl-C before an upload begins ends it, too', async (t) => {
  const { send } = await embeddedChs(t);
  const body = new PassThrough();
  body.write('MDMP');
  const { status } = await send({
    method: 'POST',
    path: '/api/upload/minidump',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    signal: AbortSignal.abort(),
  });
  t.equal(status, 499);
  t.equal(body.destroyed, true);
});

t.test('ends quietly when nobody reads on', async (t) => {
  const cwd = testFolder(t);
  const { code, stderr } = await runChs(['config', 'schema', '--json'], {
    cwd,
    started: (_kill, stdout) =>
      'destroy' in stdout && typeof stdout.destroy === 'function' && stdout.destroy(),
  });
  t.equal(code, 0);
  t.equal(stderr, '');
});

t.test('says who refused a directory that cannot be written', { skip: permissionsDoNotBind() }, async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': '', data: {} });
  chmodSync(join(cwd, 'data'), 0o500);
  t.match(await runChs(['doctor'], { cwd, unprivileged: true }), {
    code: 2,
    stdout: /^failed +data directory: .*cannot be written/m,
  });
});

t.test('says that a found configuration must not be read', { skip: permissionsDoNotBind() }, async (t) => {
  const cwd = testFolder(t, { 'chs.config.toml': '' });
  chmodSync(join(cwd, 'chs.config.toml'), 0);
  t.match(await runChs(['dump', 'list'], { cwd, unprivileged: true }), {
    code: 2,
    stdout: '',
    stderr: /chs\.config\.toml: .*permission denied/,
  });
});

/** Files, not folders; one that goes away meanwhile does not count. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile());
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

function demoFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('chs-demo-'));
}
