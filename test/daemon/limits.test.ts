/** Uploads that are too large, too slow or given up half-way: bounded, and gone without a trace. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { buildCab } from '../crash/formats/built-cab.ts';
import { smallPdb } from '../crash/formats/built-pdb.ts';
import { type Reached, reach, TEST_KEY } from '../fixtures/chs.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { files, multipart, multipartB } from './bad-bodies.ts';
import {
  ask,
  at,
  type FileKind,
  formOf,
  inBoth,
  listAt,
  logOf,
  mutated,
  send,
  sendRaw,
  stored,
} from './wire.ts';

const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];
const small = {
  'storage.max_minidump_size': 100_000,
  'storage.max_pdb_size': '128KB',
  'storage.max_exe_size': '0.25MB',
};
const shownLimits: Record<FileKind, string> = { minidump: '97.66KB', pdb: '128KB', exe: '256KB' };

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(Uint8Array.from(bytes.subarray(offset, offset + 65_536)));
      offset += 65_536;
    },
  });
}

inBoth(
  'refuses a file over the limit, naming it, however it is sent',
  async (t, chs) => {
    for (const kind of kinds) {
      const bytes = files[kind];
      const type = { 'content-type': 'multipart/form-data; boundary=B' };
      const body = multipart([[`name="${kind}"; filename="x"`, bytes]]);
      const path = `/api/upload/${kind}`;
      const answers = {
        form: await send(chs, kind, { exe_version: '1' }, bytes),
        raw: await sendRaw(chs, kind, '', Uint8Array.from(bytes)),
        'undeclared length': await sendRaw(chs, kind, '', streamOf(bytes)),
        'undeclared length, multipart': await ask(chs, path, {
          method: 'POST',
          body: streamOf(body),
          headers: type,
          duplex: 'half',
        } as RequestInit),
        'compressed below it': await sendRaw(chs, kind, '', gzipSync(bytes), { 'content-encoding': 'gzip' }),
      };
      for (const [how, answer] of Object.entries(answers)) {
        const label = `${kind}: ${how}`;
        t.equal(answer.status, 400, label);
        t.match(
          answer.body,
          { success: false, code: 'FILE_TOO_LARGE', error: `limit of ${shownLimits[kind]} ` },
          label,
        );
        t.match(at(answer.body, 'error'), `storage.max_${kind}_size`, label);
      }
      t.same(stored(chs), [], 'nothing is left of it');
    }
  },
  small,
);

inBoth(
  'takes a file of exactly the limit, and not one byte more',
  async (t, chs) => {
    const unparsed = { exe_guid: '12345678-1234-1234-1234-1234567890AB', exe_age: 1 };
    const exact = Buffer.concat([Buffer.from('MDMP'), Buffer.alloc(99_996)]);
    t.equal((await send(chs, 'minidump', unparsed, exact)).status, 200);
    t.equal((await send(chs, 'minidump', unparsed, mutated(exact, '1'))).status, 400);
    t.equal(stored(chs).length, 1);
  },
  small,
);

const hostile = sharedFixtures('crash/hostile');
t.test(
  'a gzip bomb stays within bounds',
  { skip: hostile ? false : 'the shared fixtures are not here' },
  async (t) => {
    const bomb = readFileSync(join(hostile ?? '', 'gzipbomb_multipart_BOMB.gz'));
    for (const mode of ['embedded', 'daemon'] as const) {
      const chs = await reach(t, mode);
      const headers = { 'content-type': 'multipart/form-data; boundary=BOMB', 'content-encoding': 'gzip' };
      const beforeBytes = process.memoryUsage().rss;
      for (const kind of kinds) {
        const answer = await ask(chs, `/upload/${kind}`, { method: 'POST', body: bomb, headers });
        t.ok(answer.status >= 400 && answer.status < 500, `${kind}: ${JSON.stringify(answer.body)}`);
        t.same(stored(chs), []);
      }
      t.ok(process.memoryUsage().rss - beforeBytes < 256 * 1024 * 1024, 'memory is bounded');
    }
  },
);

/** The beginning of a request over a socket of its own; the length says that more will come. */
function begin(chs: Reached, kind: FileKind, body: Buffer, headers = ''): Socket {
  const { hostname, port } = new URL(chs.url ?? '');
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `POST /api/upload/${kind} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${TEST_KEY}\r\n` +
      `Content-Type: ${multipartB['content-type']}\r\n${headers || 'Content-Length: 1000000\r\n'}\r\n`,
  );
  socket.write(body);
  return socket;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await condition()) return true;
    await sleep(25);
  }
  return false;
}

t.test('an upload that is given up half-way leaves nothing', async (t) => {
  const chs = await reach(t, 'daemon');
  for (const kind of kinds) {
    const half = multipart([[`name="${kind}"; filename="x"`, files[kind]]], '').subarray(0, 100_000);
    for (const headers of ['', 'Transfer-Encoding: chunked\r\n']) {
      const chunk = headers === '' ? half : Buffer.concat([Buffer.from('186a0\r\n'), half]);
      const socket = begin(chs, kind, chunk, headers);
      t.ok(await until(() => stored(chs).length > 0), `${kind}: it is being taken in`);
      socket.destroy();
      t.ok(await until(() => stored(chs).length === 0), `${kind}: it is gone`);
    }
  }
  t.equal((await send(chs, 'minidump', null, files.minidump)).status, 200, 'the next one is taken');
  t.notMatch(logOf(chs), '[ERROR]', 'a client that went away is no failure of the server');
});

