/** Retention on SQLite: a plan is the oldest beginning, held against a count by hand; and what is needed stays. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createCleanupStore } from '../../src/backends/sql/cleanup-store.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { createModuleStore } from '../../src/backends/sql/module-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { type CleanupPlan, planCleanup, type RetentionPolicy } from '../../src/crash/cleanup-plan.ts';
import type { Place } from '../../src/crash/cleanup-store.ts';
import type { ModuleIdentity } from '../../src/crash/module-store.ts';
import type { MinidumpRow, PdbRow } from '../../src/crash/store.ts';
import { moduleOf } from './module-store-conformance.ts';
import { chance, exeRow, guidKey, minidumpRow, pdbRow } from './rows.ts';

// Many writes, each made durable; this guards against a hang, no more.
t.setTimeout(120_000);

const HOUR_MS = 3_600_000;
const NOW_MS = 1000 * HOUR_MS;

async function opened(t: Test, path = join(t.testdir(), 'chs.db')) {
  const backend = await openSqlite({ path, busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  const cleanup = createCleanupStore(backend);
  const crash = createCrashStore(backend);
  const modules = createModuleStore(backend);
  const plan = async (policy: Partial<RetentionPolicy>, asOfMs = NOW_MS): Promise<CleanupPlan> =>
    planCleanup(cleanup, {
      policy: { maxAgeMs: null, maxSizeBytes: null, symbols: true, ...policy },
      asOfMs,
      unindexed: await modules.countUnindexed(),
    });
  /** @param hour of its arrival */
  const dump = async (hour: number, listed: readonly ModuleIdentity[], given: Partial<MinidumpRow> = {}) => {
    const row = minidumpRow({ created_ms: hour * HOUR_MS, size_bytes: 10, ...given });
    await crash.addMinidump(row, '{}', { index: { modules: listed, keyModule: 0, signature: null } });
    return row.id;
  };
  const pdb = async (hour: number, given: Partial<PdbRow>) => {
    const row = pdbRow({ uploaded_ms: hour * HOUR_MS, size_bytes: 100, state: 'verified', ...given });
    await crash.addPdb(row);
    return row.id;
  };
  const exe = async (
    hour: number,
    given: Parameters<typeof exeRow>[0],
    debugIds: Parameters<typeof crash.addExe>[1],
  ) => {
    const row = exeRow({ uploaded_ms: hour * HOUR_MS, size_bytes: 50, state: 'verified', ...given });
    await crash.addExe(row, debugIds);
    return row.id;
  };
  /** The IDs that a plan names. */
  const named = async ({ upTo, symbols }: CleanupPlan): Promise<string[]> => {
    const dumps = upTo === null ? [] : await cleanup.minidumps(null, upTo, 100_000);
    return [...dumps, ...symbols].map(({ id }) => id).sort();
  };
  return { backend, cleanup, crash, modules, plan, dump, pdb, exe, named };
}

type Stores = Awaited<ReturnType<typeof opened>>;

async function goes(stores: Stores, policy: Partial<RetentionPolicy>): Promise<string[]> {
  return stores.named(await stores.plan(policy));
}

