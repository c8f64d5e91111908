/** Random logs and queries, from a seed: the same every time, so that what fails can be run again. */
import iconv from 'iconv-lite';
import type { LineQuery } from '../../../src/logs/search/query.ts';

export type Random = () => number;

/** A small generator of numbers in [0, 1) (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const value = from[Math.floor(random() * from.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

const WORDS = [
  'error',
  'ERROR',
  'Error',
  'timeout',
  'disk',
  'a',
  'ab',
  'aba',
  'x=1',
  'user_id',
  'user',
  'kill',
  'sKin',
  'ok',
  '错误',
  '超时',
  '连接失败',
  '中A',
  'é',
  'É',
  'Ünder',
  'naïve',
  '[x]',
  '0x7f',
  '',
  ' ',
  '\t',
  'K',
  '日志B@',
  'foo.bar',
  'ß',
  'ẞ',
  'Ω\u2126ω',
  'ǅ',
  'ǆx',
  'ΣΑΣ',
  'σας',
  'Å\u212b',
  'ЖЗ',
  'жз',
  '\0',
  'a\0b',
  'x\ry',
] as const;

/** What no line has: nothing may find it, and nothing may stumble over it. */
const ODD_TERMS = ['a\nab', '\n', '\r\n', 'ok\r', '\r', '\0', 'ab'.repeat(300), '\ud800', 'error\r\nuser'];

const wordsOf = new Map<string, readonly string[]>();

/** The words that an encoding has all characters for. */
function wordsIn(encoding: string): readonly string[] {
  const known = wordsOf.get(encoding);
  if (known) return known;
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  const words = WORDS.filter(
    (word) => decoder.decode(iconv.encode(word, encoding, { addBOM: false })) === word,
  );
  wordsOf.set(encoding, words);
  return words;
}

export interface RandomLog {
  readonly bytes: Buffer;
  readonly encoding: string;
  readonly bomBytes: number;
}

export const ENCODINGS = [
  'utf-8',
  'utf-8',
  'utf-8',
  'gb18030',
  'utf-16le',
  'utf-16be',
  'windows-1252',
  'big5',
  'shift_jis',
  'euc-kr',
] as const;

export function randomLog(random: Random): RandomLog {
  const encoding = pick(random, ENCODINGS);
  const words = wordsIn(encoding);
  const ends = pick(random, [['\n'], ['\r\n'], ['\n', '\r\n'], ['\n', '\n\n', '\r\n', '\r\r\n']]);
  const count = Math.floor(random() * pick(random, [3, 30, 150]));
  let text = '';
  for (let line = 0; line < count; line += 1) {
    const length = random() < 0.02 ? 400 : Math.floor(random() * 9);
    const parts = Array.from({ length }, () => pick(random, words));
    text += parts.join(random() < 0.5 ? ' ' : '');
    if (line < count - 1 || random() < 0.6) text += pick(random, ends);
  }
  const mark = encoding === 'utf-16le' ? '\ufeff' : encoding === 'utf-8' && random() < 0.2 ? '\ufeff' : '';
  let bytes = iconv.encode(mark + text, encoding, { addBOM: false });
  if (encoding === 'utf-8' && random() < 0.3) bytes = damaged(bytes, random);
  return { bytes, encoding, bomBytes: mark === '' ? 0 : encoding === 'utf-8' ? 3 : 2 };
}

/** Bytes that are no text, but no line ends either. */
function damaged(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = 0; times < 5 && copy.length > 8; times += 1) {
    const at = 3 + Math.floor(random() * (copy.length - 3));
    if (copy[at] !== 10 && copy[at] !== 13) copy[at] = pick(random, [0xff, 0xc3, 0x80, 0xe9]);
  }
  return copy;
}

const REGEXES = [
  'err.r',
  'user(_id)?',
  '[ek]rr',
  'a+b',
  '\\bok\\b',
  '^a',
  'a$',
  '\\d+',
  '错.',
  '(timeout|disk) ?',
  'x=\\d',
  '[^a]b',
  '\\s+user',
  'skin',
  'z{3}',
  '^$',
  '^\\s*$',
  '^(error|user|a)',
  '(ok|ab|错误)$',
  '\\Aab|x\\z',
  '\\Berr',
  '\\b(?:kill|disk)\\b',
  '[a-f]{2,4}',
  '[[:upper:]]{3}',
  '[\\d_]+',
  '\\W\\w\\W',
  '(?:a|b)+x',
  '(?i)ERR',
  '(?P<name>us)er',
  '(err)|(time)out',
  'erro?r',
  'foo\\.bar',
  '.{20,}',
  '\\x00',
  '\\p{Han}+',
  '\\p{Lu}\\p{Ll}',
  '[^\\x00-\\x7f]',
  'a{0}b',
  '(a|ab)(c|x=)',
  '\\[x\\]',
  '',
  'ß|é',
  'u.*r.*k',
  '(?s)a.b',
  '(?m)^k',
  'a\\nb',
  '\\n',
  '\\r',
];

export function randomQuery(random: Random): LineQuery {
  const some = (chance: number): string[] =>
    Array.from({ length: random() < chance ? 1 + Math.floor(random() * 3) : 0 }, () =>
      random() < 0.05
        ? pick(random, ODD_TERMS)
        : pick(
            random,
            WORDS.filter((word) => word !== ''),
          ),
    );
  return {
    must: some(0.4),
    any: some(0.3),
    none: some(0.3),
    regex: random() < 0.4 ? pick(random, REGEXES) : null,
    caseSensitive: random() < 0.5,
    wholeWord: random() < 0.25,
    json: null,
    window: null,
  };
}
