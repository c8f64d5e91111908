/** Files find their places while the folders around them come and go. */
import { rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { linkInto, takeAway } from '../../src/backends/fs/place.ts';
import { makeFolder } from '../../src/platform/durable.ts';
import { codeOf } from '../../src/platform/system-error.ts';
import { testFolder } from '../fixtures/folder.ts';

t.test('places a file though others remove its folders as empty, time and again', async (t) => {
  const root = testFolder(t);
  const places = Array.from({ length: 8 }, async (_, worker) => {
    const data = join(root, `data-${worker}`);
    await writeFile(data, String(worker));
    for (let round = 0; round < 40; round += 1) {
      const path = join(root, 'minidumps', '1.0', 'a_1', `crash_${worker}.dmp`);
      if ((await linkInto(data, path, root)) !== 'placed') throw new Error(`round ${round} found it taken`);
      await takeAway(path, root);
    }
  });
  await t.resolves(Promise.all(places));
});

t.test('gives up where a file stays in the way of a folder', async (t) => {
  const root = testFolder(t);
  const data = join(root, 'data');
  await writeFile(data, 'x');
  await writeFile(join(root, 'minidumps'), 'not a folder');
  const refused = await linkInto(data, join(root, 'minidumps', '1.0', 'x.dmp'), root).catch(codeOf);
  t.equal(refused, 'ENOTDIR');
});

t.test('says of a folder that went meanwhile that it went, not that it is in the way', async (t) => {
  const root = testFolder(t);
  const chain = ['a', 'a/b', 'a/b/c'].map((below) => join(root, below)).reverse();
  const said = new Set<string>();
  const race = Array.from({ length: 8 }, async () => {
    for (let round = 0; round < 250; round += 1) {
      await makeFolder(join(root, 'a', 'b', 'c'), 0o750).catch((error) => said.add(codeOf(error) ?? 'none'));
      for (const folder of chain) await rmdir(folder).catch(() => {});
    }
  });
  await Promise.all(race);
  t.strictSame(
    [...said].filter((code) => code !== 'ENOENT' && code !== 'ENOTDIR'),
    [],
  );
});
