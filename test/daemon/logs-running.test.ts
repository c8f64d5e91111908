/** Many callers at once: callers that go away, sessions side by side, searches beside uploads. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { crashme, type Reached } from '../fixtures/chs.ts';
import {
  allPages,
  hitsOf,
  numberedLines,
  openSession,
  placesOf,
  READABLE,
  tool,
  writeLog,
} from './logs-wire.ts';
import { inBoth, listAt, send } from './wire.ts';

/** An expression that takes some ten milliseconds on each of the lines: all of them take long. */
const SLOW = '[xy]*x[xy]{200}[^xy]';
const SLOW_LINES = 600;

function slowText(): string {
  const lines = Array.from({ length: SLOW_LINES }, () =>
    randomBytes(30_000)
      .toString('latin1')
      .replace(/[\s\S]/g, (byte) => (byte < '\x80' ? 'x' : 'y')),
  );
  return `${lines.join('\n')}\n`;
}

/** Asks again while it is told to come back later; gives up long before the slow search would end by itself. */
async function patiently(chs: Reached, query: unknown, init: { readonly signal?: AbortSignal } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await tool(chs, 'search', query, init);
    if (answer.status !== 503 || attempt === 100) return answer;
    await sleep(50);
  }
}

inBoth(
  'a search ends when its caller goes away, and the next one gets its place',
  async (t, chs) => {
    writeLog(chs.folder, 'slow.log', slowText());
    writeLog(chs.folder, 'quick.txt', numberedLines(5));
    const session_id = await openSession(chs);
    const slow = { session_id, regex: SLOW, include_globs: ['slow.log'], hard_timeout_ms: 3_600_000 };
    const quick = { session_id, must: ['needle'], include_globs: ['quick.txt'] };
    for (let round = 0; round < 2; round += 1) {
      const leaving = new AbortController();
      // Patiently, as a quick one may have the only place when it arrives.
      let ended = false;
      const left = patiently(chs, slow, { signal: leaving.signal })
        .then(
          ({ status }) => status,
          (error: unknown) => (error instanceof Error ? error.name : error),
        )
        .finally(() => {
          ended = true;
        });
      // Until it runs, a quick one finds a place.
      while (!ended && (await tool(chs, 'search', quick)).status === 200) await sleep(100);
      const busy = await tool(chs, 'search', quick);
      t.match(busy, { status: 503, body: { code: 'TOO_BUSY', retryable: true, retry_after_ms: 1000 } });
      t.equal(busy.headers.get('retry-after'), '1');
      leaving.abort();
      const answer = await patiently(chs, quick);
      t.equal(answer.status, 200, JSON.stringify(answer.body));
      t.equal(hitsOf(answer).length, 5);
      t.ok(['AbortError', 499].includes((await left) as string | number), 'it was not answered');
    }
  },
  { ...READABLE, 'logs.max_concurrent_searches': 1, 'logs.threads': 1, 'limits.regex_timeout_ms': 60_000 },
);

inBoth(
  'twenty sessions search at once, and none fails',
  async (t, chs) => {
    for (let file = 0; file < 4; file += 1)
      writeLog(chs.folder, `${file}.log`, numberedLines(5_000, { startMs: Date.UTC(2026, 0, 1 + file) }));
    const sessions = await Promise.all(Array.from({ length: 20 }, () => openSession(chs)));
    t.equal(new Set(sessions).size, 20);
    const results = await Promise.all(
      sessions.map(async (session_id, index) => {
        const pages = await allPages(chs, {
          session_id,
          regex: `number=\\d*${index % 10}77$`,
          page_size: 50,
        });
        await tool(chs, 'remember', { session_id, key: 'k', value: String(index) });
        const report = await tool(chs, 'report', { session_id, format: 'json', include_snippets: false });
        return { pages, report, statuses: [...pages, report].map(({ status }) => status) };
      }),
    );
    for (const [index, { pages, report, statuses }] of results.entries()) {
      t.ok(
        statuses.every((status) => status === 200),
        `session ${index}: ${statuses}`,
      );
      // Of each thousand one, in four files; 77 has no nought before it.
      const wanted = index % 10 === 0 ? 16 : 20;
      t.equal(placesOf(pages).length, wanted, `session ${index}`);
      t.match(report.body, { memories: { k: String(index) } });
      t.equal(listAt(report, 'timeline').length, wanted);
    }
    t.same(
      placesOf(results[0]?.pages ?? []),
      placesOf(results[10]?.pages ?? []),
      'the same search, the same hits',
    );
  },
  { ...READABLE, 'limits.max_hits': 1000 },
);

inBoth(
  'searches and uploads of dumps go on side by side',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', numberedLines(50_000));
    const session_id = await openSession(chs);
    const dump = crashme('av.dmp');
    const uploads = Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        send(chs, 'minidump', { exe_version: '1' }, Buffer.concat([dump, Buffer.from(`copy ${index}`)])),
      ),
    );
    const searches = Promise.all(
      Array.from({ length: 8 }, () =>
        tool(chs, 'search', { session_id, must: ['number=4999'], page_size: 20 }),
      ),
    );
    for (const { status, body } of await uploads) t.equal(status, 200, JSON.stringify(body));
    for (const answer of await searches) t.equal(hitsOf(answer).length, 11);
  },
  READABLE,
);
