/** What the bytes say comes before what anyone declares, and each of both finds a file. */
import t from 'tap';
import { buildMsf, dbiStream, GUID, infoStream } from '../crash/formats/built-pdb.ts';
import { guidOf, peImage, rsds } from '../crash/formats/pe-image.ts';
import { crashme, reach } from '../fixtures/chs.ts';
import { type Answer, ask, at, inBoth, mutated, send, textAt } from './wire.ts';

const OTHER = '12345678-1234-1234-1234-1234567890AB';

/** A PDB with `GUID` and this age; what is behind it makes the bytes others. */
function pdbOf(age: number, mark = '', guid?: Buffer): Buffer {
  const info = infoStream(age, undefined, guid);
  return buildMsf({
    blockSizeBytes: 512,
    streams: [Buffer.from(`mark ${mark}`), info, Buffer.alloc(9), dbiStream(age)],
  });
}

const foreign = (mark: string): Buffer => pdbOf(1, mark, Buffer.alloc(16, 7));
const twoRecords = (first: string, second: string): Buffer =>
  peImage({
    debug: [
      { type: 2, data: rsds(first, 1, 'app.pdb') },
      { type: 2, minor: 0x504d, data: rsds(second, 1, 'app.ni.pdb') },
    ],
  });

type Chs = Parameters<Parameters<typeof inBoth>[1]>[1];
const findPdb = (chs: Chs, guid: string, age: number): Promise<Answer> =>
  ask(chs, `/find/matching-pdb?exe_guid=${guid}&exe_age=${age}`);
const foundPdb = async (chs: Chs, guid: string, age: number): Promise<unknown> =>
  at((await findPdb(chs, guid, age)).body, 'data', 'pdb', 'pdb_filename');
const foundExe = async (chs: Chs, guid: string): Promise<unknown> =>
  at((await ask(chs, `/find/exe-by-guid?exe_guid=${guid}`)).body, 'data', 'exe', 'exe_filename');

inBoth('a PDB of this age comes before one that is only declared to have it', async (t, chs) => {
  await send(chs, 'pdb', null, pdbOf(2), 'right.pdb');
  await send(chs, 'pdb', { exe_age: 2 }, pdbOf(1), 'declared.pdb');
  t.equal(await foundPdb(chs, GUID, 2), 'right.pdb');
  t.equal(await foundPdb(chs, GUID, 1), 'declared.pdb');
});

inBoth('a later declaration makes no file one whose bytes say so', async (t, chs) => {
  await send(chs, 'pdb', null, pdbOf(1), 'right.pdb');
  await send(chs, 'pdb', null, foreign('a'), 'other.pdb');
  await send(chs, 'pdb', { exe_guid: GUID, exe_age: 1 }, foreign('a'));
  t.equal(await foundPdb(chs, GUID, 1), 'right.pdb');

  await send(chs, 'exe', null, twoRecords('1', '2'), 'right.exe');
  await send(chs, 'exe', null, twoRecords('3', '4'), 'other.exe');
  for (const digit of ['1', '2']) {
    await send(chs, 'exe', { exe_guid: guidOf(digit) }, twoRecords('3', '4'));
    t.equal(await foundExe(chs, guidOf(digit)), 'right.exe');
  }
});

t.test('however many others are declared to be a file, it is found', async (t) => {
  const chs = await reach(t, 'embedded');
  await send(chs, 'pdb', null, pdbOf(2), 'right.pdb');
  for (let index = 0; index < 60; index += 1)
    await send(chs, 'pdb', { exe_guid: GUID, exe_age: 2 }, foreign(`${index}`), `junk${index}.pdb`);
  t.equal(await foundPdb(chs, GUID, 2), 'right.pdb');
});

inBoth('either record of an image may be declared', async (t, chs) => {
  for (const digit of ['5', '6']) {
    const sent = await send(chs, 'exe', { exe_guid: guidOf(digit) }, twoRecords('5', '6'), 'r2r.exe');
    t.match(sent, { status: 200, body: { data: { state: 'verified', warnings: [] } } });
    t.match(await ask(chs, `/list/exes?guid=${guidOf(digit)}`), { body: { data: { total: 1 } } });
  }
  t.match(await ask(chs, `/list/exes?guid=${guidOf('7')}`), { body: { data: { total: 0 } } });
});

t.test('a strict server takes either record, and nothing else', async (t) => {
  const chs = await reach(t, 'embedded', { 'storage.strict': true });
  const bytes = twoRecords('5', '6');
  t.match(await send(chs, 'exe', { exe_guid: guidOf('7') }, bytes), { body: { code: 'IDENTITY_MISMATCH' } });
  t.match(await send(chs, 'exe', { exe_guid: guidOf('6') }, bytes), { status: 200 });
});

inBoth('half an identity that a later upload declares is filled in from the bytes', async (t, chs) => {
  const id = textAt(await send(chs, 'pdb', null, pdbOf(1), 'app.pdb'), 'data', 'pdb_id');
  for (const [declared, guid, age] of [
    [{ exe_guid: OTHER }, OTHER, 1],
    [{ exe_age: 7 }, GUID, 7],
  ] as const) {
    t.equal((await findPdb(chs, guid, age)).status, 404);
    const sent = await send(chs, 'pdb', declared, pdbOf(1));
    t.match(JSON.stringify(sent.body), 'this one finds them, too');
    t.match(await findPdb(chs, guid, age), { status: 200, body: { data: { pdb: { id } } } });
    t.match(await ask(chs, `/list/pdbs?guid=${guid}`), { body: { data: { total: 1 } } });
  }
  const same = await send(chs, 'pdb', { exe_guid: GUID }, pdbOf(1));
  t.match(same.body, { data: { warnings: [], deduplicated: true } });
});

inBoth('lists a dump by the version that was declared and by the one that its bytes have', async (t, chs) => {
  await send(chs, 'minidump', { exe_version: '9.9.9.9' }, crashme('av.dmp'));
  await send(chs, 'minidump', null, mutated(crashme('av.dmp'), 'x'));
  for (const [version, total] of [
    ['9.9.9.9', 1],
    ['1.2.3.4', 2],
    ['1.2', 0],
  ] as const)
    t.match((await ask(chs, `/api/list/minidumps?version=${version}`)).body, { data: { total } }, version);
});
