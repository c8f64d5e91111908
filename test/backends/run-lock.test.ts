/** The lock that one process holds at a time: takers of one instant, holders that are killed, places without locks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { takeRunLock } from '../../src/backends/sqlite/run-lock.ts';
import { testFolder } from '../fixtures/folder.ts';

const child = fileURLToPath(new URL('./run-lock-process.js', import.meta.url));

/** Another process that tries to take it, and what it says. */
async function taker(t: Test, path: string): Promise<{ process: ChildProcess; said: string }> {
  const process = spawn(globalThis.process.execPath, [child, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => process.kill('SIGKILL'));
  const [said] = await once(process.stdout, 'data');
  return { process, said: String(said).trim() };
}

t.test('has one holder, and another one after it was released', async (t) => {
  const path = join(testFolder(t), 'deep', 'run.lock');
  const lock = await takeRunLock(path);
  t.ok(lock);
  t.equal(await takeRunLock(path), null, 'not in the same process');
  t.equal((await taker(t, path)).said, 'refused', 'nor in another');
  await lock?.release();
  await lock?.release();
  const again = await takeRunLock(path);
  t.ok(again);
  await again?.release();
});

t.test('is free again when its holder is killed', async (t) => {
  const path = join(testFolder(t), 'run.lock');
  for (let round = 0; round < 3; round += 1) {
    const { process, said } = await taker(t, path);
    t.equal(said, 'taken');
    t.equal(await takeRunLock(path), null);
    process.kill('SIGKILL');
    await once(process, 'exit');
  }
  const lock = await takeRunLock(path);
  t.ok(lock);
  await lock?.release();
});

t.test('has exactly one holder of many that want it at one instant', async (t) => {
  const path = join(testFolder(t), 'run.lock');
  for (let round = 0; round < 5; round += 1) {
    const locks = await Promise.all(Array.from({ length: 8 }, () => takeRunLock(path)));
    t.equal(locks.filter((lock) => lock !== null).length, 1);
    for (const lock of locks) await lock?.release();
  }
  const takers = await Promise.all(Array.from({ length: 6 }, () => taker(t, path)));
  t.equal(takers.filter(({ said }) => said === 'taken').length, 1, 'of processes, too');
});

t.test('says where there can be no lock', async (t) => {
  const folder = testFolder(t);
  writeFileSync(join(folder, 'text'), 'no database, and long enough to be taken for one'.repeat(40));
  await t.rejects(takeRunLock(join(folder, 'text')), { code: 'BACKUP_TARGET' });
  await t.rejects(takeRunLock(join(folder, 'text', 'run.lock')), { code: 'BACKUP_TARGET' });
  mkdirSync(join(folder, 'run.lock'));
  await t.rejects(takeRunLock(join(folder, 'run.lock')), { code: 'BACKUP_TARGET' });
});
