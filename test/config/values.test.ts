/** Wrong values and unknown names: what is said, where, and that no secret is in it. */
import { join } from 'node:path';
import t from 'tap';
import { environmentLayer } from '../../config/environment.ts';
import { configKeys } from '../../config/keys.ts';
import { type LoadedConfig, type LoadOptions, loadConfig } from '../../config/load.ts';
import { nearest, shown } from '../../config/problem.ts';
import { describeConfig } from '../../config/redact.ts';
import { messageOf, problemsOf } from './loading.ts';

const secret = 'hunter2-hunter2';
const empty = t.testdir({ sub: {} });

function loadEnv(env: Record<string, string>, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  return loadConfig({ cwd: empty, env, home: empty, ...options });
}

t.test('says file, line, key, what was expected and what was found', async (t) => {
  const text = `[server]
port = "abc"
host = ""
[storage]
strict = 1
max_pdb_size = "10 apples"
stale_upload_age = 3600
base_path = 5
[auth]
ip_whitelist = ["10.0.0.0/8", "10.0.0.0/33", "::1/129", "fe80::1%eth0", 7]
api_keys = "${secret}"
[logging]
level = "warning"
max_line_bytes = 1
[client]
server = "ftp://user:${secret}@host"
[security]
cors_origins = ["*"]
`;
  const cwd = t.testdir({ 'chs.config.toml': text });
  const loading = () => loadConfig({ cwd, env: {}, home: cwd });
  const problems = await problemsOf(loading());
  const file = join(cwd, 'chs.config.toml');
  t.ok(problems.every((problem) => problem.file === file));
  const range = 'an IP address or a CIDR range such as "10.0.0.0/8" or "fd00::/8"';
  t.strictSame(
    problems
      .map(({ line, message }) => `${line} ${message}`)
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
    [
      '2 server.port: expected a whole number from 0 to 65535, found "abc"',
      '3 server.host: expected a host name or an address (IPv6 without brackets), without a port, found ""',
      '5 storage.strict: expected true or false, found 1',
      '6 storage.max_pdb_size: expected a size in bytes, or text such as "100MB" (KB, MB, GB and TB count in 1024s), found "10 apples"',
      '7 storage.stale_upload_age: expected a duration such as "500ms", "90s", "10m", "1h" or "7d", found 3600',
      '8 storage.base_path: expected a path, found 5',
      `10 auth.ip_whitelist[1]: expected ${range}, found "10.0.0.0/33"`,
      `10 auth.ip_whitelist[2]: expected ${range}, found "::1/129"`,
      `10 auth.ip_whitelist[3]: expected ${range}, found "fe80::1%eth0"`,
      `10 auth.ip_whitelist[4]: expected ${range}, found 7`,
      '11 auth.api_keys: expected a list, each item a key of 1 to 512 visible ASCII characters, without spaces, found text',
      '13 logging.level: expected one of trace, debug, info, warn, error, found "warning"',
      '14 logging.max_line_bytes: expected a whole number from 256 to 1048576, found 1',
      '16 client.server: expected an http:// or https:// URL without user, password, query or fragment, found "ftp://...@host"',
      '18 security.cors_origins[0]: expected an origin such as "https://example.org" (no path, no *), found "*"',
    ],
  );
  const message = await messageOf(loading());
  t.match(message, `${file}:2: server.port: expected`);
  t.notMatch(message, /hunter/);
});

t.test('refuses a section that is no table, without its value', async (t) => {
  const cwd = t.testdir({ 'chs.config.toml': `server = "${secret}"\n[auth]\nrate_limit = "${secret}"\n` });
  const problems = await problemsOf(loadConfig({ cwd, env: {}, home: cwd }));
  t.match(problems, [
    { line: 1, key: 'server', message: 'server: expected a table, found text' },
    { line: 3, key: 'auth.rate_limit', message: 'auth.rate_limit: expected a table, found text' },
  ]);
});

