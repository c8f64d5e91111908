/** What loadConfig gives: defaults, the documented samples, the order of the layers, origins, paths. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { inertKeysSet, type LoadedConfig, type LoadOptions, loadConfig } from '../../config/load.ts';
import { userConfigDir, userDataDir } from '../../config/paths.ts';
import { ConfigError } from '../../config/problem.ts';
import { problemsOf } from './loading.ts';

const crashSample = `
[server]
port = 3000          # 服务端口
host = "0.0.0.0"     # 监听地址，0.0.0.0 支持外网访问
api_key = "your-secret-api-key"  # 替换为实际的 API Key，用于接口鉴权

[storage]
base_path = "./storage"          # 文件存储根目录
max_minidump_size = 104857600    # Minidump 最大大小（100MB）
max_pdb_size = 524288000         # PDB 最大大小（500MB）
max_exe_size = 524288000         # EXE 最大大小（500MB）

[database]
path = "./data/crash_handler.db" # SQLite 数据库文件路径

[logging]
level = "info"                   # 日志级别：trace/debug/info/warn/error
file = "./logs/server.log"       # 日志文件路径
`;

const logServer = `api_version = "v1"
graceful_shutdown_timeout = 30
`;

const logSections = `
[fs]
allow_roots = ["/var/log", "./logs"]
deny_patterns = ["**/*.key"]
io_mode = "mmap"

[limits]
max_upload_mb = 100
max_hits = 500
regex_timeout_ms = 50
max_context_lines = 12
max_line_bytes = 1_048_576
content_length_limit_mb = 10

[search]
enable_temp_index = true
temp_index_threshold_mb = 100
sparse_index_stride_lines = 1000
page_size = 100
max_scanned_bytes = 2_000_000_000

[sessions]
session_ttl = "7d"
max_session_bytes = "5GB"

[auth]
api_keys = ["key-one", "key-two"]
ip_whitelist = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]

[auth.rate_limit]
qps_per_key = 10

[security]
cursor_ttl = 600
enable_cors = false
cors_origins = ["https://logs.example.org"]

