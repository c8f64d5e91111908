/** Restores that are killed: what they leave is the old database or the new one, whole, and nothing else. */
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { sweepStaging } from '../../src/backup/restore/staging.ts';
import { codeOf } from '../../src/platform/system-error.ts';
import { testFolder } from '../fixtures/folder.ts';
import { ended, makeBackup, makeDatabase, rowsOf, started, testWorker } from './restore-fixtures.ts';

const BEFORE = 'main.before-20261130T020005Z.db';

function namesOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('main.before-'));
}

function untilSaid(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.on('data', (text) => String(text).includes(word) && resolve());
  });
}

/** It may be done already. */
function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** Waits until no process of a group is left. */
async function groupGone(group: number): Promise<void> {
  for (;;) {
    try {
      process.kill(-group, 0);
    } catch {
      return;
    }
    await wait(5);
  }
}

t.test('what a dead restore held is kept when it was replaced, and forgotten when it was not', async (t) => {
  const top = testFolder(t, { db: {} });
  const to = join(top, 'db', 'main.db');
  const gone = await started(t, 'restore-holder.js', [join(top, 'other.db'), 'empty']);
  gone.kill('SIGKILL');
  await ended(gone);
  const space = process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : 'machine';
  const plain = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 64);
  const name = `.main.db.restoring-${plain(hostname())}.${plain(space)}.${gone.pid}.00ff00ff`;
  const folder = join(top, 'db', name);
  makeDatabase(to, 'old', 20);

  mkdirSync(join(folder, 'held'), { recursive: true });
  linkSync(to, join(folder, 'held', BEFORE));
  writeFileSync(join(folder, 'restored.db'), 'half');
  await sweepStaging(to);
  t.same(readdirSync(join(top, 'db')), ['main.db'], 'killed before the rename: the old one is in its place');
  t.same(rowsOf(to), { old: 20 });

  mkdirSync(join(folder, 'held'), { recursive: true });
  renameSync(to, join(folder, 'held', BEFORE));
  makeDatabase(to, 'new', 30);
  await sweepStaging(to);
  t.same(readdirSync(join(top, 'db')).sort(), [BEFORE, 'main.db'], 'killed after it: the old one is kept');
  t.same(rowsOf(join(top, 'db', BEFORE)), { old: 20 });
  t.same(rowsOf(to), { new: 30 });

  const living = folder.replace(`.${gone.pid}.`, `.${process.ppid}.`);
  mkdirSync(living);
  await sweepStaging(to);
  t.ok(existsSync(living), 'the folder of a living process stays');
});

const noGroups = process.platform === 'win32' && 'Windows has no groups of processes to be killed at once';
t.test(
  'killed at any instant, the target is the old database or the new one, whole',
  { skip: noGroups },
  async (t) => {
    const worker = testWorker(t);
    const top = testFolder(t, { db: {} });
    const to = join(top, 'db', 'main.db');
    makeDatabase(join(top, 'from.db'), 'new', 900);
    const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
    const outcomes = { old: 0, new: 0 };
    let committed = 0;
    for (let round = 0; round < 12; round += 1) {
      if (!existsSync(to)) makeDatabase(to, 'old', 300);
      const holder = await started(t, 'restore-holder.js', [to, 'crash']);
      holder.kill('SIGKILL');
      await ended(holder);
      committed += 7;
      const rows = JSON.stringify({ 'in-wal': committed, old: 300 });
      const kept = namesOf(join(top, 'db')).length;
      const child = await started(t, 'restore-process.js', [folder, to], true);
      // Some before anything could be done; then half of them right around the step that counts, the others anywhere.
      const isAtOnce = round < 4;
      if (!isAtOnce && round % 2 === 0) await Promise.race([untilSaid(child, 'replace'), ended(child)]);
      if (!isAtOnce) await wait(Math.random() * (round % 2 === 0 ? 100 : 600));
      // Both at once, or the parent alone: what the worker does a moment longer ends in the same two ways.
      if (round % 4 < 2) killGroup(Number(child.pid));
      else child.kill('SIGKILL');
      await ended(child);
      await groupGone(Number(child.pid));
      await sweepStaging(to);
      const found = rowsOf(to);
      const isNew = found.new === 900 && Object.keys(found).length === 1;
      outcomes[isNew ? 'new' : 'old'] += 1;
      if (isNew) {
        const before = namesOf(join(top, 'db'));
        t.equal(before.length, kept + 1, 'what was replaced is kept');
        const newest = before.find((name) => JSON.stringify(rowsOf(join(top, 'db', name))) === rows);
        t.ok(newest, 'with every row that it had');
      } else {
        t.equal(JSON.stringify(found), rows);
        t.equal(namesOf(join(top, 'db')).length, kept);
      }
      const names = namesOf(join(top, 'db'));
      // SQLite keeps an empty journal of the old one until somebody writes again.
      const mayStay = isNew ? names : [...names, 'main.db-journal'];
      const left = readdirSync(join(top, 'db')).filter((name) => !mayStay.includes(name));
      t.same(left, ['main.db'], 'nothing else is left');
      if (isNew) {
        for (const name of readdirSync(join(top, 'db'))) rmSync(join(top, 'db', name));
        committed = 0;
      }
    }
    t.comment(JSON.stringify(outcomes));
    t.ok(outcomes.old > 0);
  },
);
