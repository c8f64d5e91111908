/** The stream of events over HTTP and in the same process: what is on the wire, from where it goes on, how it ends. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { insertEvent } from '../../src/backends/sql/event-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { createBlockReader } from '../../src/event-stream.ts';
import { type Reached, reach, runningDaemon, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { ask, at, inBoth, logOf, textAt } from './wire.ts';

// Many watchers on a slow machine; this guards against a hang, no more.
t.setTimeout(120_000);

/** Writes as another process would. */
async function happen(folder: string, count: number, type = 'pdb.uploaded'): Promise<void> {
  const backend = await openSqlite({
    path: join(folder, 'data', 'crash_handler.db'),
    busyTimeoutMs: 5000,
  });
  await backend.write(async (db) => {
    for (let number = 1; number <= count; number += 1)
      await insertEvent(db, { type, data: { number }, atMs: 1_767_702_896_789 });
  });
  await backend.close();
}

interface Stream {
  readonly response: Response;
  /** The next `count` events, as their JSON. */
  next(count: number): Promise<Record<string, unknown>[]>;
  /** The last ID that the stream gave. */
  lastId(): string | null;
  /** Resolves when the server ends it. */
  ended(): Promise<void>;
  cancel(): Promise<void>;
}

async function open(chs: Reached, query = '', headers: Record<string, string> = {}): Promise<Stream> {
  const response = await chs.fetch(`/api/events${query}`, { headers });
  if (!response.body || response.status !== 200)
    throw new Error(`status ${response.status}: ${await response.text()}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const read = createBlockReader(1_000_000);
  const events: Record<string, unknown>[] = [];
  let lastId: string | null = null;
  const more = async (): Promise<boolean> => {
    const { done, value = '' } = await reader.read();
    for (const block of read(value)) {
      lastId = block.lastId;
      if (block.data !== null) events.push(JSON.parse(block.data));
    }
    return !done;
  };
  // The first block comes at once.
  while (lastId === null) await more();
  return {
    response,
    async next(count) {
      while (events.length < count) if (!(await more())) throw new Error(`only ${events.length} events`);
      return events.splice(0, count);
    },
    lastId: () => lastId,
    async ended() {
      while (await more());
    },
    cancel: () => reader.cancel(),
  };
}

const idsOf = (events: readonly Record<string, unknown>[]): unknown[] => events.map(({ id }) => id);

inBoth('gives events as they come, with headers that keep them moving', async (t, chs) => {
  await happen(chs.folder, 1);
  const stream = await open(chs);
  const { headers } = stream.response;
  t.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8');
  t.equal(headers.get('cache-control'), 'no-store');
  t.equal(headers.get('x-accel-buffering'), 'no');
  t.ok(headers.get('x-request-id'));
  t.equal(stream.lastId(), '1', 'where it begins is said at once');
  await happen(chs.folder, 2);
  t.same(await stream.next(1), [
    { id: 2, type: 'pdb.uploaded', at: '2026-01-06T12:34:56.789Z', data: { number: 1 } },
  ]);
  t.match(await stream.next(1), [{ id: 3 }]);
  await stream.cancel();
});

inBoth('goes on after an ID in the query or in Last-Event-ID, which wins', async (t, chs) => {
  await happen(chs.folder, 5);
  const after = await open(chs, '?after=2');
  t.same(idsOf(await after.next(3)), [3, 4, 5]);
  await after.cancel();
  const resumed = await open(chs, '?after=2', { 'last-event-id': '4' });
  t.same(idsOf(await resumed.next(1)), [5]);
  await resumed.cancel();
  const empty = await open(chs, '', { 'last-event-id': '' });
  t.equal(empty.lastId(), '5', 'an empty one is none');
  await empty.cancel();
  const ahead = await open(chs, '?after=99');
  t.match(await ahead.next(1), [{ id: 5, type: 'events.lost', data: { after: 99, oldest_id: null } }]);
  await ahead.cancel();
});

inBoth('gives only the types that are asked for, and moves on past the others', async (t, chs) => {
  const stream = await open(chs, '?types=minidump.*,exe.deleted');
  await happen(chs.folder, 2, 'pdb.uploaded');
  await happen(chs.folder, 1, 'minidump.uploaded');
  await happen(chs.folder, 1, 'exe.uploaded');
  await happen(chs.folder, 1, 'exe.deleted');
  t.match(await stream.next(2), [
    { id: 3, type: 'minidump.uploaded' },
    { id: 5, type: 'exe.deleted' },
  ]);
  await stream.cancel();
});

inBoth('refuses what makes no sense before anything is sent', async (t, chs) => {
  for (const query of [
    'after=x',
    'after=-1',
    'types=pdb',
    'types=a.b,,c.d',
    `types=${'a.b,'.repeat(200)}c.d`,
  ]) {
    const answer = await ask(chs, `/events?${query}`);
    t.equal(answer.status, 400, query.slice(0, 30));
    t.equal(textAt(answer, 'code'), 'INVALID_INPUT');
  }
  const answer = await ask(chs, '/events', { headers: { 'last-event-id': 'abc' } });
  t.equal(answer.status, 400);
  t.equal((await chs.bare('/events')).status, 401);
  const { token } = at(
    (
      await ask(chs, '/tokens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'submitter', scope: 'submit' }),
      })
    ).body,
    'data',
  ) as { token: string };
  t.equal((await ask(chs, '/events', { headers: { 'x-api-key': token } })).status, 403);
  const head = await chs.fetch('/events', { method: 'HEAD' });
  t.equal(head.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  t.equal(await head.text(), '');
});

inBoth(
  'takes no more watchers than are allowed, and another one when one has gone',
  async (t, chs) => {
    const [first, second] = [await open(chs), await open(chs)];
    const answer = await ask(chs, '/events');
    t.equal(answer.status, 503);
    t.equal(textAt(answer, 'code'), 'TOO_BUSY');
    t.equal(answer.headers.get('retry-after'), '5');
    await first.cancel();
    await happen(chs.folder, 1);
    await second.next(1);
    let third: Stream | null = null;
    while (third === null) third = await open(chs).catch(() => sleep(20, null));
    await Promise.all([second.cancel(), third.cancel()]);
  },
  { 'limits.max_event_streams': 2 },
);

t.test('a hundred watchers all get everything, and go without a trace', async (t) => {
  const chs = await reach(t, 'daemon', { 'limits.max_event_streams': 100 });
  const streams = await Promise.all(Array.from({ length: 100 }, () => open(chs)));
  await happen(chs.folder, 40);
  for (const stream of streams) t.equal((await stream.next(40)).length, 40);
  await Promise.all(streams.map((stream) => stream.cancel()));
  const again = await Promise.all(
    Array.from({ length: 100 }, async () => {
      for (;;) {
        const stream = await open(chs, '?after=0').catch(() => sleep(20, null));
        if (stream) return stream;
      }
    }),
  );
  t.equal(again.length, 100);
  await Promise.all(again.map((stream) => stream.cancel()));
  t.notMatch(logOf(chs), /ERROR/);
});

t.test('a watcher that reads nothing holds up nobody, and is not written to without end', async (t) => {
  const folder = testFolder(t);
  const daemon = await runningDaemon(t, { 'limits.max_events': 200_000 }, folder);
  const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.pause();
  socket.write(`GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${TEST_KEY}\r\n\r\n`);
  for (let round = 0; round < 20; round += 1) await happen(folder, 5000);
  const chs: Reached = {
    fetch: (path) => fetch(`${daemon.url}${path}`, { headers: { 'x-api-key': TEST_KEY } }),
    bare: fetch,
    folder,
    url: daemon.url,
  };
  const other = await open(chs, '?after=99990');
  t.equal((await other.next(10)).length, 10);
  await other.cancel();
  // What the buffers on the way hold is far less than all of it.
  t.equal(socket.bytesRead < 3_000_000, true, `${socket.bytesRead} bytes`);
  let received = '';
  socket.on('data', (piece) => {
    received = (received + piece.toString('latin1')).slice(-2000);
  });
  socket.resume();
  while (!received.includes('"id":100000,')) await once(socket, 'data');
  t.pass('and all of it is there once it is read');
});

t.test('a daemon that stops ends its streams at once', async (t) => {
  const folder = testFolder(t);
  const daemon = await runningDaemon(t, { 'server.graceful_shutdown_timeout': 60 }, folder);
  const chs: Reached = {
    fetch: (path) => fetch(`${daemon.url}${path}`, { headers: { 'x-api-key': TEST_KEY } }),
    bare: fetch,
    folder,
    url: daemon.url,
  };
  const streams = await Promise.all(Array.from({ length: 10 }, () => open(chs)));
  const late = sleep(20_000, 'late', { ref: false });
  const stopped = daemon.stop('the test says so');
  t.not(await Promise.race([Promise.all(streams.map((stream) => stream.ended())), late]), 'late');
  t.not(await Promise.race([stopped, late]), 'late');
  t.notMatch(logOf(chs), /cut off|ERROR/);
});
