/** A daemon that is killed while it deletes by its retention: every row has its file, and every file its row. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { crashme, form, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { spawnDaemon } from './spawned-daemon.ts';

// Many uploads on a slow machine; this guards against a hang, no more.
t.setTimeout(180_000);

/** Two steps of what is deleted at a time, and some. */
const FILES = 70;

t.test('a kill in the middle leaves nothing half-way', async (t) => {
  const folder = testFolder(t);
  const first = await spawnDaemon(t, folder);
  const upload = async (number: number): Promise<void> => {
    const bytes = Buffer.concat([crashme('av.dmp'), Buffer.from(`number ${number}`)]);
    const body = form({ minidump: { name: 'av.dmp', bytes } });
    const reply = await fetch(`${first.url}/api/upload/minidump`, {
      method: 'POST',
      headers: { 'x-api-key': TEST_KEY },
      body,
    });
    if (!reply.ok) throw new Error(await reply.text());
    await reply.text();
  };
  for (let number = 0; number < FILES; number += 1) await upload(number);
  first.process.kill('SIGKILL');
  await first.ended;
  const database = new (loadDriver())(join(folder, 'data', 'crash_handler.db'));
  t.teardown(() => database.close());
  database.exec(`update minidumps set created_ms = created_ms - ${100 * 86_400_000}`);

  const count = (): number =>
    (database.prepare('select count(*) as n from minidumps').get() as { n: number }).n;
  const killedAt: number[] = [];
  while (count() > 0) {
    const daemon = await spawnDaemon(t, folder);
    const before = count();
    const pruning = fetch(`${daemon.url}/api/prune`, {
      method: 'POST',
      headers: { 'x-api-key': TEST_KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ max_age: '90d' }),
    }).catch(() => null);
    // Rows go first, their files follow: the kill comes in between, or soon after.
    while (count() === before) await sleep(1);
    daemon.process.kill('SIGKILL');
    await Promise.all([pruning, daemon.ended]);
    killedAt.push(before - count());
    // The next start puts right what the kill left; it looks before it listens.
    const next = await spawnDaemon(t, folder);
    const rows = database.prepare('select file_path from minidumps').all() as { file_path: string }[];
    const paths = rows.map(({ file_path }) => file_path.replace('./storage/', '')).sort();
    t.same(filesIn(join(folder, 'storage')), paths, `${paths.length} are left`);
    next.process.kill('SIGKILL');
    await next.ended;
  }
  t.comment(`deleted before each kill: ${killedAt.join(', ')}`);
});

/** Without what is set aside for a full disk. */
function filesIn(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('.incoming/reserve'))
    .sort();
}
