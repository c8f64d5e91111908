/** The failures of the log service: every code of the documents' table, with its status, and whether to try again. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import t from 'tap';
import { toolsDialect } from '../../daemon/dialects/tools.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { createClient } from '../../src/connect.ts';
import { createHttpTransport } from '../../src/http-transport.ts';
import { logOperations } from '../../src/logs/operations.ts';
import { ChsError, type ErrorCode } from '../../src/platform/errors.ts';
import { embeddedChs, type Reached, reach, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { numberedLines, openSession, READABLE, tool, WATCHED, writeLog } from './logs-wire.ts';
import { type Answer, at, inBoth, textAt } from './wire.ts';

/** Error Handling: Error Types and HTTP Error Responses. */
const documented: Partial<Record<ErrorCode, readonly [status: number, retryable: boolean]>> = {
  SESSION_NOT_FOUND: [404, false],
  FILE_DENIED: [403, false],
  INVALID_ENCODING: [400, false],
  BAD_TIME_RANGE: [400, false],
  SEARCH_TIMEOUT: [408, true],
  REGEX_TIMEOUT: [408, true],
  REGEX_ERROR: [400, false],
  TOO_MANY_HITS: [206, true],
  QUOTA_EXCEEDED: [429, true],
  CURSOR_EXPIRED: [400, true],
  RATE_LIMITED: [429, true],
  DATABASE_ERROR: [500, true],
  IO_ERROR: [500, true],
  CONFIG_ERROR: [500, false],
  INTERNAL: [500, true],
};
const codes = Object.keys(documented) as ErrorCode[];

t.test('the dialect gives every documented code its status and says whether to try again', async (t) => {
  for (const code of codes) {
    const [status, retryable] = documented[code] ?? [];
    for (const language of ['en', 'zh'] as const) {
      const reply = toolsDialect.failure(new ChsError(code), language);
      t.match(reply, { status, body: { code, retryable, error: String } }, code);
      t.equal(
        /\p{Script=Han}/u.test(String(at(reply.body, 'error'))),
        language === 'zh',
        `${code} ${language}`,
      );
    }
  }
  const limited = toolsDialect.failure(new ChsError('RATE_LIMITED', {}, { retryAfterMs: 1500 }), 'en');
  t.match(limited, { status: 429, body: { code: 'RATE_LIMITED', retryable: true, retry_after_ms: 1500 } });
  const unlimited = toolsDialect.failure(new ChsError('QUOTA_EXCEEDED', { reason: 'x' }), 'en');
  t.notOk('retry_after_ms' in Object(unlimited.body), 'only where it is known');
});

/** What is provoked by a call, and what it must say in Chinese. */
interface Provoked {
  readonly code: ErrorCode;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly says: RegExp;
  /** In its Chinese text. */
  readonly inWords?: RegExp;
}

