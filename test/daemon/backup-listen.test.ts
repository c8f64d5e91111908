/** The second address, which gives out backups and nothing else; and the schedule, which the daemon alone runs. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import type { Config } from '../../config/schema.ts';
import { type Daemon, startDaemon } from '../../daemon/serve.ts';
import { type Chs, type ComposeOptions, createChs } from '../../src/compose.ts';
import { type Settings, TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type Download, logFile, rawGet, withDownload } from './backup-served.ts';

const TOKEN = 'backup-token-0123456789';
const LISTEN = { 'backup.listen': '127.0.0.1:0' };

const tenBytes: Download = async () => ({
  sizeBytes: null,
  sha256: null,
  fileName: 'backup.zip',
  modifiedAt: null,
  open: () => Readable.from(['ten bytes!']),
});

/** A daemon with a function of the test's own behind GET /backupdb. */
async function started(t: Test, folder: string, settings: Settings, download = tenBytes): Promise<Daemon> {
  const create = async (config: Config, options: ComposeOptions): Promise<Chs> =>
    withDownload(await createChs(config, options), download);
  const daemon = await startDaemon(await testConfig(folder, settings), create);
  let isStopped = false;
  t.teardown(() => (isStopped ? undefined : daemon.stop('the test is over')));
  return {
    ...daemon,
    async stop(reason) {
      isStopped = true;
      await daemon.stop(reason);
    },
  };
}

t.test('answers GET and HEAD /backupdb, and nothing else', async (t) => {
  const folder = testFolder(t);
  const { url, backupUrl } = await started(t, folder, LISTEN);
  t.match(backupUrl, /^http:\/\/127\.0\.0\.1:\d+\/backupdb$/);
  t.match(readFileSync(logFile(folder), 'utf8'), `Backups are given out on ${backupUrl}`);
  const inner = new URL(backupUrl ?? '').origin;
  t.not(inner, url);
  t.match(await rawGet(`${inner}/backupdb`), { status: 200, body: 'ten bytes!' });
  t.match(await rawGet(`${inner}/backupdb`, {}, 'HEAD'), { status: 200, body: '' });
  t.match(await rawGet(`${inner}/backupdb`, { host: 'evil.example.org' }), { status: 403 });
  t.match(await rawGet(`${url}/backupdb`), { status: 200, body: 'ten bytes!' });
  const key = { 'x-api-key': TEST_KEY };
  const others = ['/', '/health', '/health/ready', '/ready', '/metrics', '/openapi.json', '/api/backupdb'];
  for (const path of [
    ...others,
    '/backups',
    '/api/list/pdbs',
    '/s/token/x',
    '/v1/tools/search',
    '/mcp',
    '/backupdb/',
  ]) {
    const answer = await rawGet(`${inner}${path}`, key);
    t.equal(answer.status, 404, path);
    t.match(JSON.parse(answer.body), { success: false, code: 'ROUTE_NOT_FOUND' }, path);
    t.ok(answer.headers['x-request-id'], path);
  }
  const posted = await rawGet(`${inner}/backupdb`, key, 'POST');
  t.match(posted, { status: 405, headers: { allow: 'GET, HEAD' } });
});

t.test('is not there unless it is configured', async (t) => {
  const { backupUrl } = await started(t, testFolder(t), {});
  t.equal(backupUrl, null);
});

t.test('a token that a reload sets holds there at once', async (t) => {
  const folder = testFolder(t);
  const daemon = await started(t, folder, LISTEN);
  const status = async (query = ''): Promise<number> => (await rawGet(`${daemon.backupUrl}${query}`)).status;
  t.equal(await status(), 200);
  daemon.reload(await testConfig(folder, { ...LISTEN, 'backup.token': TOKEN }));
  t.same([await status(), await status(`?token=${TOKEN}`)], [401, 200]);
  daemon.reload(await testConfig(folder, { ...LISTEN, 'backup.token': 'another-token' }));
  t.same([await status(`?token=${TOKEN}`), await status('?token=another-token')], [401, 200]);
  const log = readFileSync(logFile(folder), 'utf8');
  t.match(log, /Configuration reloaded: backup\.token/);
  t.notMatch(log, new RegExp(`${TOKEN}|another-token`));
});

