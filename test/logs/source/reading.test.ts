/** Reading patiently: how often what may pass is tried again, and what is not. */
import { test } from 'tap';
import { patiently } from '../../../src/logs/source/reading.ts';

function failing(code: string, times: number) {
  const counter = { attempts: 0 };
  const work = async () => {
    counter.attempts += 1;
    if (counter.attempts <= times) throw Object.assign(new Error(code), { code });
    return 'read';
  };
  return { counter, work };
}

test('tries an error of the disk again three times after the first attempt', async (t) => {
  const passing = failing('EIO', 3);
  t.equal(await patiently(passing.work), 'read');
  t.equal(passing.counter.attempts, 4);
  const staying = failing('EIO', 4);
  await t.rejects(patiently(staying.work), { code: 'EIO' });
  t.equal(staying.counter.attempts, 4);
});

test('does not try again what will not pass', async (t) => {
  const missing = failing('ENOENT', 1);
  await t.rejects(patiently(missing.work), { code: 'ENOENT' });
  t.equal(missing.counter.attempts, 1);
});