inBoth(
  'gives them where they are due, with the text in the language that is asked for',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', numberedLines(3));
    mkdirSync(join(chs.folder, 'facts.d'));
    writeFileSync(join(chs.folder, 'facts.d', 'broken.toml'), '[[rule]]\nname = \n');
    const session_id = await openSession(chs);
    const search = { session_id, must: ['needle'] };
    const path = join(chs.folder, WATCHED);
    const provoked: readonly Provoked[] = [
      { code: 'FILE_DENIED', tool: 'add_directory', input: { session_id, path: '/etc' }, says: /\/etc/ },
      { code: 'FILE_DENIED', tool: 'open_directory', input: { paths: ['/etc'] }, says: /\/etc/ },
      {
        code: 'INVALID_ENCODING',
        tool: 'add_directory',
        input: { session_id, path, encoding: 'klingon' },
        says: /klingon/,
      },
      {
        code: 'IO_ERROR',
        tool: 'add_directory',
        input: { session_id, path: join(path, 'none') },
        says: /none/,
      },
      {
        code: 'BAD_TIME_RANGE',
        tool: 'search',
        input: { ...search, time_start: '2026-01-02T00:00:00Z', time_end: '2026-01-01T00:00:00Z' },
        says: /2026-01-02/,
        inWords: /晚于/,
      },
      {
        code: 'BAD_TIME_RANGE',
        tool: 'search',
        input: { ...search, time_start: 'yesterday' },
        says: /time_start/,
        inWords: /带时区/,
      },
      {
        code: 'BAD_TIME_RANGE',
        tool: 'count',
        input: { ...search, time_end: '2026-02-30T00:00:00Z' },
        says: /time_end/,
      },
      {
        code: 'BAD_TIME_RANGE',
        tool: 'search',
        input: { ...search, time_end: '2026-02-03T00:00:00' },
        says: /time_end/,
      },
      { code: 'REGEX_ERROR', tool: 'search', input: { ...search, regex: '(' }, says: /\(/ },
      { code: 'REGEX_ERROR', tool: 'search', input: { ...search, regex: '(?=x)' }, says: /./ },
      { code: 'REGEX_ERROR', tool: 'patterns', input: { ...search, regex: '(x)\\1' }, says: /./ },
      {
        code: 'CURSOR_EXPIRED',
        tool: 'search/continue',
        input: { cursor: 'x' },
        says: /./,
        inWords: /它不是游标/,
      },
      { code: 'CONFIG_ERROR', tool: 'extract_facts', input: { session_id }, says: /broken\.toml/ },
    ];
    for (const { code, tool: name, input, says, inWords } of provoked) {
      const [status, retryable] = documented[code] ?? [];
      const label = `${name} ${JSON.stringify(input)}`;
      const english = await tool(chs, name, input);
      t.match(
        english,
        { status, body: { code, retryable, error: says } },
        `${label}: ${JSON.stringify(english.body)}`,
      );
      t.notMatch(at(english.body, 'error'), /\p{Script=Han}/u, label);
      const chinese = await tool(chs, name, input, {
        headers: { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' },
      });
      t.match(chinese, { status, body: { code, retryable, error: says } }, JSON.stringify(chinese.body));
      t.match(at(chinese.body, 'error'), /\p{Script=Han}/u);
      if (inWords) t.match(at(chinese.body, 'error'), inWords, 'the reason, too');
    }
  },
  { ...READABLE, 'logs.facts_dir': 'facts.d' },
);

inBoth(
  'every tool that takes a session refuses one that is none',
  async (t, chs) => {
    const inputs: Record<string, unknown> = {
      '/add_directory': { path: chs.folder },
      '/remember': { key: 'k', value: 'v' },
      '/forget': { key: 'k' },
      '/read_lines': { file: 'x', line_number: 1 },
    };
    const taking = Object.values(logOperations).filter(
      ({ input }) => 'session_id' in Object(input._zod.def).shape,
    );
    t.ok(taking.length >= 12);
    for (const { path } of taking) {
      const answer = await tool(chs, path.slice(1), { session_id: 'ses_none', ...Object(inputs[path]) });
      t.match(answer, { status: 404, body: { code: 'SESSION_NOT_FOUND', retryable: false } }, path);
      t.match(at(answer.body, 'error'), /ses_none/);
    }
    const session_id = textAt(await tool(chs, 'start_session', {}), 'session_id');
    t.match((await tool(chs, 'close_session', { session_id })).body, { success: true });
    t.match(await tool(chs, 'search', { session_id }), { status: 404, body: { code: 'SESSION_NOT_FOUND' } });
  },
  READABLE,
);

inBoth(
  'reads nothing outside of the roots or denied by a pattern, and does not say what is there',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', 'needle\n');
    writeLog(chs.folder, 'secret.key', 'needle\n');
    writeLog(chs.folder, 'private/b.log', 'needle\n');
    const outside = join(chs.folder, 'outside.log');
    writeFileSync(outside, 'needle outside\n');
    symlinkSync(outside, join(chs.folder, WATCHED, 'link.log'));
    symlinkSync(chs.folder, join(chs.folder, WATCHED, 'up'));
    symlinkSync(join(chs.folder, 'missing'), join(chs.folder, WATCHED, 'dangling'));
    const session_id = textAt(await tool(chs, 'start_session', {}), 'session_id');
    const inside = (...names: string[]) => join(chs.folder, WATCHED, ...names);
    const refused = [
      '/',
      '/etc/passwd',
      '/etc/no-such-file',
      outside,
      `${chs.folder}/${WATCHED}/../outside.log`,
      `${chs.folder}/${WATCHED}x`,
      inside('link.log'),
      inside('up'),
      inside('up', 'outside.log'),
      inside('up', 'missing.log'),
      inside('dangling'),
      inside('secret.key'),
      inside('private'),
      inside('private', 'b.log'),
      'relative/a.log',
      `${inside('a.log')}\0.txt`,
    ];
    for (const path of refused) {
      const answer = await tool(chs, 'add_directory', { session_id, path });
      t.match(
        answer,
        { status: 403, body: { code: 'FILE_DENIED', retryable: false } },
        JSON.stringify([path, answer.body]),
      );
      const text = String(at(answer.body, 'error'));
      const reason = text.replaceAll(path.replaceAll('\0', ' '), '');
      t.notOk(reason.includes(chs.folder), `${path}: no other path in ${text}`);
    }
    const reasonOf = (answer: Answer, path: string) => String(at(answer.body, 'error')).replace(path, '');
    const [there, missing] = await Promise.all(
      ['/etc/passwd', '/etc/no-such-file'].map(async (path) =>
        reasonOf(await tool(chs, 'add_directory', { session_id, path }), path),
      ),
    );
    t.equal(there, missing, 'what is missing outside looks like what is there');
    const added = await tool(chs, 'add_directory', { session_id, path: inside() });
    t.match(added.body, { files: [{ path: inside('a.log') }] });
    t.equal(at(added.body, 'files', 1), undefined, 'links out and denied files are left out');
    const found = await tool(chs, 'search', { session_id, must: ['needle'] });
    t.equal(at(found.body, 'hits', 1), undefined);
    const lines = await tool(chs, 'read_lines', { session_id, file: outside, line_number: 1 });
    t.ok(lines.status >= 400 && lines.status < 500, JSON.stringify(lines.body));
  },
  { ...READABLE, 'fs.deny_patterns': ['**/*.key', '**/private/**'] },
);

