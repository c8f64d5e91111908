/** `chs pdb match` and `chs dump explain` where dumps, declarations and names are not as they usually are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { join as joinBytes, MinidumpBuilder, moduleRecord, u32 } from '../crash/formats/minidump-builder.ts';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

/** A dump of the example program without its CodeView record: only the image says which PDB it needs. */
function dumpOf(moduleName: string): Buffer {
  const exe = readFileSync(example('crashme.exe'));
  const header = exe.readUInt32LE(0x3c);
  const image = { timeDateStamp: exe.readUInt32LE(header + 8), sizeOfImage: exe.readUInt32LE(header + 80) };
  const builder = new MinidumpBuilder();
  const nameRva = builder.text16(moduleName);
  builder.stream(4, joinBytes(u32(1), moduleRecord({ ...image, nameRva })));
  return Buffer.from(builder.build());
}

for (const mode of modes) {
  t.test(`finds the PDB through an image without a name, by any name (${mode.name})`, async (t) => {
    const dumps = {
      'plain.dmp': dumpOf('C:\\app\\crashme.exe'),
      'long.dmp': dumpOf(`${'x'.repeat(300)}.exe`),
    };
    const cwd = testFolder(t, dumps);
    const env = await mode.start(t, cwd);
    t.match(await runChs(['pdb', 'match', 'plain.dmp'], { cwd, env }), {
      code: 1,
      stderr: /no CodeView record with a usable GUID, and no stored EXE/,
    });
    const input = readFileSync(example('crashme.exe'));
    t.equal((await runChs(['exe', 'upload', '-'], { cwd, env, input })).code, 0);
    t.equal((await runChs(['pdb', 'upload', example('crashme.pdb')], { cwd, env })).code, 0);
    for (const dump of Object.keys(dumps)) {
      t.match(await runChs(['pdb', 'match', dump], { cwd, env }), { code: 0, stdout: /crashme\.pdb/ });
    }
  });

  t.test(`says of a PDB that is only declared to match that its bytes do not (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const declared = ['--exe-guid', '54A340A4-D444-CC37-4C4C-44205044422E', '--exe-age', '1'];
    const upload = ['pdb', 'upload', example(join('r2', 'crashme.pdb')), ...declared, '--json'];
    const { pdb_id } = JSON.parse((await runChs(upload, { cwd, env })).stdout);
    const remark = /54A340A4.* age 1, which lookups find; its bytes say 925ADDF6.* age 1/;
    t.match(await runChs(['pdb', 'match', example('av.dmp')], { cwd, env }), { code: 0, stderr: remark });
    t.match(await runChs(['dump', 'explain', example('av.dmp'), pdb_id], { cwd, env }), {
      code: 1,
      stdout: /^no match/m,
      stderr: remark,
    });
    t.equal((await runChs(['pdb', 'upload', example('crashme.pdb')], { cwd, env })).code, 0);
    t.match(await runChs(['pdb', 'match', example('av.dmp')], { cwd, env }), { code: 0, stderr: '' });
  });

  t.test(`says so, too, where a later upload declared it (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const upload = ['pdb', 'upload', example(join('r2', 'crashme.pdb'))];
    t.equal((await runChs(upload, { cwd, env })).code, 0);
    t.equal((await runChs(['pdb', 'match', example('av.dmp')], { cwd, env })).code, 1);
    const later = [...upload, '--exe-guid', '54A340A4-D444-CC37-4C4C-44205044422E'];
    t.equal((await runChs(later, { cwd, env })).code, 0);
    t.match(await runChs(['pdb', 'match', example('av.dmp')], { cwd, env }), {
      code: 0,
      stderr: /54A340A4.* age 1, which lookups find; its bytes say 925ADDF6.* age 1/,
    });
  });
}
