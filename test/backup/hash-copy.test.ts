/** A copy is hashed while it grows, and never wrongly. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hasUnwritten, startHash } from '../../src/backup/worker/hash-copy.ts';
import { testFolder } from '../fixtures/folder.ts';

const PAGE_BYTES = 4096;
const { signal: never } = new AbortController();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

t.test('hashes what is settled, with the first page that is foretold', async (t) => {
  const path = join(testFolder(t), 'copy');
  const bytes = randomBytes(1000 * PAGE_BYTES);
  const file = openSync(path, 'w');
  const hash = startHash(path, bytes.subarray(0, PAGE_BYTES), never);
  for (let pages = 1; pages < 1000; pages += 1) {
    writeSync(file, bytes, pages * PAGE_BYTES, PAGE_BYTES, pages * PAGE_BYTES);
    if (pages % 100 !== 0) continue;
    hash.settle((pages - 50) * PAGE_BYTES);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  writeSync(file, bytes, 0, PAGE_BYTES, 0);
  closeSync(file);
  hash.finish();
  t.same(await hash.result, { sizeBytes: bytes.length, sha256: sha256(bytes) });
});

for (const [what, pages] of Object.entries({ 'in a hole': 1000, 'behind the end': 300 }))
  t.test(`knows nothing when it had to read ${what}`, async (t) => {
    const path = join(testFolder(t), 'copy');
    const bytes = randomBytes(1000 * PAGE_BYTES);
    bytes.fill(0, 400 * PAGE_BYTES, 401 * PAGE_BYTES);
    writeFileSync(path, bytes.subarray(0, pages * PAGE_BYTES));
    const hash = startHash(path, bytes.subarray(0, PAGE_BYTES), never);
    hash.settle(bytes.length);
    t.equal(await hash.result, null);
  });

t.test('takes zeros for what they are in a finished copy', async (t) => {
  const path = join(testFolder(t), 'copy');
  const bytes = Buffer.alloc(300 * PAGE_BYTES);
  writeFileSync(path, bytes);
  for (const firstPage of [null, bytes.subarray(0, PAGE_BYTES)]) {
    const hash = startHash(path, firstPage, never);
    hash.finish();
    t.match(await hash.result, { sha256: sha256(bytes) });
  }
});

t.test('takes the page that holds the locks of SQLite for what it is, a hole', (t) => {
  const bytes = Buffer.alloc(2 * PAGE_BYTES, 1);
  bytes.fill(0, PAGE_BYTES);
  t.equal(hasUnwritten(bytes, 2 ** 30 - PAGE_BYTES, PAGE_BYTES), false);
  t.equal(hasUnwritten(bytes, 2 ** 30, PAGE_BYTES), true);
  t.end();
});

t.test('ends when it is abandoned, or by the signal', async (t) => {
  const path = join(testFolder(t), 'copy');
  writeFileSync(path, '');
  await startHash(path, Buffer.alloc(PAGE_BYTES), never).abandon();
  const stop = new AbortController();
  const hash = startHash(path, Buffer.alloc(PAGE_BYTES), stop.signal);
  stop.abort(new Error('enough'));
  await t.rejects(hash.result, { message: 'enough' });
  await t.rejects(startHash(`${path}.not`, null, never).result, { code: 'ENOENT' });
});