t.test('what is denied is denied to the owner of the machine, too', async (t) => {
  const folder = testFolder(t);
  const embedded = await embeddedChs(t, { 'fs.deny_patterns': ['**/*.key'] }, folder);
  writeLog(folder, 'a.log', 'needle\n');
  const denied = writeLog(folder, 'secret.key', 'needle\n');
  const open = async (path: string): Promise<[status: number, body: unknown]> => {
    const { status, body } = await embedded.send({
      method: 'POST',
      path: '/tools/open_directory',
      headers: { 'content-type': 'application/json' },
      body: Readable.from([Buffer.from(JSON.stringify({ paths: [path] }))]),
      signal: undefined,
    });
    return [status, await json(body)];
  };
  t.match(await open(join(folder, WATCHED)), [200, { file_count: 1 }]);
  t.match(await open(denied), [403, { code: 'FILE_DENIED' }]);
});

/** Over 10,000 hits: more than one call may take the facts out of. */
const MANY = 10_050;
const largePages = { ...READABLE, 'limits.max_hits': 100_000, 'search.page_size': 10_000 };

async function withTooManyHits(chs: Pick<Reached, 'fetch' | 'folder'>): Promise<string> {
  writeLog(chs.folder, 'a.log', 'x\n'.repeat(MANY));
  const session_id = await openSession(chs);
  await tool(chs, 'search', { session_id, must: ['x'], max_hits: MANY, page_size: MANY });
  return session_id;
}

inBoth(
  'too many hits are a failure with status 206',
  async (t, chs) => {
    const session_id = await withTooManyHits(chs);
    const answer = await tool(chs, 'extract_facts', { session_id });
    t.match(answer, { status: 206, body: { code: 'TOO_MANY_HITS', retryable: true, error: /10050/ } });
    if (chs.url === null) return;
    const transport = createHttpTransport(new URL(chs.url), 30_000);
    t.teardown(() => transport.close());
    const client = createClient(logOperations, { transport, apiKey: TEST_KEY, language: 'zh' });
    await t.rejects(client.extractFacts({ session_id }), {
      code: 'TOO_MANY_HITS',
      message: /命中数过多：10050/,
    });
  },
  largePages,
);

