/** What the index of modules and signatures must do on every SQL database: one suite for all of them. */
import type { Test } from 'tap';
import type { MinidumpIndex, ModuleIdentity, ModuleStore } from '../../src/crash/module-store.ts';
import { type CrashStore, type MinidumpRow, NO_AGE } from '../../src/crash/store.ts';
import { exeRow, guidKey, minidumpRow, pdbRow } from './rows.ts';

const DAY_MS = 86_400_000;

type Open = (t: Test) => Promise<{ crash: CrashStore; modules: ModuleStore }>;

export function moduleOf(number: number, given: Partial<ModuleIdentity> = {}): ModuleIdentity {
  return {
    name: `app${number}.exe`,
    debugFile: `app${number}.pdb`,
    guidKey: guidKey(number),
    age: 1,
    timeDateStamp: 1000 + number,
    sizeOfImage: 4096,
    version: null,
    isSystem: false,
    ...given,
  };
}

function indexOf(modules: readonly ModuleIdentity[], signature: string | null = null): MinidumpIndex {
  return { modules, keyModule: modules.length > 0 ? 0 : null, signature };
}

const pdbOf = (number: number, given = {}) =>
  pdbRow({ state: 'verified', parsed_guid_key: guidKey(number), parsed_age: 1, ...given });

/** @param open an empty store, closed by the suite's caller */
export function moduleStoreConformance(t: Test, open: Open): void {
  matchingConforms(t, open);
  wantedConforms(t, open);
  signaturesConform(t, open);
  indexingConforms(t, open);
}

async function isDebuggable({ modules }: { modules: ModuleStore }, row: MinidumpRow): Promise<boolean> {
  return row.key_module_id !== null && (await modules.withPdb([row.key_module_id])).has(row.key_module_id);
}

function matchingConforms(t: Test, open: Open): void {
  t.test('counts the dumps that a late PDB makes debuggable, and that its end leaves', async (t) => {
    const stores = await open(t);
    const { crash } = stores;
    const add = async (...numbers: number[]): Promise<MinidumpRow> =>
      (await crash.addMinidump(minidumpRow(), '{}', { index: indexOf(numbers.map((n) => moduleOf(n))) })).row;
    const waiting = [await add(1, 2), await add(1), await add(2, 1)];
    const pdb = pdbOf(1);
    t.equal((await crash.addPdb(pdb)).newlyDebuggable, 2, 'those that it decides on');
    t.equal((await crash.addPdb(pdbOf(1))).newlyDebuggable, 0, 'another copy changes nothing');
    t.same(await Promise.all(waiting.map((row) => isDebuggable(stores, row))), [true, true, false]);
    t.equal(await isDebuggable(stores, await add(1)), true, 'a dump that comes after its PDB');
    t.match(await crash.listMinidumps({ debuggable: true }, { offset: 0, limit: 10 }), { total: 3 });
    t.match(await crash.listMinidumps({ debuggable: false }, { offset: 0, limit: 10 }), {
      total: 1,
      rows: [{ id: waiting[2]?.id }],
    });
    t.match(
      await crash.remove('pdbs', pdb.id, 0),
      { removed: true, noLongerDebuggable: 0 },
      'the copy remains',
    );
    const { rows } = await crash.listPdbs({}, { offset: 0, limit: 1 });
    t.match(await crash.remove('pdbs', rows[0]?.id ?? '', 0), { removed: true, noLongerDebuggable: 3 });
    t.match(await crash.remove('pdbs', pdb.id, 0), { removed: false, noLongerDebuggable: 0 });
  });

  t.test('compares GUID and age, portable PDBs by GUID alone', async (t) => {
    const { crash } = await open(t);
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([moduleOf(1)]) });
    t.equal((await crash.addPdb(pdbOf(1, { parsed_age: 2 }))).newlyDebuggable, 0, 'another age');
    t.equal((await crash.addPdb(pdbOf(2))).newlyDebuggable, 0, 'another GUID');
    t.equal((await crash.addPdb(pdbOf(1, { parsed_age: null, format: 'portable' }))).newlyDebuggable, 1);
  });

  t.test('takes a declaration for what nobody could read, and for nothing else', async (t) => {
    const { crash } = await open(t);
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([moduleOf(1)]) });
    const declared = { guid_key: guidKey(1), exe_age: 1, parsed_guid_key: guidKey(9) };
    t.equal((await crash.addPdb(pdbOf(1, { ...declared, state: 'mismatch' }))).newlyDebuggable, 0);
    const unparsed = { ...declared, state: 'unparsed', parsed_guid_key: null, parsed_age: null };
    t.equal((await crash.addPdb(pdbOf(1, unparsed))).newlyDebuggable, 1);
    const only = moduleOf(2, { timeDateStamp: null, sizeOfImage: null });
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([only]) });
    const mismatch = { state: 'mismatch', guid_key: guidKey(2), exe_age: 1, parsed_guid_key: guidKey(8) };
    t.equal(
      (await crash.addPdb(pdbOf(8, mismatch))).newlyDebuggable,
      1,
      'a dump of which only that is known',
    );
    await crash.addMinidump(minidumpRow(), '{}', {
      index: indexOf([moduleOf(3, { sizeOfImage: null, timeDateStamp: null })]),
    });
    const later = await crash.addPdb(pdbOf(7));
    const redeclared = { debugId: { guidKey: guidKey(3), age: NO_AGE }, version: null, fileName: null };
    t.match(await crash.addDeclaration('pdbs', later.row.id, { ...redeclared, atMs: 0 }), {
      newlyDebuggable: 1,
    });
    t.match(await crash.listMinidumps({ debuggable: true }, { offset: 0, limit: 10 }), { total: 3 });
  });

  t.test('finds the PDB of a module without a CodeView record through its image', async (t) => {
    const { crash } = await open(t);
    const bare = moduleOf(1, { guidKey: null, age: null, debugFile: null });
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([bare]) });
    t.equal((await crash.addPdb(pdbOf(1))).newlyDebuggable, 0);
    const image = {
      state: 'verified',
      time_date_stamp: 1001,
      size_of_image: 4096,
      parsed_guid_key: guidKey(1),
    };
    const ids = [{ guidKey: guidKey(1), age: 1 }];
    const other = exeRow({ ...image, state: 'verified', exe_filename: 'other.exe' });
    t.equal((await crash.addExe(other, ids)).newlyDebuggable, 0, 'an image of another name');
    const own = exeRow({ ...image, state: 'verified', exe_filename: 'APP1.EXE' });
    t.equal((await crash.addExe(own, ids)).newlyDebuggable, 1);
    t.match(await crash.remove('exes', own.id, 0), { removed: true, noLongerDebuggable: 1 });
    const zero = moduleOf(2, { guidKey: null, age: null, timeDateStamp: 0 });
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([zero]) });
    const stampless = exeRow({ time_date_stamp: 0, size_of_image: 4096, exe_filename: 'app2.exe' });
    t.equal((await crash.addExe(stampless, ids)).newlyDebuggable, 0, 'no time identifies nothing');
  });
}

