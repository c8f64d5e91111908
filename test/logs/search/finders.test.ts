/** Finders of bytes, compared with a naive one and with another implementation. */
import AhoCorasick from 'aho-corasick';
import t from 'tap';
import {
  caselessBytes,
  exactBytes,
  exactFinder,
  type Finder,
  skipFinder,
} from '../../../src/logs/search/finders.ts';
import { pick, randomOf } from './random-logs.ts';

const CASES = Number(process.env.CHS_MUTATIONS ?? 2000);

function all(finder: Finder, buffer: Buffer, from: number, to: number): number[] {
  const found: number[] = [];
  for (let at = finder.next(buffer, from, to); at >= 0; at = finder.next(buffer, at + 1, to)) found.push(at);
  return found;
}

function naive(needles: readonly Buffer[], buffer: Buffer, from: number, to: number): number[] {
  const found: number[] = [];
  for (let at = from; at < to; at += 1) {
    if (needles.some((one) => at + one.length <= to && buffer.subarray(at, at + one.length).equals(one)))
      found.push(at);
  }
  return found;
}

t.test('finds every place of several needles, inside of the given part alone', async (t) => {
  const random = randomOf(5);
  const alphabet = ['a', 'b', 'c', 'A', '\0', '\xff', '\n'];
  const text = (length: number) =>
    Buffer.from(Array.from({ length }, () => pick(random, alphabet)).join(''), 'latin1');
  for (let turn = 0; turn < CASES; turn += 1) {
    const shortest = pick(random, [1, 2, 3]);
    const needles = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      text(shortest + Math.floor(random() * 6)),
    );
    const buffer = text(Math.floor(random() * 120));
    const from = Math.floor(random() * 10);
    const to = Math.max(0, buffer.length - Math.floor(random() * 10));
    const wanted = naive(needles, buffer, from, to);
    const given = all(skipFinder(needles.map(exactBytes)), buffer, from, to);
    if (JSON.stringify(given) !== JSON.stringify(wanted))
      return t.same(
        given,
        wanted,
        `${needles.map((one) => one.toString('hex'))} in ${buffer.toString('hex')} ${from} ${to}`,
      );
    const [only] = needles;
    if (only) t.same(all(exactFinder(only), buffer, from, to), naive([only], buffer, from, to));
  }
  t.pass(`${CASES} texts`);
});

t.test('agrees with an Aho-Corasick automaton on which keywords are in a text', async (t) => {
  const random = randomOf(6);
  const words = [
    'error',
    'err',
    'timeout',
    'time',
    'out',
    'rerr',
    'disk',
    'is',
    '错误',
    '错',
    'x=1',
    'aba',
    'ab',
  ];
  for (let turn = 0; turn < CASES; turn += 1) {
    const keywords = [
      ...new Set(Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(random, words))),
    ];
    const text = Array.from({ length: Math.floor(random() * 15) }, () =>
      pick(random, [...words, ' ', 'r', 'e']),
    ).join('');
    const automaton = new AhoCorasick();
    for (const keyword of keywords) automaton.add(keyword, keyword);
    automaton.build_fail();
    const places = new Set<number>();
    automaton.search(text, (_word, _data, at) => {
      places.add(Buffer.byteLength(text.slice(0, at)));
    });
    const bytes = Buffer.from(text);
    const given = all(
      skipFinder(keywords.map((one) => exactBytes(Buffer.from(one)))),
      bytes,
      0,
      bytes.length,
    );
    const wanted = [...places].sort((a, b) => a - b);
    if (JSON.stringify(given) !== JSON.stringify(wanted))
      return t.same(given, wanted, `${keywords} in ${text}`);
  }
  t.pass(`${CASES} texts`);
});

t.test('finds letters in either case, and bytes that are no letters as they are', async (t) => {
  const finder = skipFinder([caselessBytes(Buffer.from('k[Z@'))]);
  const buffer = Buffer.from('K[z@ k[Z@ k{z@ K[Z`');
  t.same(all(finder, buffer, 0, buffer.length), [0, 5]);
});

t.test('finds needles of many lengths, longer than its table has room for', async (t) => {
  for (const length of [1, 2, 3, 254, 255, 256, 257, 1000, 70_000]) {
    const needle = Buffer.alloc(length, 'ab');
    const buffer = Buffer.concat([Buffer.alloc(777, 'b'), needle, Buffer.from('!')]);
    const wanted = naive([needle], buffer, 0, buffer.length);
    t.same(all(skipFinder([exactBytes(needle)]), buffer, 0, buffer.length), wanted, `${length}`);
  }
});
