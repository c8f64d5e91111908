/** Conditions on fields of JSON lines: what is one, and what is refused. */
import t from 'tap';
import { parseCondition } from '../../../src/logs/search/json-conditions.ts';

function holds(condition: string, line: string): boolean {
  const { path, test } = parseCondition(condition, 'json_path_must', true);
  const value = path.reduce<unknown>((here, name) => Object(here)[name], JSON.parse(line));
  return test(value, line);
}

t.test('reads a path alone, and one with an operator and a value', async (t) => {
  t.ok(holds('level', '{"level":null}'));
  t.notOk(holds('level', '{"msg":"x"}'));
  t.ok(holds('http.status>=500', '{"http":{"status":504}}'));
  t.notOk(holds('http.status>=500', '{"http":{"status":200}}'));
  t.ok(holds('msg=', '{"msg":""}'), 'an empty text can be asked for');
});

t.test('refuses half of a condition', async (t) => {
  for (const text of ['=', '=error', '>=500', '~', 'http.status>=', 'n<', ''])
    t.throws(() => parseCondition(text, 'json_path_must', true), { code: 'INVALID_INPUT' }, text);
});
