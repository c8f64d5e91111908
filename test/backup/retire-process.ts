/** A process that puts one database in the place of another when it is told to, to be killed while it does. */
import { retire } from '../../src/backends/sqlite/backup-worker/retire.ts';

const [path = '', replacement = '', held = '', keepAs = '', links = ''] = process.argv.slice(2);
console.log('ready');
process.stdin.once('data', async () => {
  console.log('begun');
  await retire({ path, replacement, held, keepAs, links: links === 'links', notDatabase: false });
  console.log('done');
});
