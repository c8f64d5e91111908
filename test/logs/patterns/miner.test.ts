/** Lines counted by template, in one miner or in several. */
import t from 'tap';
import type { LinePlace } from '../../../src/logs/patterns/key-table.ts';
import { createPatternMiner } from '../../../src/logs/patterns/miner.ts';

function place(n: number, file = 'a.log'): LinePlace {
  return { epochMs: 1_700_000_000_000 + n * 1000, file, lineNumber: n, byteOffset: n * 100 };
}

/** The same numbers from 0 to 1 in each run. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function word(next: () => number): string {
  return Array.from({ length: 8 }, () => 'abcdefghijklmnopqrstuvwxyz'[Math.floor(next() * 26)]).join('');
}

t.test('counts lines by template', async (t) => {
  const miner = createPatternMiner({ patternsMax: 10 });
  for (let n = 0; n < 5; n += 1) miner.add(`ERROR disk ${n} of host${n} is full`, place(10 - n));
  miner.add('INFO started', place(20));
  t.match(miner.patterns(), [
    {
      template: 'ERROR disk <*> of host<*> is full',
      count: 5,
      level: 'error',
      first_ms: 1_700_000_006_000,
      last_ms: 1_700_000_010_000,
      sample: 'ERROR disk 4 of host4 is full',
      sample_file: 'a.log',
      sample_line: 6,
    },
    { template: 'INFO started', count: 1, level: 'info' },
  ]);
  t.equal(miner.patterns().length, 2);
  t.strictSame(miner.other(), { patterns: 0, lines: 0 });
});

t.test('finds words that vary, and keeps words that tell lines apart', async (t) => {
  const miner = createPatternMiner({ patternsMax: 50 });
  const users = ['root', 'guest', 'alice', 'bob', 'carol'];
  const numbers = users.map((user, n) => miner.add(`session opened for user ${user} by login`, place(n)));
  for (const verb of ['startup', 'shutdown']) miner.add(`syslogd ${verb} succeeded`, place(9));
  for (const what of ['cancelPeek', 'closeQs', 'startPeek', 'openQs', 'hideBar'])
    miner.add(`INFO Bar: ${what}`, place(9));
  const templates = miner.patterns().map((pattern) => pattern.template);
  t.equal(templates[0], 'session opened for user <*> by login');
  t.equal(templates.length, 1 + 2 + 5, 'short lines are as they were');
  const ids = new Set(numbers.map((number) => miner.patternIdOf(number)));
  t.strictSame([...ids], [miner.patterns()[0]?.id], 'each line knows its pattern');
  t.equal(miner.patternIdOf(9999), null);
});

t.test('finds two places that vary at once', async (t) => {
  const next = random(5);
  const miner = createPatternMiner({ patternsMax: 50 });
  for (let n = 0; n < 200; n += 1)
    miner.add(`INFO user ${word(next)} logged in from host ${word(next)}`, place(n));
  for (let n = 0; n < 200; n += 1)
    miner.add(`INFO disk ${word(next)} mounted by root on volume ${word(next)}`, place(n + 1));
  t.strictSame(
    miner.patterns().map(({ template, count }) => [template, count]),
    [
      ['INFO user <*> logged in from host <*>', 200],
      ['INFO disk <*> mounted by root on volume <*>', 200],
    ],
  );
});

t.test('gives the same however lines are split among miners', async (t) => {
  const next = random(1);
  const kinds = [
    () => `INFO user ${word(next)} logged in from 10.0.0.${Math.floor(next() * 255)}`,
    () =>
      `WARN retry ${Math.floor(next() * 9)} of job_${Math.floor(next() * 1e6)} state=${next() < 0.5 ? 'OPEN' : 'CLOSED'}`,
    () => `ERROR cannot open "${word(next)}": ${next() < 0.5 ? 'no such file' : 'permission denied'}`,
    () => `磁盘${Math.floor(next() * 100)}已满`,
    () => `at com.example.${word(next)}.run(Job.java:${Math.floor(next() * 900)})`,
  ];
  const lines = Array.from({ length: 2000 }, (_, n): [string, LinePlace] => [
    kinds[Math.floor(next() * kinds.length)]?.() ?? '',
    {
      ...place(n, next() < 0.5 ? 'a.log' : 'b.log'),
      epochMs: next() < 0.2 ? null : Math.floor(next() * 1000),
    },
  ]);
  const whole = createPatternMiner({ patternsMax: 100 });
  for (const [line, at] of lines) whole.add(line, at);
  t.ok(whole.patterns().length > 5 && whole.patterns().length < 20, `${whole.patterns().length} patterns`);
  for (const parts of [2, 3, 7]) {
    const miners = Array.from({ length: parts }, () => createPatternMiner({ patternsMax: 100 }));
    for (const [line, at] of [...lines].sort(() => next() - 0.5))
      miners[Math.floor(next() * parts)]?.add(line, at);
    const joined = createPatternMiner({ patternsMax: 100 });
    for (const miner of miners.reverse()) joined.merge(structuredClone(miner.toJSON()));
    t.strictSame(joined.patterns(), whole.patterns(), `${parts} parts`);
    t.strictSame(joined.toJSON(), whole.toJSON());
  }
});

t.test('stays in its bounds, and tells what it dropped', async (t) => {
  const next = random(9);
  const miner = createPatternMiner({ patternsMax: 20, keysMax: 500 });
  const lines = 20_000;
  for (let n = 0; n < lines; n += 1) {
    const junk = `${word(next)} ${word(next)} ${word(next)} rejected`;
    miner.add(n % 2 ? `INFO user ${word(next)} logged in from host ${word(next)}` : junk, place(n));
  }
  t.ok(miner.toJSON().keys.length <= 501);
  const patterns = miner.patterns();
  t.equal(patterns.length, 20);
  t.match(patterns[0], {
    template: 'INFO user <*> logged in from host <*>',
    count: lines / 2,
    sample_line: 1,
  });
  t.equal(
    patterns.reduce((sum, { count }) => sum + count, miner.other().lines),
    lines,
    'every line is told',
  );
});

t.test('cuts samples, and takes the level of most lines', async (t) => {
  const miner = createPatternMiner({ patternsMax: 5, sampleCharsMax: 10 });
  miner.add('0123456789abcdefghij', place(1));
  t.equal(miner.patterns()[0]?.sample, '0123456789');
  t.equal(miner.patterns()[0]?.level, null);
  t.equal(createPatternMiner({ patternsMax: 5 }).patterns().length, 0);
});

t.test('gives a template the same id in another log', async (t) => {
  const [one, other] = [createPatternMiner({ patternsMax: 5 }), createPatternMiner({ patternsMax: 5 })];
  one.add('took 1 ms', place(1));
  other.add('something else', place(1));
  other.add('took 2 ms', place(2));
  t.ok(other.patterns().some(({ id }) => id === one.patterns()[0]?.id));
});
