/** Another program that writes to a database at a steady rate, and notes how long each write takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDriver } from '../src/backends/sqlite/driver.ts';

const [path = '', perSecond = '100'] = process.argv.slice(2);
const database = new (loadDriver())(path, { timeout: 0 });
const insert = database.prepare('insert into written (bytes) values (randomblob(300))');
let samples: number[] = [];
let failures = 0;

process.once('disconnect', () => process.exit(0));
// What was taken since the last time it was asked.
process.on('message', () => {
  process.send?.({ samples, failures });
  samples = [];
});

for (;;) {
  const startedMs = performance.now();
  try {
    insert.run();
  } catch {
    failures += 1;
  }
  const tookMs = performance.now() - startedMs;
  samples.push(tookMs);
  await sleep(Math.max(0, 1000 / Number(perSecond) - tookMs));
}
