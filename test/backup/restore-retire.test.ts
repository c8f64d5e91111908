/** The step in which a restored database takes its place, killed at any instant of it. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { sweepStaging } from '../../src/backup/restore/staging.ts';
import { testFolder } from '../fixtures/folder.ts';
import { ended, makeDatabase, openDatabase, rowsOf, started } from './restore-fixtures.ts';

const KEPT = 'main.before-20261130T020005Z.db';
const plain = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 64);

/** A database with rows that are in its WAL alone, as a killed process leaves it. */
function crashed(from: string, to: string): void {
  makeDatabase(from, 'old', 200);
  const db = openDatabase(from);
  db.pragma('journal_mode = WAL');
  db.pragma('wal_autocheckpoint = 0');
  for (let n = 0; n < 50; n += 1)
    db.prepare("insert into item (mark, body) values ('in-wal', zeroblob(900))").run();
  for (const suffix of ['', '-wal']) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  db.close();
}

for (const links of ['links', 'none']) {
  t.test(`the old database or the new one, and the old one kept (${links})`, async (t) => {
    const top = testFolder(t, { db: {} });
    const db = join(top, 'db');
    const to = join(db, 'main.db');
    makeDatabase(join(top, 'new.db'), 'new', 300);
    crashed(join(top, 'old.db'), join(top, 'crashed.db'));
    const space = process.platform === 'linux' ? plain(readlinkSync('/proc/self/ns/pid')) : 'machine';
    const outcomes = { old: 0, new: 0 };
    for (let round = 0; round < 16; round += 1) {
      for (const suffix of ['', '-wal']) copyFileSync(join(top, `crashed.db${suffix}`), `${to}${suffix}`);
      const paths = [
        to,
        join(db, 'staged', 'restored.db'),
        join(db, 'staged', 'held', KEPT),
        join(db, KEPT),
        links,
      ];
      const child = await started(t, 'retire-process.js', paths);
      // The name says which process it is of.
      const folder = join(db, `.main.db.restoring-${plain(hostname())}.${space}.${child.pid}.00ff00ff`);
      mkdirSync(join(db, 'staged', 'held'), { recursive: true });
      copyFileSync(join(top, 'new.db'), join(db, 'staged', 'restored.db'));
      const begun = new Promise((resolve) => child.stdout?.once('data', resolve));
      child.stdin?.write('go');
      await begun;
      await wait(Math.random() * (round % 2 === 0 ? 60 : 400));
      child.kill('SIGKILL');
      await ended(child);
      renameSync(join(db, 'staged'), folder);
      await sweepStaging(to);
      const rows = rowsOf(to);
      const isNew = rows.new === 300;
      outcomes[isNew ? 'new' : 'old'] += 1;
      t.same(rows, isNew ? { new: 300 } : { 'in-wal': 50, old: 200 });
      if (isNew) t.same(rowsOf(join(db, KEPT)), { 'in-wal': 50, old: 200 }, 'kept with all its rows');
      const names = readdirSync(db).filter((name) => name !== 'main.db-journal' || isNew);
      // A copy of the old one, made where there are no links, may stay though it was not replaced.
      const copies = !isNew && links === 'none' && existsSync(join(db, KEPT)) ? [KEPT] : [];
      t.same(names.sort(), isNew ? [KEPT, 'main.db'] : [...copies, 'main.db'], 'nothing else is left');
      if (copies.length > 0) t.same(rowsOf(join(db, KEPT)), { 'in-wal': 50, old: 200 });
      for (const name of readdirSync(db)) rmSync(join(db, name), { recursive: true });
    }
    t.comment(JSON.stringify(outcomes));
  });
}
