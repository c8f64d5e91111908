/** What a disk that fails under a packed file does to whoever reads it. */
import { closeSync, openSync, statSync } from 'node:fs';
import t from 'tap';
import { openWindow } from '../../../src/logs/search/window.ts';
import { plainFile } from './engine.ts';

/** It opens, and reading its first bytes fails with EIO. */
const FAILING = '/proc/self/mem';
const isThere = statSync(FAILING, { throwIfNoEntry: false })?.isFile() ?? false;

t.test('names the file that cannot be read, packed or not', { skip: !isThere }, async (t) => {
  // Kept open, so that it stays the same file.
  const descriptor = openSync(FAILING, 'r');
  t.teardown(() => closeSync(descriptor));
  for (const compression of ['none', 'gzip'] as const) {
    const file = { ...plainFile(FAILING, { encoding: 'utf-8', bomBytes: 0 }), compression };
    const window = await openWindow(file, { start: 0, fileEnd: 100 });
    await t.rejects(window.extend(), { name: 'Error', code: 'IO_ERROR' }, compression);
    window.close();
  }
});
