/** Files that change between two pages of a search: never a wrong line, and a notice of what is left out. */
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import {
  allPages,
  appendLog,
  daemonOn,
  HOUR_MS,
  hitsOf,
  LARGE,
  numberedLines,
  openSession,
  placesOf,
  READABLE,
  T0_MS,
  tool,
  WATCHED,
  writeLog,
  writeThree,
} from './logs-wire.ts';
import { at, inBoth, listAt } from './wire.ts';

/** What happens to `a-third.log` between the first page and the others, and the notice that tells of it. */
const changes: readonly {
  readonly what: string;
  readonly notice: RegExp | null;
  readonly change: (path: string, folder: string) => void;
}[] = [
  {
    what: 'grows',
    notice: null,
    change: (_, folder) => appendLog(folder, 'a-third.log', numberedLines(9, { first: 900 })),
  },
  {
    what: 'is renamed and begun anew',
    notice: /^(REPLACED|TRUNCATED|GONE)$/,
    change: (path, folder) => {
      renameSync(path, `${path}.1`);
      writeLog(folder, 'a-third.log', numberedLines(3, { first: 900 }));
    },
  },
  { what: 'is cut to nothing', notice: /^TRUNCATED$/, change: (path) => truncateSync(path, 0) },
  { what: 'is cut in the middle', notice: /^TRUNCATED$/, change: (path) => truncateSync(path, 1000) },
  {
    what: 'is replaced by a longer one',
    notice: /^REPLACED$/,
    change: (path) => {
      writeFileSync(`${path}.new`, numberedLines(500, { first: 900, startMs: T0_MS + 9 * HOUR_MS }));
      renameSync(`${path}.new`, path);
    },
  },
  { what: 'is deleted', notice: /^GONE$/, change: (path) => rmSync(path) },
];

for (const { what, notice, change } of changes) {
  inBoth(
    `a file that ${what} between two pages`,
    async (t, chs) => {
      writeThree(chs.folder);
      const session_id = await openSession(chs);
      const query = { session_id, must: ['needle'], page_size: 60 };
      const wanted = placesOf(await allPages(chs, query));
      const path = join(chs.folder, WATCHED, 'a-third.log');
      const pages = await allPages(chs, query, (page) => {
        if (page === 1) change(path, chs.folder);
      });
      const others = wanted.filter((place) => !place.startsWith(path));
      t.same(placesOf(pages), notice ? others : wanted);
      const notices = pages
        .flatMap((page) => listAt(page, 'notices'))
        .filter((one) => at(one, 'file') === path);
      const codes = notices.map((one) => String(at(one, 'code')));
      if (notice)
        t.ok(
          codes.some((code) => notice.test(code)),
          `told by ${JSON.stringify(pages.map(({ body }) => at(body, 'notices')))}`,
        );
      const after = await tool(chs, 'search', { session_id, must: ['needle'], ...LARGE });
      t.equal(after.status, 200, 'the next search takes it as it is');
      t.ok(hitsOf(after).every(({ content }) => String(content).includes('needle')));
    },
    READABLE,
  );
}

t.test('a file that is overwritten in place between two pages', async (t) => {
  const folder = testFolder(t);
  writeThree(folder);
  const chs = await daemonOn(t, folder);
  const session_id = await openSession(chs);
  const path = join(folder, WATCHED, 'a-third.log');
  const pages = await allPages(chs, { session_id, must: ['needle'], page_size: 60 }, (page) => {
    if (page === 1) writeFileSync(path, numberedLines(500, { first: 900, startMs: T0_MS + 9 * HOUR_MS }));
  });
  t.ok(
    pages.flatMap(hitsOf).every(({ file }) => file !== path),
    'nothing of the new content at old places',
  );
});
