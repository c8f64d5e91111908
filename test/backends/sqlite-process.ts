/** Another program at work on SQLite databases, in the way that its role says, until it is told to stop or killed. */
import { loadDriver } from '../../src/backends/sqlite/driver.ts';

const [role = '', first = '', second = ''] = process.argv.slice(2);
const database = new (loadDriver())(first, { timeout: 10_000 });

/**
 * One transaction over two files, again and again; gives how many. With a rollback journal it pauses now and then:
 * SQLite gives nobody else a turn.
 */
function writePairs(): () => number {
  const pauseMs = database.pragma('journal_mode', { simple: true }) === 'wal' ? 0 : 4;
  database.prepare('attach ? as other').run(second);
  const a = database.prepare('update main.counter set n = n + 1');
  const b = database.prepare('update other.counter set n = n + 1');
  const both = database.transaction(() => {
    a.run();
    b.run();
  });
  return loop(() => both(), pauseMs);
}

/** One row after the other; gives how many. */
function writeRows(): () => number {
  const insert = database.prepare(
    'insert into rows (name, bytes) values (hex(randomblob(8)), randomblob(1000))',
  );
  return loop(() => insert.run());
}

function loop(work: () => unknown, pauseMs = 0): () => number {
  let count = 0;
  const turn = (): void => {
    for (let index = 0; index < 5; index += 1) {
      work();
      count += 1;
    }
    if (pauseMs === 0) setImmediate(turn);
    else setTimeout(turn, pauseMs);
  };
  turn();
  return () => count;
}

/** @returns what is answered to `stop` */
const roles: Readonly<Record<string, () => () => unknown>> = {
  pairs: writePairs,
  rows: writeRows,
  idle() {
    database.prepare('select count(*) from sqlite_schema').get();
    setInterval(() => {}, 1000);
    return () => null;
  },
  exclusive() {
    database.exec('begin exclusive');
    setInterval(() => {}, 1000);
    return () => null;
  },
  migrating() {
    database.exec('begin immediate; alter table rows add column more text; update rows set more = name');
    setInterval(() => {}, 1000);
    return () => null;
  },
};

const answer = roles[role]?.();
if (!answer) throw new Error(`there is no role ${role}`);
process.once('disconnect', () => process.exit(0));
process.once('message', () => process.send?.(answer(), undefined, undefined, () => process.exit(0)));
process.send?.('at work');
