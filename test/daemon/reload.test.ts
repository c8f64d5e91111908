/** What a running daemon takes over of a changed configuration. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startDaemon } from '../../daemon/serve.ts';
import { crashme, form, TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';

t.test('takes over limits, keys and addresses, and names what needs a restart', async (t) => {
  const folder = testFolder(t);
  const daemon = await startDaemon(await testConfig(folder));
  t.teardown(() => daemon.stop('the test is over'));
  const upload = async (key: string): Promise<number> => {
    const body = form({ minidump: { name: 'av.dmp', bytes: crashme('av.dmp') } });
    const init = { method: 'POST', body, headers: { 'x-api-key': key } };
    return (await fetch(`${daemon.url}/upload/minidump`, init)).status;
  };
  t.equal(await upload(TEST_KEY), 200);

  const changes = { 'storage.max_minidump_size': 1000, 'server.api_key': 'another-key-0123456789' };
  daemon.reload(await testConfig(folder, { ...changes, 'server.request_timeout_ms': 1234 }));
  t.equal(await upload(TEST_KEY), 401, 'the old key is gone');
  t.equal(await upload('another-key-0123456789'), 400, 'the new limit holds');
  const log = readFileSync(join(folder, 'logs', 'server.log'), 'utf8');
  t.match(log, /Configuration reloaded: .*server\.api_key/);
  t.match(log, /need a restart: .*server\.request_timeout_ms/);
  t.notMatch(log, 'another-key');

  daemon.reload(await testConfig(folder, { 'auth.ip_denylist': ['127.0.0.1'] }));
  t.equal(await upload(TEST_KEY), 403, 'addresses are looked up in the new lists');
});

t.test('refuses keys that would not do for the address', async (t) => {
  const folder = testFolder(t);
  const daemon = await startDaemon(await testConfig(folder, { 'server.host': '0.0.0.0' }));
  t.teardown(() => daemon.stop('the test is over'));
  const next = await testConfig(folder, { 'server.api_key': 'your-secret-api-key' });
  t.throws(() => daemon.reload(next), { code: 'UNSAFE_LISTEN' });
});