t.test('a PDB stays as long as a dump needs it, however old both are', async (t) => {
  const stores = await opened(t);
  const { dump, pdb, plan, cleanup } = stores;
  const [old, young] = [
    await dump(10, [moduleOf(1), moduleOf(2)]),
    await dump(990, [moduleOf(9), moduleOf(2)]),
  ];
  const onlyOld = await pdb(5, { parsed_guid_key: guidKey(1), parsed_age: 1 });
  const shared = await pdb(5, { parsed_guid_key: guidKey(2), parsed_age: 1 });
  const otherAge = await pdb(5, { parsed_guid_key: guidKey(2), parsed_age: 2 });
  await pdb(995, { parsed_guid_key: guidKey(3), parsed_age: 1 });
  const result = await plan({ maxAgeMs: 100 * HOUR_MS });
  t.same(await stores.named(result), [old, onlyOld, otherAge].sort());
  t.match(result.going, {
    minidumps: { files: 1, bytes: 10, oldestMs: 10 * HOUR_MS, newestMs: 10 * HOUR_MS },
    pdbs: { files: 2, bytes: 200, oldestMs: 5 * HOUR_MS },
    exes: { files: 0, oldestMs: null },
  });
  t.match(result.stored, { minidumps: { files: 2 }, pdbs: { files: 4, bytes: 400 } });
  t.equal(result.noLongerDebuggable, 0);
  t.same(await goes(stores, { maxAgeMs: 100 * HOUR_MS, symbols: false }), [old]);
  t.same(await goes(stores, { maxAgeMs: 7 * HOUR_MS }), [old, young, onlyOld, shared, otherAge].sort());

  const places = [onlyOld, shared, otherAge].map((id): Place => ({ kind: 'pdbs', id, ms: 0 }));
  t.match(
    await cleanup.remove(places),
    { removed: [false, false, true] },
    'what a dump needs now is not removed',
  );
  t.match(await cleanup.remove([{ kind: 'minidumps', id: old, ms: 0 }, ...places]), {
    removed: [true, true, false, false],
    noLongerDebuggable: 0,
  });
});

t.test('every way to serve a module counts: portable, declared, nameless, through an image', async (t) => {
  const stores = await opened(t);
  const { dump, pdb, exe, crash } = stores;
  const withoutRecord = moduleOf(4, { guidKey: null, age: null });
  await dump(990, [moduleOf(1), moduleOf(2), moduleOf(3), withoutRecord, moduleOf(5), moduleOf(6)]);
  const needed = [
    await pdb(1, { parsed_guid_key: guidKey(1), parsed_age: null, format: 'portable' }),
    await pdb(1, { guid_key: guidKey(2), exe_age: 1, state: 'unparsed' }),
    await pdb(1, {
      guid_key: guidKey(2),
      exe_age: 1,
      parsed_guid_key: guidKey(70),
      parsed_age: 1,
      state: 'mismatch',
    }),
    await pdb(1, { parsed_guid_key: guidKey(40), parsed_age: 7 }),
    await exe(1, { time_date_stamp: 1004, size_of_image: 4096 }, [{ guidKey: guidKey(40), age: 7 }]),
    await exe(1, { time_date_stamp: 1005, size_of_image: 4096 }, []),
    await exe(1, {}, [{ guidKey: guidKey(6), age: 1 }]),
    await exe(1, { guid_key: guidKey(6), state: 'unparsed' }, []),
  ];
  const redeclared = await pdb(1, { parsed_guid_key: guidKey(71), parsed_age: 1 });
  await crash.addDeclaration('pdbs', redeclared, {
    atMs: 0,
    debugId: { guidKey: guidKey(3), age: 1 },
    version: null,
    fileName: null,
  });
  const unneeded = [
    await pdb(1, { parsed_guid_key: guidKey(40), parsed_age: 8 }),
    await exe(1, { time_date_stamp: 1005, size_of_image: 8192 }, []),
    await exe(1, { time_date_stamp: 0, size_of_image: 4096 }, []),
    await exe(1, {}, [{ guidKey: guidKey(6), age: 3 }]),
  ];
  t.same(await goes(stores, { maxAgeMs: 100 * HOUR_MS }), [...unneeded].sort());
  for (const id of [...needed, redeclared])
    for (const kind of ['pdbs', 'exes'] as const)
      t.match(await stores.cleanup.remove([{ kind, id, ms: 0 }]), { removed: [false] });
});