t.test('a body that falls silent is given up, with 408 and nothing left', async (t) => {
  const chs = await reach(t, 'daemon', { 'server.body_idle_timeout_ms': 1000 });
  const half = multipart([['name="pdb"; filename="x"', files.pdb]], '').subarray(0, 50_000);
  const socket = begin(chs, 'pdb', half);
  let reply = '';
  let leftAtReply: string[] | null = null;
  socket.on('data', (piece) => {
    leftAtReply ??= stored(chs);
    reply += piece;
  });
  t.ok(await until(() => reply.includes('}')), 'a reply arrives while the body is still open');
  t.match(reply, /^HTTP\/1\.1 408 /);
  t.match(reply, 'REQUEST_TIMEOUT');
  t.same(leftAtReply, []);
  socket.destroy();
});

inBoth(
  'the limit holds for all that a cabinet must unpack, also for what lies before its file',
  async (t, chs) => {
    const plan = { files: [['small.pdb', smallPdb()]] as const };
    const accepted = await send(chs, 'pdb', null, buildCab({ ...plan, before: 65_536 }));
    t.match(accepted, { status: 200, body: { data: { pdb_filename: 'small.pdb' } } });
    const refused = await send(chs, 'pdb', null, buildCab({ ...plan, before: 131_072 }));
    t.equal(refused.status, 400);
    t.match(refused.body, { code: 'FILE_TOO_LARGE', error: /128KB/, hint: /storage\.max_pdb_size/ });
    t.equal(stored(chs).length, 1);
  },
  small,
);

t.test('a refusal arrives while the body is still being sent', async (t) => {
  const chs = await reach(t, 'daemon', { 'storage.max_pdb_size': '64KB' });
  const answers = await Promise.all(
    kinds.map((kind) =>
      send(
        chs,
        kind,
        null,
        kind === 'pdb' ? Buffer.concat([files.pdb, Buffer.alloc(30 << 20)]) : files[kind],
      ),
    ),
  );
  t.same(
    answers.map((answer) => answer.status),
    [200, 400, 200],
  );
});

t.test('more uploads at once than allowed are asked to come back', async (t) => {
  const chs = await reach(t, 'daemon', { 'limits.max_concurrent_uploads': 1 });
  const half = multipart([['name="pdb"; filename="x"', files.pdb]], '').subarray(0, 50_000);
  const socket = begin(chs, 'pdb', half);
  t.ok(await until(() => stored(chs).length > 0));
  const answer = await send(chs, 'pdb', null, files.pdb);
  t.equal(answer.status, 503);
  t.match(answer.body, { code: 'TOO_BUSY' });
  t.ok(Number(answer.headers.get('retry-after')) >= 1);
  socket.destroy();
  t.ok(await until(() => stored(chs).length === 0));
  // Its place is free a moment after its file is gone.
  const again = async (): Promise<boolean> => (await send(chs, 'pdb', null, files.pdb)).status === 200;
  t.ok(await until(again));
});

inBoth('a storage that cannot be written takes nothing and says so', async (t, chs) => {
  const root = join(chs.folder, 'storage');
  rmSync(root, { recursive: true, force: true });
  writeFileSync(root, 'a file where the folder should be');
  for (const kind of kinds) {
    const answers = [
      await send(chs, kind, null, files[kind]),
      await sendRaw(chs, kind, '', Uint8Array.from(files[kind])),
    ];
    for (const answer of answers)
      t.match(answer, { status: 500, body: { code: 'STORAGE_UNWRITABLE' } }, kind);
  }
  t.equal(statSync(root).size, 33, 'what stood in the way is untouched');
  t.same(listAt(await ask(chs, '/list/pdbs'), 'data', 'pdbs'), []);
  rmSync(root);
  t.equal(
    (await ask(chs, '/upload/pdb', { method: 'POST', body: formOf('pdb', null, files.pdb) })).status,
    200,
  );
});

inBoth(
  'a database that another process holds makes uploads come back later, and leaves nothing',
  async (t, chs) => {
    const Database = loadDriver();
    const other = new Database(join(chs.folder, 'data', 'crash_handler.db'));
    other.exec('BEGIN IMMEDIATE');
    const answer = await send(chs, 'exe', null, files.exe);
    t.match(answer, { status: 503, body: { success: false, code: 'DATABASE_BUSY' } });
    t.same(stored(chs), []);
    t.equal((await ask(chs, '/list/exes')).status, 200, 'readers do not wait');
    other.exec('COMMIT');
    other.close();
    t.equal((await send(chs, 'exe', null, files.exe)).status, 200);
  },
  { 'database.busy_timeout_ms': 200 },
);

inBoth(
  'a body that was refused before anyone read it is forgotten, too',
  async (t, chs) => {
    const headers = { 'content-type': 'multipart/form-data' };
    for (const kind of kinds) {
      const body = Buffer.alloc(1 << 20);
      t.equal((await ask(chs, `/upload/${kind}`, { method: 'POST', body, headers })).status, 400);
    }
    await sleep(1500);
    t.equal((await ask(chs, '/health')).status, 200, 'its time running out harms nobody');
  },
  { 'server.body_idle_timeout_ms': 1000 },
);
