/** Globs: what they match, and that none takes long. */
import { test } from 'tap';
import { compileGlob } from '../../../src/logs/source/glob-matcher.ts';
import { deniedBy, wantedBy } from '../../../src/logs/source/globs.ts';

const CASES: readonly (readonly [glob: string, matching: readonly string[], others: readonly string[]])[] = [
  ['*.log', ['a.log', '.log', '.a.log', 'é 日.log'], ['a/b.log', 'a.logs', 'log']],
  ['a?c', ['abc', 'a😀c'], ['ac', 'abbc', 'a/c']],
  ['**/*.log', ['a.log', 'x/a.log', 'x/y/a.log'], ['x/a.txt']],
  ['x/**', ['x/a', 'x/y/a', 'x'], ['y/x/a', 'xy']],
  ['x/**/z', ['x/z', 'x/y/z', 'x/y/y/z'], ['x/yz', 'z']],
  ['**/a/**/b/**', ['a/b', 'x/a/y/b/z', 'a/a/b'], ['b/a']],
  ['a**b', ['ab', 'axb'], ['a/b']],
  ['[a-c]x', ['ax', 'cx'], ['dx', 'x', '[a-c]x']],
  ['[!a-c]x', ['dx'], ['ax', 'x']],
  ['[^a]', ['b'], ['a']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a-]', ['a', '-'], ['b']],
  ['[x.log', ['[x.log'], ['x.log']],
  ['*.{log,txt}', ['a.log', 'a.txt'], ['a.md', 'a.{log,txt}']],
  ['{a,b{c,d}}x', ['ax', 'bcx', 'bdx'], ['bx', 'cx']],
  ['{a,b', ['{a,b'], ['a']],
  ['{a}', ['{a}'], ['a']],
  ['a,b', ['a,b'], ['a']],
  ['{,x}a', ['a', 'xa'], ['ya']],
  ['(a|b)+.log', ['(a|b)+.log'], ['a.log', 'aa.log']],
  ['$a^.*', ['$a^.x'], ['a.x']],
  ['', [''], ['a']],
  ['*', ['', 'a'], ['a/b']],
];

for (const [glob, matching, others] of CASES) {
  test(`matches ${glob}`, async (t) => {
    const matches = compileGlob(glob, false);
    for (const path of matching) t.ok(matches(path), path);
    for (const path of others) t.notOk(matches(path), path);
  });
}

test('takes what stands behind a backslash as it is', { skip: process.platform === 'win32' }, async (t) => {
  t.ok(compileGlob('\\*\\{a,b\\}\\[x]', false)('*{a,b}[x]'));
  t.notOk(compileGlob('\\*', false)('a'));
});

test('tells upper from lower case, or not', async (t) => {
  t.notOk(compileGlob('*.LOG', false)('a.log'));
  t.ok(compileGlob('*.LOG', true)('A.Log'));
});

test('is through at once with globs that are made to take long', async (t) => {
  for (const glob of [
    '*a*a*a*a*a*a*a*a*b',
    '(a+)+$',
    '**/**/**/**/**/**/*b',
    '{a,b}*{a,b}*{a,b}*{a,b}*c',
    `${'*?'.repeat(500)}b`,
  ]) {
    t.notOk(compileGlob(glob, false)('a'.repeat(4000)), glob);
    t.notOk(compileGlob(glob, false)(`${'a/'.repeat(2000)}a`), glob);
  }
  t.throws(() => compileGlob('{a,b}'.repeat(100), false), { code: 'INVALID_INPUT' });
  t.notOk(compileGlob('{'.repeat(1000), false)('a'));
});

test('wants what one glob matches and none with an exclamation mark', async (t) => {
  const isWanted = wantedBy(['*.log', 'x/**', '!*debug*', '!x/y/**']);
  t.same(['a.log', 'x/a.txt', 'x/debug.log', 'x/y/a.log', 'z/a.log', 'z/a.txt'].filter(isWanted), [
    'a.log',
    'x/a.txt',
    'z/a.log',
  ]);
  t.ok(wantedBy([])('anything'));
  t.same(['a.log', 'b.txt'].filter(wantedBy(['!*.txt'])), ['a.log']);
});

test('denies names at any depth, and folders with all that is in them', async (t) => {
  const isDenied = deniedBy(['*.key', '.ssh', '/etc/**', 'a/b', '/secret']);
  for (const path of [
    '/x/a.key',
    '/home/u/.ssh/config',
    '/etc/passwd',
    '/x/a/b',
    '/x/a/b/c/d',
    '/secret/x',
    '/secret',
  ]) {
    t.ok(isDenied(path), path);
  }
  for (const path of ['/x/a.keys', '/home/u/ssh', '/x/etc/a', '/a/c/b', '/secrets', '/x/secret'])
    t.notOk(isDenied(path), path);
});
