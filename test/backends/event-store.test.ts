/** Events on SQLite: true with their transaction, in order, bounded; and one look into the table for all who watch. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { SqlBackend } from '../../src/backends/sql/backend.ts';
import { createEventStore, insertEvent } from '../../src/backends/sql/event-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { createEvents } from '../../src/events/events.ts';
import { createFeed } from '../../src/events/feed.ts';
import type { EventStore } from '../../src/events/store.ts';
import type { EventsReply } from '../../src/operation.ts';
import { silentLog } from '../../src/platform/log.ts';

async function opened(t: Test, path = join(t.testdir(), 'chs.db')): Promise<SqlBackend> {
  const backend = await openSqlite({ path, busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  return backend;
}

/** Several in one transaction: `t.1`, `t.2` and so on. */
function write(backend: SqlBackend, count: number, type = 'test.happened'): Promise<void> {
  return backend.write(async (db) => {
    for (let number = 1; number <= count; number += 1)
      await insertEvent(db, { type, data: { number }, atMs: 1_767_702_896_789 });
  });
}

interface Watching {
  readonly reply: EventsReply<{ id: number; type: string; data: Record<string, unknown> }>;
  end(): void;
}

interface WatchInput {
  readonly after?: number;
  readonly types?: string;
}

/** Watches as the operation does. */
function watcher(store: EventStore, maxStreams = 100) {
  const feed = createFeed(store, silentLog);
  const handlers = createEvents({ feed, limits: { maxStreams }, now: () => 0 });
  const watch = async (input: WatchInput = {}): Promise<Watching> => {
    const over = new AbortController();
    const call = { signal: over.signal } as Parameters<typeof handlers.watchEvents>[1];
    return { reply: await handlers.watchEvents(input, call), end: () => over.abort() };
  };
  return { feed, watch };
}

