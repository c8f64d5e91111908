/** The key file of a server's own making, in every state that it can be found in. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { keysFor } from '../../daemon/listen.ts';
import { listenError, startDaemon } from '../../daemon/serve.ts';
import { readGeneratedKey } from '../../src/platform/generated-key.ts';
import { testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';

const NO_KEY = { 'server.api_key': undefined };

t.test('a file that holds no key is an error that names it, and stays as it is', async (t) => {
  for (const [label, content, reason] of [
    ['empty', '', 'empty'],
    ['blank', ' \n', 'empty'],
    ['with spaces in it', 'two words\n', 'without spaces'],
    ['not ASCII', '密钥\n', 'ASCII'],
    ['large', 'x'.repeat(5000), 'too large'],
    ['a folder', {}, 'not a file'],
  ] as const) {
    const folder = testFolder(t, { data: { api_key: content } });
    const path = join(folder, 'data', 'api_key');
    const loaded = await testConfig(folder, NO_KEY);
    const expected = { code: 'KEY_UNUSABLE', message: path };
    t.throws(() => keysFor(loaded.config), expected, label);
    await t.rejects(startDaemon(loaded), { code: 'KEY_UNUSABLE', message: reason }, label);
    t.equal(readGeneratedKey(join(folder, 'data')), null, 'a command goes on without one');
    t.same(readdirSync(join(folder, 'data')), ['api_key'], 'nothing is left beside it');
    if (typeof content === 'string') t.equal(readFileSync(path, 'utf8'), content);
  }
});

t.test('a folder that cannot be made or written is an error with a hint', async (t) => {
  const folder = testFolder(t, { data: 'a file where the folder should be' });
  const { config } = await testConfig(folder, NO_KEY);
  try {
    keysFor(config);
    t.fail('a key was made');
  } catch (error) {
    t.match(error, { code: 'KEY_UNWRITABLE', message: /data: a file stands where a folder should be$/ });
    t.match((error as { describe(language: string): unknown }).describe('zh'), { hint: /./ });
  }
});

t.test(
  'a key that others can read works, with a warning',
  { skip: process.platform === 'win32' },
  async (t) => {
    const folder = testFolder(t, { data: {} });
    const path = join(folder, 'data', 'api_key');
    const { config } = await testConfig(folder, NO_KEY);
    writeFileSync(path, 'a-key-0123456789\n');
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(path, mode);
      const { keys, warnings } = keysFor(config);
      t.match(keys, [{ key: 'a-key-0123456789' }]);
      t.match(warnings, [path]);
    }
    chmodSync(path, 0o600);
    t.same(keysFor(config).warnings, []);
    chmodSync(path, 0o644);
    const daemon = await startDaemon(await testConfig(folder, NO_KEY));
    await daemon.stop('the test is over');
    t.match(readFileSync(join(folder, 'logs', 'server.log'), 'utf8'), /\[WARN\] - other users .*api_key/);
  },
);

t.test('a port that may not be had says so, by the system’s own word', async (t) => {
  // Only where ports below 1024 are for administrators, and this is none, does the system refuse.
  const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
  const refused = listenError(error, '127.0.0.1', 80);
  t.match(refused, { code: 'PORT_NOT_ALLOWED', message: /80/ });
  t.match(refused.describe('en').hint, '1024');
  t.match(refused.describe('zh').hint, '1024');
});
