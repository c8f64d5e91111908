/** What the crash store must do on every SQL database: one suite for all of them. */
import type { Test } from 'tap';
import type { CrashStore, IdentitySource, MinidumpFilter, MinidumpRow, Page } from '../../src/crash/store.ts';
import { chance, exeRow, guidKey, minidumpRow, pdbRow } from './rows.ts';

const UINT32_MAX = 0xffff_ffff;
const HOUR_MS = 3_600_000;

type Open = (t: Test) => Promise<CrashStore>;

/** @param open an empty store, closed by the suite's caller */
export function crashStoreConformance(t: Test, open: Open): void {
  rowsConform(t, open);
  matchesConform(t, open);
  listsConform(t, open);
}

function rowsConform(t: Test, open: Open): void {
  t.test('gives back rows exactly as they came', async (t) => {
    const store = await open(t);
    const full = minidumpRow({
      timestamp: '2026-01-06T20:34:56.789+08:00',
      timestamp_ms: 1_767_702_896_789,
      exe_version: '1.0.2.3',
      exe_guid: '12345678-1234-1234-1234-1234567890ab',
      exe_age: UINT32_MAX,
      pid: UINT32_MAX,
      tid: 2 ** 31,
      exception_code: '0xC0000005',
      exception_address: '0xFFFFFFFFFFFFFFFF',
      exe_name: '崩溃 🦀.exe',
      time_date_stamp: UINT32_MAX,
      size_of_image: 2 ** 31 + 1,
      guid_key: '12345678123412341234123456789012',
      parsed_guid_key: guidKey(1),
      parsed_age: UINT32_MAX,
      parsed_version: '1.0.2.4',
      state: 'mismatch',
      size_bytes: 5 * 1024 ** 4,
      declared: JSON.stringify({ text: `it's "quoted" \\ %_ ` }),
      warnings: JSON.stringify(['x'.repeat(100_000)]),
    });
    t.same(await store.addMinidump(full, '{"threads":[]}'), { added: true, row: full, newlyDebuggable: 0 });
    t.same(await store.find('minidumps', full.id), full);
    t.equal(await store.minidumpDetails(full.id), '{"threads":[]}');
    const bare = minidumpRow({ sha256: null, size_bytes: null, state: null });
    await store.addMinidump(bare, '');
    t.same(await store.find('minidumps', bare.id), bare);
    const pdb = pdbRow({ exe_age: UINT32_MAX, uploaded_ms: 1_767_702_896_789 });
    await store.addPdb(pdb);
    t.same(await store.find('pdbs', pdb.id), pdb);
    const exe = exeRow({ time_date_stamp: UINT32_MAX, size_of_image: UINT32_MAX });
    await store.addExe(exe, [{ guidKey: guidKey(7), age: UINT32_MAX }]);
    t.same(await store.find('exes', exe.id), exe);
    t.same(await store.debugIds(exe.id), [{ guidKey: guidKey(7), age: UINT32_MAX }]);
  });

  t.test('finds nothing where there is nothing', async (t) => {
    const store = await open(t);
    for (const kind of ['minidumps', 'pdbs', 'exes'] as const) {
      t.equal(await store.find(kind, 'none'), null);
      t.equal(await store.findBySha256(kind, 'none'), null);
      t.equal((await store.remove(kind, 'none', 0)).removed, false);
    }
    t.equal(await store.minidumpDetails('none'), null);
    t.same(await store.debugIds('none'), []);
    t.same(await store.exesByImage(1, 2), []);
    t.same(await store.listMinidumps({}, { offset: 0, limit: 10 }), { rows: [], total: 0 });
  });

  t.test('keeps one row for the same bytes, however many come at once', async (t) => {
    const store = await open(t);
    const sha256 = 'a'.repeat(64);
    const rows = Array.from({ length: 20 }, () => minidumpRow({ sha256 }));
    const results = await Promise.all(rows.map((row) => store.addMinidump(row, '{}')));
    t.equal(results.filter(({ added }) => added).length, 1);
    const ids = new Set(results.map(({ row }) => row.id));
    t.equal(ids.size, 1, 'all are given the one row');
    t.equal((await store.listMinidumps({}, { offset: 0, limit: 100 })).total, 1);
    t.equal((await store.findBySha256('minidumps', sha256))?.id, [...ids][0]);
    t.equal((await store.addPdb(pdbRow({ sha256 }))).added, true, 'another kind is another matter');
  });

  t.test('removes a row once, with all that hangs on it', async (t) => {
    const store = await open(t);
    const row = minidumpRow();
    await store.addMinidump(row, '{}');
    const results = await Promise.all([1, 2, 3].map(() => store.remove('minidumps', row.id, 0)));
    t.equal(results.filter(({ removed }) => removed).length, 1);
    t.equal(await store.minidumpDetails(row.id), null);
    const exe = exeRow();
    await store.addExe(exe, [{ guidKey: guidKey(1), age: 1 }]);
    await store.remove('exes', exe.id, 0);
    t.same(await store.debugIds(exe.id), []);
    t.same(await store.exesByGuid(guidKey(1), 'parsed'), []);
    t.equal((await store.addMinidump(row, '{}')).added, true, 'the same bytes may come again');
  });

  t.test('knows which files are referenced, however a path is written', async (t) => {
    const store = await open(t);
    const paths = [
      './storage/minidumps/1.0/a_1/plain.dmp',
      '.\\storage\\minidumps\\1.0\\a_1\\back.dmp',
      'C:\\srv\\storage\\minidumps\\1.0\\a_1\\drive.dmp',
      '/srv/chs/storage/minidumps/1.0/a_1/absolute.dmp',
      'minidumps/1.0/a_1/bare.dmp',
      './storage/minidumps/1.0/a_1/100%_sure~.dmp',
    ];
    for (const file_path of paths) await store.addMinidump(minidumpRow({ file_path, sha256: null }), '{}');
    for (const name of ['plain', 'back', 'drive', 'absolute', 'bare', '100%_sure~']) {
      t.equal(await store.isReferenced(`./storage/minidumps/1.0/a_1/${name}.dmp`), true, name);
      t.equal(await store.isReferenced(`./storage/pdbs/1.0/a_1/${name}.dmp`), false);
    }
    t.equal(await store.isReferenced('./storage/minidumps/1.0/a_1/100x_sure~.dmp'), false);
    t.equal(await store.isReferenced('./storage/minidumps/1.0/a_1/lain.dmp'), false);
    t.equal(await store.isReferenced('./storage/other/1.0/a_1/plain.dmp'), false);
    t.equal(await store.isReferenced(''), false);
  });

  t.test('stores a replacement character for U+0000, which not every database can hold', async (t) => {
    const store = await open(t);
    const given = minidumpRow({ exe_name: 'app\0.exe', exe_version: '\0' });
    const { row } = await store.addMinidump(given, '{}');
    t.match(row, { exe_name: 'app\ufffd.exe', exe_version: '\ufffd' });
    t.same(await store.find('minidumps', given.id), row);
  });

  t.test('takes text for text, whatever is in it', async (t) => {
    const store = await open(t);
    const hostile = `'; DROP TABLE minidumps; -- " \` \\ %`;
    await store.addMinidump(minidumpRow({ exe_version: hostile }), hostile);
    const page = { offset: 0, limit: 10 };
    t.equal((await store.listMinidumps({ version: hostile }, page)).total, 1);
    t.equal((await store.listMinidumps({ text: hostile }, page)).total, 1);
    t.equal((await store.listMinidumps({ text: '%' }, page)).total, 1);
    t.equal((await store.listMinidumps({ text: '_x_' }, page)).total, 0);
    t.same(await store.find('exes', hostile), null);
  });
}

