/** Facts read out of lines, by rules of files and by the built-in ones. */
import t from 'tap';
import { compileFactRules, extractFacts, factLimits } from '../../../src/logs/facts/extract.ts';
import { loadFactRules, loadRe2 } from '../../../src/logs/facts/load.ts';
import { parseFactRules } from '../../../src/logs/facts/rules.ts';

const compile = await loadRe2();

function rulesOf(...rule: readonly object[]) {
  return compileFactRules(parseFactRules({ rule }, 'test.toml'), compile);
}

t.test('extracts as the document shows', async (t) => {
  const rules = rulesOf(
    { name: 'battery_level', pattern: 'battery.*?(\\d+)%', fields: ['percentage'] },
    { name: 'collision_event', pattern: 'collision detected.*?object_id=(\\w+)', fields: ['object_id'] },
  );
  const hits = [
    { id: 'hit_1', content: '2024-01-01 INFO battery at 45%' },
    { id: 'hit_2', content: '2024-01-01 WARN collision detected near dock, object_id=ABC123' },
    { id: 'hit_3', content: 'nothing' },
  ];
  const facts = [
    { rule_name: 'battery_level', fields: { percentage: '45' }, source_hit_id: 'hit_1' },
    { rule_name: 'collision_event', fields: { object_id: 'ABC123' }, source_hit_id: 'hit_2' },
  ];
  t.strictSame(extractFacts(rules, hits), facts);
  t.strictSame(extractFacts(rules, hits, ['collision_event']), facts.slice(1));
  t.strictSame(extractFacts(rules, hits, []), []);
});

t.test('gives all matches of a line, each once, in order', async (t) => {
  const rules = rulesOf(
    { name: 'pair', pattern: '(\\w)=(\\d)?', fields: ['key', 'value'] },
    { name: 'whole', pattern: 'c=' },
    { name: 'empty', pattern: 'q*' },
  );
  t.strictSame(
    extractFacts(rules, [{ id: 'h', content: 'a=1 b= a=1 c=2' }]).map(({ rule_name, fields }) => [
      rule_name,
      fields,
    ]),
    [
      ['pair', { key: 'a', value: '1' }],
      ['pair', { key: 'b' }],
      ['pair', { key: 'c', value: '2' }],
      ['whole', { match: 'c=' }],
    ],
  );
});

t.test('is bounded', async (t) => {
  const rules = rulesOf(
    { name: 'n', pattern: '(\\d+)', fields: ['n'] },
    { name: '__proto__', pattern: '(?P<x>x+)' },
  );
  const content = Array.from({ length: 100 }, (_, n) => n).join(' ');
  t.equal(extractFacts(rules, [{ id: 'h', content }]).length, factLimits.matchesPerLineMax);
  const many = Array.from({ length: 2000 }, (_, n) => ({ id: `h${n}`, content }));
  t.equal(extractFacts(rules, many).length, factLimits.factsMax);
  const [fact] = extractFacts(rules, [{ id: 'h', content: 'x'.repeat(100_000) }]);
  t.equal(fact?.fields.x?.length, factLimits.valueCharsMax);
});

