/** A schedule that means nothing: refused where it is configured, and never taken for one that works. */
import t from 'tap';
import { openEmbedded } from '../../daemon/embedded.ts';
import { startDaemon } from '../../daemon/serve.ts';
import { testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { settingsIn, working } from './working.ts';

t.test('numbers that no clock has are refused with the configuration', async (t) => {
  const load = async (schedule: string) =>
    testConfig(testFolder(t), { 'backup.schedule': schedule }).then(
      () => 'taken',
      ({ message }) => String(message),
    );
  for (const schedule of ['99 * * * *', '0 24 * * *', '0 2 0 * *', '0 2 32 * *', '0 2 * 13 *', '0 2 * * 8'])
    t.match(await load(schedule), /five fields of cron/, schedule);
  for (const schedule of ['0 2 ? * *', '0 2 * *', '0-60 * * * *', '0,61 * * * *'])
    t.match(await load(schedule), /five fields of cron/, schedule);
  for (const schedule of ['0 2 * * *', '*/90 0-23/2 1,31 JAN-DEC 0-7', '59 23 L 12 MON#5', ' 5 4 * * SUN '])
    t.equal(await load(schedule), 'taken', schedule);
});

t.test(
  'a pattern that is found out later keeps the server from being ready, and no list from being read',
  async (t) => {
    const folder = testFolder(t);
    const loaded = await testConfig(folder, settingsIn(folder, { 'backup.schedule': '0 2 * FOO *' }));
    const embedded = await openEmbedded(loaded, 'backup');
    t.teardown(() => embedded.close());
    const { schedule } = await working(embedded).client.listBackups({});
    t.match(schedule, { cron: '0 2 * FOO *', next_run: null });
    const settings = settingsIn(folder, { 'backup.schedule': '0 2 * FOO *', 'server.port': 0 });
    const daemon = await startDaemon(await testConfig(folder, settings));
    t.teardown(() => daemon.stop('the test is over'));
    const ready = await fetch(`${daemon.url}/health/ready`);
    t.equal(ready.status, 503);
    t.match(
      await ready.text(),
      /"name":"backup","status":"failed","reason":"[^"]*the schedule cannot be read/,
    );
  },
);
