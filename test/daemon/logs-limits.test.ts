/** The limits of the log service: each of [limits], [search], [sessions], [security] and clock_drift_policy holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startDaemon } from '../../daemon/serve.ts';
import { TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import {
  allPages,
  daemonOn,
  hitsOf,
  numberedLines,
  openSession,
  READABLE,
  tool,
  WATCHED,
  writeLog,
} from './logs-wire.ts';
import { type Answer, at, inBoth, textAt } from './wire.ts';

inBoth(
  'limits.max_hits bounds what a request may ask for, and page_size is search.page_size where none is given',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', numberedLines(100));
    const session_id = await openSession(chs);
    const query = { session_id, must: ['needle'] };
    const page = await tool(chs, 'search', query);
    t.match(page.body, { truncated: false, truncated_by: null, cursor: String });
    t.equal(hitsOf(page).length, 7);
    for (const given of [
      { max_hits: 1000, page_size: 1000 },
      { page_size: 1000 },
      { max_hits: 20, page_size: 50 },
    ]) {
      const answer = await tool(chs, 'search', { ...query, ...given });
      t.equal(hitsOf(answer).length, 20, JSON.stringify(given));
      t.match(
        answer.body,
        { truncated: true, truncated_by: 'max_hits', cursor: String },
        JSON.stringify(given),
      );
    }
    const few = await tool(chs, 'search', { ...query, max_hits: 3 });
    t.equal(hitsOf(few).length, 3);
    t.match(few.body, { truncated: true, truncated_by: 'max_hits' });
  },
  { ...READABLE, 'limits.max_hits': 20, 'search.page_size': 7 },
);

inBoth(
  'limits.max_context_lines and limits.max_line_bytes',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', `1\n2\n3\n4\nneedle ${'é'.repeat(5000)} end\n6\n7\n8\n9\n`);
    const session_id = await openSession(chs);
    const answer = await tool(chs, 'search', { session_id, must: ['needle'], context_lines: 3 });
    t.match(answer.body, {
      hits: [{ context_before: ['2', '3', '4'], context_after: ['6', '7', '8'], truncated: true }],
    });
    t.ok(Buffer.byteLength(String(hitsOf(answer)[0]?.content)) <= 300, 'cut to 300 bytes');
    t.match(hitsOf(answer)[0]?.content, /^needle é+$/, 'between two characters');
    t.match(at(answer.body, 'stats'), { truncated_lines: 1 });
    const more = await tool(chs, 'search', { session_id, must: ['needle'], context_lines: 4 });
    t.match(more, { status: 400, body: { code: 'INVALID_INPUT', error: /max_context_lines/ } });
  },
  { ...READABLE, 'limits.max_context_lines': 3, 'limits.max_line_bytes': 300 },
);

/** Lines of which each takes an expression some ten milliseconds: no two sets of its states are the same. */
const SLOW = '[xy]*x[xy]{400}[^xy]|number=';
function slowLines(count: number): string {
  let seed = 1;
  const line = () => {
    let text = '';
    while (text.length < 30_000) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      text += seed & 65_536 ? 'x' : 'y';
    }
    return `${text}\n`;
  };
  return Array.from({ length: count }, (_, index) => line() + numberedLines(1, { first: index })).join('');
}

inBoth(
  'hard_timeout_ms gives what was found by then, and a cursor to the rest',
  async (t, chs) => {
    const count = 60;
    writeLog(chs.folder, 'a.log', slowLines(count));
    const session_id = await openSession(chs);
    // The threads are there from here on.
    await tool(chs, 'count', { session_id, must: ['nothing'] });
    const pages: Answer[] = [];
    let cursor: unknown;
    do {
      const answer = cursor
        ? await tool(chs, 'search/continue', { cursor, hard_timeout_ms: 400 })
        : await tool(chs, 'search', { session_id, regex: SLOW, hard_timeout_ms: 400 });
      if (answer.status === 408) {
        t.match(answer.body, { code: 'SEARCH_TIMEOUT', retryable: true });
        continue;
      }
      pages.push(answer);
      cursor = at(answer.body, 'cursor');
      const isLast = cursor === null;
      t.match(answer.body, { truncated: !isLast, truncated_by: isLast ? null : 'hard_timeout_ms' });
    } while (cursor !== null && pages.length < 100);
    t.ok(pages.length > 1, `${pages.length} pages`);
    const numbers = pages
      .flatMap(hitsOf)
      .map(({ content }) => Number(/number=(\d+)/.exec(String(content))?.[1]));
    t.same(
      numbers,
      Array.from({ length: count }, (_, index) => index),
    );
  },
  READABLE,
);

inBoth(
  'clock_drift_policy.seconds widens the window at both ends, and the reply says so',
  async (t, chs) => {
    writeLog(
      chs.folder,
      'a.log',
      numberedLines(60, { startMs: Date.parse('2026-01-06T12:00:00Z'), first: 0 }),
    );
    const session_id = await openSession(chs);
    const window = { time_start: '2026-01-06T12:00:20Z', time_end: '2026-01-06T20:00:30+08:00' };
    const answer = await tool(chs, 'search', { session_id, must: ['needle'], ...window });
    const times = hitsOf(answer).map(({ timestamp }) => timestamp);
    t.equal(times.length, 21);
    t.same([times[0], times.at(-1)], ['2026-01-06T12:00:15.000Z', '2026-01-06T12:00:35.000Z']);
    t.same(at(answer.body, 'window'), { start: '2026-01-06T12:00:15.000Z', end: '2026-01-06T12:00:35.000Z' });
    const open = await tool(chs, 'search', { session_id, time_start: '2026-01-06T12:00:50Z' });
    t.same(at(open.body, 'window'), { start: '2026-01-06T12:00:45.000Z', end: null });
    t.equal(hitsOf(open).length, 15);
  },
  { ...READABLE, 'clock_drift_policy.seconds': 5 },
);

