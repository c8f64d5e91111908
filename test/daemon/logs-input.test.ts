/** What callers of the log service may not send, and who may not call. */
import { join } from 'node:path';
import { openSession, READABLE, tool, WATCHED, writeLog } from './logs-wire.ts';
import { ask, at, inBoth, textAt } from './wire.ts';

/** A search that is wrong in one field, which the refusal names. */
const wrongFields: readonly [field: string, value: unknown][] = [
  ['session_id', 7],
  ['session_id', ''],
  ['session_id', 'x'.repeat(65)],
  ['include_globs', '*.log'],
  ['include_globs', Array.from({ length: 65 }, () => '*')],
  ['exclude_globs', ['']],
  ['mode', 'xml'],
  ['must', 'needle'],
  ['must', [1]],
  ['must', ['']],
  ['must', Array.from({ length: 65 }, (_, index) => `t${index}`)],
  ['any', Array.from({ length: 65 }, (_, index) => `t${index}`)],
  ['none', Array.from({ length: 65 }, (_, index) => `t${index}`)],
  ['any', ['x'.repeat(4097)]],
  ['regex', 5],
  ['regex', 'x'.repeat(4097)],
  ['case_sensitive', 'yes'],
  ['whole_word', 1],
  ['page_size', 0],
  ['page_size', -1],
  ['page_size', 1.5],
  ['page_size', '100'],
  ['max_hits', 0],
  ['max_hits', '5'],
  ['context_lines', -1],
  ['context_lines', 13],
  ['hard_timeout_ms', 0],
  ['hard_timeout_ms', 1e9],
  ['hits', 1],
  ['max_context_lines', 1],
  ['json_path_must', ['level=error']],
];

inBoth(
  'refuses a search with a field that is wrong or unknown, and names it',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', 'needle\n');
    const session_id = await openSession(chs);
    for (const [field, value] of wrongFields) {
      const answer = await tool(chs, 'search', { session_id, must: ['needle'], [field]: value });
      const label = `${field} ${JSON.stringify(value).slice(0, 40)}: ${JSON.stringify(answer.body)}`;
      t.match(answer, { status: 400, body: { code: 'INVALID_INPUT', retryable: false } }, label);
      t.match(at(answer.body, 'error'), field, label);
    }
    t.match(await tool(chs, 'search', {}), { status: 400, body: { error: /session_id: required/ } });
  },
  READABLE,
);

inBoth(
  'null stands for a field that is left out, as clients of typed languages write it',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', 'needle\n');
    const started = await tool(chs, 'start_session', { hint: null, timezone: null });
    t.equal(started.status, 200, JSON.stringify(started.body));
    const session_id = await openSession(chs);
    const nothing = { time_start: null, time_end: null, regex: null, page_size: null, any: null, mode: null };
    const answer = await tool(chs, 'search', { session_id, must: ['needle'], ...nothing });
    t.match(answer, { status: 200, body: { hits: [{ line_number: 1 }] } }, JSON.stringify(answer.body));
    t.match(await tool(chs, 'search', { session_id: null }), {
      status: 400,
      body: { error: /session_id: required/ },
    });
  },
  READABLE,
);

const bodies: readonly [body: string, status: number][] = [
  ['{', 400],
  ['[]', 400],
  ['null', 400],
  ['"x"', 400],
  ['5', 400],
  ['', 400],
  ['{"session_id":"x"}{}', 400],
  ['\u0000', 400],
  [`{"session_id":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400],
];

inBoth('refuses bodies that are no JSON object', async (t, chs) => {
  for (const [body, status] of bodies) {
    const answer = await tool(chs, 'search', body);
    const label = `${body.slice(0, 30)}: ${JSON.stringify(answer.body)}`;
    t.match(answer, { status, body: { code: 'INVALID_INPUT', retryable: false, error: String } }, label);
  }
  const packed = await tool(chs, 'search', '{}', { headers: { 'content-encoding': 'gzip' } });
  t.match(packed, { status: 415, body: { code: 'UNSUPPORTED_ENCODING', retryable: false } });
  const hidden = await tool(chs, 'remember', '{"__proto__": {"key": "x"}, "session_id": "y"}');
  t.match(hidden, { status: 400, body: { code: 'INVALID_INPUT' } });
});

inBoth(
  'refuses a body over limits.content_length_limit_mb, declared or not',
  async (t, chs) => {
    const body = JSON.stringify({ session_id: 'x', key: 'k', value: 'v'.repeat(1024 * 1024) });
    for (const name of ['remember', 'search', 'start_session', 'validate_regex']) {
      const answer = await tool(chs, name, body);
      t.match(
        answer,
        { status: 413, body: { code: 'BODY_TOO_LARGE', retryable: false } },
        JSON.stringify(answer.body),
      );
      t.match(at(answer.body, 'error'), /\b1MB\b/);
    }
    const undeclared = await ask(chs, '/tools/remember', {
      method: 'POST',
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit);
    t.match(undeclared, { status: 413, body: { code: 'BODY_TOO_LARGE' } }, JSON.stringify(undeclared.body));
    const below = await tool(chs, 'remember', body.slice(0, 1000));
    t.equal(at(below.body, 'code'), 'INVALID_INPUT', 'below it the body itself is looked at');
  },
  { ...READABLE, 'limits.content_length_limit_mb': 1 },
);

inBoth(
  'takes keys that may read, and none that are for symbols and submissions alone',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', 'needle\n');
    const foreign = await openSession(chs);
    for (const [scope, status, code] of [
      ['read', 200, undefined],
      ['write', 200, undefined],
      ['admin', 200, undefined],
      ['symbols', 403, 'FORBIDDEN'],
      ['submit', 403, 'FORBIDDEN'],
    ] as const) {
      const made = await ask(chs, '/api/tokens', {
        method: 'POST',
        body: JSON.stringify({ name: scope, scope }),
        headers: { 'content-type': 'application/json' },
      });
      const key = textAt(made, 'data', 'token');
      const ways: readonly Record<string, string>[] = [
        { 'x-api-key': key },
        { authorization: `Bearer ${key}` },
      ];
      const call = (headers: Record<string, string>, name: string, body: unknown) =>
        chs.bare(`/v1/tools/${name}`, { method: 'POST', body: JSON.stringify(body), headers });
      for (const headers of ways) {
        // A session belongs to the key that started it.
        const started = await call(headers, 'start_session', {});
        t.equal(started.status, status, scope);
        const session_id = at(await started.json(), 'session_id') ?? foreign;
        await call(headers, 'add_directory', { session_id, path: join(chs.folder, WATCHED) });
        const response = await call(headers, 'search', { session_id, must: ['needle'] });
        const body: unknown = await response.json();
        t.equal(response.status, status, scope);
        t.equal(at(body, 'code'), code, scope);
        if (code) t.equal(at(body, 'retryable'), false);
      }
    }
    for (const headers of [{}, { 'x-api-key': 'wrong' }] as Record<string, string>[]) {
      const response = await chs.bare('/tools/search', {
        method: 'POST',
        body: JSON.stringify({ session_id: foreign, must: ['needle'] }),
        headers,
      });
      t.equal(response.status, 401);
      t.match(await response.json(), { code: 'UNAUTHORIZED', retryable: false, error: String });
    }
  },
  READABLE,
);
