/** Lookups as the documents have them, and showing and deleting what was found. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { crashme, type Reached, reach } from '../fixtures/chs.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import { files } from './bad-bodies.ts';
import {
  type Answer,
  ask,
  at,
  type FileKind,
  inBoth,
  mutated,
  send,
  stored,
  storedFolders,
  textAt,
} from './wire.ts';

const GUID = '12345678-1234-1234-1234-1234567890AB';
const REAL = '54A340A4-D444-CC37-4C4C-44205044422E';
const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];

function find(
  chs: Reached,
  what: 'matching-pdb' | 'exe-by-guid',
  input: Record<string, string | number>,
): Promise<Answer> {
  const query = Object.entries(input).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return ask(chs, `/api/find/${what}?${query.join('&')}`);
}

async function stores(chs: Reached, kind: FileKind, metadata: unknown, bytes: Uint8Array): Promise<string> {
  return textAt(await send(chs, kind, metadata, bytes), 'data', `${kind}_id`);
}

const spdb = (mark: string): Buffer => Buffer.from(`SPDB ${mark}`);

inBoth('gives the documented replies', async (t, chs) => {
  const pdbMetadata = { exe_version: '1.0.2.3', exe_guid: GUID, exe_age: 1, pdb_filename: 'MyApp.pdb' };
  const pdbId = await stores(chs, 'pdb', pdbMetadata, spdb('1'));
  const pdb = await find(chs, 'matching-pdb', { exe_version: '1.0.2.3', exe_guid: GUID, exe_age: 1 });
  t.equal(pdb.status, 200);
  t.equal(at(pdb.body, 'success'), true);
  t.equal(at(pdb.body, 'data', 'message'), 'Matching PDB found');
  t.match(at(pdb.body, 'data', 'pdb'), {
    id: pdbId,
    ...pdbMetadata,
    file_path: `./storage/pdbs/1.0.2.3/${GUID}_1/MyApp.pdb`,
    uploaded_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  });
  const exeMetadata = { exe_version: '1.0.2.3', exe_guid: GUID, exe_filename: 'MyApp.exe' };
  const exeId = await stores(chs, 'exe', exeMetadata, Buffer.from('MZ fake'));
  const exe = await find(chs, 'exe-by-guid', { exe_guid: GUID });
  t.equal(at(exe.body, 'data', 'message'), 'Matching EXE found');
  t.match(at(exe.body, 'data', 'exe'), {
    id: exeId,
    ...exeMetadata,
    file_path: `./storage/exes/1.0.2.3/${GUID}/MyApp.exe`,
    uploaded_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  });
});

inBoth('gives the documented texts when there is none', async (t, chs) => {
  const noPdb = await find(chs, 'matching-pdb', { exe_version: '1.0.2.3', exe_guid: GUID, exe_age: 1 });
  t.equal(noPdb.status, 404);
  t.match(noPdb.body, { success: false, code: 'NO_MATCHING_PDB' });
  t.equal(at(noPdb.body, 'error'), 'No matching PDB found for the given parameters');
  const noExe = await find(chs, 'exe-by-guid', { exe_guid: GUID });
  t.equal(noExe.status, 404);
  t.equal(at(noExe.body, 'error'), 'No matching EXE found for the given GUID');
});

const versions: readonly Record<string, string>[] = [{}, { exe_version: '5.5' }, { exe_version: 'other' }];

inBoth('compares without case and dashes; the age must be equal, the version need not', async (t, chs) => {
  const id = await stores(chs, 'pdb', { exe_version: '5.5' }, files.pdb);
  for (const exe_guid of [REAL, REAL.toLowerCase(), REAL.replaceAll('-', ''), `{${REAL}}`]) {
    for (const more of versions)
      t.equal(
        at((await find(chs, 'matching-pdb', { exe_guid, exe_age: 1, ...more })).body, 'data', 'pdb', 'id'),
        id,
      );
    t.equal((await find(chs, 'matching-pdb', { exe_guid, exe_age: 2 })).status, 404);
  }
  const exe = await stores(chs, 'exe', null, files.exe);
  const found = await find(chs, 'exe-by-guid', { exe_guid: `{${REAL.toLowerCase()}}` });
  t.equal(at(found.body, 'data', 'exe', 'id'), exe);
});

inBoth('of several the version chooses, else the newest; bytes count before words', async (t, chs) => {
  const real = await stores(chs, 'pdb', { exe_version: '1' }, files.pdb);
  const twin = await stores(chs, 'pdb', { exe_version: '2' }, mutated(files.pdb, 'twin'));
  // Two that only claim to be it, uploaded later: another build, and one that cannot be read.
  await stores(chs, 'pdb', { exe_version: '3', exe_guid: REAL, exe_age: 1 }, crashme('r2/crashme.pdb'));
  await stores(chs, 'pdb', { exe_version: '4', exe_guid: REAL, exe_age: 1 }, spdb('claims'));
  const found = async (more: Record<string, string>): Promise<unknown> =>
    at((await find(chs, 'matching-pdb', { exe_guid: REAL, exe_age: 1, ...more })).body, 'data', 'pdb', 'id');
  t.equal(await found({ exe_version: '1' }), real);
  t.equal(await found({ exe_version: '2' }), twin);
  t.ok([real, twin].includes(String(await found({}))));
  t.ok(
    [real, twin].includes(String(await found({ exe_version: '3' }))),
    'a PDB of another build is no match',
  );
  const exe = await stores(chs, 'exe', null, files.exe);
  await stores(chs, 'exe', { exe_guid: REAL }, Buffer.from('MZ fake'));
  t.equal(at((await find(chs, 'exe-by-guid', { exe_guid: REAL })).body, 'data', 'exe', 'id'), exe);
});

inBoth('falls back on what was declared', async (t, chs) => {
  const declared = await stores(chs, 'pdb', { exe_guid: GUID, exe_age: 3 }, files.pdb);
  for (const [exe_guid, exe_age] of [
    [GUID, 3],
    [REAL, 1],
  ] as const)
    t.equal(at((await find(chs, 'matching-pdb', { exe_guid, exe_age })).body, 'data', 'pdb', 'id'), declared);
  t.equal((await find(chs, 'matching-pdb', { exe_guid: GUID, exe_age: 1 })).status, 404, 'not a mixture');
});

inBoth('an all-zero GUID is never equal to another', async (t, chs) => {
  const zero = '00000000-0000-0000-0000-000000000000';
  await stores(chs, 'pdb', { exe_guid: zero, exe_age: 0 }, spdb('zero'));
  await stores(chs, 'exe', { exe_guid: zero }, Buffer.from('MZ fake'));
  t.equal((await find(chs, 'matching-pdb', { exe_guid: zero, exe_age: 0 })).status, 404);
  t.equal((await find(chs, 'exe-by-guid', { exe_guid: zero })).status, 404);
  t.equal(at((await ask(chs, `/list/pdbs?guid=${zero}`)).body, 'data', 'total'), 0);
});

inBoth('finds the PDB of an image by its TimeDateStamp and SizeOfImage', async (t, chs) => {
  const image = { exe_time_date_stamp: '6B024A30', exe_size_of_image: '0x69000' };
  t.equal((await find(chs, 'matching-pdb', image)).status, 404);
  await stores(chs, 'exe', null, files.exe);
  t.equal((await find(chs, 'matching-pdb', image)).status, 404, 'the image is there, its PDB is not');
  const pdb = await stores(chs, 'pdb', null, files.pdb);
  t.equal(at((await find(chs, 'matching-pdb', image)).body, 'data', 'pdb', 'id'), pdb);
  t.equal((await find(chs, 'matching-pdb', { ...image, exe_size_of_image: '68000' })).status, 404);
});

inBoth('says which parameters are missing or wrong', async (t, chs) => {
  const cases: readonly [input: Record<string, string>, field: string][] = [
    [{}, 'exe_guid'],
    [{ exe_guid: GUID }, 'exe_age'],
    [{ exe_age: '1' }, 'exe_guid'],
    [{ exe_time_date_stamp: '6B024A30' }, 'exe_guid'],
    [{ exe_guid: 'x', exe_age: '1' }, 'exe_guid'],
    [{ exe_guid: GUID, exe_age: '-1' }, 'exe_age'],
    [{ exe_guid: GUID, exe_age: '4294967296' }, 'exe_age'],
    [{ exe_guid: GUID, exe_age: '1.5' }, 'exe_age'],
    [{ exe_guid: GUID, exe_age: 'one' }, 'exe_age'],
  ];
  for (const [input, field] of cases)
    t.match(await find(chs, 'matching-pdb', input), {
      status: 400,
      body: { code: 'INVALID_INPUT', error: `${field}: ` },
    });
  t.match(await find(chs, 'exe-by-guid', {}), { status: 400, body: { error: 'exe_guid: required' } });
});

const crash = sharedFixtures('crash');
t.test(
  'a portable PDB matches by its GUID alone',
  { skip: crash ? false : 'the shared fixtures are not here' },
  async (t) => {
    for (const mode of ['embedded', 'daemon'] as const) {
      const chs = await reach(t, mode);
      const answer = await send(
        chs,
        'pdb',
        null,
        readFileSync(join(crash ?? '', 'ppdb-sourcelink-sample.pdb')),
      );
      const exe_guid = textAt(answer, 'data', 'exe_guid');
      for (const exe_age of [1, 4294967295, 0])
        t.equal(
          at((await find(chs, 'matching-pdb', { exe_guid, exe_age })).body, 'data', 'pdb', 'id'),
          textAt(answer, 'data', 'pdb_id'),
        );
    }
  },
);

inBoth('shows one file, deletes it with its folders, and then knows it no more', async (t, chs) => {
  for (const kind of kinds) {
    const id = await stores(chs, kind, null, files[kind]);
    const path = `/api/${kind}s/${id}`;
    const shown = await ask(chs, path);
    t.match(shown.body, {
      success: true,
      data: { [kind]: { id, exe_guid: REAL, state: 'verified', warnings: [] } },
    });
    t.equal((await ask(chs, path, { method: 'HEAD' })).status, 200);
    const other = await stores(chs, kind, null, mutated(files[kind], 'other'));
    t.match((await ask(chs, path, { method: 'DELETE' })).body, {
      success: true,
      data: { deleted: true, id },
    });
    t.equal(stored(chs).length, 1, 'the other is still there');
    for (const method of ['DELETE', 'GET'])
      t.match(await ask(chs, path, { method }), {
        status: 404,
        body: { code: `${kind.toUpperCase()}_NOT_FOUND`, error: id },
      });
    t.equal((await ask(chs, `/download/${kind}/${id}`)).status, 404);
    t.equal((await ask(chs, `/${kind}s/${other}`, { method: 'DELETE' })).status, 200);
    t.same(stored(chs), []);
    t.same(
      storedFolders(chs).filter((folder) => folder.includes('/')),
      [],
      'no empty folder is left',
    );
    t.equal(at((await ask(chs, `/list/${kind}s`)).body, 'data', 'total'), 0);
    const again = await send(chs, kind, null, files[kind]);
    t.equal(at(again.body, 'data', 'deduplicated'), false, 'it can be stored anew');
    t.not(textAt(again, 'data', `${kind}_id`), id);
    await ask(chs, `/${kind}s/${textAt(again, 'data', `${kind}_id`)}`, { method: 'DELETE' });
  }
});

inBoth('of many deletions at once one succeeds', async (t, chs) => {
  const id = await stores(chs, 'pdb', null, files.pdb);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ask(chs, `/pdbs/${id}`, { method: 'DELETE' })),
  );
  t.same(answers.map((answer) => answer.status).sort(), [200, ...Array.from({ length: 7 }, () => 404)]);
  t.same(
    stored(chs).filter((path) => !path.startsWith('.incoming/')),
    [],
    'the file is gone',
  );
});

inBoth('finds a file by what a later upload of the same bytes declares, too', async (t, chs) => {
  const plain = await send(chs, 'pdb', null, files.pdb);
  const identity = { exe_version: '1.0.2.3', exe_guid: '12345678-1234-1234-1234-1234567890AB' };
  const again = await send(chs, 'pdb', { ...identity, exe_age: 1, pdb_filename: 'MyApp.pdb' }, files.pdb);
  t.match(again.body, { data: { deduplicated: true, pdb_id: textAt(plain, 'data', 'pdb_id') } });
  t.match(JSON.stringify(again.body), 'this one finds them, too');
  const query = new URLSearchParams({ ...identity, exe_age: '1' });
  const found = await ask(chs, `/find/matching-pdb?${query}`);
  t.match(found, {
    status: 200,
    body: { data: { pdb: { id: textAt(plain, 'data', 'pdb_id'), exe_version: '1.0.2.3' } } },
  });
  t.equal((await ask(chs, `/find/matching-pdb?${query}`.replace('exe_age=1', 'exe_age=2'))).status, 404);

  const exe = await send(chs, 'exe', null, files.exe);
  await send(chs, 'exe', identity, files.exe);
  const byGuid = await ask(chs, `/find/exe-by-guid?exe_guid=${identity.exe_guid}`);
  t.match(byGuid, { status: 200, body: { data: { exe: { id: textAt(exe, 'data', 'exe_id') } } } });

  t.equal((await ask(chs, `/pdbs/${textAt(plain, 'data', 'pdb_id')}`, { method: 'DELETE' })).status, 200);
  t.equal((await ask(chs, `/find/matching-pdb?${query}`)).status, 404, 'and no longer when it is gone');
});

inBoth('says of each upload of the same dump whether it agrees with the bytes', async (t, chs) => {
  const plain = await send(chs, 'minidump', null, files.minidump);
  t.match(plain.body, { data: { state: 'verified' } });
  const again = await send(chs, 'minidump', { exe_guid: GUID, exe_age: 0 }, files.minidump);
  t.match(again.body, { data: { state: 'mismatch', deduplicated: true } });
  t.match(JSON.stringify(again.body), 'this one finds them, too');
  for (const guid of [GUID, REAL]) {
    t.match(await ask(chs, `/list/minidumps?guid=${guid}`), {
      body: { data: { total: 1, minidumps: [{ id: textAt(plain, 'data', 'minidump_id') }] } },
    });
  }
  const path = `/minidumps/${textAt(plain, 'data', 'minidump_id')}`;
  t.equal((await ask(chs, path, { method: 'DELETE' })).status, 200);
  t.match(await ask(chs, `/list/minidumps?guid=${GUID}`), { body: { data: { total: 0 } } });
});

/** The example EXE with another GUID in its CodeView record; TimeDateStamp and SizeOfImage stay. */
function relinked(): Buffer {
  const bytes = Buffer.from(files.exe);
  bytes.write('relinked', bytes.indexOf(Buffer.from('a440a35444d437cc', 'hex')), 'latin1');
  return bytes;
}

