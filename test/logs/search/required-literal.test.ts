/** What a regular expression needs: every match has the text that is said to be in it. */
import RE2 from 're2';
import t from 'tap';
import { requiredLiteral } from '../../../src/logs/search/required-literal.ts';
import { pick, type Random, randomOf } from './random-logs.ts';

const CASES = Number(process.env.CHS_MUTATIONS ?? 20_000);

t.test('finds the longest text outside of groups, classes and alternatives', async (t) => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['connection refused', 'connection refused'],
    ['err.*timeout', 'timeout'],
    ['a+bc', 'bc'],
    ['ab+', 'ab'],
    ['ab*c', null],
    ['abc?', 'ab'],
    ['ab{0,2}cd', 'cd'],
    ['ab{2}cd', 'ab'],
    ['foo|bar', null],
    ['(foo|bar)baz', 'baz'],
    ['\\[x\\]y', '[x]y'],
    ['\\d+ms', 'ms'],
    ['x\\.y\\.z', 'x.y.z'],
    ['(?i)abc', null],
    ['(?P<id>\\d+)abc', 'abc'],
    ['\\Qabc\\E', null],
    ['[abc]]de', ']de'],
    ['[]a]bc', 'bc'],
    ['[[:alpha:]]bc', 'bc'],
    ['\\x41bc', 'bc'],
    ['\\pLbc', 'bc'],
    ['^abc$', 'abc'],
    ['错误.超时了', '超时了'],
    ['😀x', '😀x'],
    ['a', null],
    ['', null],
  ];
  for (const [source, literal] of cases) t.equal(requiredLiteral(source), literal, source);
});

const ATOMS = [
  ...[
    'a',
    'b',
    'ab',
    'c',
    '.',
    '\\.',
    '\\d',
    '\\w',
    '\\W',
    '\\b',
    '^',
    '$',
    '[ab]',
    '[^a]',
    '[]b]',
    '[a\\]]',
  ],
  ...[
    '[[:digit:]a]',
    '\\-',
    '\\[',
    '{',
    '}',
    ']',
    '{,2}',
    'é',
    '错',
    '😀',
    '\\x61',
    '\\x{62}',
    '\\141',
    '\\n',
    '\\pL',
  ],
  ...[
    '\\p{Lu}',
    '\\u0061',
    '\\Qa+\\E',
    '-',
    ',',
    '1',
    '\\\\',
    '\\/',
    '/',
    '#',
    ' ',
    '\\t',
    '\\s',
    '\\cA',
    '\\0',
  ],
];
const QUANTIFIERS = [
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '{2}',
  '{0}',
  '{0,1}',
  '{1,}',
  '{,2}',
  '*?',
  '+?',
  '??',
  '{1,2}?',
];

function randomRegex(random: Random, depth = 0): string {
  const count = 1 + Math.floor(random() * 4);
  let source = '';
  for (let part = 0; part < count; part += 1) {
    const isGroup = depth < 2 && random() < 0.2;
    const group = pick(random, ['(', '(?:', `(?P<n${depth}${part}>`, `(?<m${depth}${part}>`, '(?i:']);
    const atom = isGroup ? `${group}${randomRegex(random, depth + 1)})` : pick(random, ATOMS);
    source += atom + pick(random, QUANTIFIERS);
  }
  return random() < 0.1 ? `${source}|${randomRegex(random, 2)}` : source;
}

const LETTERS = [
  'a',
  'b',
  'ab',
  'c',
  'A',
  '.',
  '1',
  '-',
  ',',
  '{',
  '}',
  ']',
  '[',
  '{,2}',
  '\\',
  '/',
  ' ',
  'é',
  '错',
  '😀',
  '#',
];

t.test('says of random expressions only what every match has', async (t) => {
  const random = randomOf(99);
  let tried = 0;
  const wrong: string[] = [];
  for (let at = 0; at < CASES; at += 1) {
    const source = randomRegex(random);
    const literal = requiredLiteral(source);
    let regex: RE2;
    try {
      regex = new RE2(source);
    } catch {
      continue;
    }
    if (literal === null) continue;
    for (let text = 0; text < 40; text += 1) {
      const some = Array.from({ length: Math.floor(random() * 10) }, () => pick(random, LETTERS));
      // Half of the texts have what is needed nearly, so that there are matches.
      const line: string =
        some.join('') + (random() < 0.5 ? literal.slice(0, -1) + pick(random, LETTERS) : '');
      const match: RegExpExecArray | null = regex.exec(line);
      if (match === null) continue;
      tried += 1;
      if (!match[0].includes(literal))
        wrong.push(`${source} matches ${JSON.stringify(match[0])} without ${literal}`);
    }
  }
  t.same(wrong.slice(0, 5), []);
  t.ok(tried > CASES / 20, `${tried} matches`);
});
