/** What the store of missed symbols must do on every SQL database. */
import type { Test } from 'tap';
import type { MissStore, SymbolMiss } from '../../src/crash/miss-store.ts';

const KEY = '54A340A4D444CC374C4C44205044422E1';

function miss(
  file: string,
  requestCount: number,
  lastMs: number,
  given: Partial<SymbolMiss> = {},
): SymbolMiss {
  return { file, key: KEY, requestCount, firstMs: lastMs, lastMs, ...given };
}

/** @param open an empty store */
export function missStoreConformance(t: Test, open: (t: Test) => Promise<MissStore>): void {
  t.test('adds misses up and lists them by demand', async (t) => {
    const store = await open(t);
    t.same(await store.list({ limit: 10 }), []);
    await store.record([], 100);
    await store.record([miss('a.pdb', 1, 1000), miss('ü崩溃.pdb', 5, 2000, { key: '6B024A3069000' })], 100);
    await store.record([miss('a.pdb', 7, 3000), miss('a.pdb', 5, 2500, { key: '6B024A3069001' })], 100);
    await store.record([miss('a.pdb', 1, 2900)], 100);
    const listed = [
      miss('a.pdb', 9, 3000, { firstMs: 1000 }),
      miss('a.pdb', 5, 2500, { key: '6B024A3069001' }),
      miss('ü崩溃.pdb', 5, 2000, { key: '6B024A3069000' }),
    ];
    t.same(await store.list({ limit: 10 }), listed);
    t.same(await store.list({ limit: 1 }), listed.slice(0, 1));
  });

  t.test('forgets what was asked for longest ago', async (t) => {
    const store = await open(t);
    const many = Array.from({ length: 1200 }, (_, index) => miss(`${index}.pdb`, 1, index));
    await store.record(many, 1000);
    await store.record([miss('0.pdb', 2, 5000), miss('200.pdb', 2, 6000)], 1000);
    const files = (await store.list({ limit: 2000 })).map(({ file }) => file);
    t.equal(files.length, 1000);
    t.same(files.slice(0, 2), ['200.pdb', '0.pdb']);
    t.notOk(files.includes('201.pdb'), 'the oldest gave way');
    t.ok(files.includes('202.pdb'));
    await store.record([miss('last.pdb', 1, 7000)], 2);
    t.same(
      (await store.list({ limit: 10 })).map(({ file }) => file),
      ['200.pdb', 'last.pdb'],
      'the bound may have become lower',
    );
  });
}
