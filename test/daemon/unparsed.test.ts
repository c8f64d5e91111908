/** Uploads that say little of themselves: unparsed files, old formats, cabinets, portable PDBs, bare dumps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sharedFixtures } from '../fixtures/shared.ts';
import { documented } from './documented.ts';
import { type FileKind, inBoth, listAt, send, stored, textAt } from './wire.ts';

/** Files that cannot be parsed, and what a client must say for them to be stored. */
const unparsed: readonly { name: string; kind: FileKind; bytes: Buffer; needed: Record<string, unknown> }[] =
  [
    { name: 'SPDB', kind: 'pdb', bytes: Buffer.from('SPDB and more'), needed: documented.pdb.metadata },
    {
      name: 'MSFZ',
      kind: 'pdb',
      bytes: Buffer.concat([Buffer.from('Microsoft MSFZ Container\r\n\x1aALD\0\0'), Buffer.alloc(100)]),
      needed: documented.pdb.metadata,
    },
    {
      name: 'a dump of noise',
      kind: 'minidump',
      bytes: Buffer.from('MDMP fake minidump of a client test'),
      needed: documented.minidump.metadata,
    },
    { name: 'an EXE of noise', kind: 'exe', bytes: Buffer.from('MZ fake'), needed: documented.exe.metadata },
  ];

for (const { name, kind, bytes, needed } of unparsed) {
  inBoth(`stores ${name} unparsed with full metadata, and refuses it without`, async (t, chs) => {
    const refused = await send(chs, kind, null, bytes);
    t.equal(refused.status, 400);
    t.match(refused.body, { success: false, code: 'UNPARSABLE_FILE', hint: 'exe_guid' });
    t.same(stored(chs), []);
    const answer = await send(chs, kind, needed, bytes);
    t.match(answer.body, { success: true, data: { state: 'unparsed', file_path: documented[kind].path } });
    t.match(listAt(answer, 'data', 'warnings').join(), 'Stored unparsed');
  });
}

inBoth('refuses a PDB of the old format by its name', async (t, chs) => {
  const old = Buffer.concat([
    Buffer.from('Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0', 'latin1'),
    Buffer.alloc(2000),
  ]);
  const answer = await send(chs, 'pdb', documented.pdb.metadata, old);
  t.equal(answer.status, 400);
  t.match(answer.body, { code: 'UNSUPPORTED_FORMAT', error: 'program database 2.00' });
  t.same(stored(chs), []);
});

const crash = sharedFixtures('crash');
if (crash) {
  inBoth('unpacks cabinets and takes portable PDBs', async (t, chs) => {
    const file = (name: string): Buffer => readFileSync(join(crash, name));
    const cabinet = await send(chs, 'pdb', null, file('basic32.pd_'), 'basic32.pd_');
    t.match(cabinet.body, { data: { state: 'verified', exe_guid: '34060D22-2DBB-44E5-AA72-243CE8326C2F' } });
    t.match(
      textAt(cabinet, 'data', 'file_path'),
      /\/34060D22-2DBB-44E5-AA72-243CE8326C2F_\d+\/basic32\.pdb$/,
    );
    const inside = await chs.fetch(`/download/pdb/${textAt(cabinet, 'data', 'pdb_id')}`);
    t.match(await inside.text(), /^Microsoft C\/C\+\+ MSF 7\.00/, 'the inside is what is stored');
    const metadata = { exe_filename: 'ShowSSEConfig.ex_' };
    const image = await send(chs, 'exe', metadata, file('ShowSSEConfig.ex_'), 'upload.tmp');
    t.match(image.body, { data: { exe_filename: 'ShowSSEConfig.exe' } });
    t.match(textAt(image, 'data', 'file_path'), /\/ShowSSEConfig\.exe$/);
    const portable = await send(chs, 'pdb', null, file('ppdb-sourcelink-sample.pdb'), 'sample.pdb');
    t.match(portable.body, { data: { state: 'verified', exe_age: null, pdb_filename: 'sample.pdb' } });
    t.match(textAt(portable, 'data', 'file_path'), /_unknown\/sample\.pdb$/);
    t.equal(stored(chs).length, 3);
  });

  inBoth('knows what a dump leaves open as unknown, in replies and in the path', async (t, chs) => {
    const answer = await send(chs, 'minidump', null, readFileSync(join(crash, 'regions-memlist64.dmp')));
    t.match(answer.body, {
      data: { exe_version: null, exe_guid: null, exe_age: null, exception_code: null },
    });
    t.match(
      textAt(answer, 'data', 'file_path'),
      /minidumps\/unknown\/unknown_unknown\/crash_unknown_123_unknown\.dmp$/,
    );
  });
} else {
  t.test(
    'cabinets, portable PDBs and bare dumps',
    { skip: 'the shared fixtures are not here' },
    async () => {},
  );
}