t.test('an address that others reach needs a token, and not the one of the documentation', async (t) => {
  const folder = testFolder(t);
  const sample = 'replace-me-with-a-long-random-token';
  const refused: readonly [settings: Settings, reason: RegExp][] = [
    [{ 'backup.listen': '0.0.0.0:0' }, /backup\.listen needs a backup\.token/],
    [{ 'backup.listen': '[::]:0' }, /backup\.listen needs a backup\.token/],
    [{ 'backup.listen': '0.0.0.0:0', 'backup.token': sample }, /token from the documentation/],
    [{ 'server.host': '0.0.0.0', 'backup.token': sample }, /token from the documentation/],
  ];
  for (const [settings, message] of refused)
    await t.rejects(startDaemon(await testConfig(folder, settings)), { code: 'UNSAFE_LISTEN', message });

  const open = { 'backup.listen': '0.0.0.0:0', 'backup.token': TOKEN };
  const daemon = await started(t, folder, open);
  t.equal((await rawGet(`${daemon.backupUrl?.replace('0.0.0.0', '127.0.0.1')}?token=${TOKEN}`)).status, 200);
  const next = await testConfig(folder, { 'backup.listen': '127.0.0.1:0' });
  t.throws(() => daemon.reload(next), { code: 'UNSAFE_LISTEN' }, 'the address is still the old one');
});

t.test('a port that is taken is said, and nothing stays open', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.teardown(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  const folder = testFolder(t);
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const main = (free.address() as AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
  const settings = { 'server.port': main, 'backup.listen': `127.0.0.1:${port}` };
  let closedCount = 0;
  const create = async (config: Config, options: ComposeOptions): Promise<Chs> => {
    const chs = await createChs(config, options);
    return {
      ...chs,
      async close() {
        closedCount += 1;
        await chs.close();
      },
    };
  };
  await t.rejects(startDaemon(await testConfig(folder, settings), create), {
    code: 'PORT_TAKEN',
    message: String(port),
  });
  t.equal(closedCount, 1);
  await t.rejects(rawGet(`http://127.0.0.1:${main}/health`), { code: 'ECONNREFUSED' });
});

t.test('both addresses let a download finish when the daemon stops', async (t) => {
  let more: (() => void) | null = null;
  const halting: Download = async (input, call) => ({
    ...(await tenBytes(input, call)),
    open: () => {
      const body = new Readable({ read() {} });
      body.push('first ');
      more = () => {
        body.push('last');
        body.push(null);
      };
      return body;
    },
  });
  const daemon = await started(t, testFolder(t), LISTEN, halting);
  const response = await fetch(daemon.backupUrl ?? '');
  const stopped = daemon.stop('the test says so');
  await t.rejects(fetch(daemon.backupUrl ?? ''), 'nobody else is let in');
  (more as (() => void) | null)?.();
  t.equal(await response.text(), 'first last');
  await stopped;
});

t.test('the daemon runs the schedule from its start to its stop, before anything is closed', async (t) => {
  const said: string[] = [];
  const create = async (config: Config, options: ComposeOptions): Promise<Chs> => {
    const chs = await createChs(config, options);
    return {
      ...chs,
      async startSchedule() {
        said.push('started');
        return { stop: async () => void said.push('stopped') };
      },
      async close() {
        said.push('closed');
        await chs.close();
      },
    };
  };
  const daemon = await startDaemon(await testConfig(testFolder(t)), create);
  t.same(said, ['started']);
  await daemon.stop('the test says so');
  t.same(said, ['started', 'stopped', 'closed']);
});

t.test('a schedule that cannot start is logged, and the daemon serves', async (t) => {
  const folder = testFolder(t);
  const create = async (config: Config, options: ComposeOptions): Promise<Chs> => ({
    ...(await createChs(config, options)),
    startSchedule: () => Promise.reject(new Error('no such zone')),
  });
  const daemon = await startDaemon(await testConfig(folder), create);
  t.equal((await fetch(`${daemon.url}/health`)).status, 200);
  await daemon.stop('the test says so');
  t.match(
    readFileSync(logFile(folder), 'utf8'),
    /\[ERROR\] - Scheduled backups could not be started.*no such zone/,
  );
});