function matchesConform(t: Test, open: Open): void {
  t.test('matches PDBs by GUID and age, portable ones by GUID alone', async (t) => {
    const store = await open(t);
    const [wanted, other] = [guidKey(0xa), guidKey(0xb)];
    const add = async (given: Parameters<typeof pdbRow>[0]): Promise<string> => {
      const row = pdbRow(given);
      await store.addPdb(row);
      return row.id;
    };
    const parsed = await add({ parsed_guid_key: wanted, parsed_age: 3, uploaded_ms: 1 });
    const portable = await add({
      parsed_guid_key: wanted,
      parsed_age: 1,
      format: 'portable',
      uploaded_ms: 2,
    });
    const declared = await add({ guid_key: wanted, exe_age: 3, uploaded_ms: 3, format: null });
    const both = await add({
      guid_key: wanted,
      exe_age: 3,
      parsed_guid_key: wanted,
      parsed_age: 3,
      uploaded_ms: 4,
    });
    const misdeclared = await add({
      guid_key: other,
      exe_age: 9,
      parsed_guid_key: wanted,
      parsed_age: 3,
      uploaded_ms: 5,
    });
    await add({ parsed_guid_key: wanted, parsed_age: 4 });
    await add({ guid_key: wanted, exe_age: 4 });
    await add({ parsed_guid_key: other, parsed_age: 3 });
    for (const [source, ids] of [
      ['parsed', [misdeclared, both, portable, parsed]],
      ['declared', [both, declared]],
    ] as const) {
      const found = await store.pdbsByDebugId({ guidKey: wanted, age: 3 }, source);
      t.same(
        found.map((row) => row.id),
        ids,
        'newest first',
      );
      t.same(await store.pdbsByDebugId({ guidKey: guidKey(0xc), age: 3 }, source), []);
    }
  });

  t.test('matches EXEs by every identity that an image has', async (t) => {
    const store = await open(t);
    const twice = exeRow({ guid_key: guidKey(1), uploaded_ms: 1 });
    await store.addExe(twice, [
      { guidKey: guidKey(1), age: 1 },
      { guidKey: guidKey(2), age: 1 },
      { guidKey: guidKey(2), age: 1 },
    ]);
    const declared = exeRow({ guid_key: guidKey(2), uploaded_ms: 2 });
    await store.addExe(declared, []);
    const ids = async (number: number, source: IdentitySource): Promise<string[]> =>
      (await store.exesByGuid(guidKey(number), source)).map((row) => row.id);
    t.same(await ids(1, 'parsed'), [twice.id]);
    t.same(await ids(1, 'declared'), [twice.id]);
    t.same(await ids(2, 'parsed'), [twice.id]);
    t.same(await ids(2, 'declared'), [declared.id]);
    t.same(await ids(3, 'parsed'), []);
    t.same(await ids(3, 'declared'), []);
    t.equal((await store.debugIds(twice.id)).length, 2);
  });

  t.test('matches EXEs by image, with all 32 bits', async (t) => {
    const store = await open(t);
    const row = exeRow({ time_date_stamp: UINT32_MAX, size_of_image: 2 ** 31 });
    await store.addExe(row, []);
    t.equal((await store.exesByImage(UINT32_MAX, 2 ** 31))[0]?.id, row.id);
    t.same(await store.exesByImage(UINT32_MAX, 2 ** 31 - 1), []);
    t.same(await store.exesByImage(-1, 2 ** 31), []);
  });
}

