/** `chs dump top`, `chs dump modules` and `chs pdb wanted`: what a whole store says. */
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';

for (const mode of modes) {
  t.test(`tells what crashes most and what is missing (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    t.match(await chs('dump', 'top'), { code: 0, stdout: '', stderr: /No minidumps yet/ });
    t.match(await chs('pdb', 'wanted'), { code: 0, stdout: '', stderr: /Nothing is wanted/ });
    const [dump] = jsonLines((await chs('dump', 'upload', example('av.dmp'), '--json')).stdout);
    const id = String(dump?.minidump_id);

    const top = await chs('dump', 'top');
    t.equal(top.code, 0);
    t.match(top.stdout, /^COUNT +TREND \(14 D\) +CHANGE +SIGNATURE +EXCEPTION +VERSIONS/);
    t.match(
      top.stdout,
      /^ +1 +[·▁▂▃▄▅▆▇█]{14} +\w+ +0xC0000005 crashme\.exe\+0x156E +ACCESS_VIOLATION +1\.2\.3\.4/m,
    );
    t.match(top.stderr, /1 of 1 crashes, in 1 minidumps/);
    t.match(jsonLines((await chs('dump', 'top', '--json')).stdout), [{ total: 1, crashes: [{ count: 1 }] }]);
    t.match(await chs('dump', 'top', '--version', '9.9'), {
      code: 0,
      stdout: '',
      stderr: /none that these options/,
    });
    t.match(
      (await chs('dump', 'list', '--signature', '0xC0000005 crashme.exe+0x156E')).stdout,
      new RegExp(id),
    );

    const wanted = await chs('pdb', 'wanted');
    t.match(
      wanted.stdout,
      new RegExp(`^crashme\\.pdb +${GUID} +1 +crashme\\.exe +1\\.2\\.3\\.4 +1 +0 `, 'm'),
    );
    t.match(wanted.stderr, /1 modules of stored dumps lack their PDB/);
    t.match(await chs('dump', 'modules', id), {
      code: 1,
      stdout: new RegExp(
        `^> +crashme\\.exe +1\\.2\\.3\\.4 +- +- +${GUID} +crashme\\.pdb is not stored$`,
        'm',
      ),
      stderr: /Not debuggable: crashme\.pdb is not stored \(crashme\.exe\); 0 of 8 modules/,
    });
    t.match((await chs('dump', 'show', id)).stdout, /^debuggable +no; `chs dump modules [\w-]+` says why$/m);
    t.match((await chs('dump', 'list', '--debuggable')).stderr, /No minidumps match/);
    t.match((await chs('dump', 'list', '--no-debuggable')).stdout, new RegExp(id));

    await chs('pdb', 'upload', example('crashme.pdb'));
    t.match(await chs('dump', 'modules', id), { code: 0, stderr: /Debuggable: 1 of 8 modules/ });
    t.match((await chs('dump', 'show', id)).stdout, /^debuggable +yes$/m);
    t.match((await chs('dump', 'list', '--debuggable')).stdout, new RegExp(id));
    t.match(await chs('dump', 'modules', 'none'), { code: 2, stderr: /none/ });
  });
}