t.test('without a drift the window is what was asked for', async (t) => {
  const folder = testFolder(t);
  writeLog(folder, 'a.log', numberedLines(60, { startMs: Date.parse('2026-01-06T12:00:00Z') }));
  const chs = await daemonOn(t, folder, { ...READABLE, 'clock_drift_policy.seconds': 0 });
  const session_id = await openSession(chs);
  const window = { time_start: '2026-01-06T12:00:20Z', time_end: '2026-01-06T12:00:30Z' };
  t.equal(hitsOf(await tool(chs, 'search', { session_id, ...window })).length, 11);
});

t.test('a reload takes over every limit of the log service at once', async (t) => {
  const folder = testFolder(t);
  writeLog(folder, 'a.log', numberedLines(50));
  writeLog(folder, 'b.secret', numberedLines(50));
  const daemon = await startDaemon(await testConfig(folder, READABLE));
  t.teardown(() => daemon.stop('the test is over'));
  const reload = async (changes: Record<string, unknown>) =>
    daemon.reload(await testConfig(folder, { ...READABLE, ...changes }));
  const chs = {
    folder,
    fetch: (path: string, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      headers.set('x-api-key', TEST_KEY);
      return fetch(`${daemon.url}${path}`, { ...init, headers });
    },
  };
  const session_id = await openSession(chs);
  const query = { session_id, must: ['needle'], context_lines: 2 };
  t.equal(hitsOf(await tool(chs, 'search', query)).length, 100);

  await reload({ 'limits.max_hits': 4 });
  t.match((await tool(chs, 'search', query)).body, { hits: { length: 4 }, truncated_by: 'max_hits' });
  await reload({ 'search.page_size': 5 });
  t.match((await tool(chs, 'search', query)).body, { hits: { length: 5 }, truncated_by: null });
  await reload({ 'limits.max_context_lines': 1 });
  t.equal((await tool(chs, 'search', query)).status, 400);
  await reload({ 'search.max_scanned_bytes': 500 });
  t.match((await tool(chs, 'search', query)).body, { truncated_by: 'max_scanned_bytes' });
  await reload({ 'limits.max_line_bytes': 256 });
  writeLog(folder, 'long.log', `needle ${'x'.repeat(1000)}\n`);
  const long = await openSession(chs);
  t.match((await tool(chs, 'search', { session_id: long, must: ['xxx'] })).body, {
    hits: [{ truncated: true }],
  });
  await reload({ 'clock_drift_policy.seconds': 7 });
  const windowed = await tool(chs, 'search', { ...query, time_start: '2026-01-06T12:00:07Z' });
  t.equal(at(windowed.body, 'window', 'start'), '2026-01-06T12:00:00.000Z');
  await reload({ 'fs.deny_patterns': ['**/*.secret'] });
  const denied = await tool(chs, 'search', query);
  t.ok(hitsOf(denied).every(({ file }) => String(file).endsWith('a.log')));
  t.equal(hitsOf(denied).length, 50, 'a session gives nothing that may not be read any more');
  await reload({ 'fs.allow_roots': ['elsewhere'] });
  t.match(await tool(chs, 'search', query), { status: 403, body: { code: 'FILE_DENIED' } });
  await reload({ 'limits.content_length_limit_mb': 1 });
  const body = JSON.stringify({ session_id, key: 'k', value: 'x'.repeat(2 ** 20) });
  t.equal((await tool(chs, 'remember', body)).status, 413);
  await reload({ 'sessions.max_session_bytes': 1000 });
  t.match(await tool(chs, 'remember', { session_id, key: 'k', value: 'x'.repeat(2000) }), { status: 429 });

  await reload({});
  const cursor = textAt(await tool(chs, 'search', { ...query, page_size: 10 }), 'cursor');
  await reload({ 'security.cursor_ttl': 1 });
  await sleep(1100);
  t.match(await tool(chs, 'search/continue', { cursor }), { status: 400, body: { code: 'CURSOR_EXPIRED' } });
  await reload({ 'sessions.session_ttl': '1s' });
  t.match(await tool(chs, 'search', query), { status: 404, body: { code: 'SESSION_NOT_FOUND' } });
  const log = await reload({}).then(() => tool(chs, 'search', query));
  t.equal(log.status, 200, 'what is not swept yet comes back');
});

t.test('sessions end when nobody has used them for sessions.session_ttl', async (t) => {
  const folder = testFolder(t);
  writeLog(folder, 'a.log', numberedLines(5));
  const chs = await daemonOn(t, folder, { ...READABLE, 'sessions.session_ttl': '1s' });
  const session_id = await openSession(chs);
  t.equal((await tool(chs, 'search', { session_id })).status, 200);
  await sleep(1200);
  for (const name of ['search', 'timeline', 'report', 'inspect_formats', 'extract_facts'])
    t.match(
      await tool(chs, name, { session_id }),
      { status: 404, body: { code: 'SESSION_NOT_FOUND' } },
      name,
    );
  const again = await allPages(chs, { session_id: await openSession(chs), must: ['needle'] });
  t.equal(again.flatMap(hitsOf).length, 5, `${WATCHED} is there as before`);
});