function withStamp(bytes: Uint8Array, timeDateStamp: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(timeDateStamp, copy.readUInt32LE(0x3c) + 8);
  return copy;
}

inBoth('tells images of one time and size apart by their names, or gives none', async (t, chs) => {
  const first = await send(chs, 'exe', null, files.exe, 'client.exe');
  const second = await send(chs, 'exe', null, relinked(), 'server.exe');
  const other = textAt(second, 'data', 'exe_guid');
  t.not(other, REAL);
  await stores(chs, 'pdb', null, files.pdb);
  const serverPdb = { exe_guid: other, exe_age: 1, pdb_filename: 'server.pdb' };
  await stores(chs, 'pdb', serverPdb, spdb('server'));
  const shown = await ask(chs, `/exes/${textAt(first, 'data', 'exe_id')}`);
  const image = {
    exe_time_date_stamp: textAt(shown, 'data', 'exe', 'time_date_stamp'),
    exe_size_of_image: Number(at(shown.body, 'data', 'exe', 'size_of_image')).toString(16),
  };
  t.equal((await find(chs, 'matching-pdb', image)).status, 404, 'either could be meant');
  t.match(await find(chs, 'matching-pdb', { ...image, exe_filename: 'CLIENT.EXE' }), {
    body: { data: { pdb: { exe_guid: REAL } } },
  });
  t.match(await find(chs, 'matching-pdb', { ...image, exe_filename: 'server.exe' }), {
    body: { data: { pdb: { exe_guid: other } } },
  });
  t.equal((await find(chs, 'matching-pdb', { ...image, exe_filename: 'third.exe' })).status, 404);
});

