/** Lists: every filter against a naive one over random rows, paging, instants, and rows of other programs. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openDatabase } from '../../src/backends/open.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import type { MinidumpRow } from '../../src/crash/store.ts';
import { isoSeconds } from '../../src/platform/clock.ts';
import type { Reached } from '../fixtures/chs.ts';
import { files } from './bad-bodies.ts';
import { ask, at, inBoth, listAt, mutated, send, textAt } from './wire.ts';

const GUIDS = ['12345678-1234-1234-1234-1234567890AB', '54A340A4-D444-CC37-4C4C-44205044422E', null] as const;
const VERSIONS = ['1.0.2.3', '1.0.2.30', '100%', null] as const;
const CODES = ['0xC0000005', '0xC0000094', null] as const;
const NAMES = ['MyApp.exe', 'my_app.exe', 'Ünïcode.exe', null] as const;
const BASE_MS = Date.UTC(2026, 0, 6, 12, 0, 0);
const HOUR_MS = 3_600_000;

/** A small generator of its own, so that a failure can be seen again. */
function randomFrom(seed: number): <T>(choices: readonly T[]) => T {
  let state = seed;
  return (choices) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return choices[(state >>> 8) % choices.length] as (typeof choices)[number];
  };
}

function randomRows(count: number): MinidumpRow[] {
  const pick = randomFrom(20_260_106);
  const offsets = Array.from({ length: 37 }, (_, step) => (step - 18) * 977_777);
  return Array.from({ length: count }, (_, index) => {
    const crashedMs = BASE_MS + Math.floor(pick(offsets) / 1000) * 1000;
    const guid = pick(GUIDS);
    return {
      id: randomUUID(),
      timestamp: isoSeconds(crashedMs),
      timestamp_ms: crashedMs,
      exe_version: pick(VERSIONS),
      exe_guid: guid,
      exe_age: 1,
      pid: index,
      tid: 1,
      exception_code: pick(CODES),
      exception_address: null,
      file_path: `./storage/minidumps/unknown/unknown_unknown/${index}.dmp`,
      created_at: isoSeconds(BASE_MS),
      created_ms: BASE_MS,
      signature: null,
      serial: null,
      key_module_id: null,
      exe_name: pick(NAMES),
      time_date_stamp: null,
      size_of_image: null,
      guid_key: guid?.replaceAll('-', '') ?? null,
      parsed_guid_key: guid?.replaceAll('-', '') ?? null,
      parsed_age: 1,
      parsed_version: null,
      state: 'verified',
      size_bytes: 1,
      sha256: `sha-${index}`,
      declared: null,
      parsed: null,
      warnings: '[]',
    };
  });
}

async function fill(chs: Reached, rows: readonly MinidumpRow[]): Promise<void> {
  const path = join(chs.folder, 'data', 'crash_handler.db');
  const database = await openDatabase({ path, busyTimeoutMs: 5000 });
  const store = createCrashStore(database);
  for (const row of rows) await store.addMinidump(row, '{}');
  await database.close();
}

type Filter = Readonly<Record<string, string>>;

/** What the documents mean by each filter, in the simplest words. */
function holds(row: MinidumpRow, filter: Filter): boolean {
  const { version, guid, start_time, end_time, exception_code, q } = filter;
  const texts = [row.exe_name, row.exe_version, row.exe_guid, row.id, row.exception_code];
  return (
    (version === undefined || row.exe_version === version) &&
    (guid === undefined || row.guid_key === guid.replace(/[-{}]/g, '').toUpperCase()) &&
    (start_time === undefined || row.timestamp_ms >= Date.parse(start_time)) &&
    (end_time === undefined || row.timestamp_ms <= Date.parse(end_time)) &&
    (exception_code === undefined ||
      row.exception_code?.slice(2) === exception_code.replace('0x', '').toUpperCase()) &&
    (q === undefined || texts.some((text) => text?.toLowerCase().includes(q.toLowerCase())))
  );
}

const choices: Readonly<Record<string, readonly (string | undefined)[]>> = {
  version: [undefined, '1.0.2.3', '100%', 'none'],
  guid: [undefined, GUIDS[0].toLowerCase(), `{${GUIDS[1]}}`, GUIDS[1].replaceAll('-', ''), '0'.repeat(32)],
  start_time: [undefined, isoSeconds(BASE_MS), isoSeconds(BASE_MS - 2 * HOUR_MS - 977_000)],
  end_time: [undefined, isoSeconds(BASE_MS), '2026-01-06T21:30:00+08:00', '2026-01-06'],
  exception_code: [undefined, '0xC0000005', 'c0000094'],
  q: [undefined, 'MY', 'my_app', '%', '1.0.2.3', '54a3'],
};

