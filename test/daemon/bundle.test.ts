/** The bundle of a dump: a zip archive that others read, in whole and in parts, however large and whatever is missing. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { crashme, type Reached, reach } from '../fixtures/chs.ts';
import { needs } from '../fixtures/needs.ts';
import { projectRoot } from '../fixtures/shared.ts';
import { ask, at, inBoth, send, textAt } from './wire.ts';

const PDB_PATH = 'symbols/crashme.pdb/54A340A4D444CC374C4C44205044422E1/crashme.pdb';
const EXE_PATH = 'symbols/crashme.exe/6B024A3069000/crashme.exe';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function storedDump(chs: Reached): Promise<string> {
  return textAt(await send(chs, 'minidump', null, crashme('av.dmp')), 'data', 'minidump_id');
}

async function bundleOf(chs: Reached, id: string, init: RequestInit = {}) {
  const response = await chs.fetch(`/api/minidumps/${id}/bundle`, init);
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** The files of an archive without compression, as its local headers give them. */
function unzipped(bytes: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const dataAt = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
    const sizeBytes = bytes.readUInt32LE(at + 18);
    const name = bytes.toString('utf8', at + 30, at + 30 + bytes.readUInt16LE(at + 26));
    files.set(name, bytes.subarray(dataAt, dataAt + sizeBytes));
    at = dataAt + sizeBytes;
  }
  return files;
}

inBoth('has the dump, its symbols, a script and a manifest', async (t, chs) => {
  const id = await storedDump(chs);
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme-1.2.3.4.pdb');
  await send(chs, 'pdb', null, crashme('r2/crashme.pdb'), 'crashme.pdb');
  await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  const { status, headers, bytes } = await bundleOf(chs, id);
  t.equal(status, 200);
  t.equal(headers.get('content-length'), String(bytes.length));
  t.match(headers.get('etag'), /^"bundle-[0-9a-f]{40}"$/);
  t.match(headers.get('content-disposition'), /^attachment; filename="crash_\d+_32_36\.zip"$/);
  const files = unzipped(bytes);
  const [dumpName = ''] = [...files.keys()].filter((name) => name.endsWith('.dmp'));
  t.same([...files.keys()], ['open.cmd', 'manifest.json', dumpName, PDB_PATH, EXE_PATH]);
  t.equal(sha256(files.get(dumpName) ?? bytes), sha256(crashme('av.dmp')));
  t.equal(sha256(files.get(PDB_PATH) ?? bytes), sha256(crashme('crashme.pdb')));
  t.equal(sha256(files.get(EXE_PATH) ?? bytes), sha256(crashme('crashme.exe')));
  t.match(files.get('open.cmd')?.toString(), `set "DUMP=%HERE%${dumpName}"`);
  const manifest: unknown = JSON.parse(files.get('manifest.json')?.toString() ?? '');
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  t.match(manifest, {
    made_by: `chs ${version}`,
    minidump: { id, path: dumpName, sha256: sha256(crashme('av.dmp')), size_bytes: crashme('av.dmp').length },
    modules: [
      {
        name: 'crashme.exe',
        pdb: { included: true, path: PDB_PATH },
        exe: { included: true, path: EXE_PATH },
      },
    ],
  });
  t.match(at(manifest, 'modules', 1), { system: true, pdb: { included: false, reason: /not stored/ } });
});