[clock_drift_policy]
seconds = 3
`;

/** Loads with nothing of this machine's environment; the walk upward ends at the test's folder. */
function load(folder: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  return loadConfig({ cwd: folder, env: {}, home: folder, ...options });
}

t.test('gives the documented defaults without a file', async (t) => {
  const home = t.testdir();
  const { config, file, root, origin, warnings, notes } = await load(home);
  t.equal(file, null);
  t.equal(root, userDataDir({ platform: process.platform, env: {}, home }));
  t.equal(config.database.path, join(root, 'data/crash_handler.db'));
  t.equal(config.storage.max_pdb_size, 524_288_000);
  t.equal(config.storage.stale_upload_age, 3_600_000);
  t.equal(config.sessions.session_ttl, 7 * 86_400_000);
  t.equal(config.sessions.max_session_bytes, 5 * 2 ** 30);
  t.match(config.logs, {
    facts_dir: join(root, 'facts.d'),
    redact_dir: join(root, 'redact.d'),
    redact: true,
    threads: 0,
    hard_timeout_ms: 30_000,
    max_concurrent_searches: 32,
  });
  t.same(config.fs.allow_roots, []);
  t.match(config.server, { host: '127.0.0.1', port: 3000, api_key: undefined, body_idle_timeout_ms: 60_000 });
  t.equal(config.client.lang, undefined);
  t.ok([...origin.values()].every(({ kind }) => kind === 'default'));
  t.same([...warnings, ...notes], []);
  t.same(inertKeysSet(await load(home)), []);
});

t.test('loads the sample of the crash server unchanged', async (t) => {
  const folder = t.testdir({ config: { 'config.toml': crashSample } });
  const { config, file, root, origin, warnings } = await load(folder);
  t.equal(file, join(folder, 'config/config.toml'));
  t.equal(root, folder);
  t.match(config.server, { host: '0.0.0.0', port: 3000, api_key: 'your-secret-api-key' });
  t.equal(config.storage.base_path, join(folder, 'storage'));
  t.equal(config.database.path, join(folder, 'data/crash_handler.db'));
  t.equal(config.logging.file, join(folder, 'logs/server.log'));
  t.same(origin.get('server.api_key'), { kind: 'file', file, line: 5 });
  t.same(origin.get('logging.file'), { kind: 'file', file, line: 18 });
  t.same(origin.get('logging.format'), { kind: 'default' });
  t.same(warnings, []);
});

t.test('loads the sample of the log server, and names what this version does not use', async (t) => {
  const bind = '[server]\nbind = "127.0.0.1:8080"\n';
  const folder = t.testdir({ 'chs.config.toml': `${bind}${logServer}${logSections}` });
  const loaded = await load(folder);
  t.same(loaded.warnings, []);
  t.match(loaded.config.server, { host: '127.0.0.1', port: 8080, bind: '127.0.0.1:8080' });
  t.same(loaded.config.fs.allow_roots, [resolve('/var/log'), join(folder, 'logs')]);
  t.equal(loaded.config.auth.rate_limit.qps_per_key, 10);
  t.same(loaded.origin.get('auth.rate_limit.qps_per_key'), { kind: 'file', file: loaded.file, line: 35 });
  const inert = inertKeysSet(loaded);
  t.same(inert, [
    'auth.rate_limit.qps_per_key',
    'limits.max_upload_mb',
    'fs.io_mode',
    'search.sparse_index_stride_lines',
    'security.enable_cors',
    'security.cors_origins',
  ]);
});

t.test('loads both samples in one file', async (t) => {
  const both =
    crashSample.replace('[server]\n', `[server]\nbind = "0.0.0.0:3000"\n${logServer}`) + logSections;
  const { config, warnings } = await load(t.testdir({ config: { 'config.toml': both } }));
  t.match(config.server, {
    host: '0.0.0.0',
    port: 3000,
    bind: '0.0.0.0:3000',
    api_key: 'your-secret-api-key',
  });
  t.equal(config.limits.max_upload_mb, 100);
  t.same(warnings, []);
});

t.test('lets a file win over defaults, variables over the file, flags over all', async (t) => {
  const folder = t.testdir({
    'chs.config.toml': '[server]\nport = 1001\nhost = "a"\n[storage]\nstrict = true\n',
  });
  const env = { CHS_SERVER_PORT: '1002', CHS_SERVER_HOST: 'b' };
  const { config, file, origin } = await load(folder, {
    env,
    flags: { 'server.port': 1003, 'server.host': undefined },
  });
  t.match(config.server, { port: 1003, host: 'b' });
  t.equal(config.storage.strict, true);
  t.same(origin.get('server.port'), { kind: 'flag', name: 'server.port' });
  t.same(origin.get('server.host'), { kind: 'env', name: 'CHS_SERVER_HOST' });
  t.same(origin.get('storage.strict'), { kind: 'file', file, line: 5 });
  t.same(origin.get('server.api_version'), { kind: 'default' });
});

t.test('takes server.bind apart, for IPv6 too', async (t) => {
  const bound = (bind: string) => load(t.testdir({ '.chsrc.toml': `server.bind = "${bind}"` }));
  t.match((await bound('[::1]:3000')).config.server, { host: '::1', port: 3000 });
  t.match((await bound('localhost:0')).config.server, { host: 'localhost', port: 0 });
  for (const bad of ['::1:3000', ':3000', 'host', 'host:', 'host:65536', '[host]:1', '[::1]', 'a b:1']) {
    t.match(
      await problemsOf(bound(bad)),
      [{ key: 'server.bind', line: 1, message: /expected "host:port"/ }],
      bad,
    );
  }
});

t.test('refuses server.bind and server.port that disagree, naming both', async (t) => {
  const folder = t.testdir({ 'chs.config.toml': '[server]\nport = 3000\nbind = "127.0.0.1:8080"\n' });
  const message = /server\.bind "127\.0\.0\.1:8080" and server\.port 3000 disagree/;
  t.match(await problemsOf(load(folder)), [{ line: 3, key: 'server.bind', message }]);
});

t.test('lets a later layer override one half of server.bind', async (t) => {
  const folder = t.testdir({ 'chs.config.toml': '[server]\nbind = "0.0.0.0:8080"\n' });
  const { config, origin } = await load(folder, { env: { CHS_SERVER_PORT: '9090' } });
  t.match(config.server, { host: '0.0.0.0', port: 9090, bind: undefined });
  t.equal(origin.get('server.host')?.kind, 'file');
  const bound = await load(folder, { flags: { 'server.bind': '[::]:1' } });
  t.match(bound.config.server, { host: '::', port: 1, bind: '[::]:1' });
});

t.test('resolves paths: of files at their root, of variables and flags at the current folder', async (t) => {
  const folder = t.testdir({
    config: { 'config.toml': '[storage]\nbase_path = "up/../s"\n' },
    deep: { er: {} },
  });
  const cwd = join(folder, 'deep/er');
  const env = { CHS_DATABASE_PATH: 'x.db' };
  const { config, root } = await load(folder, { cwd, env, flags: { 'logging.file': '../l.log' } });
  t.equal(root, folder);
  t.equal(config.storage.base_path, join(folder, 's'));
  t.equal(config.database.path, join(cwd, 'x.db'));
  t.equal(config.logging.file, join(folder, 'deep/l.log'));
  const tilde = await load(folder, { home: join(folder, 'ann'), env: { CHS_STORAGE_BASE_PATH: '~/dumps' } });
  t.equal(tilde.config.storage.base_path, join(folder, 'ann', 'dumps'));
});

t.test('keeps data in the user folder for the user configuration', async (t) => {
  const home = t.testdir({ work: {} });
  const place = { platform: process.platform, env: {}, home };
  const users = join(userConfigDir(place), 'config.toml');
  mkdirSync(dirname(users), { recursive: true });
  writeFileSync(users, '[server]\nport = 4\n');
  const { config, root, file } = await load(home, { cwd: join(home, 'work') });
  t.equal(file, users);
  t.equal(root, userDataDir(place));
  t.equal(config.server.port, 4);
  const moved = await load(join(home, 'work'), { env: { CHS_DATA_DIR: join('..', 'data') } });
  t.equal(moved.file, null);
  t.equal(moved.config.storage.base_path, join(home, 'data', 'storage'));
});

t.test('CHS_DATA_DIR holds beside a file, for what the file does not place itself', async (t) => {
  const folder = t.testdir({ 'chs.config.toml': '[server]\nport = 4\n[database]\npath = "x.db"\n' });
  const { config, root, warnings } = await load(folder, { env: { CHS_DATA_DIR: 'elsewhere' } });
  t.equal(root, join(folder, 'elsewhere'));
  t.equal(config.storage.base_path, join(folder, 'elsewhere', 'storage'));
  t.equal(config.database.path, join(folder, 'x.db'));
  t.equal(config.server.port, 4);
  t.match(warnings, [/^CHS_DATA_DIR does not move what the configuration file places: database\.path$/]);
});

t.test('uses the data folder of Windows there', async (t) => {
  const env = { LOCALAPPDATA: 'C:\\Users\\Ann\\AppData\\Local', APPDATA: 'C:\\Users\\Ann\\AppData\\Roaming' };
  const folder = t.testdir();
  const { root, config } = await load(folder, { env, platform: 'win32', home: folder });
  t.equal(root, 'C:\\Users\\Ann\\AppData\\Local\\chs');
  t.equal(config.storage.base_path, 'C:\\Users\\Ann\\AppData\\Local\\chs\\storage');
  t.equal(config.database.path, 'C:\\Users\\Ann\\AppData\\Local\\chs\\data\\crash_handler.db');
});

t.test('searches upward, the nearest folder first, and no higher than home', async (t) => {
  const home = t.testdir({
    'chs.config.toml': '[server]\nport = 1\n',
    user: { a: { 'chs.config.toml': '[server]\nport = 2\n', b: { c: {} } }, empty: {} },
  });
  const user = join(home, 'user');
  t.equal((await load(home, { cwd: join(user, 'a/b/c'), home: user })).config.server.port, 2);
  t.equal((await load(home, { cwd: join(user, 'empty'), home: user })).file, null);
  t.equal((await load(home, { cwd: join(user, 'empty'), home })).config.server.port, 1);
});

t.test('prefers config/config.toml, then chs.config.*, then .chsrc, then package.json', async (t) => {
  const content = (port: number) => `[server]\nport = ${port}\n`;
  const folder = t.testdir({ 'package.json': '{"chs": {"server": {"port": 4}}}' });
  t.equal((await load(folder)).config.server.port, 4);
  writeFileSync(join(folder, '.chsrc.toml'), content(3));
  t.equal((await load(folder)).config.server.port, 3);
  writeFileSync(join(folder, 'chs.config.toml'), content(2));
  t.equal((await load(folder)).config.server.port, 2);
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config/config.toml'), content(1));
  t.equal((await load(folder)).config.server.port, 1);
});

t.test('walks past a config/config.toml of another program', async (t) => {
  for (const foreign of [
    'title = "site"\n[params]\nx = 1\n',
    'server = "x"\n',
    '[[server]]\n',
    '',
    'not toml at all',
  ]) {
    const folder = t.testdir({
      'chs.config.toml': '[server]\nport = 7\n',
      site: { config: { 'config.toml': foreign }, sub: {} },
    });
    const { config, notes, warnings } = await load(folder, { cwd: join(folder, 'site/sub') });
    t.equal(config.server.port, 7, foreign);
    t.match(notes, [/site.config.config\.toml is not ours: it has none of our sections/]);
    t.same(warnings, []);
  }
});

t.test('is not slowed by a long foreign file, nor stopped by a file called config', async (t) => {
  const blank = t.testdir({ config: { 'config.toml': '\n'.repeat(1_000_000) } });
  t.equal((await load(blank)).file, null);
  const odd = t.testdir({ config: 'text', '.chsrc': 'server: {port: 6}' });
  t.equal((await load(odd)).config.server.port, 6);
});

t.test('takes its own config/config.toml in any spelling of a section, even with a slip in it', async (t) => {
  const port = async (text: string) =>
    (await load(t.testdir({ config: { 'config.toml': text } }))).config.server.port;
  t.equal(await port(' [ server ]\nport = 5'), 5);
  t.equal(await port('server.port = 5'), 5);
  t.equal(await port('server = { port = 5 }'), 5);
  const slip = load(t.testdir({ config: { 'config.toml': '[server]\nport = = 5' } }));
  t.match(await problemsOf(slip), [{ line: 2, message: /not TOML.*line 2, column 8/ }]);
});

t.test('reads --config before CHS_CONFIG, and misses either by name', async (t) => {
  const folder = t.testdir({ 'a.toml': 'server.port = 1', 'b.toml': 'server.port = 2' });
  const env = { CHS_CONFIG: 'a.toml' };
  t.equal((await load(folder, { env })).config.server.port, 1);
  t.equal((await load(folder, { env, explicitPath: 'b.toml' })).config.server.port, 2);
  t.equal((await load(folder, { env: { CHS_CONFIG: '' } })).file, null);
  const missing = load(folder, { env: { CHS_CONFIG: 'c.toml' } });
  t.match(await problemsOf(missing), [{ file: join(folder, 'c.toml'), message: 'there is no such file' }]);
  await t.rejects(load(folder, { explicitPath: join('no', 'c.toml') }), ConfigError);
});

const notRoot = process.getuid?.() === 0 ? false : 'only root can give a file away';
t.test('leaves files of other users alone that others may have put there', { skip: notRoot }, async (t) => {
  const folder = t.testdir({
    'chs.config.toml': 'server.port = 1',
    sub: {},
    js: { 'chs.config.js': 'throw 1' },
  });
  chownSync(join(folder, 'chs.config.toml'), 12_345, 12_345);
  chownSync(join(folder, 'js/chs.config.js'), 12_345, 12_345);
  chmodSync(folder, 0o755);
  t.equal((await load(folder)).config.server.port, 1, 'a folder of ours: somebody gave it to us');
  chmodSync(folder, 0o1777);
  t.match((await load(folder)).warnings, [/chs\.config\.toml is not used: it belongs to another user/]);
  chmodSync(folder, 0o755);
  const above = await load(folder, { cwd: join(folder, 'sub') });
  t.equal(above.file, null);
  t.match(above.warnings, [/chs\.config\.toml is not used: it belongs to another user/]);
  const script = await load(folder, { cwd: join(folder, 'js') });
  t.match(script.warnings, [/chs\.config\.js is not used/, /chs\.config\.toml is not used/]);
});
