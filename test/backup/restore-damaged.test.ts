/** A restore over a database that is damaged: the very file that a backup is there to replace. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { retire } from '../../src/backends/sqlite/backup-worker/retire.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreBackup } from '../../src/backup/restore/restore.ts';
import { testFolder } from '../fixtures/folder.ts';
import { makeBackup, makeDatabase, never, nowMs, rowsOf, testWorker } from './restore-fixtures.ts';

const BEFORE = 'main.before-20261130T020005Z.db';
const garbage = (bytes: number): Buffer => Buffer.alloc(bytes, 'no page of SQLite ');

/** What a disk makes of a database. */
const damages: Readonly<Record<string, (whole: Buffer) => Buffer>> = {
  'no header': (whole) => Buffer.concat([garbage(4096), whole.subarray(4096)]),
  'no schema': (whole) => Buffer.concat([whole.subarray(0, 100), garbage(3996), whole.subarray(4096)]),
  'no end': (whole) => whole.subarray(0, 4096),
  'no pages': (whole) => Buffer.concat([whole.subarray(0, 4096), garbage(whole.length - 4096)]),
  'nothing of it': (whole) => garbage(whole.length),
};

for (const [what, damage] of Object.entries(damages)) {
  t.test(`replaces in its place a database with ${what}, and keeps it as it was`, async (t) => {
    const worker = testWorker(t);
    const top = testFolder(t, { db: {} });
    const to = join(top, 'db', 'main.db');
    makeDatabase(join(top, 'from.db'), 'new');
    makeDatabase(to, 'old', 80);
    const { folder } = await makeBackup(worker, join(top, 'backups'), { main: join(top, 'from.db') });
    const damaged = damage(readFileSync(to));
    writeFileSync(to, damaged);
    const source = await openFileSource(folder);
    const inPlace = { databases: { main: to }, storage: null };
    const options = { source, only: null, worker, nowMs, signal: never };
    const { databases } = await restoreBackup({ ...options, to: null, inPlace });
    t.match(databases, [{ path: to, replaced: join(top, 'db', BEFORE) }]);
    t.same(rowsOf(to), { new: 50 });
    t.ok(readFileSync(join(top, 'db', BEFORE)).equals(damaged), 'what was there, byte for byte');
    t.same(readdirSync(join(top, 'db')).sort(), [BEFORE, 'main.db']);
  });
}

for (const links of [true, false]) {
  t.test(`nothing beside a damaged database gets to the new one (hard links: ${links})`, async (t) => {
    const top = testFolder(t, { db: {}, '.staging': { held: {} } });
    const to = join(top, 'db', 'main.db');
    const replacement = join(top, '.staging', 'new.db');
    makeDatabase(replacement, 'new');
    writeFileSync(to, garbage(8192));
    for (const suffix of ['-wal', '-shm']) writeFileSync(`${to}${suffix}`, suffix);
    const held = join(top, '.staging', 'held', BEFORE);
    const paths = { path: to, replacement, held, keepAs: join(top, 'db', BEFORE), links };
    const refused = { refused: 'what is there is no SQLite database', kept: false };
    t.same(await retire({ ...paths, notDatabase: false }), refused, 'unless it is said to be its place');
    t.ok(readFileSync(to).equals(garbage(8192)));
    t.same(await retire({ ...paths, notDatabase: true }), { refused: null, kept: true });
    t.same(rowsOf(to), { new: 50 });
    t.ok(readFileSync(join(top, 'db', BEFORE)).equals(garbage(8192)));
    const beside = readdirSync(join(top, 'db')).filter((name) => name.startsWith('main.db-'));
    t.same(beside, []);
    t.same(readdirSync(join(top, '.staging'), { recursive: true }), ['held']);
  });
}
