/** Why a search finds nothing, where files are large or time is short. */
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { reach } from '../fixtures/chs.ts';
import { HOUR_MS, numberedLines, openSession, READABLE, T0_MS, tool, writeLog } from './logs-wire.ts';
import { at, inBoth } from './wire.ts';

/** More than a sample has. */
const MANY = 25_000;

inBoth(
  'the first and the last event are those of all files, however long the older ones are',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log.1.gz', gzipSync(numberedLines(MANY, { startMs: T0_MS })));
    writeLog(chs.folder, 'a.log', numberedLines(MANY, { startMs: T0_MS + 24 * HOUR_MS }));
    const session_id = await openSession(chs);
    const asked = { session_id, must: ['number=25000'], time_start: '2026-02-01T00:00:00Z' };
    const reply = await tool(chs, 'explain_empty', asked);
    const lastMs = (MANY - 1) * 1000;
    const last = new Date(T0_MS + 24 * HOUR_MS + lastMs).toISOString();
    t.same(at(reply.body, 'window'), {
      // Clocks may differ by so much.
      start: '2026-01-31T23:59:57.000Z',
      end: null,
      hits_outside: 2,
      nearest_before: last,
      nearest_after: null,
      first_event: new Date(T0_MS).toISOString(),
      last_event: last,
    });
    t.match(reply.body, { hits: 0, complete: true });
    t.match(at(reply.body, 'reasons'), [/2 hits lie outside/, new RegExp(` to ${last}`)]);

    const before = await tool(chs, 'explain_empty', {
      session_id,
      must: ['number=1'],
      whole_word: true,
      time_end: '2026-01-01T00:00:00Z',
    });
    t.match(at(before.body, 'window'), {
      hits_outside: 2,
      nearest_before: null,
      nearest_after: new Date(T0_MS).toISOString(),
      last_event: last,
    });
  },
  READABLE,
);

t.test('when the time is over no words are gathered either', async (t) => {
  // The first search of a process starts its threads, which alone takes longer than that.
  const chs = await reach(t, 'daemon', READABLE);
  writeLog(chs.folder, 'a.log', numberedLines(100_000));
  const session_id = await openSession(chs);
  const asked = { session_id, must: ['needel'] };
  const late = await tool(chs, 'explain_empty', { ...asked, hard_timeout_ms: 1 });
  t.match(late.body, { complete: false, terms: [{ alone: 0, nearest: [] }] });
  t.same(at(late.body, 'terms', 0, 'nearest'), []);
  const whole = await tool(chs, 'explain_empty', asked);
  t.match(whole.body, { complete: true, terms: [{ nearest: [{ text: 'needle' }] }] });
});
