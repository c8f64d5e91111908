/** Takes over the database and the files of an earlier crash handler server, through the whole app. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import * as z from 'zod';
import type { Embedded } from '../../daemon/embedded.ts';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { crashme, embeddedChs, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { GUID, makeDocumentedDatabase, VERSION } from './documented.ts';

type Database = InstanceType<ReturnType<typeof loadDriver>>;

const DUMPS = `minidumps/${VERSION}/${GUID}_1`;

/** Every way in which such rows were seen to write a time and a path; the files all lie as documented. */
const dumps = [
  { id: 'utc', timestamp: '2026-01-06T12:34:56Z', ms: '2026-01-06T12:34:56.000Z', root: './storage/' },
  {
    id: 'offset',
    timestamp: '2026-01-06T21:34:56+08:00',
    ms: '2026-01-06T13:34:56.000Z',
    root: './storage/',
  },
  {
    id: 'fraction',
    timestamp: '2026-01-06T12:34:56.789Z',
    ms: '2026-01-06T12:34:56.789Z',
    root: './storage/',
  },
  {
    id: 'both',
    timestamp: '2026-01-06T12:34:56.123-05:30',
    ms: '2026-01-06T18:04:56.123Z',
    root: '.\\storage\\',
  },
  {
    id: 'no-zone',
    timestamp: '2026-01-06 12:34:50',
    ms: '2026-01-06T12:34:50.000Z',
    root: '/srv/chs/storage/',
  },
  { id: 'no-date', timestamp: 'yesterday', ms: '2026-01-07T00:00:00.000Z', root: 'C:\\chs\\storage\\' },
].map((dump) => {
  const path = `${dump.root}${DUMPS}/crash_${dump.id}.dmp`;
  return { ...dump, file_path: dump.root.includes('\\') ? path.replaceAll('/', '\\') : path };
});

function scene(t: Test): string {
  const folder = testFolder(t);
  makeDocumentedDatabase(join(folder, 'data', 'crash_handler.db'), dumps);
  const files = [
    ...dumps.map(({ id }) => `${DUMPS}/crash_${id}.dmp`),
    `pdbs/${VERSION}/${GUID}_1/MyApp.pdb`,
    `exes/${VERSION}/${GUID}/MyApp.exe`,
  ];
  for (const name of files) {
    const path = join(folder, 'storage', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `bytes of ${name}`);
  }
  return folder;
}

function asking(chs: Embedded): (path: string, method?: string) => Promise<Response> {
  return async (path, method = 'GET') =>
    chs.app.fetch(new Request(`http://chs.test${path}`, { method, headers: { 'x-api-key': TEST_KEY } }));
}

t.test('keeps every row, its instant and its GUID', async (t) => {
  const folder = scene(t);
  const backend = await openSqlite({ path: join(folder, 'data', 'crash_handler.db'), busyTimeoutMs: 1000 });
  t.teardown(() => backend.close());
  const store = createCrashStore(backend);
  for (const dump of dumps) {
    const row = await store.find('minidumps', dump.id);
    t.match(row, { timestamp: dump.timestamp, exe_guid: GUID, file_path: dump.file_path, pid: 1234 });
    t.equal(new Date(row?.timestamp_ms ?? 0).toISOString(), dump.ms, dump.timestamp);
    t.equal(row?.guid_key, GUID.replaceAll('-', '').toUpperCase());
    const key = `./storage/${DUMPS}/crash_${dump.id}.dmp`;
    t.equal(await store.isReferenced(key), true, 'a sweep spares its file');
  }
  t.equal((await store.find('pdbs', 'pdb-1'))?.uploaded_ms, Date.parse('2026-01-05T00:00:00Z'));
  t.equal((await store.find('exes', 'exe-1'))?.uploaded_ms, Date.parse('2026-01-05T00:00:00.500Z'));
});

t.test('lists them by instant, with totals that agree', async (t) => {
  const ask = asking(await embeddedChs(t, {}, scene(t)));
  const list = async (query: string): Promise<{ ids: string[]; total: number }> => {
    const reply = await ask(`/api/list/minidumps?${query}`);
    t.equal(reply.status, 200);
    const schema = z.object({
      data: z.object({ total: z.number(), minidumps: z.array(z.object({ id: z.string() })) }),
    });
    const { data } = schema.parse(await reply.json());
    return { ids: data.minidumps.map(({ id }) => id), total: data.total };
  };
  const newestFirst = ['no-date', 'both', 'offset', 'fraction', 'utc', 'no-zone'];
  t.same(await list(''), { ids: newestFirst, total: 6 });
  t.same(await list(`version=${VERSION}`), { ids: newestFirst, total: 6 });
  t.same(await list(`guid=${GUID.toUpperCase()}`), { ids: newestFirst, total: 6 });
  const range = 'start_time=2026-01-06T12:34:56Z&end_time=2026-01-06T14:00:00Z';
  t.same(await list(range), { ids: ['offset', 'fraction', 'utc'], total: 3 });
});

