/** Lines around a line, lines around a crash, and whose a session is. */
import { join } from 'node:path';
import t from 'tap';
import { createNearestLines } from '../../src/logs/nearest-lines.ts';
import { crashme } from '../fixtures/chs.ts';
import { numberedLines, openSession, READABLE, tool, WATCHED, writeLog } from './logs-wire.ts';
import { at, inBoth, listAt, send, textAt } from './wire.ts';

inBoth(
  'gives lines by their number and by their place, and says what else there is',
  async (t, chs) => {
    const text = numberedLines(50);
    const file = writeLog(chs.folder, 'app.log', text);
    const session_id = await openSession(chs);
    const read = (more: Readonly<Record<string, unknown>>) =>
      tool(chs, 'read_lines', { session_id, file, ...more });
    const lines = text.trimEnd().split('\n');
    const middle = await read({ line_number: 10, before: 2, after: 3 });
    t.same(middle.body, {
      file,
      first_line: 8,
      lines: lines.slice(7, 13),
      more_before: true,
      more_after: true,
    });
    const offset = Buffer.byteLength(lines.slice(0, 9).join('\n')) + 1;
    const placed = await read({ line_number: 10, before: 2, after: 3, byte_offset: offset });
    t.same(placed.body, middle.body, 'the same by its place');
    const last = await read({ line_number: 48, before: 0, after: 2 });
    t.match(last.body, { lines: lines.slice(47), more_after: false });
    const alone = await read({ line_number: 50, before: 0, after: 0 });
    t.match(alone.body, { lines: lines.slice(49), more_before: true, more_after: false });
    const inside = await read({ line_number: 2, byte_offset: 5 });
    t.equal(inside.status, 400);
    t.match(inside.body, { code: 'INVALID_INPUT', error: /no line begins there/ });
    const beyond = await read({ line_number: 5000 });
    t.equal(beyond.status, 400);
    t.match(beyond.body, { code: 'INVALID_INPUT', error: /fewer lines/ });
  },
  READABLE,
);

t.test('the nearest lines are the nearest of all, in the order in which they came', async (t) => {
  const nearest = createNearestLines(1000, { linesMax: 3, charsMax: 1e6 });
  for (const epochMs of [0, 900, 5000, 1005, 990, 2000, 1000])
    nearest.add({ file: '/a', lineNumber: epochMs, epochMs, content: 'x' });
  t.same(
    nearest.lines().map(({ epochMs }) => epochMs),
    [1005, 990, 1000],
  );
  t.equal(nearest.total(), 7);
});

inBoth(
  'shows the lines nearest to a crash, however many stand before them',
  async (t, chs) => {
    const stored = await send(chs, 'minidump', { timestamp: '2026-01-06T12:10:00Z' }, crashme('av.dmp'));
    const minidump_id = textAt(stored, 'data', 'minidump_id');
    const nowhere = await tool(chs, 'around_crash', { minidump_id, paths: [] });
    t.equal(nowhere.status, 400, 'paths are needed');
    writeLog(chs.folder, 'empty.log', '');
    const first = await tool(chs, 'around_crash', { minidump_id, paths: [join(chs.folder, WATCHED)] });
    const crashMs = Date.parse(textAt(first, 'at'));
    writeLog(chs.folder, 'a.log', numberedLines(600, { word: 'far', startMs: crashMs - 700_000 }));
    writeLog(chs.folder, 'z.log', numberedLines(3, { word: 'near', startMs: crashMs - 3000 }));
    const around = await tool(chs, 'around_crash', {
      minidump_id,
      paths: [join(chs.folder, WATCHED)],
      seconds_before: 800,
      limit: 3,
    });
    t.equal(around.status, 200);
    const shown = listAt(around, 'lines').map((line) => String(at(line, 'content')));
    t.same(
      shown.map((line) => line.includes('near')),
      [true, true, true],
    );
    t.match(around.body, { total: 603, complete: true });
  },
  READABLE,
);

inBoth(
  'a session belongs to the key that started it',
  async (t, chs) => {
    writeLog(chs.folder, 'app.log', numberedLines(3));
    const keyOf = async (name: string): Promise<string> => {
      const made = await chs.fetch('/api/tokens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name, scope: 'read' }),
      });
      return String(at(await made.json(), 'data', 'token'));
    };
    const [mine, yours] = [await keyOf('mine'), await keyOf('yours')];
    const as = (key: string) => ({ headers: { 'x-api-key': key } });
    const session_id = textAt(await tool(chs, 'start_session', {}, as(mine)), 'session_id');
    t.equal((await tool(chs, 'inspect_formats', { session_id }, as(mine))).status, 200);
    const foreign = await tool(chs, 'close_session', { session_id }, as(yours));
    t.equal(foreign.status, 404);
    t.match(foreign.body, { code: 'SESSION_NOT_FOUND' });
    t.same(listAt(await tool(chs, 'list_sessions', {}, as(yours)), 'sessions'), []);
    t.equal(listAt(await tool(chs, 'list_sessions', {}, as(mine)), 'sessions').length, 1);
    t.equal((await tool(chs, 'close_session', { session_id })).status, 200, 'admin may');
  },
  READABLE,
);