inBoth('every combination of filters gives the rows of a naive filter, and their number', async (t, chs) => {
  const rows = randomRows(300);
  await fill(chs, rows);
  const pick = randomFrom(7);
  for (let round = 0; round < 150; round += 1) {
    const chosen = Object.entries(choices).map(([name, values]) => [name, pick(values)] as const);
    const filter: Filter = Object.fromEntries(
      chosen.flatMap(([name, value]) => (value === undefined || round === 0 ? [] : [[name, value]])),
    );
    const query = new URLSearchParams({ ...filter, page_size: '100' });
    const expected = rows.filter((row) => holds(row, filter));
    const answer = await ask(chs, `/api/list/minidumps?${query}`);
    t.equal(at(answer.body, 'data', 'total'), expected.length, `total of ${query}`);
    const ids = listAt(answer, 'data', 'minidumps').map((row) => at(row, 'id'));
    const newest = [...expected].sort((a, b) => b.timestamp_ms - a.timestamp_ms || (a.id < b.id ? 1 : -1));
    t.same(
      ids,
      newest.slice(0, 100).map((row) => row.id),
      `rows of ${query}`,
    );
  }
});

inBoth('pages are stable and disjoint, and together they are everything', async (t, chs) => {
  await fill(chs, randomRows(230));
  const seen: unknown[] = [];
  for (let page = 1; page <= 33; page += 1) {
    const answer = await ask(chs, `/list/minidumps?page=${page}&page_size=7`);
    t.match(answer.body, { data: { page, page_size: 7, total: 230 } });
    seen.push(...listAt(answer, 'data', 'minidumps').map((row) => at(row, 'id')));
  }
  t.equal(seen.length, 230);
  t.equal(new Set(seen).size, 230);
  const beyond = await ask(chs, '/list/minidumps?page=1000000000&page_size=100');
  t.match(beyond, { status: 200, body: { data: { minidumps: [], total: 230 } } });
});

inBoth('the documented list, empty, and what it refuses', async (t, chs) => {
  const empty = await ask(chs, '/api/list/minidumps');
  t.same(empty.body, { success: true, data: { minidumps: [], page: 1, page_size: 20, total: 0 } });
  t.same((await ask(chs, '/list/pdbs')).body, {
    success: true,
    data: { pdbs: [], page: 1, page_size: 20, total: 0 },
  });
  t.same((await ask(chs, '/list/exes')).body, {
    success: true,
    data: { exes: [], page: 1, page_size: 20, total: 0 },
  });
  const wrong: readonly [field: string, values: readonly string[]][] = [
    ['page_size', ['0', '101', '-1', '1.5', 'all', '1e2', '0x10']],
    ['page', ['0', '-1', '1000000001', 'first']],
    ['start_time', ['yesterday', '2026-02-30', '2026-1-6', '1767702896']],
    ['end_time', ['2026-01-06T25:00:00Z', '2026-01-06T12:00:00+25:00']],
    ['guid', ['x', GUIDS[0].slice(1), `${GUIDS[0]}'--`]],
    ['exception_code', ['AV', '0x123456789']],
    ['q', ['x'.repeat(201)]],
  ];
  for (const [field, values] of wrong) {
    for (const value of values) {
      const answer = await ask(chs, `/list/minidumps?${new URLSearchParams({ [field]: value })}`);
      t.match(
        answer,
        { status: 400, body: { success: false, code: 'INVALID_INPUT', error: `${field}: ` } },
        `${field}=${value}`,
      );
    }
  }
  const blank = await ask(chs, '/list/minidumps?version=&guid=&start_time=&end_time=&q=&page=&page_size=');
  t.match(blank, { status: 200, body: { data: { page: 1, page_size: 20 } } }, 'a form that is not filled in');
  const harmless = await ask(chs, `/list/minidumps?_=1&__proto__=x&constructor=y&utm_source=z&page=1`);
  t.equal(harmless.status, 200, 'what it does not know is none of its business');
  const injected = await ask(
    chs,
    `/list/minidumps?${new URLSearchParams({ version: "' OR 1=1 --", q: '"; DROP TABLE minidumps; --' })}`,
  );
  t.match(injected.body, { data: { total: 0 } });
});