inBoth(
  'a session has no more than its share of the disk',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', numberedLines(300));
    const session_id = await openSession(chs);
    const quota = {
      status: 429,
      body: { code: 'QUOTA_EXCEEDED', retryable: true, error: /max_session_bytes/ },
    };
    const value = 'v'.repeat(60_000);
    t.equal((await tool(chs, 'remember', { session_id, key: 'a', value })).status, 200);
    t.match(await tool(chs, 'remember', { session_id, key: 'b', value }), quota);
    t.equal((await tool(chs, 'remember', { session_id, key: 'a', value })).status, 200, 'in place of itself');
    await tool(chs, 'forget', { session_id, key: 'a' });
    t.equal(
      (await tool(chs, 'remember', { session_id, key: 'b', value })).status,
      200,
      'there is room again',
    );
    for (let round = 0; round < 20; round += 1)
      t.equal(
        (await tool(chs, 'search', { session_id, any: ['needle'], page_size: 20 })).status,
        200,
        'old searches give way',
      );
    const { sessions } = Object((await tool(chs, 'list_sessions', {})).body);
    t.ok((at(sessions, 0, 'stored_bytes') as number) <= 200_000, JSON.stringify(sessions));
  },
  { ...READABLE, 'sessions.max_session_bytes': 100_000 },
);

inBoth(
  'a database that another process holds, and one that is damaged',
  async (t, chs) => {
    writeLog(chs.folder, 'a.log', 'needle\n');
    const session_id = await openSession(chs);
    const Database = loadDriver();
    const other = new Database(join(chs.folder, 'data', 'crash_handler.db'));
    t.teardown(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const locked = { status: 500, body: { code: 'DATABASE_ERROR', retryable: true, retry_after_ms: 1000 } };
    for (const [name, input] of [
      ['start_session', {}],
      ['remember', { session_id, key: 'k', value: 'v' }],
      ['search', { session_id, must: ['needle'] }],
    ] as const) {
      const answer = await tool(chs, name, input);
      t.match(answer, locked, `${name}: ${JSON.stringify(answer.body)}`);
    }
    other.exec('ROLLBACK');
    t.equal((await tool(chs, 'search', { session_id, must: ['needle'] })).status, 200, 'it passes');

    other.exec('DROP TABLE memories');
    const answer = await tool(chs, 'remember', { session_id, key: 'k', value: 'v' });
    t.match(answer, { status: 500, body: { retryable: true } });
    t.ok(['INTERNAL', 'DATABASE_ERROR'].includes(textAt(answer, 'code')), JSON.stringify(answer.body));
    t.notMatch(textAt(answer, 'error'), /memories|\.db|SQL/i, 'its inside is not shown');
  },
  { ...READABLE, 'database.busy_timeout_ms': 200 },
);

t.test('a search that finds no time to begin', async (t) => {
  // The first search of a process starts its threads, which alone takes longer than that.
  const chs = await reach(t, 'daemon', READABLE);
  writeLog(chs.folder, 'a.log', 'x'.repeat(99).concat('\n').repeat(40_000));
  const session_id = await openSession(chs);
  const answer = await tool(chs, 'search', { session_id, must: ['needle'], hard_timeout_ms: 1 });
  t.match(
    answer,
    { status: 408, body: { code: 'SEARCH_TIMEOUT', retryable: true } },
    JSON.stringify(answer.body),
  );
});

inBoth(
  'a regular expression that takes too long on one line',
  async (t, chs) => {
    // Every character adds to some hundred states, and no two sets of them are the same.
    const regex = '[xy]*x[xy]{400}[^xy]';
    let [seed, line] = [1, ''];
    while (line.length < 60_000) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      line += seed & 65_536 ? 'x' : 'y';
    }
    const tried = await tool(chs, 'validate_regex', { regex, samples: ['short', line] });
    t.match(
      tried,
      { status: 408, body: { code: 'REGEX_TIMEOUT', retryable: true, error: /\b1 ms/ } },
      JSON.stringify(tried.body),
    );
    writeLog(chs.folder, 'a.log', `${line}\nshort xz\n`);
    const session_id = await openSession(chs);
    const found = await tool(chs, 'search', { session_id, regex: `(${regex})|short` });
    t.match(
      found,
      { status: 200, body: { hits: [{ line_number: 2 }] } },
      'what was found is given all the same',
    );
    t.ok(Number(at(found.body, 'stats', 'regex_timeouts')) >= 1, JSON.stringify(at(found.body, 'stats')));
  },
  { ...READABLE, 'limits.regex_timeout_ms': 1 },
);
