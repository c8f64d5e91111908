/** A process that makes one backup after the other, to be killed while it does. */
import { openEmbedded } from '../../daemon/embedded.ts';
import { testConfig } from '../fixtures/chs.ts';
import { settingsIn, working } from './working.ts';

const [folder = ''] = process.argv.slice(2);
const embedded = await openEmbedded(await testConfig(folder, settingsIn(folder)), 'backup');
const { create } = working(embedded);
console.log('ready');
for (;;) {
  const { id } = await create();
  console.log(`made ${id}`);
}
