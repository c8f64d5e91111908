/** Line ends in one, two and four bytes: next, previous and count agree with looking at every unit. */
import t from 'tap';
import { lineEndsOf } from '../../../src/logs/search/newlines.ts';
import { pick, randomOf } from './random-logs.ts';

t.test('finds and counts line ends as a look at every unit does', async (t) => {
  const random = randomOf(3);
  const kinds = [
    [1, false],
    [2, false],
    [2, true],
    [4, false],
    [4, true],
  ] as const;
  for (let turn = 0; turn < 3000; turn += 1) {
    const [unit, big] = pick(random, kinds);
    const ends = lineEndsOf(unit, big);
    const length = Math.floor(random() * pick(random, [20, 1200]));
    const buffer = Buffer.from(Array.from({ length }, () => pick(random, [0, 0, 10, 13, 65, 0x8a, 0xff])));
    const from = Math.floor((random() * length) / unit) * unit;
    const to = Math.min(length, from + Math.floor((random() * length) / unit) * unit);
    const places: number[] = [];
    for (let at = from; at + unit <= to; at += unit) {
      const value = Array.from(buffer.subarray(at, at + unit));
      const low = big ? unit - 1 : 0;
      if (value.every((byte, index) => byte === (index === low ? 10 : 0))) places.push(at);
    }
    const given = [
      ends.next(buffer, from, to),
      ends.previous(buffer, from, to),
      ends.count(buffer, from, to),
    ];
    const wanted = [places[0] ?? -1, places.at(-1) ?? -1, places.length];
    if (given.join() !== wanted.join())
      return t.same(given, wanted, `${unit} ${big} ${from} ${to} ${buffer.toString('hex')}`);
  }
  t.pass('3000 buffers');
});