t.test('never shows a secret, wherever it comes from and whatever is wrong', async (t) => {
  const bad = `${secret} with a space`;
  const keys = [...configKeys.values()].filter((key) => key.secret);
  t.same(
    keys.map((key) => key.name),
    [
      'server.api_key',
      'client.api_key',
      'auth.api_keys',
      'backup.token',
      'backup.s3.access_key_id',
      'backup.s3.secret_access_key',
    ],
  );
  for (const { name, envName, parts, kind } of keys) {
    const value = kind === 'list' ? [secret, bad] : bad;
    const json = JSON.stringify(parts.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value));
    const cwd = t.testdir({ 'chs.config.json': json });
    const ways = [
      () => loadConfig({ cwd, env: {}, home: cwd }),
      () => loadEnv({ [envName]: kind === 'list' ? `["${secret}` : bad }),
      () => loadEnv({}, { flags: { [name]: value } }),
    ];
    for (const way of ways) {
      const message = await messageOf(way());
      t.match(message, name);
      t.notMatch(message, /hunter/);
    }
  }
  const unknown = await loadEnv({ CHS_SERVER_API_KEYS: secret });
  t.match(unknown.warnings, [
    /CHS_SERVER_API_KEYS is unknown and ignored; did you mean CHS_SERVER_API_KEY\?/,
  ]);
  t.notMatch(unknown.warnings.join(), /hunter/);
});

t.test('describes the configuration without its secrets', async (t) => {
  const cwd = t.testdir({ 'chs.config.toml': `[server]\napi_key = "${secret}"\n` });
  const env = { CHS_AUTH_API_KEYS: `${secret},two` };
  const rows = describeConfig(await loadConfig({ cwd, env, home: cwd, flags: { 'server.port': '8080' } }));
  const row = (key: string) => rows.find((candidate) => candidate.key === key);
  t.equal(rows.length, configKeys.size);
  t.match(row('server.api_key'), { value: '[set]', origin: `${join(cwd, 'chs.config.toml')}:2` });
  t.match(row('auth.api_keys'), { value: '[set]', origin: 'CHS_AUTH_API_KEYS' });
  t.match(row('client.api_key'), { value: '[not set]', origin: 'default' });
  t.match(row('client.server'), { value: '[not set]', origin: 'default' });
  t.match(row('server.port'), { value: '8080', origin: 'flag' });
  t.notMatch(JSON.stringify(rows), /hunter/);
  const bare = describeConfig(await loadEnv({}));
  t.match(bare[rows.findIndex(({ key }) => key === 'auth.api_keys')], {
    key: 'auth.api_keys',
    value: '[not set]',
  });
});

t.test('warns about unknown keys with file, line and the nearest name', async (t) => {
  const text =
    '[server]\nprot = 1\nstrict = true\n[storrage]\n[auth.rate_limits]\nx = 1\n[zzzzzzzzz]\ny = 2\n';
  const cwd = t.testdir({ 'chs.config.toml': `max_hits = 3\n${text}` });
  const { warnings } = await loadConfig({ cwd, env: {}, home: cwd });
  const at = (line: number, rest: string) => `${join(cwd, 'chs.config.toml')}:${line}: ${rest}`;
  t.strictSame(warnings, [
    at(1, 'unknown key max_hits is ignored; did you mean limits.max_hits?'),
    at(3, 'unknown key server.prot is ignored; did you mean server.port?'),
    at(4, 'unknown key server.strict is ignored; did you mean storage.strict?'),
    at(5, 'unknown key storrage is ignored; did you mean storage?'),
    at(6, 'unknown key auth.rate_limits is ignored; did you mean auth.rate_limit?'),
    at(8, 'unknown key zzzzzzzzz is ignored'),
  ]);
});

