/** What a client that speaks through a bare socket gets: failures of the parser, bodies that wait for leave. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { crashme, reach, TEST_KEY } from '../fixtures/chs.ts';
import { logOf, logWith, stored } from './wire.ts';

function socketTo(t: Test, url: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  return socket;
}

/** Everything that comes back until the server closes. */
async function exchange(t: Test, url: string, request: string): Promise<{ head: string; body: string }> {
  const socket = socketTo(t, url);
  socket.write(request);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { head, body };
}

const SECRET = 'reflect-me-not';

t.test('what the parser refuses is answered in the crash dialect, with a request id', async (t) => {
  const chs = await reach(t, 'daemon');
  const url = chs.url ?? '';
  const host = 'Host: localhost';
  for (const [status, code, request] of [
    [400, 'MALFORMED_REQUEST', `${SECRET}\r\n\r\n`],
    [400, 'MALFORMED_REQUEST', `GET /${SECRET} HTTP/9.9\r\n\r\n`],
    [400, 'MALFORMED_REQUEST', `GET / HTTP/1.1\r\n${host}\r\n${SECRET} : x\r\n\r\n`],
    [400, 'MALFORMED_REQUEST', `GET / HTTP/1.1\r\nHost: ${SECRET}/x y\r\nConnection: close\r\n\r\n`],
    [431, 'HEADERS_TOO_LARGE', `GET / HTTP/1.1\r\n${host}\r\nx: ${SECRET.repeat(2000)}\r\n\r\n`],
    [417, 'EXPECTATION_FAILED', `GET / HTTP/1.1\r\n${host}\r\nExpect: ${SECRET}\r\n\r\n`],
  ] as const) {
    const { head, body } = await exchange(t, url, request);
    t.match(head, new RegExp(`^HTTP/1.1 ${status} `), request.slice(0, 40));
    t.match(head, /^connection: close$/im);
    t.match(head, /^content-type: application\/json$/im);
    t.match(JSON.parse(body), { success: false, error: String, code });
    t.notMatch(head + body, SECRET);
    const id = /^x-request-id: (\S+)$/im.exec(head)?.[1] ?? 'none';
    t.match(logOf(chs), new RegExp(`request_id=${id} .*code=${code}`));
  }
});

t.test('slow headers end with 408', async (t) => {
  const chs = await reach(t, 'daemon', {
    'server.headers_timeout_ms': 1000,
    'server.request_timeout_ms': 1000,
  });
  const { head, body } = await exchange(t, chs.url ?? '', 'GET / HTTP/1.1\r\nHost: localhost\r\n');
  t.match(head, /^HTTP\/1.1 408 /);
  t.match(JSON.parse(body), { success: false, code: 'REQUEST_TIMEOUT' });
});

const LIMIT = { 'storage.max_minidump_size': 1_000_000 };

function uploadHead(type: string, length: number, ...headers: string[]): string {
  return [
    'POST /upload/minidump HTTP/1.1',
    'Host: localhost',
    `X-API-Key: ${TEST_KEY}`,
    `Content-Type: ${type}`,
    `Content-Length: ${length}`,
    ...headers,
    '\r\n',
  ].join('\r\n');
}

const TYPES = ['application/octet-stream', 'multipart/form-data; boundary=b'];

t.test('a body that is too long by its own word is refused before it is asked for', async (t) => {
  const { url } = await reach(t, 'daemon', LIMIT);
  for (const type of TYPES) {
    const request = uploadHead(type, 2_000_000, 'Expect: 100-continue');
    const { head, body } = await exchange(t, url ?? '', request);
    t.match(head, /^HTTP\/1.1 400 /, 'and no 100 before it');
    t.match(head, /^connection: close$/im);
    t.match(JSON.parse(body), { code: 'FILE_TOO_LARGE', error: /storage\.max_minidump_size/ });
  }
});

t.test('and before it is read, where the client sends it all the same', async (t) => {
  const { url } = await reach(t, 'daemon', LIMIT);
  for (const type of TYPES) {
    const socket = socketTo(t, url ?? '');
    socket.write(uploadHead(type, 2_000_000));
    const [reply] = await once(socket, 'data');
    t.match(String(reply), /^HTTP\/1.1 400 /);
    t.match(String(reply), 'storage.max_minidump_size');
  }
});

t.test('a body that makes no sense ends the upload, also where the client keeps its side open', async (t) => {
  const chs = await reach(t, 'daemon');
  const socket = connect({
    port: Number(new URL(chs.url ?? '').port),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  t.teardown(() => socket.destroy());
  const head = uploadHead(TYPES[0] ?? '', 0).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
  socket.write(`${head}4\r\nMDMP\r\nZZZZ\r\n`);
  t.match(await text(socket), /^HTTP\/1.1 400 /);
  t.match(await logWith(chs, /CALLER_GONE/), 'CALLER_GONE', 'nothing waits for the rest');
  t.same(stored(chs), []);
});

t.test('who may not upload is told so before the body is asked for', async (t) => {
  const { url } = await reach(t, 'daemon');
  const request = uploadHead(TYPES[0] ?? '', 1000, 'Expect: 100-continue').replace(TEST_KEY, 'wrong');
  t.match((await exchange(t, url ?? '', request)).head, /^HTTP\/1.1 401 /);
});

t.test('a body that is welcome is asked for, and the connection goes on', async (t) => {
  const { url } = await reach(t, 'daemon');
  const socket = socketTo(t, url ?? '');
  const dump = crashme('av.dmp');
  socket.write(uploadHead(TYPES[0] ?? '', dump.length, 'Expect: 100-continue'));
  const [leave] = await once(socket, 'data');
  t.equal(String(leave), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write(dump);
  const [reply] = await once(socket, 'data');
  t.match(String(reply), /^HTTP\/1.1 200 /);
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [next] = await once(socket, 'data');
  t.match(String(next), /^HTTP\/1.1 200 /);
});

t.test('what will pass by itself is a warning in the log, without a stack', async (t) => {
  const chs = await reach(t, 'daemon', { 'limits.max_concurrent_uploads': 1 });
  const { url } = chs;
  const first = socketTo(t, url ?? '');
  first.write(uploadHead(TYPES[0] ?? '', 1000, 'Expect: 100-continue'));
  await once(first, 'data');
  const second = uploadHead(TYPES[0] ?? '', 1000, 'Expect: 100-continue');
  t.match((await exchange(t, url ?? '', second)).head, /^HTTP\/1.1 503 /);
  const line = (await logWith(chs, /TOO_BUSY/)).split('\n').find((text) => text.includes('TOO_BUSY'));
  t.match(line, '[WARN]');
  t.notMatch(line, 'cause=');
});
