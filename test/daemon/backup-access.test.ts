/** Who is given the databases: by key, by token, by being on this machine, and who only seems to be. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import t from 'tap';
import type { Principal } from '../../src/platform/access.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { TEST_KEY } from '../fixtures/chs.ts';
import { type Download, logFile, rawGet, serveDownload, spoken } from './backup-served.ts';

const TOKEN = 'backup-token-0123456789';
const WITH_TOKEN = { 'backup.token': TOKEN };

/** Gives ten bytes, and keeps who asked and with what. */
function recorded(): { download: Download; asked: { input: unknown; principal: Principal }[] } {
  const asked: { input: unknown; principal: Principal }[] = [];
  const download: Download = async (input, { principal }) => {
    asked.push({ input, principal });
    return {
      sizeBytes: null,
      sha256: null,
      fileName: 'backup.zip',
      modifiedAt: null,
      open: () => Readable.from(['ten bytes!']),
    };
  };
  return { download, asked };
}

async function madeToken(url: string, scope: string): Promise<string> {
  const body = JSON.stringify({ name: 'test', scope });
  const response = await fetch(`${url}/tokens`, { method: 'POST', body, headers: { 'x-api-key': TEST_KEY } });
  const { data }: { data: { token: string } } = JSON.parse(await response.text());
  return data.token;
}

t.test('with a token: whoever has it, and keys that may do everything', async (t) => {
  const { download, asked } = recorded();
  const { url } = await serveDownload(t, download, { settings: WITH_TOKEN });
  const read = await madeToken(url, 'read');
  const admin = await madeToken(url, 'admin');
  const cases: readonly [status: number, who: string, query: string, headers: Record<string, string>][] = [
    [200, 'backup token', '', { 'x-backup-token': TOKEN }],
    [200, 'backup token', `?token=${TOKEN}`, {}],
    [200, 'backup token', `?token=${TOKEN}&db=main`, { origin: 'https://example.org' }],
    [200, 'backup token', '', { 'x-backup-token': TOKEN, 'x-api-key': 'wrong' }],
    [200, 'backup token', '', { 'x-backup-token': TOKEN, 'x-api-key': read }],
    [200, 'backup token', '', { 'x-backup-token': TOKEN, 'x-forwarded-for': '203.0.113.7' }],
    [200, 'server.api_key', '', { 'x-api-key': TEST_KEY }],
    [200, 'server.api_key', '', { authorization: `Bearer ${TEST_KEY}` }],
    [200, 'server.api_key', '?token=wrong', { 'x-api-key': TEST_KEY }],
    [200, '(test)', '', { authorization: `Bearer ${admin}` }],
    [401, '', '', {}],
    [401, '', '?token=', {}],
    [401, '', `?token=${TOKEN}x`, {}],
    [401, '', `?token=${TOKEN.slice(0, -1)}`, {}],
    [401, '', `?Token=${TOKEN}`, {}],
    [401, '', '', { 'x-backup-token': 'wrong' }],
    [401, '', '', { 'x-backup-token': '' }],
    [401, '', `?token=${TOKEN}`, { 'x-backup-token': 'wrong' }],
    [401, '', '', { 'x-backup-token': TEST_KEY }],
    [401, '', '', { 'x-api-key': TOKEN }],
    [401, '', '', { 'x-api-key': 'wrong' }],
    [401, '', '?token=wrong', { 'x-api-key': 'wrong' }],
    [403, '', '', { 'x-api-key': read }],
  ];
  for (const path of ['/backupdb', '/api/backupdb'])
    for (const [status, who, query, headers] of cases) {
      asked.length = 0;
      const label = `${path}${query} ${JSON.stringify(headers)}`;
      const answer = await rawGet(`${url}${path}${query}`, headers);
      t.equal(answer.status, status, label);
      if (status === 200) t.match(asked[0]?.principal.name, who, label);
      else {
        const refused = 'x-api-key' in headers ? 'UNAUTHORIZED' : 'BACKUP_TOKEN';
        t.match(JSON.parse(answer.body), { code: status === 401 ? refused : 'FORBIDDEN' }, label);
      }
      t.equal(asked.length, status === 200 ? 1 : 0, label);
    }
});

