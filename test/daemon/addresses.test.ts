/** Which addresses are served and listened on, and with which keys. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { keysFor } from '../../daemon/listen.ts';
import { reach, runningDaemon, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { answerOf, logOf } from './wire.ts';

/** What X-Forwarded-For says, the lists, and whether the caller is served. The socket is 127.0.0.1. */
const rules: readonly [
  settings: Record<string, readonly string[]>,
  forwarded: string | null,
  served: boolean,
][] = [
  [{}, null, true],
  [{ ip_whitelist: ['127.0.0.1'] }, null, true],
  [{ ip_whitelist: ['127.0.0.0/8'] }, null, true],
  [{ ip_whitelist: ['::ffff:127.0.0.1'] }, null, true],
  [{ ip_whitelist: ['10.0.0.0/8', '::1'] }, null, false],
  [{ ip_whitelist: ['10.0.0.0/8'] }, '10.1.2.3', false],
  [{ ip_denylist: ['127.0.0.1'] }, null, false],
  [{ ip_whitelist: ['127.0.0.1'], ip_denylist: ['127.0.0.0/24'] }, null, false],
  [{ ip_denylist: ['10.0.0.0/8'] }, '10.1.2.3', true],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, '10.1.2.3', false],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, '::ffff:10.1.2.3', false],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, '10.1.2.3, 192.0.2.1', true],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1', '192.0.2.0/24'] }, '10.1.2.3, 192.0.2.1', false],
  [{ ip_whitelist: ['2001:db8::/32'], proxies: ['127.0.0.1'] }, '2001:DB8::1', true],
  [{ ip_whitelist: ['2001:db8::/32'], proxies: ['127.0.0.1'] }, '2001:db9::1', false],
  [{ ip_whitelist: ['127.0.0.1'], proxies: ['127.0.0.1'] }, null, true],
  [{ ip_whitelist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, 'unknown', false],
  [{ ip_whitelist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, '10.0.0.1, junk', false],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, '"><script>, 999.1.1.1', false],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, 'unknown', false],
  [{ ip_denylist: ['10.0.0.0/8'] }, 'unknown', true],
  [{ proxies: ['127.0.0.1'] }, 'unknown', true],
  [{ ip_denylist: ['10.6.6.6'], proxies: ['127.0.0.1'] }, '10.6.6.6:123', false],
  [{ ip_denylist: ['10.6.6.6'], proxies: ['127.0.0.1'] }, '10.6.6.7:123', true],
  [{ ip_denylist: ['10.6.6.6'], proxies: ['127.0.0.1'] }, '10.6.6.7:http', false],
  [{ ip_denylist: ['10.6.6.6'], proxies: ['127.0.0.1'] }, '[::ffff:10.6.6.6]:123', false],
  [{ ip_denylist: ['10.6.6.6'], proxies: ['127.0.0.1', '192.0.2.0/24'] }, '10.6.6.6:9, 192.0.2.1:443', false],
  [{ ip_denylist: ['2001:db8::/32'], proxies: ['127.0.0.1'] }, '[2001:db8::1]:443', false],
  [{ ip_denylist: ['2001:db8::/32'], proxies: ['127.0.0.1'] }, '[2001:db8::1]', false],
  [{ ip_denylist: ['2001:db8::/32'], proxies: ['127.0.0.1'] }, '[2001:db9::1]:443', true],
  [{ ip_whitelist: ['10.6.6.6'], proxies: ['127.0.0.1'] }, '10.6.6.6:123', true],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, ', ,', true],
  [{ ip_denylist: ['10.0.0.0/8'], proxies: ['127.0.0.1'] }, 'fe80::1%eth0', true],
];

t.test('the allow-list and the deny-list decide, and only trusted proxies are believed', async (t) => {
  for (const [{ proxies = [], ...lists }, forwarded, served] of rules) {
    const auth = Object.fromEntries(Object.entries(lists).map(([name, list]) => [`auth.${name}`, list]));
    const chs = await reach(t, 'daemon', { ...auth, 'server.trusted_proxies': proxies });
    const headers: Record<string, string> = forwarded === null ? {} : { 'x-forwarded-for': forwarded };
    const answer = await answerOf(await chs.fetch('/list/pdbs', { headers }));
    const label = `${JSON.stringify(lists)} ${proxies} ${forwarded}`;
    t.equal(answer.status, served ? 200 : 403, label);
    if (!served) t.match(answer.body, { success: false, code: 'ADDRESS_REFUSED' }, label);
  }
});

t.test('the log names the client that was refused, not the proxy', async (t) => {
  const chs = await reach(t, 'daemon', {
    'auth.ip_denylist': ['10.6.6.6'],
    'server.trusted_proxies': ['127.0.0.1'],
  });
  await answerOf(await chs.fetch('/list/pdbs', { headers: { 'x-forwarded-for': '10.6.6.6:123' } }));
  const lines = logOf(chs)
    .split('\n')
    .filter((line) => line.includes('ADDRESS_REFUSED'));
  t.match(lines, [/ address=10\.6\.6\.6( |$)/]);
});

t.test('without a key a server makes its own, for its user alone, and shows it once', async (t) => {
  const folder = testFolder(t);
  const loaded = await testConfig(folder, { 'server.api_key': undefined });
  const first = keysFor(loaded.config);
  const path = join(folder, 'data', 'api_key');
  t.equal(first.generated?.path, path);
  t.match(first.generated?.key, /^[\w-]{43}$/);
  t.equal(readFileSync(path, 'utf8').trim(), first.generated?.key);
  if (process.platform !== 'win32') t.equal(statSync(path).mode & 0o777, 0o600);
  const second = keysFor(loaded.config);
  t.equal(second.generated, null, 'nobody sees it twice');
  t.same(second.keys, first.keys);
  const { url } = await runningDaemon(t, { 'server.api_key': undefined }, folder);
  const status = async (key: string): Promise<number> => {
    const response = await fetch(`${url}/api/list/pdbs`, { headers: { 'x-api-key': key } });
    await response.arrayBuffer();
    return response.status;
  };
  t.same([await status(first.generated?.key ?? ''), await status('other')], [200, 401]);
});

t.test('an address that others reach needs a key of one’s own', async (t) => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '::ffff:192.0.2.1', '']) {
    if (host === '') continue;
    for (const key of [undefined, 'your-secret-api-key', 'your-api-key', 'changeme']) {
      const folder = testFolder(t);
      const { config } = await testConfig(folder, { 'server.host': host, 'server.api_key': key });
      t.throws(() => keysFor(config), { code: 'UNSAFE_LISTEN', message: host }, `${host} ${key}`);
      t.notOk(existsSync(join(folder, 'data', 'api_key')), 'no key is made in vain');
    }
    const { config } = await testConfig(testFolder(t), { 'server.host': host });
    t.same(keysFor(config).keys, []);
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1']) {
    const { config } = await testConfig(testFolder(t), {
      'server.host': host,
      'server.api_key': 'your-secret-api-key',
    });
    t.match(keysFor(config).warnings[0], 'key from the documentation', `${host} is served, with a warning`);
  }
});