t.test('reads variables by the type of their key', async (t) => {
  const { config, origin, warnings } = await loadEnv({
    CHS_SERVER_PORT: ' 8080 ',
    CHS_STORAGE_STRICT: 'TRUE',
    CHS_LOGGING_STDOUT: '0',
    CHS_STORAGE_MAX_PDB_SIZE: '1.5 KiB',
    CHS_STORAGE_MAX_EXE_SIZE: '12',
    CHS_SESSIONS_SESSION_TTL: '2w',
    CHS_AUTH_RATE_LIMIT_QPS_PER_KEY: '3',
    CHS_CLOCK_DRIFT_POLICY_SECONDS: '-4',
    CHS_AUTH_IP_WHITELIST: '10.0.0.1, ::1 ,',
    CHS_AUTH_IP_DENYLIST: '["10.0.0.2"]',
    CHS_LOGGING_LEVEL: '',
  });
  t.match(config.server, { port: 8080 });
  t.match(config.storage, { strict: true, max_pdb_size: 1536, max_exe_size: 12 });
  t.match(config.auth, {
    ip_whitelist: ['10.0.0.1', '::1'],
    ip_denylist: ['10.0.0.2'],
    rate_limit: { qps_per_key: 3 },
  });
  t.equal(config.logging.stdout, false);
  t.equal(config.sessions.session_ttl, 14 * 86_400_000);
  t.equal(config.clock_drift_policy.seconds, -4);
  t.same(origin.get('logging.level'), { kind: 'default' }, 'empty is not set');
  t.same(warnings, []);
});

t.test('names the variable of a wrong value', async (t) => {
  const problems = await problemsOf(
    loadEnv({ CHS_SERVER_PORT: '80a', CHS_STORAGE_STRICT: 'yes', CHS_AUTH_IP_DENYLIST: '["10.0.0.2"' }),
  );
  t.match(problems, [
    {
      file: null,
      message:
        'environment variable CHS_SERVER_PORT: server.port: expected a whole number from 0 to 65535, found "80a"',
    },
    { message: /CHS_STORAGE_STRICT: storage\.strict: expected true or false, found "yes"/ },
    { message: /CHS_AUTH_IP_DENYLIST: auth\.ip_denylist: expected a list, each item an IP/ },
  ]);
  t.match(await problemsOf(loadEnv({}, { flags: { 'server.port': 'x' } })), [
    { message: /^flag: server\.port: expected/ },
  ]);
  await t.rejects(loadEnv({}, { flags: { 'server.prot': 1 } }), TypeError);
});

t.test('knows the short names, and that the long ones are more exact', async (t) => {
  const { config, origin } = await loadEnv({
    CHS_CLIENT_SERVER: 'http://long.example',
    CHS_SERVER: 'http://short.example/',
    CHS_API_KEY: 'k',
    CHS_LANG: 'zh',
  });
  t.match(config.client, { server: 'http://long.example', api_key: 'k', lang: 'zh' });
  t.same(origin.get('client.api_key'), { kind: 'env', name: 'CHS_API_KEY' });
});

t.test('warns about unknown variables, not about those that are no keys', async (t) => {
  const { warnings } = environmentLayer({
    CHS_CONFIG: 'x',
    CHS_DATA_DIR: 'x',
    CHS_FIXTURES: 'x',
    CHS_MUTATIONS: '1',
    CHS_TEST_ANYTHING: '1',
    CHS_BENCH_SIZE: '1',
    CHS_BACKUP_TOKEN: 'x',
    CHS_LOG_SESSION: 'ses_1',
    PATH: '/bin',
    CHS_SERVER_PROT: '1',
    CHS_ENTIRELY_ELSEWHERE: '1',
  });
  t.strictSame(warnings, [
    'environment variable CHS_SERVER_PROT is unknown and ignored; did you mean CHS_SERVER_PORT?',
    'environment variable CHS_ENTIRELY_ELSEWHERE is unknown and ignored',
  ]);
});

t.test('gives every key a variable of its own', async (t) => {
  const names = [...configKeys.values()].map((key) => key.envName);
  t.equal(new Set(names).size, names.length);
  t.notOk(
    names.some((name) => /^CHS_(?:TEST|BENCH)_|^CHS_(?:SERVER|API_KEY|LANG|CONFIG|DATA_DIR)$/.test(name)),
  );
});