t.test('the token reaches neither the log, nor an error, nor the function behind it', async (t) => {
  const { download, asked } = recorded();
  const failing: Download = async (input, call) => {
    await download(input, call);
    throw new Error('no snapshot today');
  };
  const { url, folder } = await serveDownload(t, failing, { settings: WITH_TOKEN });
  const answers = [
    await rawGet(`${url}/backupdb?token=${TOKEN}&db=main`),
    await rawGet(`${url}/backupdb?token=${TOKEN}`, { 'x-backup-token': 'wrong' }),
    await rawGet(`${url}/backupdb?token=${TOKEN}&db=%20`),
    await rawGet(`${url}/backupdb/other?token=${TOKEN}`, { 'x-backup-token': TOKEN }),
    await rawGet(`${url}/backupdb?token=${TOKEN}`, {}, 'POST'),
  ];
  t.same(
    answers.map(({ status }) => status),
    [500, 401, 400, 404, 405],
  );
  t.same(
    asked.map(({ input }) => input),
    [{ db: 'main' }],
  );
  for (const { body, headers } of answers) t.notMatch(body + JSON.stringify(headers), TOKEN);
  const log = readFileSync(logFile(folder), 'utf8');
  t.match(log, 'GET /backupdb 401');
  t.match(log, /\[ERROR\] - GET \/backupdb failed: .*code=BACKUP_TOKEN stage=access address=127\.0\.0\.1/);
  t.match(log, 'key="backup token"');
  t.notMatch(log, TOKEN);
});

t.test('without a token: callers on this machine, unless they may speak for others', async (t) => {
  const { download, asked } = recorded();
  const { url } = await serveDownload(t, download);
  const read = await madeToken(url, 'read');
  const port = new URL(url).port;
  const cases: readonly [code: string | null, headers: Record<string, string>][] = [
    [null, {}],
    [null, { host: 'localhost' }],
    [null, { host: `LocalHost:${port}` }],
    [null, { host: `[::1]:${port}` }],
    [null, { host: '127.8.9.10' }],
    [null, { 'sec-fetch-site': 'none' }],
    [null, { 'sec-fetch-site': 'same-origin' }],
    [null, { 'x-backup-token': 'some token of another server' }],
    [null, { 'x-api-key': TEST_KEY, 'x-forwarded-for': '203.0.113.7', host: 'chs.example.org' }],
    ['UNAUTHORIZED', { 'x-api-key': 'wrong' }],
    ['FORBIDDEN', { 'x-api-key': read }],
    ['BACKUP_LOCAL_ONLY', { 'x-forwarded-for': '127.0.0.1' }],
    ['BACKUP_LOCAL_ONLY', { 'x-forwarded-for': '' }],
    ['BACKUP_LOCAL_ONLY', { forwarded: 'for=127.0.0.1' }],
    ['BACKUP_LOCAL_ONLY', { 'x-real-ip': '127.0.0.1' }],
    ['BACKUP_LOCAL_ONLY', { via: '1.1 proxy' }],
    ['BACKUP_LOCAL_ONLY', { host: 'evil.example.org' }],
    ['BACKUP_LOCAL_ONLY', { host: `localhost.example.org:${port}` }],
    ['BACKUP_LOCAL_ONLY', { host: '127.0.0.1.example.org' }],
    ['BACKUP_LOCAL_ONLY', { host: '192.168.1.2' }],
    ['ORIGIN_REFUSED', { origin: 'https://example.org' }],
    ['ORIGIN_REFUSED', { origin: 'null' }],
    ['ORIGIN_REFUSED', { origin: url }],
    ['ORIGIN_REFUSED', { 'sec-fetch-site': 'cross-site' }],
    ['ORIGIN_REFUSED', { 'sec-fetch-site': 'same-site', referer: 'http://localhost:8080/page' }],
  ];
  for (const [code, headers] of cases) {
    asked.length = 0;
    const answer = await rawGet(`${url}/backupdb`, headers);
    const label = JSON.stringify(headers);
    if (code === null) t.match(answer, { status: 200, body: 'ten bytes!' }, label);
    else t.match(JSON.parse(answer.body), { success: false, code }, label);
    t.equal(asked.length, code === null ? 1 : 0, label);
  }
  await rawGet(`${url}/backupdb`);
  t.match(asked.at(-1)?.principal, { kind: 'anonymous', name: 'local caller', scope: null });
  t.match(await spoken(url, 'GET /backupdb HTTP/1.0\r\n\r\n'), /HTTP\/1\.0.*BACKUP_LOCAL_ONLY/s);
  t.match(await spoken(url, `GET /backupdb HTTP/1.0\r\nX-API-Key: ${TEST_KEY}\r\n\r\n`), 'ten bytes!');
});

