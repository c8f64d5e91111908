/** Minidumps, PDBs and EXEs from the command line, on the local data directory and on a daemon. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';

t.test('makes no data directory for a name that was mistyped', async (t) => {
  const cwd = testFolder(t);
  t.equal((await runChs(['dump', 'upload', 'none.dmp'], { cwd })).code, 2);
  t.notOk(existsSync(join(cwd, 'xdg-data')));
});

for (const mode of modes) {
  t.test(`takes a crash from upload to download and deletion (${mode.name})`, async (t) => {
    const cwd = testFolder(t, { mine: {} });
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });

    const empty = await chs('dump', 'list');
    t.equal(empty.code, 0);
    t.equal(empty.stdout, '');
    t.match(empty.stderr, /No minidumps yet\. `chs dump upload FILE` adds one/);

    const dump = await chs('dump', 'upload', example('av.dmp'));
    t.equal(dump.code, 0);
    t.equal(dump.stderr, '');
    t.match(dump.stdout, new RegExp(`^[\\w-]{36} {2}verified {2}version 1\\.2\\.3\\.4 {2}${GUID} age 1\n$`));
    const dumpId = dump.stdout.slice(0, 36);
    t.match((await chs('dump', 'upload', example('av.dmp'))).stdout, /^.{36} {2}verified.*\(stored before\)/);

    const none = await chs('pdb', 'match', dumpId);
    t.equal(none.code, 1);
    t.match(await chs('pdb', 'match', dumpId, '--json'), { code: 1, stdout: '{"matches":[]}\n', stderr: '' });
    t.match(none.stderr, new RegExp(`no stored PDB matches crashme\\.exe: it needs ${GUID} age 1`));

    const [pdb] = jsonLines((await chs('pdb', 'upload', example('crashme.pdb'), '--json')).stdout);
    t.match(pdb, { state: 'verified', exe_guid: GUID, exe_age: 1, pdb_filename: 'crashme.pdb' });
    const [exe] = jsonLines((await chs('exe', 'upload', example('crashme.exe'), '--json')).stdout);
    t.match(exe, { state: 'verified', exe_version: '1.2.3.4', exe_filename: 'crashme.exe' });
    const pdbId = String(pdb?.pdb_id);
    const exeId = String(exe?.exe_id);

    const list = await chs('dump', 'list');
    t.match(list.stdout, /^ID +CRASHED \(UTC\) +PROGRAM +VERSION/);
    t.match(list.stdout, new RegExp(`^${dumpId} .*crashme\\.exe +1\\.2\\.3\\.4 +0xC0000005`, 'm'));
    t.match(list.stderr, /page 1 of 1, 1 in total/);
    t.notMatch(list.stdout.replaceAll('\n', ''), /\p{Cc}/u);
    t.match((await chs('pdb', 'list', '--guid', GUID.toLowerCase())).stdout, new RegExp(pdbId));
    t.match((await chs('exe', 'list', '--version', '1.2.3.4', '-q')).stderr, /^$/);
    t.match((await chs('dump', 'list', '--version', '9.9')).stderr, /No minidumps match these filters/);
    t.match((await chs('dump', 'list', '--page', '3')).stderr, /There is no page 3/);
    t.match(jsonLines((await chs('dump', 'list', '--start-time', '999w', '--json')).stdout), [
      { total: 1, minidumps: [{ id: dumpId }] },
    ]);

    const shown = await chs('dump', 'show', dumpId);
    t.match(shown.stdout, /write to address 0x0 \(a null pointer\)/);
    t.match(shown.stdout, new RegExp(`^id +${dumpId}$`, 'm'));
    t.match(jsonLines((await chs('dump', 'show', dumpId, '--json')).stdout), [
      { minidump: { id: dumpId }, details: { moduleCount: 8 } },
    ]);
    t.match((await chs('pdb', 'show', pdbId)).stdout, /^store key +54A340A4D444CC374C4C44205044422E1$/m);
    t.match((await chs('exe', 'show', exeId)).stdout, /^code id +6B024A3069000$/m);

    const match = await chs('pdb', 'match', dumpId);
    t.equal(match.code, 0);
    t.match(match.stdout, new RegExp(`^id +${pdbId}$`, 'm'));
    t.match(jsonLines((await chs('pdb', 'match', example('av.dmp'), '--json')).stdout), [
      { matches: [{ file: 'crashme.pdb', module: 'crashme.exe', module_index: 0, pdb: { id: pdbId } }] },
    ]);
    t.equal((await chs('dump', 'explain', dumpId, pdbId)).code, 0);
    t.equal((await chs('dump', 'explain', dumpId, example('r2/crashme.pdb'))).code, 1);

    const saved = await chs('exe', 'download', exeId);
    t.equal(saved.stdout, 'crashme.exe\n');
    t.match(saved.stderr, /SHA-256 verified/);
    t.equal(sha256(readFileSync(join(cwd, 'crashme.exe'))), sha256(readFileSync(example('crashme.exe'))));
    const again = await chs('exe', 'download', exeId);
    t.equal(again.code, 2);
    t.match(again.stderr, /crashme\.exe: it exists already; --force/);
    t.equal((await chs('exe', 'download', exeId, '--force')).code, 0);
    t.match((await chs('pdb', 'download', pdbId, '-o', 'mine')).stdout, join('mine', 'crashme.pdb'));
    t.match(
      jsonLines((await chs('dump', 'download', dumpId, '-o', join('mine', 'my.dmp'), '--json')).stdout),
      [{ size_bytes: 215880 }],
    );
    t.strictSame(readdirSync(join(cwd, 'mine')).sort(), ['crashme.pdb', 'my.dmp']);
    t.equal((await chs('pdb', 'download', pdbId, '-o', join('nowhere', 'x.pdb'))).code, 2);

    t.match(jsonLines((await chs('pdb', 'delete', pdbId, '--yes', '--json')).stdout), [
      { deleted: true, id: pdbId },
    ]);
    const gone = await chs('exe', 'delete', exeId, 'never-was', '--yes');
    t.equal(gone.code, 2);
    t.match(gone.stdout, `deleted ${exeId}`);
    t.match(gone.stderr, /no such EXE/);
    t.equal((await chs('dump', 'delete', dumpId, '-y')).code, 0);
    t.equal((await chs('dump', 'show', dumpId)).code, 2);
  });

  t.test(`goes on with the other files when one cannot be uploaded (${mode.name})`, async (t) => {
    const cwd = testFolder(t, { empty: '', folder: {}, 'text.dmp': 'this is no minidump at all' });
    const env = await mode.start(t, cwd);
    const files = ['empty', 'folder', 'none.dmp', 'text.dmp', example('av.dmp')];
    const { code, stdout, stderr } = await runChs(['dump', 'upload', ...files], { cwd, env });
    t.equal(code, 2);
    t.match(stdout, /^.{36} {2}verified/);
    t.match(stderr, /empty: the file is empty/);
    t.match(stderr, /folder: it is empty/);
    t.match(stderr, /none\.dmp: there is no such file/);
    t.match(stderr, /text\.dmp: upload failed: wrong file type/);
    t.match(stderr, /^1 uploaded, 4 failed$/m);
  });

  t.test(`names the one file that is refused, and the options that help (${mode.name})`, async (t) => {
    const cwd = testFolder(t, {
      'text.dmp': 'this is no minidump at all',
      'cut.dmp': 'MDMP',
      'cut.exe': 'MZ',
    });
    const env = await mode.start(t, cwd);
    const upload = (group: string, ...args: string[]) => runChs([group, 'upload', ...args], { cwd, env });
    t.match(await upload('dump', 'text.dmp'), {
      code: 2,
      stderr: /^chs: text\.dmp: upload failed: wrong file type/,
    });
    t.match(await upload('dump', 'cut.dmp'), {
      code: 2,
      stderr: /^chs: cut\.dmp: upload failed: .*\n {2}hint: With --exe-guid --exe-age it is stored/,
    });
    t.match(await upload('exe', 'cut.exe', '--lang', 'zh'), {
      code: 2,
      stderr: /^chs: cut\.exe：文件上传失败：.*\n {2}提示：加上 --exe-guid，/,
    });
    t.match(await runChs(['pdb', 'upload', '-'], { cwd, env, input: 'text' }), {
      code: 2,
      stderr: /^chs: standard input: upload failed/,
    });
  });

  t.test(`uploads what comes through a pipe and streams downloads to one (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const input = readFileSync(example('av.dmp'));
    const [reply] = jsonLines((await runChs(['dump', 'upload', '-', '--json'], { cwd, env, input })).stdout);
    t.match(reply, { state: 'verified', size_bytes: input.length, sha256: sha256(input) });
    const nothing = await runChs(['dump', 'upload', '-'], { cwd, env, input: '' });
    t.equal(nothing.code, 2);
    t.match(nothing.stderr, /empty/);
    const { code, stdout } = await runChs(['dump', 'download', String(reply?.minidump_id), '-o', '-'], {
      cwd,
      env,
    });
    t.equal(code, 0);
    t.equal(stdout.slice(0, 4), 'MDMP');
  });

  t.test(
    `warns loudly when the declaration contradicts the file, and shows both (${mode.name})`,
    async (t) => {
      const cwd = testFolder(t);
      const env = await mode.start(t, cwd);
      const declared = ['--exe-version', '9.9.9.9', '--exe-age', '7'];
      const { code, stdout, stderr } = await runChs(['dump', 'upload', example('av.dmp'), ...declared], {
        cwd,
        env,
      });
      t.equal(code, 0);
      t.match(stdout, /mismatch/);
      t.match(stderr, /warning: .*IS NOT WHAT WAS DECLARED/);
      t.match(stderr, /exe_version is declared 9\.9\.9\.9, the file says 1\.2\.3\.4/);
      const shown = await runChs(['dump', 'show', stdout.slice(0, 36)], { cwd, env });
      t.match(shown.stdout, /^state +mismatch/m);
      t.match(shown.stdout, /^exe_version +9\.9\.9\.9 +1\.2\.3\.4$/m);
      t.match(shown.stdout, /^exe_age +7 +1$/m);
    },
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
