/** A process that prunes the backups of a folder, to be killed while it does. */
import { openEmbedded } from '../../daemon/embedded.ts';
import { testConfig } from '../fixtures/chs.ts';
import { settingsIn, working } from './working.ts';

const [folder = ''] = process.argv.slice(2);
const embedded = await openEmbedded(await testConfig(folder, settingsIn(folder)), 'backup');
const { prune, close } = working(embedded);
console.log('ready');
const { deleted } = await prune({ keep_days: 30, keep_last: 1 });
console.log(`deleted ${deleted.length}`);
await close();