function wantedConforms(t: Test, open: Open): void {
  t.test('lists what most dumps lack, and nothing that is stored', async (t) => {
    const { crash, modules } = await open(t);
    const system = moduleOf(50, { name: 'ntdll.dll', isSystem: true });
    const nameless = moduleOf(60, { guidKey: null, age: null });
    for (const numbers of [[1, 2], [1, 2], [2], [3, 2]])
      await crash.addMinidump(minidumpRow({ timestamp_ms: numbers.length * 1000 }), '{}', {
        index: indexOf([
          ...numbers.map((n) => moduleOf(n)),
          moduleOf(2, { name: 'APP2.exe' }),
          system,
          nameless,
        ]),
      });
    const listed = await modules.wanted({ system: false, limit: 10 });
    t.match(listed, [
      { guidKey: guidKey(2), dumpCount: 4, keyCount: 1, firstMs: 1000, lastMs: 2000 },
      { guidKey: guidKey(1), dumpCount: 2, keyCount: 2 },
      { guidKey: guidKey(3), dumpCount: 1, keyCount: 1 },
    ]);
    t.equal(listed.length, 3, 'the same module in another case is the same, what has no GUID is not wanted');
    t.same(await modules.countWanted(), { own: 3, system: 1 });
    t.equal((await modules.wanted({ system: true, limit: 1 }))[0]?.dumpCount, 4);
    await crash.addPdb(pdbOf(2));
    t.same(
      (await modules.wanted({ system: false, limit: 1 })).map(({ guidKey }) => guidKey),
      [guidKey(1)],
    );
    t.match(await modules.wantedByDebugId(guidKey(3), 1), { name: 'app3.exe', dumpCount: 1 });
    t.equal(await modules.wantedByDebugId(guidKey(3), 2), null);
  });

  t.test('forgets modules with the last dump that lists them', async (t) => {
    const { crash, modules } = await open(t);
    const rows = [minidumpRow(), minidumpRow()];
    for (const row of rows)
      await crash.addMinidump(row, '{}', { index: indexOf([moduleOf(1), moduleOf(2)]) });
    await crash.remove('minidumps', rows[0]?.id ?? '', 0);
    t.match(await modules.wanted({ system: false, limit: 9 }), [{ dumpCount: 1 }, { dumpCount: 1 }]);
    await crash.remove('minidumps', rows[1]?.id ?? '', 0);
    t.same(await modules.wanted({ system: false, limit: 9 }), []);
    const again = await crash.addMinidump(minidumpRow(), '{}', { index: indexOf([moduleOf(1)]) });
    t.equal(again.row.serial, 1);
  });

  t.test('takes the longest list of modules that a dump may have', async (t) => {
    const { crash, modules } = await open(t);
    const all = Array.from({ length: 4096 }, (_, n) => moduleOf(n));
    await crash.addMinidump(minidumpRow(), '{}', { index: indexOf(all) });
    t.same(await modules.countWanted(), { own: 4096, system: 0 });
    t.equal((await crash.addPdb(pdbOf(4095))).newlyDebuggable, 0);
    t.same(await modules.countWanted(), { own: 4095, system: 0 });
  });
}

