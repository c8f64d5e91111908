/** Dumps and the files of their modules: what is stored, what is missing and why, late PDBs, wanted ones, top crashes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { crashme, type Reached } from '../fixtures/chs.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { ask, at, inBoth, listAt, mutated, send, textAt } from './wire.ts';

const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';
const windows = sharedFixtures('windows');
const skip = windows === null ? 'no fixtures/windows on this machine' : false;

/** The example dump with the record of its first module changed (Microsoft: MINIDUMP_MODULE, 108 bytes). */
function av(change: (module: Buffer) => void): Buffer {
  const bytes = Buffer.from(crashme('av.dmp'));
  const directory = bytes.readUInt32LE(12);
  for (let entry = directory; entry < directory + 12 * bytes.readUInt32LE(8); entry += 12) {
    const start = bytes.readUInt32LE(entry + 8) + 4;
    if (bytes.readUInt32LE(entry) === 4) change(bytes.subarray(start, start + 108));
  }
  return bytes;
}

async function modulesOf(chs: Reached, id: string) {
  const answer = await ask(chs, `/api/find/for-minidump/${id}`);
  return { answer, modules: listAt(answer, 'data', 'modules') };
}

inBoth('says for each module what is stored, and a late PDB how many dumps waited for it', async (t, chs) => {
  const dump = await send(chs, 'minidump', null, crashme('av.dmp'));
  const id = textAt(dump, 'data', 'minidump_id');
  t.match(dump.body, { data: { signature: '0xC0000005 crashme.exe+0x156E', debuggable: false } });
  const before = await modulesOf(chs, id);
  t.match(before.answer.body, { data: { minidump_id: id, debuggable: false, decisive: 0, with_pdb: 0 } });
  t.match(before.modules[0], {
    index: 0,
    name: 'crashme.exe',
    pdb_name: 'crashme.pdb',
    guid: GUID,
    age: 1,
    code_id: '6B024A3069000',
    system: false,
    program: true,
    crashed: true,
    pdb: null,
    exe: null,
    missing: ['pdb', 'exe'],
    reason: 'crashme.pdb is not stored',
  });
  t.match(before.modules[1], { program: false, crashed: false, system: true });

  await send(chs, 'pdb', null, crashme('r2/crashme.pdb'), 'crashme.pdb');
  t.equal(
    at((await modulesOf(chs, id)).modules[0], 'reason'),
    'only other builds of crashme.pdb are stored (1)',
  );
  const again = await send(chs, 'minidump', null, mutated(crashme('av.dmp'), 'x'));
  const pdb = await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  t.equal(at(pdb.body, 'data', 'newly_debuggable'), 2);
  t.equal(at((await send(chs, 'pdb', null, crashme('crashme.pdb'))).body, 'data', 'newly_debuggable'), 0);
  const exe = await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  t.equal(at(exe.body, 'data', 'newly_debuggable'), 0);
  const after = await modulesOf(chs, id);
  t.match(after.answer.body, { data: { debuggable: true, with_pdb: 1 } });
  t.match(after.modules[0], {
    pdb: { id: textAt(pdb, 'data', 'pdb_id') },
    exe: { id: textAt(exe, 'data', 'exe_id') },
    missing: [],
    reason: null,
  });
  t.match((await ask(chs, '/api/list/minidumps?debuggable=true')).body, { data: { total: 2 } });
  t.match((await ask(chs, '/api/list/minidumps?debuggable=false')).body, { data: { total: 0 } });
  t.match((await ask(chs, `/api/minidumps/${id}`)).body, { data: { minidump: { debuggable: true } } });

  const path = `/api/pdbs/${textAt(pdb, 'data', 'pdb_id')}`;
  t.equal((await ask(chs, path, { method: 'DELETE' })).status, 200);
  t.match((await ask(chs, '/api/list/minidumps?debuggable=true')).body, { data: { total: 0 } });
  t.equal((await ask(chs, '/api/find/for-minidump/none')).status, 404);
  t.equal(textAt(again, 'data', 'signature'), textAt(dump, 'data', 'signature'));
});