t.test('over the size the oldest go, one by one, until the rest fits', async (t) => {
  const stores = await opened(t);
  const { dump, pdb } = stores;
  const ids: string[] = [];
  for (let hour = 1; hour <= 5; hour += 1) ids.push(await dump(hour, [moduleOf(hour)]));
  const needed = await pdb(0, { parsed_guid_key: guidKey(3), parsed_age: 1 });
  const other = await pdb(2, { parsed_guid_key: guidKey(50), parsed_age: 1 });
  t.same(await goes(stores, { maxSizeBytes: 250 }), [], '5 x 10 and 2 x 100 fit exactly');
  t.same(await goes(stores, { maxSizeBytes: 249 }), ids.slice(0, 1));
  t.same(await goes(stores, { maxSizeBytes: 239 }), ids.slice(0, 2).sort());
  t.same(await goes(stores, { maxSizeBytes: 229 }), [...ids.slice(0, 2), other].sort());
  t.same(await goes(stores, { maxSizeBytes: 129 }), [...ids.slice(0, 3), other].sort());
  t.same(await goes(stores, { maxSizeBytes: 119 }), [...ids.slice(0, 3), other, needed].sort());
  t.same(await goes(stores, { maxSizeBytes: 1 }), [...ids, other, needed].sort());
  t.same(await goes(stores, { maxSizeBytes: 229, symbols: false }), ids.slice(0, 3).sort());
  t.same(
    await goes(stores, { maxSizeBytes: 249, maxAgeMs: (1000 - 2) * HOUR_MS }),
    ids.slice(0, 1),
    'the stricter counts',
  );
  t.same(
    await goes(stores, { maxSizeBytes: 249, maxAgeMs: (1000 - 2) * HOUR_MS - 1 }),
    [...ids.slice(0, 2), other].sort(),
  );
});

t.test('dumps that arrived in one instant go by their IDs, no more than have to', async (t) => {
  const stores = await opened(t);
  const ids: string[] = [];
  for (let number = 0; number < 30; number += 1) ids.push(await stores.dump(7, [moduleOf(1)]));
  const pdb = await stores.pdb(1, { parsed_guid_key: guidKey(1), parsed_age: 1 });
  t.same(await goes(stores, { maxSizeBytes: 400 - 70 }), ids.sort().slice(0, 7));
  t.same(await goes(stores, { maxSizeBytes: 99 }), [...ids, pdb].sort());
});

t.test('what arrives after the time of the plan neither counts nor goes', async (t) => {
  const stores = await opened(t);
  const old = await stores.dump(1, [moduleOf(1)]);
  const pdb = await stores.pdb(1, { parsed_guid_key: guidKey(2), parsed_age: 1 });
  const before = await stores.named(await stores.plan({ maxSizeBytes: 5 }, 500 * HOUR_MS));
  t.same(before, [old, pdb].sort());
  await stores.dump(600, [moduleOf(2)]);
  t.same(
    await stores.named(await stores.plan({ maxSizeBytes: 5 }, 500 * HOUR_MS)),
    [old],
    'a PDB that it needs stays',
  );
});

t.test('while a dump is not indexed, nobody knows what it needs: symbols stay', async (t) => {
  const stores = await opened(t);
  const pdb = await stores.pdb(1, { parsed_guid_key: guidKey(2), parsed_age: 1 });
  await stores.crash.addMinidump(minidumpRow({ created_ms: NOW_MS - 1 }), '{}');
  const plan = await stores.plan({ maxAgeMs: 2 * HOUR_MS });
  t.match(plan, { unindexed: 1, symbols: [] });
  t.match(await stores.cleanup.remove([{ kind: 'pdbs', id: pdb, ms: 0 }]), { removed: [false] });
});