t.test('gives out every file, wherever its row says that it lies', async (t) => {
  const ask = asking(await embeddedChs(t, {}, scene(t)));
  for (const { id } of dumps) {
    const reply = await ask(`/api/download/minidump/${id}`);
    t.equal(reply.status, 200, id);
    t.equal(await reply.text(), `bytes of ${DUMPS}/crash_${id}.dmp`);
  }
  t.match(await (await ask('/api/download/pdb/pdb-1')).text(), /MyApp\.pdb$/);
  t.match(await (await ask('/api/download/exe/exe-1')).text(), /MyApp\.exe$/);
});

t.test('matches its PDBs and EXEs by GUID in any case', async (t) => {
  const ask = asking(await embeddedChs(t, {}, scene(t)));
  const pdb = await ask(`/api/find/matching-pdb?exe_guid=${GUID.toUpperCase()}&exe_age=1`);
  t.equal(pdb.status, 200);
  t.match(await pdb.json(), { success: true });
});

t.test('deletes a row with its file', async (t) => {
  const ask = asking(await embeddedChs(t, {}, scene(t)));
  for (const { id } of dumps) {
    t.equal((await ask(`/api/minidumps/${id}`, 'DELETE')).status, 200, id);
    t.equal((await ask(`/api/download/minidump/${id}`)).status, 404);
  }
});

t.test('reads a dump of theirs when it is asked for', async (t) => {
  const folder = scene(t);
  writeFileSync(join(folder, 'storage', DUMPS, 'crash_utc.dmp'), crashme('av.dmp'));
  const ask = asking(await embeddedChs(t, {}, folder));
  t.match(await (await ask('/minidumps/utc')).json(), {
    data: { details: { exception: { name: 'ACCESS_VIOLATION' }, modules: [{ version: '1.2.3.4' }] } },
  });
  t.match(await (await ask('/minidumps/offset')).json(), { data: { details: null } }, 'which is no dump');
});

t.test('counts their crashes and finds their PDBs, by declaration and by what their files say', async (t) => {
  const folder = scene(t);
  writeFileSync(join(folder, 'storage', DUMPS, 'crash_utc.dmp'), crashme('av.dmp'));
  const ask = asking(await embeddedChs(t, {}, folder));
  t.match(await (await ask('/list/minidumps?debuggable=true')).json(), {
    data: { total: 5 },
  });
  t.match(await (await ask('/list/minidumps?debuggable=false')).json(), {
    data: { total: 1, minidumps: [{ id: 'utc', signature: '0xC0000005 crashme.exe+0x156E' }] },
  });
  t.match(await (await ask('/list/signatures')).json(), {
    data: {
      unindexed: 0,
      crashes: [
        { signature: '0xC0000005 ?+?', count: 5 },
        { signature: '0xC0000005 crashme.exe+0x156E', count: 1 },
      ],
    },
  });
  t.match(await (await ask('/list/wanted')).json(), { data: { wanted: [{ file: 'crashme.pdb' }] } });
});

t.test('one file that cannot be read does not keep the others from being counted', async (t) => {
  const folder = scene(t);
  const path = join(folder, 'storage', DUMPS, 'crash_utc.dmp');
  rmSync(path);
  symlinkSync(path, path);
  const ask = asking(await embeddedChs(t, {}, folder));
  t.match(await (await ask('/list/signatures')).json(), { data: { unindexed: 0, minidumps: 6 } });
});

/** A store of before the crash index, with rows whose arrival nobody can read. */
function withoutDates(t: Test): { path: string; insert: (id: string, database: Database) => void } {
  const path = join(t.testdir(), 'chs.db');
  makeDocumentedDatabase(path, [
    { id: 'crashed', timestamp: '2026-01-06T12:34:56Z', file_path: './storage/minidumps/1/2/a.dmp' },
    { id: 'unknown', timestamp: 'yesterday', file_path: './storage/minidumps/1/2/b.dmp' },
  ]);
  const database = new (loadDriver())(path);
  database.exec(`update minidumps set created_at = 'then'; update pdbs set uploaded_at = '';
    update exes set uploaded_at = '1969-01-01T00:00:00Z'`);
  database.close();
  return {
    path,
    insert: (id, other) =>
      other.exec(`
        INSERT INTO minidumps (id, timestamp, exe_version, exe_guid, exe_age, file_path, created_at)
          VALUES ('${id}', 'then', '1', '${GUID}', 1, './storage/minidumps/1/2/${id}.dmp', 'then');
        INSERT INTO pdbs (id, exe_version, exe_guid, exe_age, pdb_filename, file_path, uploaded_at)
          VALUES ('${id}', '1', '${GUID}', 1, 'a.pdb', './storage/pdbs/1/2/${id}.pdb', 'then');
        INSERT INTO exes (id, exe_version, exe_guid, exe_filename, file_path, uploaded_at)
          VALUES ('${id}', '1', '${GUID}', 'a.exe', './storage/exes/1/2/${id}.exe', 'then')`),
  };
}

