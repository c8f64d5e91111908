/** The symbol server as debuggers use it: their paths, their probes, their keys, byte for byte. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startDaemon } from '../../daemon/serve.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { GUID, GUID_BYTES, portablePdb } from '../crash/formats/built-pdb.ts';
import { readManifest } from '../crash/formats/manifest.ts';
import { peImage, rsds } from '../crash/formats/pe-image.ts';
import { crashme, type Reached, reach, TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { at, inBoth, mutated, send } from './wire.ts';

const PDB_KEY = '54A340A4D444CC374C4C44205044422E1';
const EXE_KEY = '6B024A3069000';
/** As symsrv.dll calls itself. */
const SYMSRV = { 'user-agent': 'Microsoft-Symbol-Server/10.0.22621.2428' };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function get(chs: Reached, path: string, init: RequestInit = {}) {
  const response = await chs.fetch(path, { headers: SYMSRV, ...init });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, sha256: sha256(bytes) };
}

/** Fails unless it is the short text that a debugger can be shown. */
async function misses(test: Test, chs: Reached, path: string, label = path): Promise<void> {
  const { status, headers, bytes } = await get(chs, path);
  test.equal(status, 404, label);
  test.equal(headers.get('content-type'), 'text/plain; charset=utf-8', label);
  test.equal(headers.get('cache-control'), 'no-store', label);
  test.equal(bytes.toString(), 'no such symbol file\n', label);
}

inBoth('gives what a debugger asks for, and a clean miss for each of its probes', async (t, chs) => {
  const pdb = crashme('crashme.pdb');
  await send(chs, 'pdb', null, pdb, 'crashme.pdb');
  await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  for (const root of ['/symbols', '/api/symbols']) {
    await misses(t, chs, `${root}/pingme.txt`);
    await misses(t, chs, `${root}/index2.txt`);
    const found = await get(chs, `${root}/crashme.pdb/${PDB_KEY}/crashme.pdb`);
    t.equal(found.status, 200);
    t.equal(found.sha256, sha256(pdb));
    t.equal(found.headers.get('content-length'), String(pdb.length));
    t.equal(found.headers.get('content-type'), 'application/octet-stream');
    t.equal(found.headers.get('etag'), `"${sha256(pdb)}"`);
    t.match(found.headers.get('x-request-id'), /./);
    await misses(t, chs, `${root}/crashme.pdb/${PDB_KEY}/crashme.pd_`);
    await misses(t, chs, `${root}/crashme.pdb/${PDB_KEY}/file.ptr`);
    await misses(t, chs, `${root}/crashme.pd_/${PDB_KEY}/crashme.pd_`);
    const image = await get(chs, `${root}/crashme.exe/${EXE_KEY}/crashme.exe`);
    t.equal(image.sha256, sha256(crashme('crashme.exe')));
    const shouted = await get(chs, `${root}/CRASHME.PDB/${PDB_KEY.toLowerCase()}/CrashMe.pdb`);
    t.equal(shouted.sha256, sha256(pdb), 'in any case');
  }
});

