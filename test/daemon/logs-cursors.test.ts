/** Cursors: they outlive the server, end by themselves, and nobody can make or change one. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { allPages, daemonOn, LARGE, openSession, placesOf, READABLE, tool, writeThree } from './logs-wire.ts';
import { at, inBoth, listAt, textAt } from './wire.ts';

async function firstPage(t: Test, folder: string, settings = READABLE) {
  const chs = await daemonOn(t, folder, settings);
  const session_id = await openSession(chs);
  const first = await tool(chs, 'search', { session_id, must: ['needle'], page_size: 60 });
  return { chs, session_id, first, cursor: textAt(first, 'cursor') };
}

t.test('a cursor outlives the server, as the session does', async (t) => {
  const folder = testFolder(t);
  writeThree(folder);
  const { chs, session_id, first, cursor } = await firstPage(t, folder);
  await tool(chs, 'remember', { session_id, key: 'k', value: 'v' });
  await tool(chs, 'extract_facts', { session_id });
  const before = await tool(chs, 'timeline', { session_id });
  await chs.daemon.stop('to be started again');

  const again = await daemonOn(t, folder);
  const pages = [first, await tool(again, 'search/continue', { cursor })];
  pages.push(await tool(again, 'search/continue', { cursor: textAt(pages[1] ?? first, 'cursor') }));
  t.same(placesOf(pages), placesOf(await allPages(again, { session_id, must: ['needle'], ...LARGE })));
  const report = await tool(again, 'report', { session_id, format: 'json' });
  t.match(report.body, { memories: { k: 'v' } });
  const timeline = await tool(again, 'timeline', { session_id });
  t.same(listAt(timeline, 'events').slice(0, 60), listAt(before, 'events'));
  t.match((await tool(again, 'list_sessions', {})).body, {
    sessions: [{ session_id, files: 3, memories: 1 }],
  });
});

const expired = { status: 400, body: { code: 'CURSOR_EXPIRED', retryable: true, error: String } };

t.test('refuses cursors of another server, of a closed session, and those that are too old', async (t) => {
  const folder = testFolder(t);
  writeThree(folder);
  const { chs, session_id, cursor } = await firstPage(t, folder, { ...READABLE, 'security.cursor_ttl': 1 });
  const other = await daemonOn(t, join(folder, 'other'));
  t.match(await tool(other, 'search/continue', { cursor }), expired, 'of another server');
  await sleep(1100);
  t.match(await tool(chs, 'search/continue', { cursor }), expired, 'too old');
  const fresh = await tool(chs, 'search', { session_id, must: ['needle'], page_size: 60 });
  await tool(chs, 'close_session', { session_id });
  t.match(
    await tool(chs, 'search/continue', { cursor: textAt(fresh, 'cursor') }),
    expired,
    'of a closed session',
  );
});

inBoth(
  'refuses a cursor that was changed in any one place',
  async (t, chs) => {
    writeThree(chs.folder);
    const session_id = await openSession(chs);
    const cursor = textAt(
      await tool(chs, 'search', { session_id, must: ['needle'], page_size: 1 }),
      'cursor',
    );
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    let refused = 0;
    for (const [place, letter] of [...cursor].entries()) {
      // The upper half of a letter's bits always stand for something.
      const other = alphabet[(alphabet.indexOf(letter) + 32) % 64] ?? '';
      const changed = cursor.slice(0, place) + other + cursor.slice(place + 1);
      if (isSameCursor(changed, cursor)) continue;
      const answer = await tool(chs, 'search/continue', { cursor: changed });
      if (answer.status === 400 && at(answer.body, 'code') === 'CURSOR_EXPIRED') refused += 1;
      else t.fail(`place ${place}: ${JSON.stringify(answer.body).slice(0, 200)}`);
    }
    t.ok(refused > cursor.length * 0.95, `${refused} of ${cursor.length}`);
    for (const changed of [
      ' ',
      cursor.slice(1),
      cursor.slice(0, -9),
      `${cursor}${cursor}`,
      'e30',
      'bnVsbA',
      'W10',
    ]) {
      t.match(await tool(chs, 'search/continue', { cursor: changed }), expired, changed.slice(0, 20));
    }
    t.equal((await tool(chs, 'search/continue', { cursor })).status, 200, 'as it was given it is good');
  },
  READABLE,
);

/** Bits that pad a base64url text stand for nothing: another text, the same signed fields and the same signature. */
function isSameCursor(a: string, b: string): boolean {
  const parts = (text: string): string | null => {
    try {
      const { sig, ...rest } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
      return JSON.stringify(rest) + Buffer.from(String(sig), 'base64url').toString('hex');
    } catch {
      return null;
    }
  };
  return parts(a) === parts(b);
}
