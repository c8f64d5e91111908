/** The forms that a configuration file may have, and how each is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { messageOf } from './loading.ts';

const secret = 'hunter2-hunter2';
const folder = t.testdir();
let count = 0;

/** Writes one file into a folder of its own and loads it, by name or by searching. */
function loadText(
  name: string,
  content: string | Uint8Array,
  how: 'named' | 'found' = 'named',
): Promise<LoadedConfig> {
  count += 1;
  const cwd = join(folder, `case-${count}`);
  mkdirSync(cwd);
  writeFileSync(join(cwd, name), content);
  return loadConfig({ cwd, env: {}, home: cwd, explicitPath: how === 'named' ? name : undefined });
}

t.test('finds and reads every form', async (t) => {
  const toml = '[server]\nport = 81\n';
  const yaml = '# comment\nserver:\n  port: 81\n';
  const json = '{\n  "server": {\n    "port": 81\n  }\n}\n';
  const forms: readonly (readonly [string, string, number | null])[] = [
    ['chs.config.toml', toml, 2],
    ['chs.config.yaml', yaml, 3],
    ['chs.config.yml', yaml, 3],
    ['chs.config.json', json, 3],
    ['chs.config.js', 'export default { server: { port: 81 } };', null],
    ['chs.config.mjs', 'export default { server: { port: 81 } };', null],
    ['chs.config.cjs', 'module.exports = { server: { port: 81 } };', null],
    ['.chsrc', yaml, 3],
    ['.chsrc', json, 3],
    ['.chsrc.toml', toml, 2],
    ['.chsrc.yaml', yaml, 3],
    ['.chsrc.yml', yaml, 3],
    ['.chsrc.json', json, 3],
    ['.chsrc.js', 'export default { server: { port: 81 } };', null],
    ['package.json', '{\n "name": "x",\n "server": {},\n "chs": {\n "server": {\n "port": 81 }}}', 6],
  ];
  for (const [name, content, line] of forms) {
    const { config, file, origin, warnings } = await loadText(name, content, 'found');
    t.equal(config.server.port, 81, name);
    t.same(origin.get('server.port'), { kind: 'file', file, line }, `the line in ${name}`);
    t.same(warnings, []);
  }
});

t.test('does not take a package.json without a chs table', async (t) => {
  for (const content of [
    '{"name":"chs"}',
    '{"chs":"x"}',
    '{"chs":',
    '[]',
    `{"chs":{}, "x":"${'x'.repeat(1_048_576)}"}`,
  ]) {
    t.equal((await loadText('package.json', content, 'found')).file, null);
  }
  t.equal((await loadText('package.json', '{"name":"x"}')).config.server.port, 3000);
});

t.test('reads empty files, sections without keys, byte order marks and CRLF', async (t) => {
  for (const name of ['a.toml', 'a.yaml', 'a.json', '.chsrc']) {
    t.equal((await loadText(name, '')).config.server.port, 3000, name);
    t.equal((await loadText(name, '\ufeff')).config.server.port, 3000, name);
  }
  t.equal((await loadText('a.yaml', 'server:\n#  port: 1\n')).config.server.port, 3000);
  const dressed = await loadText('a.toml', '\ufeff[server]\r\n# x\r\nport = 9\r\n');
  t.equal(dressed.config.server.port, 9);
  t.match(dressed.origin.get('server.port'), { line: 3 });
  const yaml = await loadText('a.yaml', '\ufeffserver:\r\n  port: 9\r\n');
  t.match(yaml.origin.get('server.port'), { line: 2 });
  t.equal((await loadText('a.json', '\ufeff{"server":{"port":9}}')).config.server.port, 9);
});

t.test('finds the line of a key behind other spellings', async (t) => {
  const toml = [
    'client.timeout_ms = 5', // 1
    'auth.api_keys = [', // 2
    '  "port = 1",',
    ']',
    '[ "server" ]', // 5
    'host = """',
    'port = 3"""',
    '"port" = 4', // 8
    '[auth]',
    'rate_limit = { qps_per_key = 3 }', // 10
  ].join('\n');
  const { origin } = await loadText('a.toml', toml.replace('auth.api_keys', 'fs.deny_patterns')).catch(
    (error) => {
      // A host of two lines is refused; the places are what counts here.
      t.match(error, { problems: [{ key: 'server.host', line: 6 }] });
      return loadText(
        'a.toml',
        toml.replace('auth.api_keys', 'fs.deny_patterns').replace('"""\nport = 3"""', '"x"\n'),
      );
    },
  );
  const line = (key: string) => {
    const from = origin.get(key);
    return from?.kind === 'file' ? from.line : undefined;
  };
  t.same(['client.timeout_ms', 'fs.deny_patterns', 'server.port'].map(line), [1, 2, 8]);
  t.equal(line('auth.rate_limit.qps_per_key'), 10);
});

