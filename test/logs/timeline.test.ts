/** The order of a timeline: time first, and a file that steps back by less than clocks may differ stays in one piece. */
import t from 'tap';
import { inOrder, type TimelineEntry } from '../../src/logs/timeline.ts';
import { hitRow } from '../backends/log-rows.ts';
import { chance } from '../backends/rows.ts';

type Line = readonly [atMs: number, file: string, offset: number, family?: string];

function entry([timestamp, file, byteOffset, familyId = undefined]: Line): TimelineEntry {
  const hit = hitRow(`${file}:${byteOffset}`, 'src_1', {
    timestamp,
    file,
    byteOffset,
    familyId: familyId ?? null,
  });
  return { kind: 'line', epochMs: timestamp, hit, facts: [] };
}

function ordered(lines: readonly Line[]): string[] {
  return inOrder(lines.map(entry)).map((one) => (one.kind === 'line' ? one.hit.id : one.crash.minidumpId));
}

t.test('orders by time, then by family and file, then by place', async (t) => {
  const lines: Line[] = [
    [2000, '/b', 0],
    [1000, '/b', 50],
    [2000, '/a', 7],
    [2000, '/a', 3],
    [9000, '/a', 1],
  ];
  t.same(ordered(lines), ['/b:50', '/a:3', '/a:7', '/b:0', '/a:1']);
  t.same(
    ordered([
      [5, '/x/app.log', 0, 'fam_1'],
      [5, '/x/b.log', 0],
      [5, '/x/app.log.1', 0, 'fam_1'],
    ]),
    ['/x/b.log:0', '/x/app.log:0', '/x/app.log.1:0'],
    'relatives stand together',
  );
});

t.test('events ascend, also where a file steps back by less than clocks may differ', async (t) => {
  const back: Line[] = [
    [10_000, '/a', 0],
    [8000, '/a', 1],
    [9000, '/a', 2],
    [9500, '/b', 0],
    [10_500, '/a', 3],
  ];
  t.same(ordered(back), ['/a:1', '/a:2', '/b:0', '/a:0', '/a:3']);
});

t.test('whatever the order in which lines are given, the timeline is the same', async (t) => {
  const random = chance(3);
  for (let round = 0; round < 50; round += 1) {
    const lines = Array.from(
      { length: 60 },
      (_, index): Line => [Math.floor(random() * 20_000), `/${Math.floor(random() * 4)}`, index],
    );
    const expected = ordered(lines);
    const shuffled = lines.map((line) => ({ line, at: random() })).sort((a, b) => a.at - b.at);
    t.same(ordered(shuffled.map(({ line }) => line)), expected);
    const times = inOrder(lines.map(entry)).map(({ epochMs }) => epochMs);
    t.same(
      times,
      times.toSorted((a, b) => a - b),
      'ascending',
    );
  }
});
