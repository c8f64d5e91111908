/** An expression within another one: its quoted text, its alternatives and its flags end where it ends. */
import RE2 from 're2';
import t from 'tap';
import { readQuery } from '../../../commands/logs/query-options.ts';
import { grouped, groupNames } from '../../../src/logs/search/grouped-regex.ts';
import { compileRegex } from '../../../src/logs/search/line-matcher.ts';

const compile = (source: string): RegExp => new RE2(source);

t.test('closes a quoted text that is open, and nothing else', async (t) => {
  for (const [source, expected] of [
    ['a|b', '(?:a|b)'],
    ['a\\Qb|', '(?:a\\Qb|\\E)'],
    ['\\Qa\\E', '(?:\\Qa\\E)'],
    ['\\Qa\\E\\Qb', '(?:\\Qa\\E\\Qb\\E)'],
    ['\\Qa\\Qb', '(?:\\Qa\\Qb\\E)'],
    ['a\\\\Qb', '(?:a\\\\Qb)'],
    ['a\\\\\\Qb', '(?:a\\\\\\Qb\\E)'],
    // Quoted, a backslash is one by itself: the second one begins the end here.
    ['\\Qa\\\\E', '(?:\\Qa\\\\E)'],
    ['\\Qa\\', '(?:\\Qa\\\\E)'],
    ['\\Qa\n', '(?:\\Qa\n\\E)'],
    ['a\\cQb', '(?:a\\cQb)'],
  ] as const) {
    t.equal(grouped(source), expected, source);
    t.doesNotThrow(() => compile(source), source);
    t.doesNotThrow(() => compile(grouped(source)), source);
  }
});

t.test('whatever is valid by itself is so in a group, and matches the same', async (t) => {
  const tokens = ['\\Q', '\\E', '\\', '\\\\', 'a', 'Q', 'E', '.', '|', '(b)', '*', '\n', '\\.'];
  let seed = 7;
  const next = (max: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (seed >> 8) % max;
  };
  const texts = ['', 'a', 'Q', 'E', 'b', '.', '|', '(b)', '\\', 'aQ', '\\E', '\\Q', 'a\n', 'a.a', '*'];
  let valid = 0;
  for (let run = 0; run < 3000; run += 1) {
    const source = Array.from({ length: 1 + next(7) }, () => tokens[next(tokens.length)]).join('');
    let plain: RegExp;
    try {
      plain = compile(source);
    } catch {
      continue;
    }
    valid += 1;
    const group = compile(`${grouped(source)}()`);
    const differing = texts.filter((text) => plain.exec(text)?.[0] !== group.exec(text)?.[0]);
    if (differing.length > 0) t.fail(`${JSON.stringify(source)} on ${JSON.stringify(differing)}`);
  }
  t.ok(valid > 500, `${valid} of them are valid`);
});

t.test('tells the groups of an expression with an open quoted text', async (t) => {
  t.same(groupNames('(?P<z>\\w+) (?P<a>x)\\Q(b)', compile), ['z', 'a']);
  t.same(groupNames('(?P<z>\\w+)(x)|(y)\\Q[', compile), ['1', '2', '3']);
  t.same(groupNames('\\Q(b)', compile), []);
});

t.test('whole words of an expression with an open quoted text', async (t) => {
  const regex = compileRegex('INFO\\Q w', { caseSensitive: true, wholeWord: true });
  t.same(
    ['x INFO w y', 'INFO w', 'INFO word', 'xINFO w'].map((text) => regex.test(text)),
    [true, true, false, false],
  );
});

t.test('whole words of an expression are words of any alphabet, as those of a term are', async (t) => {
  const regex = compileRegex('fo+', { caseSensitive: false, wholeWord: true });
  for (const text of ['foo', 'x FOO.', '中foo文', 'カfoo', '😀foo', '-foo-']) t.ok(regex.test(text), text);
  for (const text of ['éfoo', 'fooé', 'дfoo', 'foo\u0301', '𝒜foo', 'foo_', 'foo1'])
    t.notOk(regex.test(text), text);
});

t.test(
  'several -e of a command: each may leave a quoted text open, none has the flags of another',
  async (t) => {
    const invocation = { options: { regex: ['a\\Q|b', '(?i)warn', 'error'] } };
    const { regex } = await readQuery(invocation as unknown as Parameters<typeof readQuery>[0], null);
    const joined = compileRegex(regex ?? '', { caseSensitive: true });
    t.same(
      ['a|b', 'b', 'WARN', 'error', 'ERROR'].map((text) => joined.test(text)),
      [true, false, true, true, false],
    );
  },
);
