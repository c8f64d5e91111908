/** What is generated from the schema, and the folders of each platform. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configKeys } from '../../config/keys.ts';
import { loadConfig } from '../../config/load.ts';
import { userConfigDir, userDataDir } from '../../config/paths.ts';
import { configJsonSchema, renderConfigReference, renderSample } from '../../config/sample.ts';
import { projectRoot } from '../fixtures/shared.ts';

t.test('config/config.toml is what the schema gives', async (t) => {
  const committed = readFileSync(join(projectRoot, 'config/config.toml'), 'utf8').replaceAll('\r\n', '\n');
  t.equal(committed, renderSample(), 'run `npm run generate` after a change of the schema');
});

t.test('the sample loads and gives the defaults', async (t) => {
  const folder = t.testdir({ 'chs.config.toml': renderSample(), none: {} });
  const options = { env: { CHS_DATA_DIR: folder }, home: join(folder, 'none') };
  const sample = await loadConfig({ ...options, cwd: folder });
  const none = await loadConfig({ ...options, cwd: join(folder, 'none') });
  t.equal(none.file, null);
  t.strictSame(sample.config, none.config);
  t.same(sample.warnings, []);
});

t.test('the sample loads with everything in it switched on', async (t) => {
  const all = renderSample().replace(/^# ([a-z_]+ = )/gm, '$1');
  const folder = t.testdir({ 'chs.config.toml': all });
  const { origin, warnings } = await loadConfig({ cwd: folder, env: {}, home: folder });
  t.same(warnings, []);
  const elsewhere = [...origin].filter(([, from]) => from.kind !== 'file').map(([key]) => key);
  t.same(elsewhere, [], 'every key is in the sample');
  for (const [key, from] of origin) {
    const line = from.kind === 'file' ? (all.split('\n')[(from.line ?? 0) - 1] ?? '') : '';
    t.match(line, new RegExp(`^${key.split('.').at(-1)} = `), `the line of ${key}`);
  }
});

t.test('the reference has every key with its type, default and variable', async (t) => {
  const docs = renderConfigReference();
  t.equal(docs.length, configKeys.size);
  t.ok(docs.every((doc) => doc.type && doc.description.endsWith('.') && doc.env.startsWith('CHS_')));
  t.match(
    docs.find((doc) => doc.key === 'server.port'),
    {
      type: 'a whole number from 0 to 65535',
      default: '3000',
      env: 'CHS_SERVER_PORT',
      secret: false,
      inert: false,
    },
  );
  t.match(
    docs.find((doc) => doc.key === 'server.api_key'),
    { default: '', secret: true, reload: true },
  );
  t.match(
    docs.find((doc) => doc.key === 'sessions.max_session_bytes'),
    { default: '"5GB"', inert: false, reload: true },
  );
  t.match(
    docs.find((doc) => doc.key === 'search.sparse_index_stride_lines'),
    { default: '1000', inert: true },
  );
});

t.test('the JSON Schema describes what a file may hold', async (t) => {
  t.match(configJsonSchema(), {
    title: 'Configuration of chs',
    type: 'object',
    properties: {
      server: { properties: { port: { type: 'integer', minimum: 0, maximum: 65_535, default: 3000 } } },
      storage: { properties: { max_pdb_size: { default: 524_288_000 }, base_path: { path: true } } },
      auth: { properties: { rate_limit: { properties: { qps_per_key: { default: 10, inert: true } } } } },
    },
  });
  t.notOk('required' in configJsonSchema());
});

t.test('every platform has its folders', async (t) => {
  const folders = (platform: NodeJS.Platform, home: string, env: Record<string, string> = {}) =>
    [userConfigDir, userDataDir].map((folder) => folder({ platform, env, home }));
  t.same(folders('linux', '/home/ann'), ['/home/ann/.config/chs', '/home/ann/.local/share/chs']);
  const xdg = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'relative' };
  t.same(folders('freebsd', '/home/ann', xdg), ['/c/chs', '/home/ann/.local/share/chs']);
  const mac = '/Users/ann/Library/Application Support/chs';
  t.same(folders('darwin', '/Users/ann', xdg), [mac, mac]);
  const local = 'C:\\Users\\Ann\\AppData\\Local\\chs';
  t.same(folders('win32', 'C:\\Users\\Ann'), ['C:\\Users\\Ann\\AppData\\Roaming\\chs', local]);
  const moved = { APPDATA: 'D:\\R', LOCALAPPDATA: 'D:\\L' };
  t.same(folders('win32', 'C:\\Users\\Ann', moved), ['D:\\R\\chs', 'D:\\L\\chs']);
});
