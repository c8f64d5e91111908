/** What is written after a search that is followed: each line once, with its number, whatever pages came before. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { hitsOf, numberedLines, openSession, READABLE, tool, WATCHED, writeLog } from './logs-wire.ts';
import { at, inBoth } from './wire.ts';

inBoth(
  'a search that took several pages goes on behind the end of every file',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', numberedLines(3));
    writeLog(chs.folder, 'b.log', numberedLines(3, { first: 100 }));
    const session_id = await openSession(chs);
    const query = { session_id, must: ['needle'], page_size: 2, follow: true };
    let answer = await tool(chs, 'search', query);
    const contents: unknown[] = [];
    for (;;) {
      contents.push(...hitsOf(answer).map((hit) => at(hit, 'content')));
      const cursor = at(answer.body, 'cursor');
      if (cursor === null) break;
      answer = await tool(chs, 'search/continue', { cursor });
    }
    t.equal(new Set(contents).size, 6);
    t.equal(contents.length, 6);

    const again = await tool(chs, 'search/continue', { cursor: at(answer.body, 'tail_cursor') });
    t.match(again, { status: 200, body: { hits: [] } }, 'nothing was written since');

    appendFileSync(join(chs.folder, WATCHED, 'a.log'), numberedLines(1, { first: 4 }));
    appendFileSync(join(chs.folder, WATCHED, 'b.log'), numberedLines(1, { first: 103 }));
    const later = await tool(chs, 'search/continue', { cursor: at(again.body, 'tail_cursor') });
    t.match(hitsOf(later), [
      { content: /number=4$/, line_number: 4 },
      { content: /number=103$/, line_number: 4 },
    ]);
  },
  READABLE,
);
