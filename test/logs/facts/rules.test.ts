/** Rules files: what they may say, and what is said of broken ones. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { extractFacts } from '../../../src/logs/facts/extract.ts';
import { loadFactRules, loadRedactRules } from '../../../src/logs/facts/load.ts';
import { redact } from '../../../src/logs/facts/redact.ts';
import { parseFactRules, parseRedactRules } from '../../../src/logs/facts/rules.ts';

t.test('reads the documented shape', async (t) => {
  const battery = { name: 'battery_level', pattern: 'battery.*?(\\d+)%', fields: ['percentage'] };
  t.strictSame(parseFactRules({ rule: [battery] }, 'a.toml'), [{ ...battery, source: 'a.toml' }]);
  t.strictSame(parseFactRules({}, 'a.toml'), []);
  t.strictSame(parseRedactRules({ rule: [{ name: 'x', pattern: 'y' }] }, 'r.toml'), [
    { name: 'x', pattern: 'y', replacement: '[REDACTED:x]', source: 'r.toml' },
  ]);
});

t.test('says what is wrong, in which rule of which file', async (t) => {
  const rule = { name: 'x', pattern: 'y' };
  const broken: readonly (readonly [value: unknown, message: RegExp])[] = [
    [7, /a\.toml: it has no \[\[rule\]\] tables/],
    [{ rules: [] }, /a\.toml: "rules" is not known/],
    [{ rule: {} }, /double brackets/],
    [{ rule: [1] }, /rule 1: it is not a table/],
    [{ rule: [rule, { pattern: 'y' }] }, /a\.toml: rule 2: name is missing/],
    [{ rule: [{ name: 'x' }] }, /a\.toml: rule "x": pattern is missing/],
    [{ rule: [{ ...rule, name: 'x\n' }] }, /rule 1: name has other characters/],
    [{ rule: [{ ...rule, name: 'x'.repeat(101) }] }, /name is longer than 100/],
    [{ rule: [{ ...rule, pattern: '错'.repeat(1366) }] }, /pattern is longer than 4096 bytes/],
    [{ rule: [{ ...rule, field: ['a'] }] }, /rule "x": "field" is not known/],
    [{ rule: [{ ...rule, fields: 'a' }] }, /fields is not a list/],
    [{ rule: [{ ...rule, fields: ['a', 7] }] }, /7 is not a name/],
    [{ rule: [{ ...rule, fields: ['a', 'a'] }] }, /named twice/],
    [{ rule: [{ ...rule, fields: Array.from({ length: 51 }, (_, n) => `f${n}`) }] }, /more than 50 fields/],
    [{ rule: Array.from({ length: 1001 }, () => rule) }, /more than 1000 rules/],
  ];
  for (const [value, message] of broken)
    t.throws(() => parseFactRules(value, 'a.toml'), { code: 'CONFIG_ERROR', message });
  t.throws(
    () => parseRedactRules({ rule: [{ ...rule, replacement: 7 }] }, 'a.toml'),
    /replacement is not a text/,
  );
  t.throws(() => parseRedactRules({ rule: [{ ...rule, fields: ['a'] }] }, 'a.toml'), /"fields" is not known/);
});

t.test('loads folders in the order of names, and goes on without what is broken', async (t) => {
  const folder = t.testdir({
    'b.toml': '[[rule]]\nname = "second"\npattern = "b(\\\\d+)"\nfields = ["n"]\n',
    'a.toml':
      '[[rule]]\nname = "first"\npattern = "(?P<letter>[a-z])\\\\d"\n[[rule]]\nname = "version"\npattern = "release-(\\\\w+)"\nfields = ["v"]\n',
    'c.toml': '[[rule]\n',
    'd.toml': '[[rule]]\nname = "look"\npattern = "(?=x)"\n',
    'e.toml': '[[rule]]\nname = "few"\npattern = "(x)"\nfields = ["a", "b"]\n',
    'f.toml': Buffer.from([0xff, 0xfe, 0x41]),
    'g.toml': `# ${'x'.repeat(1024 * 1024)}`,
    'notes.txt': 'no rules',
  });
  mkdirSync(join(folder, 'h.toml'));
  const { rules, problems } = await loadFactRules(folder);
  t.strictSame(
    rules.slice(0, 3).map(({ rule }) => rule.name),
    ['first', 'version', 'second'],
  );
  t.equal(
    rules.filter(({ rule }) => rule.name === 'version').length,
    1,
    'a rule of a file takes the built-in place',
  );
  t.ok(rules.some(({ rule }) => rule.source === 'built-in'));
  const expected = [/c\.toml:1:\d+: this is not TOML/, /d\.toml: rule "look": its pattern is not RE2/];
  expected.push(/e\.toml: rule "few": it has 2 fields, but its pattern 1 groups/, /f\.toml: it is not UTF-8/);
  expected.push(/g\.toml: it is larger than/, /h\.toml: it cannot be read: EISDIR/);
  t.equal(problems.length, expected.length);
  expected.forEach((message, index) => {
    t.equal(problems[index]?.code, 'CONFIG_ERROR');
    t.match(problems[index]?.message, message);
  });
  t.strictSame(
    extractFacts(rules, [{ id: 'hit_1', content: 'b7 release-x' }], ['first', 'second', 'version']),
    [
      { rule_name: 'first', fields: { letter: 'b' }, source_hit_id: 'hit_1' },
      { rule_name: 'version', fields: { v: 'x' }, source_hit_id: 'hit_1' },
      { rule_name: 'second', fields: { n: '7' }, source_hit_id: 'hit_1' },
    ],
  );
});

t.test('has the built-in rules where there is no folder', async (t) => {
  const missing = await loadFactRules(join(t.testdir({}), 'none'));
  t.equal(missing.problems.length, 0);
  t.ok(missing.rules.length > 10);
  t.equal((await loadRedactRules(null)).rules.length > 10, true);
});

t.test('refuses a folder of too many files', async (t) => {
  const folder = t.testdir({});
  for (let n = 0; n <= 100; n += 1) writeFileSync(join(folder, `${n}.toml`), '');
  await t.rejects(loadFactRules(folder), { code: 'CONFIG_ERROR', message: /more than 100 files/ });
});

t.test('redacts by the rules of a folder first', async (t) => {
  const folder = t.testdir({
    'a.toml': [
      '[[rule]]',
      'name = "employee"',
      'pattern = "(EMP)-\\\\d+"',
      '[[rule]]',
      'name = "jwt"',
      "pattern = 'eyJ\\w+'",
      'replacement = "<$&>"',
      '[[rule]]',
      'name = "swap"',
      "pattern = '(?P<user>\\w+)@(\\w+)'",
      'replacement = "$2 at $1"',
    ].join('\n'),
  });
  const { rules, problems } = await loadRedactRules(folder);
  t.strictSame(problems, []);
  t.equal(redact(rules, 'EMP-77 bob@home eyJabc'), '[REDACTED:employee] home at bob <eyJabc>');
});
