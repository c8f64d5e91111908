/** `chs dump prune`: in both modes, with a plan, with a question that nobody can answer, with --yes. */
import { join } from 'node:path';
import t from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

/** Makes what commands stored that run in `cwd`, their home, look 100 days old. */
function age(cwd: string): void {
  const database = new (loadDriver())(join(cwd, 'xdg-data', 'chs', 'data', 'crash_handler.db'));
  const ms = 100 * 86_400_000;
  database.exec(`update minidumps set created_ms = created_ms - ${ms};
    update pdbs set uploaded_ms = uploaded_ms - ${ms}`);
  database.close();
}

for (const mode of modes) {
  t.test(`says what would go, asks, and deletes it (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(args, { cwd, env });
    await chs('dump', 'upload', example('av.dmp'));
    await chs('pdb', 'upload', example('crashme.pdb'), example('r2/crashme.pdb'));

    const none = await chs('dump', 'prune', '--plan');
    t.match(none, { code: 64, stdout: '', stderr: /nothing says what may be deleted[\s\S]*--max-age 90d/ });
    t.match(await chs('dump', 'prune', '--max-age', 'soon'), {
      code: 64,
      stderr: /--max-age.*a span such as/,
    });
    t.match(await chs('dump', 'prune', '--plan', '--max-age', '90d'), {
      code: 0,
      stdout: /^Nothing is to be deleted of 3 files, [\d.]+ KB\.\n$/,
    });
    age(cwd);
    const plan = await chs('dump', 'prune', '--plan', '--max-age', '90d');
    t.equal(plan.code, 0);
    t.match(plan.stdout, /^TO DELETE +FILES +SIZE +OLDEST \(UTC\) +NEWEST \(UTC\)\nminidumps +1 /);
    t.match(plan.stdout, /^PDBs +2 /m);
    t.match(
      plan.stdout,
      /^all +3 +[\d.]+ KB\nof 3 files, .*\nNo minidump that stays would become undebuggable\.$/m,
    );
    const [json] = jsonLines(
      (await chs('dump', 'prune', '--plan', '--max-size', '1', '--keep-symbols', '--json')).stdout,
    );
    t.match(json, { plan: true, minidumps: { files: 1 }, pdbs: { files: 0 }, policy: { max_size_bytes: 1 } });

    const unasked = await chs('dump', 'prune', '--max-age', '90d');
    t.match(unasked, {
      code: 64,
      stdout: '',
      stderr: /minidumps +1 [\s\S]*no terminal to ask on[\s\S]*--yes/,
    });
    t.match(await chs('dump', 'list', '--json'), { stdout: /"total":1/ }, 'nothing has gone');
    const done = await chs('dump', 'prune', '--max-age', '90d', '--yes');
    t.match(done, {
      code: 0,
      stdout: /^deleted 1 minidumps, 2 PDBs, 0 EXEs: [\d.]+ KB freed\n$/,
      stderr: '',
    });
    const again = await chs('dump', 'prune', '--max-age', '90d', '--yes', '--json');
    t.match(jsonLines(again.stdout), [{ plan: false, minidumps: { files: 0 }, to_delete: { files: 0 } }]);
    t.equal(again.code, 0);
  });
}