function signaturesConform(t: Test, open: Open): void {
  t.test('counts signatures, in all and within times and versions', async (t) => {
    const { crash, modules } = await open(t);
    const add = async (signature: string | null, timestamp_ms: number, exe_version: string | null) => {
      const row = minidumpRow({ timestamp_ms, exe_version });
      await crash.addMinidump(row, '{}', { index: { modules: [], keyModule: null, signature } });
      return row.id;
    };
    await add('a', 5 * DAY_MS, '1.0');
    await add('a', 5 * DAY_MS + 1, '2.0');
    const newest = await add('a', 7 * DAY_MS, '2.0');
    await add('b', 6 * DAY_MS, null);
    const unsigned = await add(null, 6 * DAY_MS, '1.0');
    t.same(await modules.topSignatures({}, 10), [
      { signature: 'a', count: 3, firstMs: 5 * DAY_MS, lastMs: 7 * DAY_MS, lastId: newest },
      { ...(await modules.topSignatures({}, 10))[1], signature: 'b', count: 1, firstMs: 6 * DAY_MS },
    ]);
    t.same(await modules.signatureTotals({}), { signatures: 2, minidumps: 5, unsigned: 1 });
    const late = { startMs: 5 * DAY_MS + 1, endMs: 6 * DAY_MS };
    t.match(await modules.topSignatures(late, 10), [
      { signature: 'a', count: 1 },
      { signature: 'b', count: 1 },
    ]);
    t.same(await modules.signatureTotals(late), { signatures: 2, minidumps: 3, unsigned: 1 });
    t.match(await modules.topSignatures({ version: '2.0' }, 10), [{ signature: 'a', count: 2 }]);
    t.same(await modules.versionsOf('a', {}, 10), [
      { version: '2.0', count: 2 },
      { version: '1.0', count: 1 },
    ]);
    t.same(await modules.versionsOf('b', {}, 10), [{ version: null, count: 1 }]);
    t.same(await modules.daysOf('a', 5 * DAY_MS, {}), [
      { day: 0, count: 2 },
      { day: 2, count: 1 },
    ]);
    t.match(await crash.listMinidumps({ signature: 'a' }, { offset: 0, limit: 2 }), { total: 3 });
    await crash.remove('minidumps', newest, 0);
    await crash.remove('minidumps', unsigned, 0);
    t.match(await crash.listMinidumps({ signature: 'a' }, { offset: 0, limit: 2 }), { total: 2 });
    t.same(await modules.signatureTotals({}), { signatures: 2, minidumps: 3, unsigned: 0 });
  });
}

function indexingConforms(t: Test, open: Open): void {
  t.test('indexes later what came without an index, once', async (t) => {
    const stores = await open(t);
    const { crash, modules } = stores;
    const row = minidumpRow({ created_ms: 1 });
    await crash.addMinidump(row, '{"modules":[]}');
    await crash.addMinidump(minidumpRow({ created_ms: 0 }), '');
    t.equal(await modules.countUnindexed(), 2);
    const unindexed = await modules.unindexed(10);
    t.match(unindexed[1], { id: row.id, details: '{"modules":[]}' }, 'the oldest arrival first');
    await crash.addPdb(pdbOf(1));
    const annotations = [{ name: 'channel', value: 'beta', source: 'dump' }] as const;
    const entry = { id: row.id, index: indexOf([moduleOf(1)], 'a'), annotations };
    await modules.index([entry, entry, { ...entry, id: 'gone' }]);
    t.equal(await modules.countUnindexed(), 1);
    const indexed = await crash.find('minidumps', row.id);
    t.match(indexed, { signature: 'a', serial: 1 });
    t.equal(indexed && (await isDebuggable(stores, indexed)), true);
    t.match(await modules.topSignatures({}, 10), [{ signature: 'a', count: 1 }]);
    const annotation = { name: 'channel', value: 'beta' };
    t.match(await crash.listMinidumps({ annotation }, { offset: 0, limit: 9 }), { rows: [{ id: row.id }] });
  });
}
