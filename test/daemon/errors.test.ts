/** Failures: in the dialect, from the closed list, with a request id, and never with their inside. */
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { accessOperations } from '../../src/access/operations.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import { commonErrors, errorsOf, type Operation } from '../../src/operation.ts';
import { errorTable, isErrorCode } from '../../src/platform/errors.ts';
import { reach, TEST_KEY } from '../fixtures/chs.ts';
import { badBodies, files } from './bad-bodies.ts';
import {
  type Answer,
  answerOf,
  ask,
  at,
  type FileKind,
  formOf,
  inBoth,
  logOf,
  logWith,
  mutated,
  send,
  sendRaw,
  stored,
  textAt,
} from './wire.ts';

/** Those whose failures are JSON; the symbol server has its own test. */
const operations: readonly Operation[] = [
  ...Object.values(crashOperations),
  ...Object.values(accessOperations),
].filter(({ dialect }) => dialect !== 'symbols');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The operation behind a request; null where there is none. */
function operationOf(method: string, path: string): Operation | null {
  const plain = path.replace(/\?.*/, '').replace(/^\/api/, '');
  const matches = ({ path: pattern }: Operation): boolean =>
    new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`).test(plain);
  return operations.find((operation) => operation.method === method && matches(operation)) ?? null;
}

inBoth('every failure is in the list of its operation, with the status of the table', async (t, chs) => {
  const provoked: [method: string, path: string, answer: Answer][] = [];
  const provoke = async (method: string, path: string, init: RequestInit = {}): Promise<void> => {
    provoked.push([method, path, await ask(chs, path, { ...init, method })]);
  };
  for (const { body, headers = {} } of badBodies) {
    const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];
    for (const kind of kinds)
      await provoke('POST', `/api/upload/${kind}`, { body: body(kind) ?? null, headers });
  }
  for (const operation of operations.filter(({ body }) => body === undefined)) {
    for (const id of ['aaaaaaaa', '%00', 'x'.repeat(100)]) {
      for (const query of [
        '',
        '?page=x&page_size=101&exe_guid=y&start_time=z',
        '?exe_guid=12345678123412341234123456789012&exe_age=1',
      ]) {
        const path = `${operation.path.replace(/\{\w+\}/, id)}${query}`;
        await provoke(operation.method, path);
        await provoke(operation.method, `/api${path}`, { headers: { 'x-api-key': 'wrong' } });
      }
    }
  }
  await provoke('POST', '/tokens', { body: 'no json' });
  await provoke('POST', '/tokens', { body: 'x'.repeat(2 << 20) });
  for (const [method, path, { status, body, headers }] of provoked) {
    t.ok(headers.get('x-request-id'), 'has a request id');
    if (status < 400) continue;
    const code = at(body, 'code');
    const label = `${method} ${path}: ${code}`;
    if (!isErrorCode(code)) {
      t.fail(`${label} is in no table`);
      continue;
    }
    t.equal(errorTable[code].status, status, label);
    t.ok(status < 500, label);
    t.same([at(body, 'success'), typeof at(body, 'error')], [false, 'string'], label);
    const operation = operationOf(method, path);
    const allowed: readonly string[] = operation ? errorsOf(operation) : commonErrors;
    t.ok(allowed.includes(code), `${label} is declared`);
  }
});

inBoth('a request id is kept when it is plain, else made', async (t, chs) => {
  const id = 'client-1.2_3';
  for (const path of [
    '/health',
    '/list/pdbs',
    '/no/such/route',
    '/download/pdb/none',
    '/openapi.json',
    '/ready',
  ]) {
    const given = await ask(chs, path, { headers: { 'x-request-id': id } });
    t.equal(given.headers.get('x-request-id'), id, path);
    for (const hostile of ['', 'a b', 'x'.repeat(65), '<script>', 'ü', 'a;b', '../x', '"', 'a=b']) {
      const answer = await ask(chs, path, { headers: { 'x-request-id': hostile } });
      t.match(answer.headers.get('x-request-id'), UUID, `${path} ${hostile}`);
    }
  }
});

inBoth('unknown routes and methods fail in the dialect', async (t, chs) => {
  for (const path of [
    '/api/nothing',
    '/',
    '/upload',
    '/list/minidumps/',
    '/API/list/pdbs',
    '/api/api/list/pdbs',
    '/%2e%2e/etc',
    '//list/pdbs',
    '/health2/x',
  ])
    t.match(await ask(chs, path), { status: 404, body: { code: 'ROUTE_NOT_FOUND' } }, path);
  const methods: readonly [method: string, path: string, allow: string][] = [
    ['POST', '/api/list/minidumps', 'GET, HEAD'],
    ['GET', '/upload/pdb', 'POST'],
    ['PUT', '/upload/pdb', 'POST'],
    ['PATCH', '/minidumps/x', 'GET, DELETE, HEAD'],
    ['OPTIONS', '/tokens', 'GET, POST, HEAD'],
    ['DELETE', '/health', 'GET, HEAD'],
    ['POST', '/ready', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of methods) {
    const answer = await ask(chs, path, { method });
    t.match(answer, { status: 405, body: { code: 'METHOD_NOT_ALLOWED' } }, `${method} ${path}`);
    t.equal(answer.headers.get('allow'), allow, `${method} ${path}`);
  }
});

inBoth('an inner failure shows nothing of itself, and is logged whole under its id', async (t, chs) => {
  const id = textAt(await send(chs, 'pdb', null, files.pdb), 'data', 'pdb_id');
  const Database = loadDriver();
  const database = new Database(join(chs.folder, 'data', 'crash_handler.db'));
  database.exec('ALTER TABLE pdbs RENAME TO hidden');
  const answer = await ask(chs, `/api/pdbs/${id}`, { headers: { 'x-request-id': 'broken-1' } });
  t.equal(answer.status, 500);
  t.match(answer.body, { success: false, code: 'INTERNAL', error: 'internal error (request broken-1)' });
  t.notMatch(JSON.stringify(answer.body), /no such table|sqlite|at .*:\d+/i);
  const line = (await logWith(chs, /\[ERROR\].*broken-1/))
    .split('\n')
    .find((text) => text.includes('[ERROR]') && text.includes('broken-1'));
  t.match(line, 'no such table: pdbs');
  t.match(line, /request_id=broken-1/);
  const upload = await send(chs, 'pdb', null, mutated(files.pdb, 'x'));
  t.match(upload, { status: 500, body: { code: 'INTERNAL' } });
  t.equal(stored(chs).length, 1, 'what could not be written down is not kept');
  database.exec('ALTER TABLE hidden RENAME TO pdbs');
  database.close();
  t.equal((await ask(chs, `/pdbs/${id}`)).status, 200);
});

inBoth('the log has the documented lines', async (t, chs) => {
  const labels: Record<FileKind, string> = { minidump: 'Minidump', pdb: 'PDB', exe: 'EXE' };
  for (const [kind, label] of Object.entries(labels) as [FileKind, string][]) {
    const id = textAt(await send(chs, kind, null, files[kind]), 'data', `${kind}_id`);
    const line = new RegExp(
      `^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ \\[INFO\\] - ${label} uploaded: id=${id}(?= |$)`,
      'm',
    );
    t.match(await logWith(chs, line), line);
  }
  if (chs.url)
    t.match(logOf(chs), new RegExp(`^[\\d-]+T[\\d:]+Z \\[INFO\\] - Server started on ${chs.url}$`, 'm'));
  const lines = logOf(chs).trimEnd().split('\n').length;
  await ask(chs, '/%0a2026-01-06T10:05:23Z%20[INFO]%20-%20forged');
  await send(chs, 'pdb', { pdb_filename: 'a\n2026-01-06T10:05:23Z [INFO] - forged' }, files.pdb);
  await sendRaw(
    chs,
    'pdb',
    '?exe_version=%0d%0a2026-01-06T10:05:23Z%20[INFO]%20-%20forged',
    files.pdb.toString('latin1'),
  );
  for (const line of logOf(chs).split('\n').slice(lines))
    t.notMatch(line, /^2026-01-06T10:05:23Z/, 'nobody can forge a line');
});

/** What a socket gets back for bytes that no HTTP library would send. */
function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let reply = '';
    socket.on('data', (piece) => {
      reply += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(reply));
    socket.setTimeout(3000, () => socket.destroy());
    socket.write(bytes);
  });
}

t.test('requests that only a hostile client sends', async (t) => {
  const chs = await reach(t, 'daemon');
  const url = chs.url ?? '';
  const key = `Host: x\r\nX-API-Key: ${TEST_KEY}\r\n`;
  const small = `GET /list/pdbs HTTP/1.1\r\n${key}\r\n`;
  const last = `GET /health HTTP/1.1\r\n${key}Connection: close\r\n\r\n`;
  t.equal((await exchange(url, small.repeat(50) + last)).match(/HTTP\/1\.1 200 /g)?.length, 51, 'pipelined');
  const post = `POST /upload/pdb HTTP/1.1\r\n${key}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`;
  t.match(
    await exchange(url, post.repeat(3) + last),
    /400 Bad[\s\S]*400 Bad[\s\S]*400 Bad[\s\S]*200 OK/,
    'refused bodies do not mix into what follows',
  );
  t.match(
    await exchange(url, `GET / HTTP/1.1\r\n${key}X: ${'x'.repeat(100_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
    'huge headers',
  );
  t.match(await exchange(url, 'HELLO\r\n\r\n'), /^HTTP\/1\.1 400 /, 'no HTTP at all');
  t.match(
    await exchange(
      url,
      `POST /upload/pdb HTTP/1.1\r\n${key}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ),
    /^HTTP\/1\.1 400 /,
    'two lengths',
  );
  t.match(
    await exchange(
      url,
      `GET /list/pdbs?name=${'x'.repeat(12_000)} HTTP/1.1\r\n${key}Connection: close\r\n\r\n`,
    ),
    /^HTTP\/1\.1 400 /,
    'a huge query',
  );
  const many = Array.from({ length: 2000 }, (_, index) => `a${index}=${index}`).join('&');
  t.match(
    await exchange(url, `GET /list/pdbs?${many} HTTP/1.1\r\n${key}Connection: close\r\n\r\n`),
    /^HTTP\/1\.1 (200|431) /,
    'many fields',
  );
  t.match(
    await exchange(url, `GET http://elsewhere/list/pdbs HTTP/1.1\r\n${key}Connection: close\r\n\r\n`),
    /^HTTP\/1\.1 [24]\d\d /,
    'absolute form',
  );
  t.match(
    await exchange(
      url,
      `GET /list/pdbs HTTP/1.1\r\nHost: a b"<>\r\nX-API-Key: ${TEST_KEY}\r\nConnection: close\r\n\r\n`,
    ),
    /^HTTP\/1\.1 [24]\d\d /,
    'a host that is none',
  );
  t.notMatch(logOf(chs), '[ERROR]');
  t.equal((await ask(chs, '/health')).status, 200, 'it still answers');
});

t.test('a token request that is cut off is the client’s fault', async (t) => {
  const chs = await reach(t, 'daemon');
  const url = new URL(chs.url ?? '');
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => {});
  socket.write(
    `POST /tokens HTTP/1.1\r\nHost: x\r\nX-API-Key: ${TEST_KEY}\r\nContent-Length: 100\r\n\r\n{"name":`,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.notMatch(logOf(chs), '[ERROR]');
  t.equal(
    (await answerOf(await chs.fetch('/upload/exe', { method: 'POST', body: formOf('exe', null, files.exe) })))
      .status,
    200,
  );
});