inBoth('both bounds hold, compared as instants, however they are written', async (t, chs) => {
  for (const [mark, timestamp] of [
    ['a', '2026-01-06T12:00:00Z'],
    ['b', '2026-01-06T20:00:01+08:00'],
    ['c', '2026-01-06T04:00:02-0800'],
  ])
    await send(chs, 'minidump', { timestamp, exe_version: mark }, mutated(files.minidump, mark ?? ''));
  /** Queries as clients write them, `+` unescaped too, and which dumps they are about, newest first. */
  const queries: readonly [query: string, versions: string][] = [
    ['', 'cba'],
    ['start_time=2026-01-06T12:00:00Z&end_time=2026-01-06T12:00:02Z', 'cba'],
    ['start_time=2026-01-06T12:00:01Z', 'cb'],
    ['start_time=2026-01-06T12:00:01.001Z', 'c'],
    ['end_time=2026-01-06T12:00:01Z', 'ba'],
    ['end_time=2026-01-06T12:00:00.999Z', 'a'],
    ['start_time=2026-01-06T20:00:01+08:00', 'cb'],
    ['start_time=2026-01-06T20:00:01%2B08:00&end_time=2026-01-06T20:00:01%2B0800', 'b'],
    ['start_time=2026-01-06T12:00:01', 'cb'],
    ['start_time=2026-01-06%2012:00:01', 'cb'],
    ['start_time=2026-01-06', 'cba'],
    ['end_time=2026-01-06', ''],
    ['start_time=2026-01-06&end_time=2026-01-07', 'cba'],
    ['start_time=2026-01-07', ''],
    ['start_time=2026-01-06T12:00:02Z&end_time=2026-01-06T12:00:00Z', ''],
    ['start_time=0001-01-01&end_time=9999-12-31T23:59:59Z', 'cba'],
  ];
  for (const [query, versions] of queries) {
    const answer = await ask(chs, `/list/minidumps?${query}`);
    t.equal(
      listAt(answer, 'data', 'minidumps')
        .map((row) => at(row, 'exe_version'))
        .join(''),
      versions,
      query,
    );
    t.equal(at(answer.body, 'data', 'total'), versions.length, query);
  }
});

inBoth('PDBs and EXEs are listed by version, GUID and name', async (t, chs) => {
  for (const kind of ['pdb', 'exe'] as const) {
    const ids: string[] = [];
    for (const name of ['A.bin', 'b.bin']) {
      const metadata = { exe_version: `1.${name}`, [`${kind}_filename`]: name };
      ids.push(textAt(await send(chs, kind, metadata, mutated(files[kind], name)), 'data', `${kind}_id`));
    }
    const listed = async (query: string): Promise<unknown[]> =>
      listAt(await ask(chs, `/list/${kind}s?${query}`), 'data', `${kind}s`).map((row) => at(row, 'id'));
    t.same(new Set(await listed('')), new Set(ids));
    t.same(await listed('name=a.BIN'), [ids[0]]);
    t.same(await listed('version=1.b.bin'), [ids[1]]);
    t.same(new Set(await listed(`guid=${GUIDS[1].toLowerCase()}`)), new Set(ids));
    t.same(await listed(`guid=${GUIDS[0]}`), []);
    t.same((await listed('page=2&page_size=1')).length, 1);
  }
});

inBoth('rows that another program writes into the documented columns count, too', async (t, chs) => {
  const Database = loadDriver();
  const database = new Database(join(chs.folder, 'data', 'crash_handler.db'));
  const insert = database.prepare(
    `INSERT INTO minidumps (id, timestamp, exe_version, exe_guid, exe_age, pid, tid, exception_code, exception_address, file_path, created_at)
     VALUES (?, ?, '9.9', ?, 1, 2, 3, '0xC0000005', '0x1', ?, '2026-01-06T12:34:56Z')`,
  );
  for (const [id, time] of [
    ['x1', '2026-01-06T12:00:00Z'],
    ['x2', '2026-01-06T21:00:00+08:00'],
    ['x3', '2026-01-06 14:00:00'],
  ])
    insert.run(id, time, GUIDS[0].toLowerCase(), `/srv/old/storage/minidumps/9.9/${id}.dmp`);
  const all = await ask(chs, '/list/minidumps');
  t.same(
    listAt(all, 'data', 'minidumps').map((row) => at(row, 'id')),
    ['x3', 'x2', 'x1'],
    'newest first',
  );
  for (const query of ['', 'version=9.9', `guid=${GUIDS[0]}`, 'q=9.9', 'start_time=2026-01-06T12:00:00Z'])
    t.equal(at((await ask(chs, `/list/minidumps?${query}`)).body, 'data', 'total'), 3, query);
  t.equal(at((await ask(chs, '/list/minidumps?end_time=2026-01-06T13:00:00Z')).body, 'data', 'total'), 2);
  t.match(at(all.body, 'data', 'minidumps', 0, 'file_path'), /^\.\/storage\/minidumps\//, 'no absolute path');
  t.match(await ask(chs, '/download/minidump/x1'), { status: 404, body: { code: 'FILE_MISSING' } });
  database.prepare("DELETE FROM minidumps WHERE id = 'x2'").run();
  database.close();
  t.equal(at((await ask(chs, '/list/minidumps')).body, 'data', 'total'), 2);
  t.equal((await ask(chs, '/minidumps/x1', { method: 'DELETE' })).status, 200);
  t.equal(at((await ask(chs, `/list/minidumps?version=9.9`)).body, 'data', 'total'), 1);
});
