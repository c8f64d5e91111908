/** Replies whose length nobody knows before, and the end of replies: what they were made from is given up once, however that comes. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Embedded, embed } from '../../daemon/embedded.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { createChs } from '../../src/compose.ts';
import { createClient } from '../../src/connect.ts';
import { createHttpTransport } from '../../src/http-transport.ts';
import type { BytesReply, ReplyEnd } from '../../src/operation.ts';
import { silentLog } from '../../src/platform/log.ts';
import { TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type Download, logFile, rawGet, type Served, serveDownload, withDownload } from './backup-served.ts';

const KEY = { 'x-api-key': TEST_KEY };
const MODIFIED = new Date('2025-12-24T12:00:00Z');

interface Followed {
  readonly download: Download;
  /** How the replies ended, in order. */
  readonly ends: ReplyEnd[];
  /** The bodies that were opened. */
  readonly bodies: Readable[];
}

function followed(open: () => Readable, more: Partial<BytesReply> = {}): Followed {
  const ends: ReplyEnd[] = [];
  const bodies: Readable[] = [];
  return {
    ends,
    bodies,
    download: async () => ({
      sizeBytes: null,
      contentType: 'application/zip',
      sha256: null,
      etag: 'one-snapshot',
      fileName: 'backup.zip',
      modifiedAt: MODIFIED,
      open: () => {
        const body = open();
        bodies.push(body);
        return body;
      },
      release: async (end) => void ends.push(end),
      ...more,
    }),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}

/** Nothing more comes. */
async function settledEnds(ends: readonly ReplyEnd[], count = 1): Promise<readonly ReplyEnd[]> {
  await until(() => ends.length >= count);
  await setTimeout(50);
  return ends;
}

function logOf({ folder }: Served): string {
  return existsSync(logFile(folder)) ? readFileSync(logFile(folder), 'utf8') : '';
}

const endless = (): Readable =>
  new Readable({
    read() {
      this.push(Buffer.alloc(64 * 1024));
    },
  });

t.test('a reply of unknown length has no length and no ranges, and arrives whole', async (t) => {
  const content = Buffer.alloc(3_000_000, 'bytes of a backup ');
  const { download, ends } = followed(() => Readable.from([content.subarray(0, 10), content.subarray(10)]));
  const { url } = await serveDownload(t, download);
  const response = await fetch(`${url}/backupdb`, { headers: { ...KEY, range: 'bytes=0-9' } });
  t.equal(response.status, 200);
  t.equal(response.headers.get('content-length'), null);
  t.equal(response.headers.get('accept-ranges'), 'none');
  t.equal(response.headers.get('content-type'), 'application/zip');
  t.equal(response.headers.get('content-disposition'), 'attachment; filename="backup.zip"');
  t.equal(response.headers.get('last-modified'), MODIFIED.toUTCString());
  t.ok(Buffer.from(await response.arrayBuffer()).equals(content));
  t.same(await settledEnds(ends), ['sent']);
});

t.test('what needs no bytes gives up what it was made from at once', async (t) => {
  const { download, ends, bodies } = followed(() => Readable.from(['x']));
  const { url } = await serveDownload(t, download);
  const cases: readonly [status: number, method: string, headers: Record<string, string>][] = [
    [200, 'HEAD', {}],
    [304, 'GET', { 'if-none-match': '"one-snapshot"' }],
    [304, 'GET', { 'if-modified-since': MODIFIED.toUTCString() }],
    [412, 'GET', { 'if-match': '"another"' }],
  ];
  for (const [index, [status, method, headers]] of cases.entries()) {
    const answer = await rawGet(`${url}/backupdb`, { ...KEY, ...headers }, method);
    t.equal(answer.status, status);
    t.equal((await settledEnds(ends, index + 1)).length, index + 1, `${method} ${status}`);
  }
  t.same([...new Set(ends)], ['bodyless']);
  t.same(bodies, [], 'nothing was opened');
});

t.test('a file with a length is followed as well', async (t) => {
  const { download, ends } = followed(() => Readable.from([Buffer.from('ten bytes!')]), { sizeBytes: 10 });
  const { url } = await serveDownload(t, download);
  const answer = await rawGet(`${url}/backupdb`, KEY);
  t.match(answer, { status: 200, body: 'ten bytes!', headers: { 'content-length': '10' } });
  t.same(await settledEnds(ends), ['sent']);
  t.equal((await rawGet(`${url}/backupdb`, { ...KEY, 'if-match': '"another"' })).status, 412);
  t.same(await settledEnds(ends, 2), ['sent', 'bodyless']);
});

t.test('a client that goes away ends it', async (t) => {
  const { download, ends, bodies } = followed(endless);
  const served = await serveDownload(t, download);
  const request = get(`${served.url}/backupdb`, { headers: KEY, agent: false });
  const [response] = await once(request, 'response');
  await once(response, 'data');
  t.same(ends, [], 'not before');
  request.destroy();
  t.same(await settledEnds(ends), ['cut_off']);
  t.ok(bodies[0]?.destroyed);
  t.notMatch(logOf(served), 'broke off', 'which is nobody’s failure');
});

t.test('a client that goes away before the first byte ends it', async (t) => {
  const { download, ends, bodies } = followed(() => new Readable({ read() {} }));
  const { url } = await serveDownload(t, download);
  const request = get(`${url}/backupdb`, { headers: KEY, agent: false });
  request.on('error', () => {});
  await until(() => bodies.length === 1);
  request.destroy();
  t.same(await settledEnds(ends), ['cut_off']);
});

t.test('a client that goes away while the snapshot is taken ends it, unopened', async (t) => {
  const { download, ends, bodies } = followed(endless);
  let isAsked = false;
  const { url } = await serveDownload(t, async (input, call) => {
    isAsked = true;
    if (!call.signal.aborted) await once(call.signal, 'abort');
    return download(input, call);
  });
  const request = get(`${url}/backupdb`, { headers: KEY, agent: false });
  request.on('error', () => {});
  await until(() => isAsked);
  request.destroy();
  t.same(await settledEnds(ends), ['bodyless']);
  t.same(bodies, []);
});

t.test('bytes that fail at once are answered with an error, without its inside', async (t) => {
  const failing = () =>
    new Readable({ read: () => {}, construct: (done) => done(new Error('/secret/place')) });
  const { download, ends } = followed(failing);
  const served = await serveDownload(t, download);
  const answer = await rawGet(`${served.url}/backupdb`, KEY);
  t.match(answer, { status: 500 });
  t.match(JSON.parse(answer.body), { success: false, code: 'INTERNAL' });
  t.notMatch(answer.body, 'secret');
  t.same(await settledEnds(ends), ['failed']);
  t.equal(logOf(served).split('/secret/place').length - 1, logOf(served).split('cause=').length - 1);
  t.match(logOf(served), /\[ERROR\] - GET \/backupdb failed/);
  t.notMatch(logOf(served), 'broke off', 'said once');
});

t.test('bytes that fail later cut the reply off, so that nobody takes it for whole', async (t) => {
  let pushed = 0;
  const breaking = () =>
    new Readable({
      read() {
        pushed += 1;
        if (pushed < 20) this.push(Buffer.alloc(64 * 1024));
        else this.destroy(new Error('the disk is gone'));
      },
    });
  const { download, ends } = followed(breaking);
  const served = await serveDownload(t, download);
  const response = await fetch(`${served.url}/backupdb`, { headers: KEY });
  t.equal(response.status, 200);
  await t.rejects(response.arrayBuffer());
  t.same(await settledEnds(ends), ['failed']);
  t.match(logOf(served), /\[ERROR\] - GET \/backupdb broke off.*the disk is gone/);
});

t.test('a reply that cannot be written gives up what it was made from', async (t) => {
  const { download, ends } = followed(endless, { contentType: 'no\nheader' });
  const { url } = await serveDownload(t, download);
  t.equal((await rawGet(`${url}/backupdb`, KEY)).status, 500);
  t.same(await settledEnds(ends), ['cut_off']);
});

t.test('giving up that fails is logged and harms nobody', async (t) => {
  const { download } = followed(() => Readable.from(['x']), {
    release: () => Promise.reject(new Error('the folder is busy')),
  });
  const served = await serveDownload(t, download);
  t.match(await rawGet(`${served.url}/backupdb`, KEY), { status: 200, body: 'x' });
  await until(() => /\[ERROR\].*could not be removed.*the folder is busy/.test(logOf(served)));
});

t.test('a server that stops cuts it off, and waits until all is given up', async (t) => {
  const ends: string[] = [];
  const { download } = followed(endless, {
    release: async (end) => {
      await setTimeout(100);
      ends.push(end);
    },
  });
  const { url, http } = await serveDownload(t, download);
  const response = await fetch(`${url}/backupdb`, { headers: KEY });
  await response.body?.getReader().read();
  t.equal(await http.stop(10), 1);
  t.same(ends, ['cut_off']);
});

/** The app in this process, whose callers get the streams themselves. */
async function embeddedWith(t: Test, download: Download): Promise<Embedded> {
  const { config } = await testConfig(testFolder(t));
  const chs = await createChs(config, { log: silentLog, keys: [] });
  return embed(withDownload(chs, download), { config, log: { ...silentLog, close: async () => {} } });
}

const asked = { method: 'GET', path: '/backupdb', headers: {}, body: null, signal: undefined };

t.test(
  'a caller in the same process reads it to its end, cuts it off, or closes without a word',
  async (t) => {
    const whole = followed(() => Readable.from(['x']));
    const reading = await embeddedWith(t, whole.download);
    t.equal(await text((await reading.send(asked)).body), 'x');
    t.same(await settledEnds(whole.ends), ['sent']);
    t.equal((await reading.send({ ...asked, method: 'HEAD' })).status, 200);
    t.same(whole.ends, ['sent', 'bodyless']);
    await reading.close();

    const cut = followed(endless);
    const cutting = await embeddedWith(t, cut.download);
    const { body } = await cutting.send(asked);
    await once(body, 'readable');
    body.destroy();
    t.same(await settledEnds(cut.ends), ['cut_off']);
    await cutting.close();
    t.same(cut.ends, ['cut_off'], 'once');

    const left = followed(endless);
    const leaving = await embeddedWith(t, left.download);
    await leaving.send(asked);
    await leaving.close();
    t.same(left.ends, ['cut_off'], 'when it closes at the latest');
  },
);

t.test('the client takes a reply of unknown length', async (t) => {
  const { download, ends } = followed(() => Readable.from([Buffer.alloc(100_000, 'x'), Buffer.from('end')]));
  const { url } = await serveDownload(t, download);
  const transport = createHttpTransport(new URL(url), 10_000);
  t.teardown(() => transport.close());
  const client = createClient(backupOperations, { transport, apiKey: TEST_KEY, language: 'en' });
  const { sizeBytes, fileName, sha256, bytes } = await client.downloadDatabases({});
  t.same([sizeBytes, fileName, sha256], [null, 'backup.zip', null]);
  t.equal((await buffer(bytes)).length, 100_003);
  t.same(await settledEnds(ends), ['sent']);
});