t.test('takes what has no readable arrival for new, not for the oldest of all', async (t) => {
  const { path, insert } = withoutDates(t);
  const beforeMs = Date.now();
  const backend = await openSqlite({ path, busyTimeoutMs: 1000 });
  t.teardown(() => backend.close());
  const database = new (loadDriver())(path);
  insert('later', database);
  database.close();
  const store = createCrashStore(backend);
  t.equal((await store.find('minidumps', 'crashed'))?.created_ms, Date.parse('2026-01-06T12:34:56Z'));
  const arrivals = [
    (await store.find('minidumps', 'unknown'))?.created_ms,
    (await store.find('pdbs', 'pdb-1'))?.uploaded_ms,
    (await store.find('exes', 'exe-1'))?.uploaded_ms,
    (await store.find('minidumps', 'later'))?.created_ms,
    (await store.find('pdbs', 'later'))?.uploaded_ms,
    (await store.find('exes', 'later'))?.uploaded_ms,
  ];
  for (const ms of arrivals) t.ok(ms !== undefined && ms >= beforeMs - 1 && ms <= Date.now(), `${ms}`);
  t.equal((await store.find('pdbs', 'later'))?.guid_key, GUID.replaceAll('-', '').toUpperCase());
});

t.test('a PDB that another program writes beside chs makes its dumps debuggable', async (t) => {
  const folder = scene(t);
  const path = join(folder, 'data', 'crash_handler.db');
  const ask = asking(await embeddedChs(t, {}, folder));
  const total = async (debuggable: boolean): Promise<unknown> =>
    await (await ask(`/list/minidumps?debuggable=${debuggable}`)).json();
  t.equal((await ask('/pdbs/pdb-1', 'DELETE')).status, 200);
  t.match(await total(true), { data: { total: 0 } });
  const database = new (loadDriver())(path);
  database.exec(`
    INSERT INTO pdbs (id, exe_version, exe_guid, exe_age, pdb_filename, file_path, uploaded_at)
      VALUES ('theirs', '${VERSION}', '{${GUID.toLowerCase()}}', 1, 'MyApp.pdb', './storage/pdbs/x/y/MyApp.pdb',
        '2026-01-06T00:00:00Z')`);
  database.close();
  t.match(await total(true), { data: { total: dumps.length } });
});

t.test('a file that several rows name stays until the last of them is gone', async (t) => {
  const folder = testFolder(t);
  const key = `minidumps/${VERSION}/${GUID}_1/crash_20260106123456_1_2.dmp`;
  const roots = ['./storage/', '/srv/chs/storage/', './storage/', 'C:\\chs\\storage\\', './storage/'];
  const rows = roots.map((root, number) => {
    const path = `${root}${key}`;
    const file_path = root.includes('\\') ? path.replaceAll('/', '\\') : path;
    return { id: `dump-${number}`, timestamp: '2026-01-06T12:34:56Z', file_path };
  });
  makeDocumentedDatabase(join(folder, 'data', 'crash_handler.db'), rows);
  const database = new (loadDriver())(join(folder, 'data', 'crash_handler.db'));
  database.exec(`update minidumps set created_at = '2026-01-09T00:00:00Z' where id in ('dump-3', 'dump-4')`);
  database.close();
  const path = join(folder, 'storage', key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'bytes');
  const chs = await embeddedChs(t, {}, folder);
  const ask = asking(chs);
  for (const id of ['dump-0', 'dump-1']) {
    t.equal((await ask(`/minidumps/${id}`, 'DELETE')).status, 200);
    t.equal(existsSync(path), true, `without ${id}`);
  }
  const prune = async (asOf: string): Promise<unknown> => {
    const headers = { 'x-api-key': TEST_KEY, 'content-type': 'application/json' };
    const body = JSON.stringify({ max_age: '1d', symbols: false, as_of: asOf });
    return (
      await chs.app.fetch(new Request('http://chs.test/prune', { method: 'POST', headers, body }))
    ).json();
  };
  t.match(await prune('2026-01-09T00:00:00Z'), { data: { minidumps: { files: 1 } } });
  t.equal(existsSync(path), true, 'two others name it, neither as the first did');
  t.match(await prune('2026-01-11T00:00:00Z'), { data: { minidumps: { files: 2 } } });
  t.equal(existsSync(path), false, 'the last two went in one step');
});