inBoth(
  'answers what is no symbol path with a clean miss, never with a failure of its own',
  async (t, chs) => {
    await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
    const long = 'x'.repeat(5_000);
    for (const path of [
      '/symbols',
      '/symbols/',
      '/symbols//',
      '/symbols/000Admin/lastid.txt',
      '/symbols/crashme.pdb',
      `/symbols/crashme.pdb/${PDB_KEY}`,
      `/symbols/crashme.pdb/${PDB_KEY}/`,
      `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb/`,
      `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb/more`,
      `/symbols/a/b/c/d/e/f/g`,
      `/symbols/crashme.pdb/${PDB_KEY}/other.pdb`,
      `/symbols/other.pdb/${PDB_KEY}/other.pdb`,
      `/symbols/crashme.pdb/no-key/crashme.pdb`,
      `/symbols/%FF%zz/${PDB_KEY}/%FF%zz`,
      `/symbols/%/${PDB_KEY}/%`,
      `/symbols/crashme.pdb%00/${PDB_KEY}/crashme.pdb%00`,
      `/symbols/..%2f..%2fdata%2fcrash_handler.db/${PDB_KEY}/..%2f..%2fdata%2fcrash_handler.db`,
      `/symbols/..%5Ccrashme.pdb/${PDB_KEY}/..%5Ccrashme.pdb`,
      `/symbols/${long}/${PDB_KEY}/${long}`,
      `/symbols/crashme.pdb/${long}/crashme.pdb`,
      '/symbols/%E5%B4%A9.pdb/6B024A3069000/%E5%B4%A9.pdb',
    ])
      await misses(t, chs, path, path.slice(0, 100));
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const path = `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`;
      const { status, headers, bytes } = await get(chs, path, { method });
      t.equal(status, 405, method);
      t.equal(headers.get('allow'), 'GET, HEAD');
      t.match(headers.get('content-type'), 'text/plain');
      t.match(bytes.toString(), /^[^<{]+\n$/);
    }
  },
);

inBoth('is exact: another build, another age, another name is a miss', async (t, chs) => {
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  await send(chs, 'pdb', null, crashme('r2/crashme.pdb'), 'crashme.pdb');
  const [guid, key] = [
    PDB_KEY.slice(0, -1),
    (name: string, one: string) => `/symbols/${name}/${one}/${name}`,
  ];
  for (const age of ['0', '2', '01', '10', 'FFFFFFFF', ''])
    await misses(t, chs, key('crashme.pdb', `${guid}${age}`));
  await misses(t, chs, key('crashme.exe', PDB_KEY));
  await misses(t, chs, key('crashme.pdb', EXE_KEY), 'its image is not stored');
  const second = await get(chs, key('crashme.pdb', '925ADDF6B756FC1C4C4C44205044422E1'));
  t.equal(second.sha256, sha256(crashme('r2/crashme.pdb')), 'the same name, another build');
});

inBoth('knows the name that an image gives, and prefers the file of that name', async (t, chs) => {
  const pdb = crashme('crashme.pdb');
  const path = `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`;
  await send(chs, 'pdb', null, pdb, 'crashme-1.2.3.4.pdb');
  await misses(t, chs, path, 'nothing says that it is called so');
  t.equal((await get(chs, `/symbols/crashme-1.2.3.4.pdb/${PDB_KEY}/crashme-1.2.3.4.pdb`)).status, 200);
  await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  t.equal((await get(chs, path)).sha256, sha256(pdb), 'its image says so');
  await misses(t, chs, `/symbols/other.pdb/${PDB_KEY}/other.pdb`);
  const named = mutated(pdb, 'named');
  await send(chs, 'pdb', null, named, 'crashme.pdb');
  await send(chs, 'pdb', null, mutated(pdb, 'later'), 'elsewhere.pdb');
  t.equal((await get(chs, path)).sha256, sha256(named), 'its own name comes first, whatever is newer');
  const newest = mutated(pdb, 'newest');
  await send(chs, 'pdb', null, newest, 'CrashMe.pdb');
  t.equal((await get(chs, path)).sha256, sha256(newest), 'among those the newest');
});

inBoth('knows the names that stored dumps give', async (t, chs) => {
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'a.pdb');
  await send(chs, 'exe', null, crashme('crashme.exe'), 'a.exe');
  const exePath = `/symbols/crashme.exe/${EXE_KEY}/crashme.exe`;
  await misses(t, chs, exePath);
  await send(chs, 'minidump', null, crashme('av.dmp'));
  t.equal((await get(chs, exePath)).sha256, sha256(crashme('crashme.exe')));
  const path = `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`;
  t.equal((await get(chs, path)).sha256, sha256(crashme('crashme.pdb')));
  await misses(t, chs, `/symbols/other.exe/${EXE_KEY}/other.exe`);
});