function listsConform(t: Test, open: Open): void {
  t.test('lists symbols by version, GUID and name, newest first', async (t) => {
    const store = await open(t);
    for (let index = 0; index < 30; index += 1) {
      const common = { exe_version: `1.${index % 3}`, guid_key: guidKey(index % 5), uploaded_ms: index };
      await store.addPdb(pdbRow({ ...common, pdb_filename: `App${index % 2}.pdb` }));
      await store.addExe(exeRow({ ...common, parsed_version: '9.9' }), [{ guidKey: guidKey(99), age: 1 }]);
    }
    const page = { offset: 0, limit: 4 };
    const byVersion = await store.listPdbs({ version: '1.1' }, page);
    t.equal(byVersion.total, 10);
    t.same(
      byVersion.rows.map((row) => row.uploaded_ms),
      [28, 25, 22, 19],
    );
    t.same((await store.listPdbs({ version: '1.1' }, { offset: 8, limit: 4 })).rows.length, 2);
    t.equal((await store.listPdbs({ guidKey: guidKey(4), name: 'aPP0.PDB' }, page)).total, 3);
    t.equal((await store.listPdbs({ name: 'app0' }, page)).total, 0);
    t.equal((await store.listExes({ guidKey: guidKey(99), version: '9.9' }, page)).total, 30);
    t.equal((await store.listExes({}, { offset: 1000, limit: 4 })).total, 30);
  });

  t.test('lists minidumps as a plain filter over all rows would', async (t) => {
    const store = await open(t);
    const random = chance(20_260_106);
    const kept: MinidumpRow[] = [];
    for (let round = 0; round < 6; round += 1) {
      for (let index = 0; index < 250; index += 1) {
        const row = randomRow(random);
        kept.push(row);
        await store.addMinidump(row, '{}');
      }
      for (let index = 0; index < 60; index += 1) {
        const [gone] = kept.splice(Math.floor(random() * kept.length), 1);
        if (gone) await store.remove('minidumps', gone.id, 0);
      }
      for (let question = 0; question < 60; question += 1) {
        const filter = randomFilter(random);
        const page = { offset: Math.floor(random() * random() * 1600), limit: 1 + Math.floor(random() * 50) };
        const { rows, total } = await store.listMinidumps(filter, page);
        const expected = naively(kept, filter, page);
        const about = `${JSON.stringify(filter)} ${JSON.stringify(page)}`;
        if (total !== expected.total) t.equal(total, expected.total, `total of ${about}`);
        const ids = rows.map((row) => row.id);
        if (String(ids) !== String(expected.ids)) t.same(ids, expected.ids, `rows of ${about}`);
      }
    }
    t.pass('360 questions asked');
  });
}

