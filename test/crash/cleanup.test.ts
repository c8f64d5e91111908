/** Retention while dumps wait to be looked through: no size limit, no symbols; its daily run waits for all of them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openFileBlobs } from '../../src/backends/fs/blobs.ts';
import { createCleanupStore } from '../../src/backends/sql/cleanup-store.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { createModuleStore } from '../../src/backends/sql/module-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { createCatchUp } from '../../src/crash/catch-up.ts';
import { createCleanup } from '../../src/crash/cleanup.ts';
import { silentLog } from '../../src/platform/log.ts';
import { minidumpRow } from '../backends/rows.ts';

t.setTimeout(120_000);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = 1000 * DAY_MS;
/** More than one batch of what looks through them. */
const DUMPS = 450;

interface Given {
  readonly maxAgeMs?: number;
  readonly maxSizeBytes?: number;
}

/** Dumps of 10 bytes, none of them looked through, and a patience that is over at once. */
async function opened(t: Test, { maxAgeMs, maxSizeBytes }: Given) {
  const folder = t.testdir();
  const backend = await openSqlite({ path: join(folder, 'chs.db'), busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  const blobs = openFileBlobs(join(folder, 'storage'), DAY_MS);
  t.teardown(() => blobs.close());
  const [store, modules] = [createCleanupStore(backend), createModuleStore(backend)];
  const crash = createCrashStore(backend);
  for (let number = 0; number < DUMPS; number += 1)
    await crash.addMinidump(minidumpRow({ created_ms: (500 + number) * DAY_MS, size_bytes: 10 }), '{}');
  const catchUps: (AbortSignal | undefined)[] = [];
  const catchUp = createCatchUp(modules, blobs, 0);
  const policy = {
    maxAgeMs: maxAgeMs ?? null,
    maxSizeBytes: maxSizeBytes ?? null,
    symbols: true,
    intervalMs: DAY_MS,
  };
  const context = {
    store,
    modules,
    blobs,
    catchUp: (until?: AbortSignal) => {
      catchUps.push(until);
      return catchUp(until);
    },
    policy,
    log: silentLog,
    now: () => NOW_MS,
  };
  const count = async (): Promise<number> => (await store.total('minidumps', NOW_MS)).files;
  const tasks = () => backend.db.selectFrom('tasks').selectAll().execute();
  return { backend, context, catchUps, catchUp, count, modules, tasks };
}

t.test('the daily run waits until all are looked through, and then a size limit holds', async (t) => {
  const { context, catchUps, count, modules, tasks } = await opened(t, { maxSizeBytes: 100 });
  const { signal } = new AbortController();
  await createCleanup(context).runIfDue(signal);
  t.same(catchUps, [signal], 'by the one that it was given');
  t.equal(await modules.countUnindexed(), 0);
  t.equal(await count(), 10);
  t.match(await tasks(), [{ name: 'cleanup', finished_ms: NOW_MS }]);
});

t.test('a run that is stopped while it looks through them is due again', async (t) => {
  const { context, count, tasks } = await opened(t, { maxAgeMs: 1, maxSizeBytes: 100 });
  await createCleanup(context).runIfDue(AbortSignal.abort());
  t.equal(await count(), DUMPS);
  t.same(await tasks(), []);
});

t.test('asked with less patience, a size limit deletes nothing and says so; ages go on', async (t) => {
  const { context, catchUps, count } = await opened(t, { maxSizeBytes: 100 });
  const prune = createCleanup({ ...context, catchUp: async () => void catchUps.push(undefined) }).handlers
    .prune;
  const call = { signal: new AbortController().signal } as Parameters<typeof prune>[1];
  const waiting = { unindexed: DUMPS, max_size_waits: true, stored: { files: DUMPS } };
  t.match(await prune({ plan: true }, call), { ...waiting, to_delete: { files: 0 } });
  t.match(await prune({ plan: false }, call), {
    ...waiting,
    minidumps: { files: 0 },
    to_delete: { files: 0 },
  });
  t.equal(catchUps.length, 2, 'a plan looks through them, too');
  t.equal(await count(), DUMPS);
  const aged = await prune({ plan: false, max_age: '900d' }, call);
  t.match(aged, { ...waiting, minidumps: { files: 0 } });
  t.match(await prune({ plan: false, max_age: '490d' }, call), { ...waiting, minidumps: { files: 10 } });
  t.equal(await count(), DUMPS - 10);
});

t.test(
  'a run that fails is due again, and says what it failed with, even where that cannot be noted',
  async (t) => {
    const { context, tasks, count } = await opened(t, { maxAgeMs: 495 * DAY_MS });
    const { signal } = new AbortController();
    const failing = { ...context, catchUp: () => Promise.reject(new Error('no disk')) };
    await t.rejects(createCleanup(failing).runIfDue(signal), { message: 'no disk' });
    t.same(await tasks(), [], 'nothing is claimed');
    const store = { ...context.store, releaseTask: () => Promise.reject(new Error('no database')) };
    await t.rejects(createCleanup({ ...failing, store }).runIfDue(signal), { message: 'no disk' });
    t.match(await tasks(), [{ finished_ms: null }], 'as if it had been killed');
    await createCleanup({ ...context, now: () => NOW_MS + HOUR_MS - 1 }).runIfDue(signal);
    t.equal(await count(), DUMPS, 'it may be at work');
    await createCleanup({ ...context, now: () => NOW_MS + HOUR_MS }).runIfDue(signal);
    t.equal(await count(), DUMPS - 6);
    t.match(await tasks(), [{ finished_ms: NOW_MS + HOUR_MS }]);
  },
);
