/** Health: whether the process is there, whether each part can work, and what the routes are. */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { dialects } from '../../daemon/dialects/table.ts';
import { accessOperations } from '../../src/access/operations.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import { eventOperations } from '../../src/events/operations.ts';
import { healthOperations } from '../../src/health/operations.ts';
import type { Operations } from '../../src/operation.ts';
import { type Reached, reach, TEST_KEY } from '../fixtures/chs.ts';
import { files } from './bad-bodies.ts';
import { type Answer, answerOf, ask, at, inBoth, listAt, send } from './wire.ts';

inBoth('says healthy with the right key, a wrong one and none', async (t, chs) => {
  await send(chs, 'pdb', null, files.pdb);
  const keys: readonly Record<string, string>[] = [
    {},
    { 'x-api-key': TEST_KEY },
    { 'x-api-key': 'wrong' },
    { authorization: 'Bearer chs_0' },
  ];
  for (const headers of keys) {
    const answer = await answerOf(await chs.bare('/health', { headers }));
    t.equal(answer.status, 200);
    t.same(answer.body, { status: 'healthy' });
    t.ok(answer.headers.get('x-request-id'));
    t.same((await answerOf(await chs.bare('/health/live', { headers }))).body, { status: 'alive' });
    const ready = await answerOf(await chs.bare('/health/ready', { headers }));
    t.match(ready, { status: 200, body: { status: 'ready' } });
  }
  const head = await chs.bare('/health', { method: 'HEAD' });
  t.equal(head.status, 200, 'as curl -I asks');
});

/** The parts that are not well, by name; fails the test when the reply tells anyone about folders. */
function failing(t: Test, chs: Reached, answer: Answer): string[] {
  t.notMatch(JSON.stringify(answer.body), chs.folder, 'no paths');
  const parts = listAt(answer, 'components').filter((part) => at(part, 'status') !== 'ok');
  for (const part of parts) t.type(at(part, 'reason'), 'string', 'with a reason');
  return parts.map((part) => String(at(part, 'name')));
}

inBoth('names the part that cannot work, on /ready as well', async (t, chs) => {
  await send(chs, 'pdb', null, files.pdb);
  for (const path of ['/health/ready', '/ready']) {
    const well = await ask(chs, path);
    t.match(well, { status: 200, body: { status: 'ready' } });
    t.same(failing(t, chs, well), []);
    t.ok(well.headers.get('x-request-id'));
  }
  const root = join(chs.folder, 'storage');
  rmSync(root, { recursive: true, force: true });
  writeFileSync(root, 'a file where the folder should be');
  for (const path of ['/health/ready', '/ready']) {
    const ill = await ask(chs, path);
    t.match(ill, { status: 503, body: { status: 'not_ready' } }, path);
    t.ok(failing(t, chs, ill).includes('storage'), path);
  }
  t.equal((await ask(chs, '/health')).status, 200, 'the process is there all the same');
  t.equal((await ask(chs, '/health/live')).status, 200);
  rmSync(root);
  t.equal((await ask(chs, '/ready')).status, 200, 'and well again');
});

inBoth('says so when the database is not one any more', async (t, chs) => {
  await send(chs, 'pdb', null, files.pdb);
  // The shared index as well, else the daemon goes on with the pages that it remembers.
  for (const file of ['crash_handler.db', 'crash_handler.db-wal', 'crash_handler.db-shm']) {
    const descriptor = openSync(join(chs.folder, 'data', file), 'r+');
    writeSync(descriptor, Buffer.alloc(fstatSync(descriptor).size));
    closeSync(descriptor);
  }
  const ill = await ask(chs, '/health/ready');
  t.equal(ill.status, 503);
  t.same(failing(t, chs, ill), ['database']);
  const list = await ask(chs, '/list/pdbs');
  t.ok(list.status >= 500);
  t.notMatch(JSON.stringify(list.body), chs.folder, 'a reader of lists learns no paths');
});

t.test('a database that was moved away is noticed or still served', async (t) => {
  const chs = await reach(t, 'daemon');
  const path = join(chs.folder, 'data', 'crash_handler.db');
  renameSync(path, `${path}.away`);
  t.ok([200, 503].includes((await ask(chs, '/health/ready')).status));
  t.ok((await ask(chs, '/list/pdbs')).status < 500 || (await ask(chs, '/ready')).status === 503);
});

inBoth('/openapi.json is an OpenAPI 3.1 document of every operation', async (t, chs) => {
  const answer = await answerOf(await chs.bare('/openapi.json'));
  t.equal(answer.status, 200);
  t.match(at(answer.body, 'openapi'), /^3\.1\./);
  const tables: readonly Operations[] = [
    crashOperations,
    accessOperations,
    eventOperations,
    healthOperations,
  ];
  for (const [name, operation] of tables.flatMap((table) => Object.entries(table))) {
    const [path = ''] = dialects[operation.dialect].paths(operation.path);
    const described = at(answer.body, 'paths', path, operation.method.toLowerCase());
    t.match(described, { operationId: name, summary: operation.summary }, name);
    t.ok(at(described, 'responses', '200'), name);
    t.equal(
      at(described, 'security', 0) === undefined,
      operation.access === 'public',
      `${name}: who may call`,
    );
  }
});

inBoth('/openapi.json names every route and reply, and nothing of the command line', async (t, chs) => {
  const { body } = await answerOf(await chs.bare('/openapi.json'));
  for (const path of ['/ready', '/metrics', '/health/metrics', '/openapi.json'])
    t.ok(at(body, 'paths', path, 'get', 'responses', '200'), path);
  for (const kind of ['minidump', 'pdb', 'exe']) {
    const replies = at(body, 'paths', `/api/download/${kind}/{id}`, 'get', 'responses');
    for (const status of ['200', '206', '304', '404', '412', '416']) t.ok(at(replies, status), status);
    const upload = at(body, 'paths', `/api/upload/${kind}`, 'post');
    t.ok(at(upload, 'requestBody', 'content', 'application/octet-stream'));
    t.match(at(upload, 'parameters', 0), { name: /^(timestamp|exe_version)$/, in: 'query', required: false });
  }
  const marks = new Set<string>();
  JSON.stringify(body, (key, value) => {
    // A mark is a text; what describes a field of that name is an object.
    if ((key === 'short' || key === 'complete') && typeof value === 'string') marks.add(key);
    return value;
  });
  t.same([...marks], []);
});