/** Around 1970, so that times before it are among them; many in one hour, some in the same instant. */
const FIRST_MS = -40 * HOUR_MS;
const SPAN_MS = 100 * HOUR_MS;

function randomInstant(random: () => number): number {
  const instant = FIRST_MS + Math.floor(random() * SPAN_MS);
  const choice = random();
  if (choice < 0.2) return Math.floor(instant / HOUR_MS) * HOUR_MS;
  if (choice < 0.3) return Math.floor(instant / HOUR_MS) * HOUR_MS - 1;
  return choice < 0.5 ? Math.floor(instant / (HOUR_MS / 2)) * (HOUR_MS / 2) : instant;
}

const among = (random: () => number, count: number): number => Math.floor(random() * count);

function randomRow(random: () => number): MinidumpRow {
  const declared = among(random, 6);
  const parsed = random() < 0.1 ? among(random, 6) : declared;
  return minidumpRow({
    timestamp_ms: randomInstant(random),
    exe_version: random() < 0.1 ? null : `1.${among(random, 4)}`,
    guid_key: declared === 0 ? null : guidKey(declared),
    parsed_guid_key: parsed === 0 ? null : guidKey(parsed),
    state: parsed === declared ? 'verified' : 'mismatch',
    exception_code: random() < 0.7 ? '0xC0000005' : '0xE06D7363',
    exe_name: random() < 0.5 ? 'Editor.exe' : '100%_done.exe',
  });
}

function randomFilter(random: () => number): MinidumpFilter {
  const maybe = <T>(probability: number, value: T): T | undefined =>
    random() < probability ? value : undefined;
  const timed = random() < 0.6;
  return {
    version: maybe(0.25, `1.${among(random, 5)}`),
    guidKey: maybe(0.25, guidKey(1 + among(random, 6))),
    startMs: timed ? maybe(0.6, randomInstant(random)) : undefined,
    endMs: timed ? maybe(0.6, randomInstant(random)) : undefined,
    exceptionCode: maybe(0.15, '0xC0000005'),
    text: maybe(0.1, random() < 0.5 ? 'editor' : '%_'),
  };
}

function naively(all: readonly MinidumpRow[], filter: MinidumpFilter, page: Page) {
  const { version, guidKey: guid, startMs, endMs, exceptionCode, text } = filter;
  const matching = all.filter(
    (row) =>
      (version === undefined || row.exe_version === version) &&
      (guid === undefined || row.guid_key === guid || row.parsed_guid_key === guid) &&
      (startMs === undefined || row.timestamp_ms >= startMs) &&
      (endMs === undefined || row.timestamp_ms <= endMs) &&
      (exceptionCode === undefined || row.exception_code === exceptionCode) &&
      (text === undefined || row.exe_name?.toLowerCase().includes(text)),
  );
  matching.sort((a, b) => b.timestamp_ms - a.timestamp_ms || (a.id < b.id ? 1 : -1));
  const rows = matching.slice(page.offset, page.offset + page.limit);
  return { ids: rows.map((row) => row.id), total: matching.length };
}
