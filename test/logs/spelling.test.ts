/** The nearest spellings of a word, and the words of a line. */
import t from 'tap';
import { nearestWords, wordsOf } from '../../src/logs/spelling.ts';

t.test('finds words by edits, the nearest first', async (t) => {
  const words: [string, number][] = [
    ['connection', 10],
    ['conection', 3],
    ['Connectoin', 1],
    ['connections', 40],
    ['CONNECTION', 2],
    ['collection', 99],
    ['disconnect', 99],
    ['con', 99],
  ];
  t.strictSame(nearestWords('connection', words, 10), [
    { text: 'CONNECTION', count: 2, distance: 0.5 },
    { text: 'connections', count: 40, distance: 1 },
    { text: 'conection', count: 3, distance: 1 },
    { text: 'Connectoin', count: 1, distance: 1 },
    { text: 'collection', count: 99, distance: 2 },
  ]);
  t.strictSame(nearestWords('connection', [...words].reverse(), 2), nearestWords('connection', words, 2));
  t.equal(nearestWords('connection', words, 2).length, 2);
});

t.test('allows short words few edits', async (t) => {
  t.strictSame(
    nearestWords(
      'oom',
      [
        ['oon', 1],
        ['ooo', 1],
        ['aaa', 1],
        ['OOM', 1],
      ],
      9,
    ).map((near) => near.text),
    ['OOM', 'oon', 'ooo'],
  );
  t.strictSame(
    nearestWords(
      'ab',
      [
        ['ac', 1],
        ['AB', 1],
      ],
      9,
    ).map((near) => near.text),
    ['AB'],
  );
  t.strictSame(nearestWords('', [['a', 1]], 9), []);
  t.strictSame(
    nearestWords(
      '数据库',
      [
        ['数据裤', 2],
        ['库数据', 1],
      ],
      9,
    ),
    [{ text: '数据裤', count: 2, distance: 1 }],
  );
});

/** The whole matrix, with nothing left out. */
function reference(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) =>
    Array.from({ length: b.length + 1 }, (_, column) => (row === 0 ? column : column === 0 ? row : 0)),
  );
  const cell = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= a.length; row += 1)
    for (let column = 1; column <= b.length; column += 1) {
      const line = rows[row] ?? [];
      line[column] = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        line[column] = Math.min(line[column] ?? 0, cell(row - 2, column - 2) + 1);
    }
  return cell(a.length, b.length);
}

t.test('agrees with the whole matrix on random words', async (t) => {
  let seed = 3;
  const word = () => {
    let text = '';
    for (let left = 6 + (seed % 4); left > 0; left -= 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      text += 'abc'[(seed >>> 16) % 3];
    }
    return text;
  };
  let near = 0;
  for (let count = 0; count < 20_000; count += 1) {
    const a = word();
    const b = word();
    if (a === b) continue;
    const distance = reference(a, b);
    const [found] = nearestWords(a, [[b, 1]], 1);
    if (distance <= 2) near += 1;
    if ((found?.distance ?? 9) !== (distance <= 2 ? distance : 9)) t.fail(`${a} ${b}: ${distance}`);
  }
  t.ok(near > 100, 'some were near');
});

t.test('cuts a line into words', async (t) => {
  t.strictSame(wordsOf('ERROR sendWorker failed: max_size=12 (id 42) x'), [
    'ERROR',
    'sendWorker',
    'failed',
    'max_size',
    'id',
  ]);
  t.strictSame(wordsOf('错误码error无法'), ['错误', '错误码', '误码', 'error', '无法']);
  t.equal(wordsOf('错'.repeat(100_000)).length, 512);
});