inBoth('is the same archive until something changes; ranges and HEAD hold', async (t, chs) => {
  const id = await storedDump(chs);
  const first = await bundleOf(chs, id);
  const again = await bundleOf(chs, id);
  t.ok(first.bytes.equals(again.bytes));
  const etag = first.headers.get('etag') ?? '';
  t.equal(again.headers.get('etag'), etag);
  const head = await bundleOf(chs, id, { method: 'HEAD' });
  t.equal(head.headers.get('content-length'), String(first.bytes.length));
  t.equal(head.bytes.length, 0);
  t.equal((await bundleOf(chs, id, { headers: { 'if-none-match': etag } })).status, 304);
  for (const [range, from, to] of [
    ['bytes=0-9', 0, 10],
    ['bytes=5000-', 5000, first.bytes.length],
    ['bytes=-100', first.bytes.length - 100, first.bytes.length],
  ] as const) {
    const part = await bundleOf(chs, id, { headers: { range, 'if-range': etag } });
    t.equal(part.status, 206, range);
    t.ok(part.bytes.equals(first.bytes.subarray(from, to)), range);
  }
  t.equal((await bundleOf(chs, id, { headers: { range: `bytes=${first.bytes.length}-` } })).status, 416);
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const later = await bundleOf(chs, id, { headers: { range: 'bytes=10-', 'if-range': etag } });
  t.equal(later.status, 200, 'it has a PDB now');
  t.not(later.headers.get('etag'), etag);
});

inBoth(
  'what is gone from the disk is left out, and said; without its dump there is no bundle',
  async (t, chs) => {
    const id = await storedDump(chs);
    const pdb = await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
    rmSync(join(chs.folder, textAt(pdb, 'data', 'file_path')));
    const files = unzipped((await bundleOf(chs, id)).bytes);
    t.notOk(files.has(PDB_PATH));
    const manifest: unknown = JSON.parse(files.get('manifest.json')?.toString() ?? '');
    t.match(at(manifest, 'modules', 0, 'pdb'), { included: false, reason: /its file is gone/ });
    rmSync(join(chs.folder, textAt(await ask(chs, `/minidumps/${id}`), 'data', 'minidump', 'file_path')));
    t.match(await ask(chs, `/minidumps/${id}/bundle`), { status: 404, body: { code: 'FILE_MISSING' } });
    t.match(await ask(chs, '/minidumps/none/bundle'), { status: 404, body: { code: 'MINIDUMP_NOT_FOUND' } });
  },
);

inBoth('a dump that nobody could read has a bundle as well', async (t, chs) => {
  const declared = { exe_guid: 'A'.repeat(32), exe_age: 1 };
  const noise = Buffer.from('MDMP noise');
  const id = textAt(await send(chs, 'minidump', declared, noise), 'data', 'minidump_id');
  await send(chs, 'pdb', declared, Buffer.from('SPDB and more'), 'app.pdb');
  const files = unzipped((await bundleOf(chs, id)).bytes);
  t.equal(files.get(`symbols/app.pdb/${'A'.repeat(32)}1/app.pdb`)?.toString(), 'SPDB and more');
});

t.test('unzip finds no fault in it', needs('unzip', '-v'), async (t) => {
  const chs = await reach(t, 'daemon');
  const id = await storedDump(chs);
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const path = join(chs.folder, 'bundle.zip');
  writeFileSync(path, (await bundleOf(chs, id)).bytes);
  t.match(spawnSync('unzip', ['-t', path], { encoding: 'utf8' }), {
    status: 0,
    stdout: /No errors detected/,
  });
});

inBoth('modules of a dump that is not stored are looked up the same way', async (t, chs) => {
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  const found = (modules: unknown) =>
    ask(chs, '/api/find/for-modules', { method: 'POST', body: JSON.stringify({ modules }) });
  const answer = await found([
    { name: 'crashme.exe', guid: '54a340a4-d444-cc37-4c4c-44205044422e', age: 1 },
    { name: 'crashme.exe', time_date_stamp: 0x6b024a30, size_of_image: 0x69000 },
    { name: null },
  ]);
  t.match(at(answer.body, 'data', 'modules'), [
    { index: 0, pdb: { pdb_filename: 'crashme.pdb' }, exe: { exe_filename: 'crashme.exe' }, missing: [] },
    { index: 1, pdb: { pdb_filename: 'crashme.pdb' }, code_id: '6B024A3069000' },
    { index: 2, pdb: null, exe: null, missing: ['pdb', 'exe'] },
  ]);
  t.match(await found(Array(501).fill({ name: null })), { status: 400, body: { code: 'INVALID_INPUT' } });
  t.match(await found([{ name: 'x', age: -1 }]), { status: 400, body: { code: 'INVALID_INPUT' } });
});
