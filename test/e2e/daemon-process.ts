/** A daemon as a process of its own: prints its URL, stops in good order on SIGTERM, at once on a second one. */
import { startDaemon } from '../../daemon/serve.ts';
import { type Settings, testConfig } from '../fixtures/chs.ts';

const [folder = '.', settings = '{}'] = process.argv.slice(2);
const daemon = await startDaemon(await testConfig(folder, JSON.parse(settings) as Settings));
let stopping = false;
process.on('SIGTERM', () => {
  if (stopping) process.exit(143);
  stopping = true;
  void daemon.stop('SIGTERM');
});
console.log(daemon.url);