inBoth('tells whoever watches how many dumps a late PDB made debuggable', async (t, chs) => {
  await send(chs, 'minidump', null, crashme('av.dmp'));
  const pdb = textAt(await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb'), 'data', 'pdb_id');
  await ask(chs, `/api/pdbs/${pdb}`, { method: 'DELETE' });
  const stream = await chs.fetch('/api/events?after=0');
  let text = '';
  for await (const piece of stream.body ?? []) {
    text += Buffer.from(piece).toString();
    if (text.includes('pdb.deleted') && text.endsWith('\n\n')) break;
  }
  const events = Array.from(text.matchAll(/^data: (.*)$/gm), ([, json = '']) => JSON.parse(json));
  t.match(events, [
    {
      type: 'minidump.uploaded',
      data: { exe_name: 'crashme.exe', signature: '0xC0000005 crashme.exe+0x156E' },
    },
    {
      type: 'pdb.uploaded',
      data: { pdb_id: pdb, pdb_filename: 'crashme.pdb', newly_debuggable: 1, exe_age: 1 },
    },
    { type: 'pdb.deleted', data: { pdb_id: pdb, no_longer_debuggable: 1 } },
  ]);
});

inBoth('says why a PDB that comes near is not it', async (t, chs) => {
  const id = textAt(await send(chs, 'minidump', null, crashme('av.dmp')), 'data', 'minidump_id');
  const reason = async () => at((await modulesOf(chs, id)).modules[0], 'reason');
  const declared = { exe_guid: GUID, exe_age: 1 };
  await send(chs, 'pdb', declared, crashme('r2/crashme.pdb'), 'crashme.pdb');
  t.match(await reason(), /crashme\.pdb was declared to be it, but its bytes say otherwise/);
  t.match((await ask(chs, '/api/list/minidumps?debuggable=true')).body, { data: { total: 0 } });
  const unparsed = await send(chs, 'pdb', declared, Buffer.from('SPDB by hand'), 'crashme.pdb');
  t.equal(at(unparsed.body, 'data', 'newly_debuggable'), 1);
  t.equal(await reason(), null);
});

inBoth('takes what was declared of a dump that nobody can read', async (t, chs) => {
  const metadata = { exe_guid: GUID, exe_age: 3, exe_version: '1.0', exception_code: 'c0000005' };
  const dump = await send(chs, 'minidump', metadata, Buffer.from('MDMP and no more'));
  t.match(dump.body, { data: { state: 'unparsed', signature: '0xC0000005 ?+?' } });
  const id = textAt(dump, 'data', 'minidump_id');
  const { modules } = await modulesOf(chs, id);
  t.match(modules, [{ index: null, guid: GUID, age: 3, missing: ['pdb', 'exe'] }]);
  const pdb = await send(chs, 'pdb', { exe_guid: GUID, exe_age: 3 }, Buffer.from('SPDB'), 'a.pdb');
  t.equal(at(pdb.body, 'data', 'newly_debuggable'), 1);
});

inBoth('lets a declaration decide where the bytes name no PDB', async (t, chs) => {
  const dump = av((module) => module.fill(0, 76, 84));
  const declared = { exe_guid: GUID, exe_age: 1 };
  const id = textAt(await send(chs, 'minidump', declared, dump), 'data', 'minidump_id');
  const pdb = await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  t.equal(at(pdb.body, 'data', 'newly_debuggable'), 1);
  t.match((await ask(chs, `/api/minidumps/${id}`)).body, { data: { minidump: { debuggable: true } } });
  t.match((await modulesOf(chs, id)).answer.body, { data: { debuggable: true } });
});

inBoth('tells of dumps that a second identity of the same PDB makes debuggable', async (t, chs) => {
  const other = { exe_guid: '12345678-1234-1234-1234-1234567890AB', exe_age: 3 };
  await send(chs, 'minidump', other, Buffer.from('MDMP and no more'));
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const again = await send(chs, 'pdb', other, crashme('crashme.pdb'), 'crashme.pdb');
  t.match(again.body, { data: { deduplicated: true, newly_debuggable: 1 } });
});

inBoth('lists wanted PDBs, the system’s only when asked', async (t, chs) => {
  const empty = await ask(chs, '/api/list/wanted');
  t.same(at(empty.body, 'data'), { wanted: [], total: 0, system_total: 0, unindexed: 0 });
  await send(chs, 'minidump', null, crashme('av.dmp'));
  const wanted = await ask(chs, '/api/list/wanted');
  t.match(wanted.body, {
    data: {
      total: 1,
      wanted: [
        {
          kind: 'pdb',
          file: 'crashme.pdb',
          key: '54A340A4D444CC374C4C44205044422E1',
          guid: GUID,
          age: 1,
          module: 'crashme.exe',
          version: '1.2.3.4',
          dump_count: 1,
          debuggable_count: 1,
          last_seen: '2026-11-22T01:50:09Z',
        },
      ],
    },
  });
  await send(chs, 'pdb', null, crashme('crashme.pdb'));
  t.same(listAt(await ask(chs, '/api/list/wanted'), 'data', 'wanted'), []);
  t.equal((await ask(chs, '/api/list/wanted?limit=501')).status, 400);
});

inBoth('counts what debuggers asked for in vain as wanted, until it is there', async (t, chs) => {
  await send(chs, 'minidump', null, crashme('av.dmp'));
  const key = '54A340A4D444CC374C4C44205044422E1';
  for (const path of [
    `crashme.pdb/${key}/crashme.pdb`,
    `CRASHME.pdb/${key.toLowerCase()}/crashme.PDB`,
    'other.pdb/0123456789ABCDEF0123456789ABCDEF2a/other.pdb',
    'other.pdb/0123456789ABCDEF0123456789ABCDEF2A/other.pdb',
    'renamed.pdb/0123456789ABCDEF0123456789ABCDEF2A/renamed.pdb',
    'crashme.exe/6B024A3069000/crashme.exe',
    `crashme.pd_/${key}/crashme.pd_`,
    'index2.txt',
  ])
    t.equal((await chs.fetch(`/symbols/${path}`)).status, 404);
  const wanted = async () => listAt(await ask(chs, '/api/list/wanted'), 'data', 'wanted');
  t.match(await wanted(), [
    { file: 'crashme.pdb', key, dump_count: 1, request_count: 2 },
    {
      kind: 'pdb',
      file: 'other.pdb',
      request_count: 3,
      guid: '01234567-89AB-CDEF-0123-456789ABCDEF',
      age: 42,
      dump_count: 0,
    },
    { kind: 'exe', file: 'crashme.exe', key: '6B024A3069000', guid: null, request_count: 1 },
  ]);
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  t.equal((await wanted()).length, 2);
  await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe');
  t.match(await wanted(), [{ file: 'other.pdb' }]);
  t.equal((await wanted()).length, 1);
});

inBoth('lists the most frequent crashes', async (t, chs) => {
  t.match((await ask(chs, '/api/list/signatures')).body, { data: { crashes: [], total: 0, minidumps: 0 } });
  for (const mark of ['', 'x', 'y']) await send(chs, 'minidump', null, mutated(crashme('av.dmp'), mark));
  const metadata = { exe_guid: GUID, exe_age: 3, exe_version: '9.9', exception_code: '0xC00000FD' };
  await send(chs, 'minidump', { ...metadata, timestamp: '2026-01-06T12:34:56Z' }, Buffer.from('MDMP'));
  await send(chs, 'minidump', { exe_guid: GUID, exe_age: 4 }, Buffer.from('MDMP without an exception'));
  const top = await ask(chs, '/api/list/signatures');
  t.match(top.body, {
    data: {
      total: 2,
      minidumps: 5,
      unsigned: 1,
      unindexed: 0,
      crashes: [
        {
          signature: '0xC0000005 crashme.exe+0x156E',
          exception_code: '0xC0000005',
          exception_name: 'ACCESS_VIOLATION',
          module: 'crashme.exe',
          offset: '0x156E',
          count: 3,
          first_seen: '2026-11-22T01:50:09Z',
          last_seen: '2026-11-22T01:50:09Z',
          versions: [{ version: '1.2.3.4', count: 3 }],
        },
        { signature: '0xC00000FD ?+?', module: null, offset: null, count: 1, exception_name: null },
      ],
    },
  });
  t.equal(listAt(top, 'data', 'crashes', 0, 'trend').length, 14);
  const id = textAt(top, 'data', 'crashes', 0, 'last_minidump_id');
  t.equal((await ask(chs, `/api/minidumps/${id}`)).status, 200);
  const signature = encodeURIComponent('0xC0000005 crashme.exe+0x156E');
  t.match((await ask(chs, `/api/list/minidumps?signature=${signature}`)).body, { data: { total: 3 } });
  const filtered = await ask(chs, '/api/list/signatures?version=9.9&trend_days=2');
  t.match(filtered.body, { data: { total: 1, minidumps: 1, crashes: [{ count: 1, trend: [0, 0] }] } });
  const late = await ask(chs, '/api/list/signatures?start_time=2026-11-22T00:00:00Z');
  t.match(late.body, { data: { total: 1, crashes: [{ count: 3 }] } });
});

t.test('judges real dumps by the module that crashed', { skip }, async (t) => {
  const real = (name: string): Buffer => readFileSync(join(windows ?? '', '1.2.3.4-r1', name));
  const { reach } = await import('../fixtures/chs.ts');
  const chs = await reach(t, 'embedded');
  const dumps = ['av', 'avread', 'div0', 'dll', 'ill', 'hang-noexception', 'av-nocodeview'];
  for (const name of dumps) await send(chs, 'minidump', null, real(`${name}.dmp`));
  const newly = async (kind: 'pdb' | 'exe', name: string) =>
    at((await send(chs, kind, null, real(name), name)).body, 'data', 'newly_debuggable');
  t.equal(
    await newly('pdb', 'crashme.pdb'),
    5,
    'all but the one of the DLL and the one without a CodeView record',
  );
  t.equal(await newly('pdb', 'engine.pdb'), 1, 'the one that crashed in the DLL');
  t.equal(await newly('exe', 'crashme.exe'), 1, 'the one that only the image can tell');
});