t.test('reads sizes and durations, and no others', async (t) => {
  const sizes: readonly (readonly [string, number])[] = [
    ['100MB', 104_857_600],
    ['64 kb', 65_536],
    ['1GiB', 2 ** 30],
    ['2TB', 2 ** 41],
    ['7b', 7],
    ['0.5KB', 512],
  ];
  for (const [text, bytes] of sizes) {
    t.equal((await loadEnv({ CHS_STORAGE_MAX_PDB_SIZE: text })).config.storage.max_pdb_size, bytes, text);
  }
  for (const text of ['0', '-1', '1.5', '0.0001KB', '5 gigabytes', '1e9', 'GB', '999999999999TB', '1PB']) {
    t.match(
      await problemsOf(loadEnv({ CHS_STORAGE_MAX_PDB_SIZE: text })),
      [{ key: 'storage.max_pdb_size' }],
      text,
    );
  }
  const ages: readonly (readonly [string, number])[] = [
    ['500ms', 500],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['0s', 0],
  ];
  for (const [text, ms] of ages) {
    t.equal(
      (await loadEnv({ CHS_STORAGE_STALE_UPLOAD_AGE: text })).config.storage.stale_upload_age,
      ms,
      text,
    );
  }
  for (const text of ['1', '1y', '-1s', '1 hour', '99999999w', '1H']) {
    t.match(
      await problemsOf(loadEnv({ CHS_STORAGE_STALE_UPLOAD_AGE: text })),
      [{ key: 'storage.stale_upload_age' }],
      text,
    );
  }
});

t.test('shows values short and on one line', async (t) => {
  t.equal(shown(`a\n${'b'.repeat(100)}`, false), `"a\\n${'b'.repeat(58)}..."`);
  t.equal(shown(`http://u:${'p'.repeat(100)}@h`, false), '"http://...@h"');
  t.same(
    [undefined, null, new Date(0), {}, [], true, 5, 5n, () => 1].map((value) => shown(value, true)),
    ['nothing', 'null', 'a date', 'a table', 'a list', 'true or false', 'a number', 'a number', 'a function'],
  );
  t.equal(shown('/'.repeat(1_000_000), false), `"${'/'.repeat(60)}..."`);
  t.equal(nearest('prot', ['post', 'port', 'host']), 'port');
  t.equal(nearest('x'.repeat(10_000), ['port']), null);
  t.equal(nearest('ab', ['cd']), null);
});

t.test(
  'reads databases by name from a table, from text and from JSON, and makes their paths absolute',
  async (t) => {
    const databases = { main: 'data/main.db', app: 'postgres://backup:hunter2@db.example/app' };
    const cwd = t.testdir({ 'chs.config.json': JSON.stringify({ backup: { databases } }) });
    const expected = { main: join(cwd, 'data/main.db'), app: databases.app };
    t.same((await loadConfig({ cwd, env: {}, home: cwd })).config.backup.databases, expected);
    const text = 'main=data/main.db, app=postgres://backup:hunter2@db.example/app';
    for (const value of [text, JSON.stringify(databases)]) {
      const env = { CHS_BACKUP_DATABASES: value };
      t.same((await loadConfig({ cwd, env, home: cwd })).config.backup.databases, expected);
    }
    const rows = describeConfig(await loadConfig({ cwd, env: {}, home: cwd }));
    const shownValue = rows.find(({ key }) => key === 'backup.databases')?.value ?? '';
    t.match(shownValue, 'postgres://backup:***@db.example/app');
    t.notMatch(shownValue, /hunter2/);
    for (const wrong of ['main', '../main=/x', 'main=mysql://x/y'])
      await t.rejects(
        loadConfig({ cwd: t.testdir(), env: { CHS_BACKUP_DATABASES: wrong }, home: cwd }),
        /backup\.databases: expected a table of paths/,
        wrong,
      );
  },
);

t.test('takes the documented name of the backup token; our own wins', async (t) => {
  const theirs = { GOYTYAN_BACKUP_TOKEN: 'theirs' };
  t.equal((await loadEnv(theirs)).config.backup.token, 'theirs');
  t.equal((await loadEnv({ ...theirs, CHS_BACKUP_TOKEN: 'ours' })).config.backup.token, 'ours');
});

t.test('takes a folder or a bucket for backups, and nothing else', async (t) => {
  const env = (value: string) => ({ CHS_BACKUP_TARGET: value });
  t.equal((await loadEnv(env('s3://backups/chs'))).config.backup.target, 's3://backups/chs');
  t.match((await loadEnv(env('copies'))).config.backup.target, /[/\\]copies$/);
  for (const wrong of ['ftp://host/x', 's3://', 's3://Upper/x'])
    await t.rejects(loadEnv(env(wrong)), /backup\.target: expected a folder, or s3:/, wrong);
});