const lines: readonly (readonly [line: string, name: string, fields: Record<string, string> | null])[] = [
  [
    '"GET /api/users?id=7 HTTP/1.1" 404 12',
    'http_request',
    { method: 'GET', path: '/api/users?id=7', status: '404' },
  ],
  ['POST /login -> 500 in 12ms', 'http_request', { method: 'POST', path: '/login', status: '500' }],
  ['GET the best', 'http_request', null],
  ['upstream answered HTTP/1.1 502 Bad Gateway', 'http_status', { status: '502' }],
  ['status: 200 len: 1893', 'http_status', { status: '200' }],
  ['exit status 300', 'http_status', null],
  ['{"status_code": 503}', 'http_status', { status: '503' }],
  [
    'java.lang.IllegalStateException: queue full',
    'exception',
    { class: 'java.lang.IllegalStateException', message: 'queue full' },
  ],
  ['ValueError: bad literal', 'exception', { class: 'ValueError', message: 'bad literal' }],
  ['System.NullReferenceException', 'exception', { class: 'System.NullReferenceException' }],
  [
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'exception',
    { class: 'std::bad_alloc' },
  ],
  ['An error occurred', 'exception', null],
  ['process exited with code 137', 'exit_code', { code: '137' }],
  ['exit status 1', 'exit_code', { code: '1' }],
  ['ExitCode=-1073741819', 'exit_code', { code: '-1073741819' }],
  ['killed by signal 9', 'signal', { signal: '9' }],
  ['caught SIGSEGV', 'signal', { signal: 'SIGSEGV' }],
  ['signal strength is low', 'signal', null],
  ['to 10.0.0.1:8080, refused', 'endpoint', { ip: '10.0.0.1', port: '8080' }],
  ['host 10.0.0.1.', 'endpoint', { ip: '10.0.0.1' }],
  ['listening on [::1]:443', 'endpoint', { ip: '::1', port: '443' }],
  ['version 1.2.3.4.5 and 300.1.1.1', 'endpoint', null],
  ['took 12.5 ms', 'duration', { value: '12.5', unit: 'ms' }],
  ['耗时45毫秒', 'duration', { value: '45', unit: '毫秒' }],
  ['耗时 45毫秒', 'duration', { value: '45', unit: '毫秒' }],
  ['failed: 0x80070005', 'hresult', { code: '0x80070005' }],
  ['status 0xC0000005', 'hresult', { code: '0xC0000005' }],
  ['errno=111', 'errno', { errno: '111' }],
  ['connect ECONNREFUSED 1.2.3.4', 'errno', { errno: 'ECONNREFUSED' }],
  ['ORA-00942: table does not exist', 'error_code', { code: 'ORA-00942' }],
  ['error code: 1045', 'error_code', { code: '1045' }],
  ['错误码：20013', 'error_code', { code: '20013' }],
  ['no error was found in 12 files', 'error_code', null],
  [
    'Out of memory: Killed process 1234 (java) total-vm:1kB, anon-rss:200kB',
    'oom_kill',
    { pid: '1234', process: 'java', anon_rss: '200kB' },
  ],
  ['oom-kill:constraint=CONSTRAINT_NONE,task=node,pid=77,uid=0', 'oom_kill', { process: 'node', pid: '77' }],
  [
    'app[99]: segfault at 0 ip 00005555 sp 00007ffe error 4 in app[5555+1000]',
    'segfault',
    { process: 'app', pid: '99', address: '0', ip: '00005555', sp: '00007ffe', error: '4', module: 'app' },
  ],
  ['Access violation reading location 0x0000000000000010.', 'segfault', { address: '0x0000000000000010' }],
  ['request_id=7f3a-11 ok', 'id', { kind: 'request', id: '7f3a-11' }],
  ['"userId": "u42"', 'id', { kind: 'user', id: 'u42' }],
  ['用户ID：9527', 'id', { kind: '用户', id: '9527' }],
  ['App version 2.10.3-beta+7 started', 'version', { version: '2.10.3-beta+7' }],
  ['node v20.19.1', 'version', { version: '20.19.1' }],
];

t.test('reads the common facts of programs', async (t) => {
  const { rules } = await loadFactRules(null);
  for (const [content, name, fields] of lines) {
    const [fact] = extractFacts(rules, [{ id: 'h', content }], [name]);
    t.strictSame(fact?.fields ?? null, fields, `${name}: ${content}`);
  }
});

t.test('takes any text', async (t) => {
  const { rules } = await loadFactRules(null);
  const pieces = lines.flatMap(([line]) => line.split(' ')).concat('\ud800', '\0', '', '错');
  let seed = 5;
  for (let count = 0; count < 1000; count += 1) {
    let content = '';
    for (let left = 20; left > 0; left -= 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      content += `${pieces[(seed >>> 8) % pieces.length]} `;
    }
    const facts = extractFacts(rules, [{ id: 'h', content }]);
    for (const { fields } of facts)
      for (const value of Object.values(fields))
        if (content.isWellFormed() && !content.includes(value)) t.fail(`${value}: ${content}`);
  }
});

t.test('a pattern may quote to its end', async (t) => {
  const rules = rulesOf({ name: 'odd', pattern: 'id=(\\d+)\\Q (x)', fields: ['id'] });
  const facts = extractFacts(rules, [{ id: 'h', content: 'id=7 (x) id=8 x' }]);
  t.same(
    facts.map(({ fields }) => fields),
    [{ id: '7' }],
  );
});
