/** The state of backup runs, written by several processes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readState, writeState } from '../../src/backup/state.ts';
import { testFolder } from '../fixtures/folder.ts';

const NOTHING = {
  scheduled_since: null,
  last_run: null,
  last_scheduled: null,
  claimed: null,
  last_verified: null,
};
const AT = '2026-11-30T02:00:00Z';

t.test('keeps what it is told', async (t) => {
  const path = join(testFolder(t), 'data', 'backup_state.json');
  t.strictSame(await readState(path), NOTHING);
  const last_run = { at: AT, ok: false, reason: 'the disk is full' };
  t.strictSame(await writeState(path, (state) => ({ ...state, last_run })), { ...NOTHING, last_run });
  const last_verified = { id: 'x', timestamp: AT, verified_at: AT, databases: ['main'] };
  await writeState(path, (state) => ({ ...state, last_verified }));
  t.strictSame(await readState(path), { ...NOTHING, last_run, last_verified });
  t.strictSame(readdirSync(join(path, '..')), ['backup_state.json']);
  const before = readFileSync(path, 'utf8');
  await writeState(path, (state) => state);
  t.equal(readFileSync(path, 'utf8'), before);
  await t.rejects(
    writeState(path, () => {
      throw new Error('no');
    }),
    { message: 'no' },
  );
  t.strictSame(readdirSync(join(path, '..')), ['backup_state.json'], 'the lock is gone after a failure');
});

t.test('a damaged file knows nothing, a damaged field takes no other with it', async (t) => {
  const path = join(testFolder(t), 'state.json');
  for (const content of ['', '{', 'null', '[]', '7', '\0\0\0\0', ' '.repeat(5_000_000)]) {
    writeFileSync(path, content);
    t.strictSame(await readState(path), NOTHING);
  }
  writeFileSync(path, JSON.stringify({ last_scheduled: AT, last_run: { at: 'never' }, scheduled_since: 3 }));
  t.strictSame(await readState(path), { ...NOTHING, last_scheduled: AT });
  await writeState(path, (state) => ({ ...state, scheduled_since: AT }));
  t.strictSame(await readState(path), { ...NOTHING, last_scheduled: AT, scheduled_since: AT });
});

t.test('no change is lost among processes', async (t) => {
  const path = join(testFolder(t), 'state.json');
  const module = new URL('../../src/backup/state.js', import.meta.url).href;
  const code = `const { writeState } = await import(${JSON.stringify(module)});
    for (let n = 0; n < 25; n += 1) {
      await writeState(${JSON.stringify(path)}, (state) => ({
        ...state,
        last_run: { at: ${JSON.stringify(AT)}, ok: true, reason: String(Number(state.last_run?.reason ?? 0) + 1) },
      }));
    }`;
  const codes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
      const [exit] = await once(child, 'exit');
      return exit;
    }),
  );
  t.strictSame(codes, [0, 0, 0, 0]);
  t.equal((await readState(path)).last_run?.reason, '100');
});

t.test('the lock of a dead process is broken', async (t) => {
  const path = join(testFolder(t), 'state.json');
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeFileSync(`${path}.lock`, `${pid} ${hostname()} 0011223344556677`);
  await writeState(path, (state) => ({ ...state, scheduled_since: AT }));
  t.equal((await readState(path)).scheduled_since, AT);
  t.strictSame(readdirSync(join(path, '..')), ['state.json']);
});

t.test('says when there is no writing', async (t) => {
  const folder = testFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await t.rejects(
    writeState(join(folder, 'file', 'state.json'), (state) => state),
    { code: 'STORAGE_UNWRITABLE' },
  );
  mkdirSync(join(folder, 'state.json'));
  await t.rejects(readState(join(folder, 'state.json')), { code: 'STORAGE_UNWRITABLE' });
});
