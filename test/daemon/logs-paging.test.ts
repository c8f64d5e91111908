/** Pages of a search: stable, disjoint, together the whole. */
import {
  allPages,
  hitsOf,
  LARGE,
  openSession,
  placesOf,
  READABLE,
  THREE_HITS,
  tool,
  writeThree,
} from './logs-wire.ts';
import { type Answer, at, inBoth, textAt } from './wire.ts';

inBoth(
  'pages of any size are together the unpaged result',
  async (t, chs) => {
    writeThree(chs.folder);
    const session_id = await openSession(chs);
    for (const given of [
      {},
      { context_lines: 2 },
      { whole_events: true },
      { regex: '\\d$', case_sensitive: false },
    ]) {
      const query = { session_id, must: ['needle'], ...given };
      const whole = await allPages(chs, { ...query, ...LARGE });
      t.equal(whole.length, 1);
      const wanted = placesOf(whole);
      t.equal(wanted.length, THREE_HITS);
      t.equal(new Set(wanted).size, THREE_HITS, 'each once');
      for (const page_size of [1, 7, 50, 64, THREE_HITS - 1, THREE_HITS, THREE_HITS + 1]) {
        if (page_size === 1 && Object.keys(given).length > 0) continue;
        const pages = await allPages(chs, { ...query, page_size });
        t.same(placesOf(pages), wanted, `${page_size} a page, ${JSON.stringify(given)}`);
        t.equal(pages.length, Math.ceil(THREE_HITS / page_size), 'no page is empty');
        t.ok(pages.every(({ body }) => at(body, 'truncated') === false));
        const around = (answers: readonly Answer[]) =>
          answers.flatMap(hitsOf).map((hit) => [hit.context_before, hit.context_after]);
        t.same(around(pages), around(whole), 'with the same lines around them');
      }
    }
    const query = { session_id, must: ['needle'], page_size: 40 };
    const first = await tool(chs, 'search', query);
    const again = () => tool(chs, 'search/continue', { cursor: textAt(first, 'cursor') });
    t.same(
      hitsOf(await again()),
      hitsOf(await again()),
      'a page that is asked for twice is the same, IDs and all',
    );
  },
  READABLE,
);

const scanLimits = [300, 1_000, 4_099, 9_000];

for (const limit of scanLimits) {
  inBoth(
    `search.max_scanned_bytes (${limit}) ends a search with a cursor that goes on there`,
    async (t, chs) => {
      writeThree(chs.folder);
      const session_id = await openSession(chs);
      const pages = await allPages(chs, { session_id, must: ['needle'], ...LARGE });
      t.ok(pages.length > 1);
      for (const [index, { body }] of pages.entries()) {
        const isLast = index === pages.length - 1;
        const ended = isLast
          ? { truncated: false, truncated_by: null, cursor: null }
          : { truncated: true, truncated_by: 'max_scanned_bytes', cursor: String };
        t.match(body, ended, `page ${index + 1} of ${pages.length}`);
      }
      const numbers = pages.flatMap(hitsOf).map(({ content }) => String(content).replace(/^.* number=/, ''));
      const wanted = [50, 40, 40].flatMap((count) =>
        Array.from({ length: count }, (_, index) => String(index + 1)),
      );
      t.same(numbers, wanted);
    },
    { ...READABLE, 'search.max_scanned_bytes': limit },
  );
}

inBoth(
  'limits.max_hits ends a search with a cursor that goes on there',
  async (t, chs) => {
    writeThree(chs.folder);
    const session_id = await openSession(chs);
    const query = { session_id, must: ['needle'], max_hits: 60, page_size: 25 };
    const pages = await allPages(chs, query);
    t.same(
      pages.map((page) => hitsOf(page).length),
      [25, 25, 10, 25, 25, 10, 10],
    );
    t.same(
      pages.map(({ body }) => at(body, 'truncated_by')),
      [null, null, 'max_hits', null, null, 'max_hits', null],
    );
    t.same(placesOf(pages), placesOf(await allPages(chs, { ...query, max_hits: 500, ...LARGE })));
  },
  READABLE,
);