inBoth('every record of an image names a PDB', async (t, chs) => {
  const portable = portablePdb();
  const second = rsds('a', 1, 'C:\\il\\Library.pdb');
  GUID_BYTES.copy(second, 4);
  const image = peImage({
    debug: [
      { type: 2, data: rsds('b', 3, 'D:\\obj\\Library.ni.pdb') },
      { type: 2, minor: 0x504d, data: second },
    ],
  });
  await send(chs, 'pdb', null, portable, 'uploaded.pdb');
  await send(chs, 'exe', null, image, 'Library.dll');
  const key = GUID.replaceAll('-', '');
  t.equal((await get(chs, `/symbols/library.pdb/${key}FFFFFFFF/library.pdb`)).sha256, sha256(portable));
  await misses(t, chs, `/symbols/library.pdb/${key}1/library.pdb`, 'a portable PDB has one key');
  await misses(t, chs, `/symbols/library.ni.pdb/${key}FFFFFFFF/library.ni.pdb`, 'of the other record');
});

inBoth('bytes count before words: what can be read is found by what it says', async (t, chs) => {
  const other = 'A'.repeat(32);
  const declared = { exe_guid: other, exe_age: 7 };
  const made = await send(chs, 'pdb', declared, crashme('crashme.pdb'), 'crashme.pdb');
  t.equal(at(made.body, 'data', 'state'), 'mismatch');
  await misses(t, chs, `/symbols/crashme.pdb/${other}7/crashme.pdb`);
  t.equal((await get(chs, `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`)).status, 200);
  const unparsed = Buffer.from('SPDB and more');
  await send(chs, 'pdb', declared, unparsed, 'old.pdb');
  t.equal((await get(chs, `/symbols/old.pdb/${other}7/old.pdb`)).sha256, sha256(unparsed));
  await misses(t, chs, `/symbols/old.pdb/${other}6/old.pdb`);
});

inBoth('a file that is gone from the disk is a miss, and another one of it is given', async (t, chs) => {
  const path = `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`;
  const older = mutated(crashme('crashme.pdb'), 'older');
  await send(chs, 'pdb', null, older, 'crashme.pdb');
  const made = await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const remove = (answer: typeof made): void =>
    rmSync(join(chs.folder, String(at(answer.body, 'data', 'file_path'))));
  remove(made);
  t.equal((await get(chs, path)).sha256, sha256(older));
  remove(await send(chs, 'pdb', null, older, 'crashme.pdb'));
  await misses(t, chs, path);
});

inBoth('HEAD, ranges and validators are those of downloads', async (t, chs) => {
  const pdb = crashme('crashme.pdb');
  const path = `/symbols/crashme.pdb/${PDB_KEY}/crashme.pdb`;
  await send(chs, 'pdb', null, pdb, 'crashme.pdb');
  const head = await get(chs, path, { method: 'HEAD' });
  t.match([head.status, head.bytes.length], [200, 0]);
  t.equal(head.headers.get('content-length'), String(pdb.length));
  const part = await get(chs, path, { headers: { range: 'bytes=1000-1999' } });
  t.equal(part.status, 206);
  t.equal(part.headers.get('content-range'), `bytes 1000-1999/${pdb.length}`);
  t.equal(part.sha256, sha256(pdb.subarray(1000, 2000)));
  const etag = head.headers.get('etag') ?? '';
  t.equal((await get(chs, path, { headers: { 'if-none-match': etag } })).status, 304);
  const beyond = await get(chs, path, { headers: { range: `bytes=${pdb.length}-` } });
  t.equal(beyond.status, 416);
  t.match(beyond.headers.get('content-type'), 'text/plain');
  const missing = await get(chs, '/symbols/index2.txt', { method: 'HEAD' });
  t.match([missing.status, missing.bytes.length], [404, 0]);
});