/** The next `count` events. */
async function take(watching: Watching, count: number): Promise<{ id: number; type: string }[]> {
  const taken: { id: number; type: string }[] = [];
  for await (const event of watching.reply.events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  watching.end();
  return taken;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

t.test('an event is there when its transaction is, and not when that fails', async (t) => {
  const backend = await opened(t);
  const store = createEventStore(backend);
  await t.rejects(
    backend.write(async (db) => {
      await insertEvent(db, { type: 'never.happened', data: {}, atMs: 1 });
      throw new Error('no');
    }),
  );
  await write(backend, 2);
  const { rows, oldestId, newestId } = await store.after(0, 10);
  t.same(rows, [
    { id: 1, atMs: 1_767_702_896_789, type: 'test.happened', data: '{"number":1}' },
    { id: 2, atMs: 1_767_702_896_789, type: 'test.happened', data: '{"number":2}' },
  ]);
  t.same([oldestId, newestId], [1, 2]);
  t.same(
    (await store.after(1, 10)).rows.map(({ id }) => id),
    [2],
  );
  t.same(
    (await store.after(0, 1)).rows.map(({ id }) => id),
    [1],
  );
});

t.test('keeps the newest, and looks at the rest only when a tenth too many are there', async (t) => {
  const backend = await opened(t);
  const store = createEventStore(backend);
  t.equal(await store.keepNewest(100), 0);
  await write(backend, 110);
  t.equal(await store.keepNewest(100), 0);
  await write(backend, 1);
  t.equal(await store.keepNewest(100), 11);
  t.match(await store.after(0, 1), { oldestId: 12, newestId: 111 });
  await write(backend, 1);
  t.match(await store.after(111, 5), { rows: [{ id: 112 }], newestId: 112 }, 'numbers go on');
});

t.test('gives only what is new, or what came after an event', async (t) => {
  const backend = await opened(t);
  const { watch } = watcher(createEventStore(backend));
  await write(backend, 5);
  const [news, rest, some] = [
    await watch(),
    await watch({ after: 3 }),
    await watch({ types: 'pdb.*,exe.seen' }),
  ];
  t.equal(news.reply.position(), 5);
  t.equal(rest.reply.position(), 3);
  const taken = Promise.all([take(news, 2), take(rest, 4), take(some, 3)]);
  await write(backend, 1);
  for (const type of ['pdb.uploaded', 'exe.lost', 'exe.seen', 'pdb.deleted']) await write(backend, 1, type);
  const [ofNews, ofRest, ofSome] = (await taken).map((events) => events.map(({ id }) => id));
  t.same(ofNews, [6, 7]);
  t.same(ofRest, [4, 5, 6, 7]);
  t.same(ofSome, [7, 9, 10]);
  t.equal(some.reply.position(), 9, 'an event counts as taken when the next one is asked for');
});

t.test('sees what another connection writes, and what it writes while somebody looks', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const [mine, other] = [await opened(t, path), await opened(t, path)];
  const { watch } = watcher(createEventStore(mine));
  const taken = take(await watch(), 300);
  for (let round = 0; round < 100; round += 1) {
    await write(other, 1);
    await write(mine, 2);
    if (round % 10 === 0) await sleep(7);
  }
  t.same(
    (await taken).map(({ id }) => id),
    range(1, 300),
  );
});

t.test('asks the table once for a hundred who watch', async (t) => {
  const backend = await opened(t);
  const store = createEventStore(backend);
  let asked = 0;
  const counting: EventStore = {
    ...store,
    after: (id, limit) => {
      asked += 1;
      return store.after(id, limit);
    },
  };
  const { feed, watch } = watcher(counting);
  const watching = await Promise.all(Array.from({ length: 100 }, () => watch()));
  t.equal(feed.watchers, 100);
  await t.rejects(watch(), { code: 'TOO_BUSY' });
  const taken = Promise.all(watching.map((one) => take(one, 50)));
  asked = 0;
  await write(backend, 50);
  for (const events of await taken) t.equal(events.length, 50);
  t.ok(asked < 20, `asked ${asked} times`);
  t.equal(feed.watchers, 0);
  (await watch()).end();
  t.equal(feed.watchers, 0, 'one that never began leaves, too');
});

t.test('who reads slowly misses nothing that is kept, and is told of what is not', async (t) => {
  const backend = await opened(t);
  const store = createEventStore(backend);
  const { watch } = watcher(store);
  const slow = await watch();
  const iterator = slow.reply.events[Symbol.asyncIterator]();
  const first = iterator.next();
  for (let round = 0; round < 30; round += 1) await write(backend, 100);
  t.match(await first, { value: { id: 1 } });
  const ids: number[] = [];
  while (ids.length < 1499) ids.push((await iterator.next()).value.id);
  t.same(ids, range(2, 1500), 'also what is not in memory any more');

  await write(backend, 1000);
  await store.keepNewest(200);
  const seen: unknown[] = [];
  for (;;) {
    const { value } = await iterator.next();
    if (value.type === 'events.lost') {
      t.match(value, { id: 3800, data: { after: value.data.after, oldest_id: 3801 } });
      t.equal(value.data.after, seen.at(-1) ?? 1500);
      break;
    }
    seen.push(value.id);
  }
  t.match(await iterator.next(), { value: { id: 3801, type: 'test.happened' } });
  slow.end();
  t.match(await iterator.next(), { done: true });
});

t.test(
  'an ID that is not kept any more, or that nothing has yet, is answered with what was lost',
  async (t) => {
    const backend = await opened(t);
    const store = createEventStore(backend);
    await write(backend, 200);
    await store.keepNewest(100);
    const { watch } = watcher(store);
    t.match(await take(await watch({ after: 50 }), 2), [
      { id: 100, type: 'events.lost', data: { after: 50, oldest_id: 101 } },
      { id: 101 },
    ]);
    t.match(await take(await watch({ after: 100 }), 1), [{ id: 101 }], 'the very last that is gone was seen');
    const future = await watch({ after: 5000, types: 'test.happened' });
    const taken = take(future, 2);
    await write(backend, 1);
    t.match(await taken, [
      { id: 200, type: 'events.lost', data: { after: 5000, oldest_id: null } },
      { id: 201, type: 'test.happened' },
    ]);
  },
);

t.test('ends every stream when it is closed, and takes no more', async (t) => {
  const { feed, watch } = watcher(createEventStore(await opened(t)));
  const taken = Promise.all([take(await watch(), 1), take(await watch({ after: 0 }), 1)]);
  feed.close();
  t.same(await taken, [[], []]);
  await t.rejects(watch(), { code: 'SHUTTING_DOWN' });
});

t.test('goes on after a table that was busy, and ends when it cannot be read', async (t) => {
  const backend = await opened(t);
  const store = createEventStore(backend);
  let failure: Error | null = null;
  const failing: EventStore = {
    ...store,
    after: (id, limit) => (failure ? Promise.reject(failure) : store.after(id, limit)),
  };
  const { watch } = watcher(failing);
  const { ChsError } = await import('../../src/platform/errors.ts');
  const patient = take(await watch(), 1);
  failure = new ChsError('DATABASE_BUSY');
  await write(backend, 1);
  failure = null;
  t.match(await patient, [{ id: 1 }]);
  const broken = take(await watch(), 1);
  failure = new Error('no such table: events');
  await write(backend, 1);
  await t.rejects(broken, /no such table/);
  failure = null;
  t.match(await take(await watch({ after: 1 }), 1), [{ id: 2 }], 'the next one finds it mended');
});
