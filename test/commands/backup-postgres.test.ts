/** `chs backup` with a database of PostgreSQL: made, read whole, loaded again, and never with its password shown. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { runChs } from './run-chs.ts';

t.setTimeout(300_000);

const url = process.env.CHS_TEST_POSTGRES ?? '';
const skip = url === '' && 'CHS_TEST_POSTGRES names no server (.ci/postgres.sh start DIR)';

t.test('backs up, verifies, drills and restores a dump', { skip }, async (t) => {
  const cwd = testFolder(t);
  const places = JSON.stringify(url);
  writeFileSync(join(cwd, 'chs.config.toml'), `[backup]\ndatabases = { pg = ${places} }\ntarget = "kept"\n`);
  const ended: string[] = [];
  const chs = async (...args: string[]) => {
    const result = await runChs(['backup', ...args], { cwd });
    ended.push(result.stdout, result.stderr);
    return result;
  };
  t.match(await chs('create', 'pg'), { code: 0, stdout: / {2}1 database {2}.* {2}verified {2}/ });
  t.match(await chs('show'), { code: 0, stdout: /^database +pg \(PostgreSQL\)$/m });
  t.match(await chs('verify'), { code: 0, stdout: /^ok +pg +pg_restore --list/m });
  t.match(await chs('drill'), { code: 0, stdout: /^ok +pg +load +.* tables, /m });
  t.match(await chs('restore', 'latest', '--to', 'back/'), { code: 0, stdout: /pg_restore/ });
  t.ok(existsSync(join(cwd, 'back', 'pg.dump')));
  t.match(await chs('verify', join('back', 'pg.dump')), { code: 0 });
  const { password } = new URL(url);
  for (const secret of [password, decodeURIComponent(password)].filter((text) => text !== ''))
    t.notOk(ended.join('').includes(secret), 'no output has the password');
});