const shared = sharedFixtures('crash');

t.test(
  'every real file is found by the key that symstore gives it',
  {
    skip: shared ? false : 'the shared fixtures are not here',
  },
  async (t) => {
    const chs = await reach(t, 'daemon');
    const rows = readManifest(join(shared ?? '', 'MANIFEST.tsv')).filter(({ kind }) => /pe|pdb/.test(kind));
    const files = rows.map((row) => {
      const inner = /contains (\S+) .*sha256 ([0-9a-f]{64})/.exec(row.cell('note'));
      const isPdb = row.kind.includes('pdb');
      return {
        kind: isPdb ? ('pdb' as const) : ('exe' as const),
        bytes: readFileSync(join(shared ?? '', row.file)),
        sent: row.file,
        name: inner?.[1] ?? row.file,
        sha256: inner?.[2] ?? row.cell('sha256'),
        key: row.cell(isPdb ? 'symstore_pdb_key' : 'pe_key'),
      };
    });
    for (const { kind, bytes, sent } of files) await send(chs, kind, null, bytes, sent);
    for (const { name, key, sha256: expected } of files) {
      for (const one of [key, key.toUpperCase(), key.toLowerCase()]) {
        const found = await get(chs, `/symbols/${name}/${one}/${name}`);
        t.equal(found.sha256, expected, `${name} ${one}`);
      }
      await misses(t, chs, `/symbols/${name}/${key.slice(0, -1)}/${name}`);
    }
    t.equal(files.length, 14);
  },
);

/** The rows of missed symbols, once there are so many: they are written a moment after the reply. */
async function missRows(chs: Reached, count: number): Promise<Record<string, unknown>[]> {
  const database = new (loadDriver())(join(chs.folder, 'data', 'crash_handler.db'));
  const read = database.prepare('SELECT file, key, request_count FROM symbol_misses ORDER BY key');
  for (let attempt = 0; read.all().length < count && attempt < 400; attempt += 1) await setTimeout(25);
  const rows = read.all() as Record<string, unknown>[];
  database.close();
  return rows;
}

inBoth(
  'misses are counted for whoever wants to know, probes are not',
  async (t, chs) => {
    const guid = PDB_KEY.slice(0, -1);
    for (let count = 0; count < 5; count += 1) await get(chs, `/symbols/App.pdb/${PDB_KEY}/app.pdb`);
    for (const name of ['app.pd_', 'file.ptr', 'other.pdb'])
      await get(chs, `/symbols/app.pdb/${PDB_KEY}/${name}`);
    for (const name of ['index2.txt', 'pingme.txt', `con.pdb/${PDB_KEY}/con.pdb`])
      await get(chs, `/symbols/${name}`);
    const first = { file: 'app.pdb', key: `${guid}1`, request_count: 5 };
    t.same(await missRows(chs, 1), [first]);
    for (const age of ['2', '3', 'a']) await get(chs, `/symbols/app.pdb/${guid}${age}/app.pdb`);
    const later = ['2', '3', 'A'].map((age) => ({ file: 'app.pdb', key: `${guid}${age}`, request_count: 1 }));
    t.same(await missRows(chs, 3), later, 'the oldest gave way');
  },
  { 'symbols.max_misses': 3 },
);

t.test('what is still counted in memory is written down at the end', async (t) => {
  const folder = testFolder(t);
  const daemon = await startDaemon(await testConfig(folder));
  const headers = { 'x-api-key': TEST_KEY };
  t.equal((await fetch(`${daemon.url}/symbols/app.pdb/${PDB_KEY}/app.pdb`, { headers })).status, 404);
  await daemon.stop('the test is over');
  const database = new (loadDriver())(join(folder, 'data', 'crash_handler.db'));
  t.match(database.prepare('SELECT file FROM symbol_misses').all(), [{ file: 'app.pdb' }]);
  database.close();
});
