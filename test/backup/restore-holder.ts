/** A process that has a database open, in one of the ways that a restore has to notice. */
import { loadDriver } from '../../src/backends/sqlite/driver.ts';

const [path = '', how = ''] = process.argv.slice(2);
const Driver = loadDriver();
const db = new Driver(path);
db.pragma(how === 'wal' || how === 'crash' ? 'journal_mode = WAL' : 'journal_mode = DELETE');
if (how === 'empty') db.exec('create table item (id integer primary key)');
db.prepare('select count(*) from item').get();
if (how === 'transaction') {
  db.exec('begin immediate');
  db.prepare("insert into item (mark, body) values ('open', randomblob(10))").run();
}
// So many that pages of the transaction are in the file already, and the journal has what they were.
if (how === 'spilled') {
  db.pragma('cache_size = 5');
  db.exec('begin immediate');
  db.prepare("update item set mark = 'half'").run();
  const insert = db.prepare("insert into item (mark, body) values ('half', randomblob(900))");
  for (let n = 0; n < 200; n += 1) insert.run();
}
// Committed, and in the WAL alone: whoever is killed now leaves it there.
if (how === 'crash') {
  db.pragma('wal_autocheckpoint = 0');
  for (let n = 0; n < 7; n += 1)
    db.prepare("insert into item (mark, body) values ('in-wal', zeroblob(700))").run();
}
console.log('ready');
process.stdin.resume();
process.stdin.once('end', () => db.close());