t.test('holds against a count by hand, on stores of chance, also indexed out of order', async (t) => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const random = chance(seed);
    const upTo = (count: number): number => Math.floor(random() * count);
    const stores = await opened(t, join(t.testdir(), `chance-${seed}.db`));
    const files: { id: string; ms: number; size: number; rank: number; lists?: number[]; serves?: number }[] =
      [];
    for (let number = 0; number < 60; number += 1) {
      const [hour, size] = [upTo(50), 1 + upTo(20)];
      const kind = random();
      if (kind < 0.6) {
        const lists = [...new Set([upTo(12), upTo(12), upTo(12)])];
        const id = await stores.dump(
          hour,
          lists.map((n) => moduleOf(n + 1)),
          { size_bytes: size },
        );
        files.push({ id, ms: hour * HOUR_MS, size, rank: 0, lists });
      } else {
        const serves = upTo(14);
        const identity = { guidKey: guidKey(serves + 1), age: 1 };
        const id =
          kind < 0.8
            ? await stores.pdb(hour, { parsed_guid_key: identity.guidKey, parsed_age: 1, size_bytes: size })
            : await stores.exe(hour, { size_bytes: size }, [identity]);
        files.push({ id, ms: hour * HOUR_MS, size, rank: 1, serves });
      }
    }
    const policy = {
      maxAgeMs: random() < 0.5 ? NOW_MS - upTo(50) * HOUR_MS : null,
      maxSizeBytes: random() < 0.7 ? upTo(500) : null,
      symbols: random() < 0.8,
    };
    const stored = files.reduce((sum, { size }) => sum + size, 0);
    const kept = [...files];
    /** The oldest that may go: of symbols only those that no dump needs that is still there. */
    for (;;) {
      const free = kept.filter(
        ({ serves }) =>
          serves === undefined || (policy.symbols && !kept.some(({ lists }) => lists?.includes(serves))),
      );
      const place = (file: (typeof files)[number]) => {
        const needed = files.filter(({ lists }) => file.serves !== undefined && lists?.includes(file.serves));
        return Math.max(file.ms, ...needed.map(({ ms }) => ms));
      };
      const [oldest] = free.sort((a, b) => place(a) - place(b) || a.rank - b.rank || (a.id < b.id ? -1 : 1));
      if (!oldest) break;
      const bytes = kept.reduce((sum, { size }) => sum + size, 0);
      const isOld = policy.maxAgeMs !== null && oldest.ms < NOW_MS - policy.maxAgeMs;
      const isTooMuch = policy.maxSizeBytes !== null && bytes > policy.maxSizeBytes;
      if (!isOld && !isTooMuch) break;
      kept.splice(kept.indexOf(oldest), 1);
    }
    const plan = await stores.plan(policy);
    const expected = files.filter((file) => !kept.includes(file));
    t.same(
      await stores.named(plan),
      expected.map(({ id }) => id).sort(),
      `seed ${seed} ${JSON.stringify(policy)}`,
    );
    const { minidumps, pdbs, exes } = plan.going;
    t.equal(minidumps.files + pdbs.files + exes.files, expected.length);
    t.equal(
      minidumps.bytes + pdbs.bytes + exes.bytes,
      stored - kept.reduce((sum, { size }) => sum + size, 0),
    );
    t.equal(plan.noLongerDebuggable, 0);
  }
});

t.test('of several processes one gets what is due; a clock that jumps starts nothing twice', async (t) => {
  const path = join(t.testdir(), 'chs.db');
  const both = [await opened(t, path), await opened(t, path)];
  const claim = (atMs: number) =>
    Promise.all(both.map(({ cleanup }) => cleanup.claimTask('x', atMs, HOUR_MS)));
  const first = await claim(NOW_MS);
  t.equal(first.filter((run) => run !== null).length, 1);
  t.same(await claim(NOW_MS + HOUR_MS - 1), [null, null]);
  t.equal((await claim(NOW_MS + HOUR_MS)).filter((run) => run !== null).length, 1);
  t.same(await claim(NOW_MS + HOUR_MS - 30_000), [null, null], 'a clock that is set a little');
  t.equal((await claim(NOW_MS - 500 * HOUR_MS)).filter((run) => run !== null).length, 1, 'or far back');
  t.same(await claim(NOW_MS - 500 * HOUR_MS), [null, null]);
  const [stores] = both;
  const run = await stores?.cleanup.claimTask('y', NOW_MS, HOUR_MS);
  if (!stores || !run) throw new Error('not claimed');
  await stores.cleanup.releaseTask(run);
  const again = await stores.cleanup.claimTask('y', NOW_MS, HOUR_MS);
  t.ok(again, 'what was stopped half-way is due again');
  await stores.cleanup.finishTask(run, NOW_MS + 5, 'done');
  t.same(await stores.backend.db.selectFrom('tasks').selectAll().where('name', '=', 'y').execute(), [
    { name: 'y', started_ms: NOW_MS, finished_ms: NOW_MS + 5, outcome: 'done' },
  ]);
});
