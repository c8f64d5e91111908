/** A process that writes into two databases in one transaction, again and again, and fails when a write does. */
import { loadDriver } from '../../src/backends/sqlite/driver.ts';

const [main = '', msg = ''] = process.argv.slice(2);
const database = new (loadDriver())(main, { timeout: 5000 });
database.prepare('ATTACH ? AS other').run(msg);
const write = database.transaction(() => {
  database.exec("INSERT INTO t (text) VALUES ('one'); INSERT INTO other.t (text) VALUES ('one')");
});
console.log('ready');
setInterval(() => write.immediate(), 1);