inBoth('takes no time stamp for a time where the linker left none', async (t, chs) => {
  await stores(chs, 'pdb', null, files.pdb);
  for (const stamp of [0, 0xffff_ffff]) {
    const sent = await send(chs, 'exe', null, withStamp(files.exe, stamp), `app${stamp}.exe`);
    const shown = await ask(chs, `/exes/${textAt(sent, 'data', 'exe_id')}`);
    const image = {
      exe_time_date_stamp: textAt(shown, 'data', 'exe', 'time_date_stamp'),
      exe_size_of_image: Number(at(shown.body, 'data', 'exe', 'size_of_image')).toString(16),
    };
    t.equal((await find(chs, 'matching-pdb', image)).status, 404);
    t.equal((await find(chs, 'matching-pdb', { ...image, exe_filename: `app${stamp}.exe` })).status, 404);
  }
});

inBoth('says when a later upload of the same bytes is not kept as it says', async (t, chs) => {
  await send(chs, 'pdb', { exe_version: '5.0', pdb_filename: 'five.pdb' }, files.pdb);
  const again = await send(chs, 'pdb', { exe_version: '6.0', pdb_filename: 'six.pdb' }, files.pdb);
  t.match(again.body, { data: { deduplicated: true, exe_version: '5.0', pdb_filename: 'five.pdb' } });
  t.match(JSON.stringify(again.body), /stored with version 5\.0; version 6\.0 is not kept/);
  t.match(JSON.stringify(again.body), /stored as five\.pdb; the name six\.pdb is not kept/);
  const same = await send(chs, 'pdb', { exe_version: '5.0', pdb_filename: 'five.pdb' }, files.pdb);
  t.match(same.body, { data: { warnings: [] } });
});