t.test('refuses what is not a small readable file of text', async (t) => {
  t.match(
    await messageOf(loadText('a.toml', `# ${'x'.repeat(1_048_576)}`)),
    /a\.toml: the file is larger than 1 MiB/,
  );
  t.match(
    await messageOf(loadText('a.toml', Buffer.from('\ufeff[server]', 'utf16le'))),
    /is UTF-16; save it as UTF-8/,
  );
  t.match(await messageOf(loadText('a.toml', Buffer.from([0x23, 0xff, 0x0a]))), /is not UTF-8/);
  const cwd = t.testdir({ 'chs.config.toml': { 'x.toml': '' }, 'chs.config.json': '{"server":{"port":5}}' });
  const named = loadConfig({ cwd, env: {}, home: cwd, explicitPath: 'chs.config.toml' });
  t.match(await messageOf(named), /folder, not a file|cannot be read|permission denied/);
  const found = await loadConfig({ cwd, env: {}, home: cwd });
  t.equal(found.config.server.port, 5, 'a folder of that name is passed over');
  t.match(found.notes, [/chs\.config\.toml is not ours: it is not a file/]);
});

t.test('warns about a config/config.toml that cannot be judged, and goes on', async (t) => {
  const cwd = t.testdir({ config: { 'config.toml': `[server]\n# ${'x'.repeat(1_048_576)}` } });
  const { file, warnings } = await loadConfig({ cwd, env: {}, home: cwd });
  t.equal(file, null);
  t.match(warnings, [/config\.toml is not used: the file is larger than 1 MiB/]);
});

t.test('names the place of a slip, and never quotes the file', async (t) => {
  const slips: readonly (readonly [string, string, RegExp])[] = [
    ['a.toml', `[server]\napi_key = ${secret}\n`, /a\.toml:2: this is not TOML: .*\(line 2, column \d+\)/],
    ['a.toml', `[server]\napi_key = "${secret}\n`, /a\.toml:2: this is not TOML/],
    ['a.json', `{"server":\n{"api_key": ${secret}}}`, /a\.json:2: this is not JSON: .*\(line 2, column 13\)/],
    ['a.json', `{"server": {"api_key": "${secret}"`, /a\.json:1: this is not JSON/],
    ['a.json', `{"server" "${secret}"}`, /a\.json:1: .*column 11/],
    ['a.json', '{"a": [1, 2,]}', /column 13/],
    ['a.json', '{"a": 1} x', /column 9|column 10/],
    ['a.yaml', `server:\n  api_key: !${secret}\n`, /a\.yaml:\d: this is not YAML/],
    ['a.yaml', `server:\n  api_key: *${secret}\n`, /a\.yaml:2: this is not YAML/],
    ['a.yaml', `server:\n  api_key: "${secret}\n`, /a\.yaml:\d: this is not YAML/],
    ['a.mjs', `export default { x: ${secret} ${secret} };`, /a\.mjs: the file cannot be run \(SyntaxError\)/],
    ['a.cjs', 'throw new Error("no such host");', /a\.cjs: the file cannot be run \(Error: no such host\)/],
  ];
  for (const [name, content, expected] of slips) {
    const message = await messageOf(loadText(name, content));
    t.match(message, expected);
    t.notMatch(message, /hunter/, `${name} is not quoted`);
  }
});

t.test('refuses a file that holds no table', async (t) => {
  t.match(await messageOf(loadText('a.json', `["${secret}"]`)), /expected a table of sections, found a list/);
  t.match(await messageOf(loadText('a.yaml', secret)), /a\.yaml: expected a table of sections, found text/);
  t.match(await messageOf(loadText('a.mjs', 'export default () => ({})')), /found a function/);
  t.equal((await loadText('a.mjs', 'export const x = 1;')).config.server.port, 3000);
});

t.test('survives deep and hostile files', async (t) => {
  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
  t.match((await loadText('a.json', deep)).warnings, [/unknown key a is ignored/]);
  t.match(await messageOf(loadText('a.toml', `a = ${'['.repeat(5000)}`)), /not TOML/);
  const { config, warnings } = await loadText(
    'a.json',
    '{"__proto__": {"x": 1}, "server": {"__proto__": {"port": 1}}}',
  );
  t.equal(config.server.port, 3000);
  t.equal(warnings.length, 2);
  const many = Array.from({ length: 500 }, (_, index) => `key_${index} = 1`).join('\n');
  const flood = await loadText('a.toml', many);
  t.equal(flood.warnings.length, 51);
  t.match(flood.warnings.at(-1), /450 more unknown keys/);
});

t.test('runs a program afresh at each load', async (t) => {
  for (const [name, head] of [
    ['chs.config.mjs', 'export default'],
    ['chs.config.cjs', 'module.exports ='],
    ['chs.config.js', 'module.exports ='],
  ] as const) {
    const cwd = t.testdir({ 'package.json': '{}' });
    const ports: number[] = [];
    for (const port of [1, 2]) {
      writeFileSync(join(cwd, name), `${head} { server: { port: ${port} } };`);
      ports.push((await loadConfig({ cwd, env: {}, home: cwd })).config.server.port);
    }
    t.same(ports, [1, 2], name);
  }
});
