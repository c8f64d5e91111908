/** Missed symbols are counted in memory and written down in batches, and nothing of that ever fails a caller. */
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { MissStore, SymbolMiss } from '../../src/crash/miss-store.ts';
import { createMisses } from '../../src/crash/misses.ts';
import { parseSymbolPath, type SymbolPath } from '../../src/crash/symbol-path.ts';
import { silentLog } from '../../src/platform/log.ts';

function asked(file: string, age = 1): SymbolPath {
  const path = parseSymbolPath(file, `54A340A4D444CC374C4C44205044422E${age.toString(16)}`, file);
  if (!path) throw new Error(`${file} is no symbol file`);
  return path;
}

/** A store that keeps what it is told, after `work`. */
function recorder(work: () => Promise<void> = async () => {}): MissStore & { batches: SymbolMiss[][] } {
  const batches: SymbolMiss[][] = [];
  return {
    batches,
    async record(misses) {
      await work();
      batches.push([...misses]);
    },
    list: async () => [],
  };
}

function missesOver(store: MissStore, rowsMax = 100, log = silentLog) {
  let nowMs = 1000;
  return createMisses({ store, rowsMax: () => rowsMax, now: () => nowMs++, log });
}

t.test('many misses are one write', async (t) => {
  const store = recorder();
  const misses = missesOver(store);
  for (let index = 0; index < 50; index += 1) misses.record(asked('App.pdb'));
  misses.record(asked('lib.pdb', 0x2f));
  t.same(store.batches, [], 'nothing is written while it is asked');
  await misses.flush();
  t.same(store.batches, [
    [
      {
        file: 'app.pdb',
        key: '54A340A4D444CC374C4C44205044422E1',
        requestCount: 50,
        firstMs: 1000,
        lastMs: 1049,
      },
      {
        file: 'lib.pdb',
        key: '54A340A4D444CC374C4C44205044422E2F',
        requestCount: 1,
        firstMs: 1050,
        lastMs: 1050,
      },
    ],
  ]);
  await misses.flush();
  t.equal(store.batches.length, 1, 'nothing is written twice');
});

t.test('they are written by themselves: after a while, when there are many, at the end', async (t) => {
  const store = recorder();
  const misses = missesOver(store);
  misses.record(asked('a.pdb'));
  for (let wait = 0; store.batches.length === 0 && wait < 400; wait += 1) await setTimeout(25);
  t.equal(store.batches.length, 1);
  for (let age = 1; age <= 200; age += 1) misses.record(asked('a.pdb', age));
  await setTimeout(0);
  t.equal(store.batches[1]?.length, 200);
  misses.record(asked('b.pdb'));
  await misses.close();
  t.match(store.batches[2], [{ file: 'b.pdb' }]);
  misses.record(asked('c.pdb'));
  await misses.flush();
  t.equal(store.batches.length, 3, 'nothing is written after the end');
});

t.test('no more wait than memory is meant for, however long a write takes', async (t) => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const store = recorder(() => held);
  const misses = missesOver(store);
  for (let age = 1; age <= 200; age += 1) misses.record(asked('a.pdb', age));
  await setTimeout(0);
  for (let age = 201; age <= 10_000; age += 1) misses.record(asked('a.pdb', age));
  release();
  await misses.close();
  t.same(
    store.batches.map((batch) => batch.length),
    [200, 2000],
  );
});

t.test('what nobody could upload is not kept, nor anything where nothing is to be', async (t) => {
  const store = recorder();
  const misses = missesOver(store);
  for (const file of ['con.pdb', 'a:b.pdb', ' a.pdb', 'a..pdb', 'a\u0000.pdb', 'x'.repeat(230)])
    misses.record(asked(file));
  const none = missesOver(store, 0);
  none.record(asked('a.pdb'));
  await Promise.all([misses.flush(), none.flush()]);
  t.same(store.batches, []);
});

t.test('a write that fails is for the log', async (t) => {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const store = recorder(async () => {
    throw new Error('the disk is full');
  });
  const misses = missesOver(store, 100, log);
  misses.record(asked('a.pdb'));
  await misses.flush();
  t.match(warnings.join(), 'missed symbols not written: count=1 error=Error: the disk is full');
});