const own = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal);
const noOther = own ? false : 'this machine has no address besides those of the loopback';

t.test('another address is another machine', { skip: noOther }, async (t) => {
  const { download } = recorded();
  const { http } = await serveDownload(t, download);
  const other = http.server;
  await new Promise<void>((resolve) => other.close(() => resolve()));
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
  const address = other.address();
  const url = `http://${own?.address}:${typeof address === 'object' ? address?.port : 0}/backupdb`;
  const answer = await rawGet(url, { host: 'localhost' });
  t.match(JSON.parse(answer.body), { code: 'BACKUP_LOCAL_ONLY', error: /another machine/ });
  t.equal((await rawGet(url, { 'x-api-key': TEST_KEY })).status, 200);
});

t.test('lists of addresses hold for it, and a token that is set or taken away holds at once', async (t) => {
  const { download } = recorded();
  const { url, config } = await serveDownload(t, download);
  t.equal((await rawGet(`${url}/backupdb`)).status, 200);
  config.backup.token = TOKEN;
  t.equal((await rawGet(`${url}/backupdb`)).status, 401);
  t.equal((await rawGet(`${url}/backupdb?token=${TOKEN}`)).status, 200);
  config.auth.ip_denylist = ['127.0.0.1'];
  t.equal((await rawGet(`${url}/backupdb?token=${TOKEN}`)).status, 403);
});

t.test('what the function behind it fails with is for itself to log; the rest is logged here', async (t) => {
  const { url, folder } = await serveDownload(t, async (_, { log }) => {
    const error = new ChsError('SOURCE_MISSING', { name: 'main', path: '/gone.db' });
    log.error('Backup failed: it is gone', { stage: 'snapshot' });
    throw error;
  });
  t.equal((await rawGet(`${url}/backupdb`)).status, 404);
  t.equal((await rawGet(`${url}/backupdb?db=%20`)).status, 400);
  const lines = readFileSync(logFile(folder), 'utf8').split('\n');
  const failures = lines.filter((line) => /\[(ERROR|WARN|INFO)\].*(failed|refused)/.test(line));
  t.equal(failures.length, 2);
  t.match(failures[0], /\[ERROR\] - Backup failed: it is gone request_id=\S+ stage=snapshot/);
  t.match(
    failures[1],
    /\[ERROR\] - GET \/backupdb failed: .*code=INVALID_INPUT stage=request address=127\.0\.0\.1/,
  );
});

t.test('a fault in the function behind it is logged whole, whatever the function does', async (t) => {
  const { url, folder } = await serveDownload(t, () => Promise.reject(new Error('a fault in the code')));
  const answer = await rawGet(`${url}/backupdb`);
  t.match(JSON.parse(answer.body), { code: 'INTERNAL' });
  t.match(readFileSync(logFile(folder), 'utf8'), /\[ERROR\] - GET \/backupdb failed.*a fault in the code/);
});
