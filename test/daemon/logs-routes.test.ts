/** The log service's routes: what each takes and gives, field by field, as the documents' interfaces have them. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { logOperations } from '../../src/logs/operations.ts';
import type { Reached } from '../fixtures/chs.ts';
import {
  differences,
  hitsOf,
  type Kind,
  openSession,
  READABLE,
  tool,
  WATCHED,
  writeLog,
} from './logs-wire.ts';
import { ask, at, inBoth, listAt, textAt } from './wire.ts';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z$/;
const FACT = { rule_name: 'text', fields: { percentage: 'text' }, source_hit_id: /^hit_/ } as const;
const EVENT = {
  timestamp: 'int',
  timestamp_rfc3339: UTC,
  file: 'text',
  line_number: 'int',
  content: 'text',
  facts: [FACT],
  hit_id: /^hit_[0-9a-f]{20}$/,
} as const;

/** Components and Interfaces 4: SearchHit, SearchStats, SearchResult. */
const HIT = {
  id: /^hit_[0-9a-f]{20}$/,
  file: /\/app\.log(\.\d(\.gz)?)?$/,
  family_id: 'text',
  line_number: 'int',
  byte_offset: 'int',
  timestamp: UTC,
  content: /needle/,
  truncated: 'boolean',
} as const satisfies Kind;
const STATS = {
  files_scanned: 'int',
  bytes_scanned: 'int',
  compute_ms: 'int',
  io_mode_used: /^(mmap|buffered)$/,
  regex_cache_hits: 'int',
  ac_dict_size: 'int',
  candidate_lines: 'int',
  skipped_none_hits: 'int',
  regex_timeouts: 'int',
  truncated_lines: 'int',
} as const satisfies Kind;
const FILE = {
  path: 'text',
  size: 'int',
  encoding: 'text',
  timestamp_format: 'text?',
  compression: /^(none|gzip)$/,
  family_id: 'text?',
} as const satisfies Kind;

/** A rotated family of three, one of them packed; two lines each. */
function writeFamily(folder: string): void {
  const lines = (day: number) =>
    `2026-01-0${day} 10:00:00 INFO before\n2026-01-0${day} 10:00:01 WARN needle battery now 4${day}%\n`;
  writeLog(folder, 'app.log', lines(3));
  writeLog(folder, 'app.log.1', lines(2));
  writeLog(folder, 'app.log.2.gz', gzipSync(lines(1)));
  const json = (level: string) => `${JSON.stringify({ time: '2026-01-04T10:00:00Z', level, msg: 'x' })}\n`;
  writeLog(folder, 'events.json', json('info') + json('error'));
  writeLog(
    folder,
    'gbk.log',
    Buffer.from('2026-01-05 10:00:00 \xb4\xed\xce\xf3 \xcd\xf8\xc2\xe7\xb3\xac\xca\xb1\n', 'latin1'),
  );
}

/** What a reply holds, but for some fields that have kinds of their own. */
function without(value: unknown, ...names: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !names.includes(name)));
}

inBoth(
  'search gives the documented hits and figures, oldest file of a family first',
  async (t, chs) => {
    writeFamily(chs.folder);
    const session_id = await openSession(chs);
    const query = {
      session_id,
      include_globs: ['app.log*'],
      exclude_globs: ['*.bak'],
      time_start: '2026-01-01T00:00:00Z',
      time_end: '2026-01-31T23:59:59+08:00',
      mode: 'text',
      must: ['needle'],
      any: ['battery', 'collision'],
      none: ['debug'],
      regex: '\\d+%',
      case_sensitive: true,
      whole_word: false,
      page_size: 2,
      max_hits: 500,
      context_lines: 1,
      hard_timeout_ms: 30_000,
    };
    for (const prefix of ['/tools', '/v1/tools']) {
      const first = await tool(chs, 'search', query, { prefix });
      t.equal(first.status, 200, JSON.stringify(first.body));
      t.same(Object.keys(Object(first.body)).sort(), [
        'cursor',
        'hits',
        'notices',
        'stats',
        'tail_cursor',
        'truncated',
        'truncated_by',
        'window',
      ]);
      t.same(differences(at(first.body, 'stats'), STATS), []);
      t.match(first.body, { truncated: false, truncated_by: null, tail_cursor: null });
      const next = await tool(chs, 'search/continue', {
        cursor: textAt(first, 'cursor'),
        hard_timeout_ms: 9999,
      });
      t.match(next.body, { truncated: false, truncated_by: null, cursor: null });
      t.same(Object.keys(Object(next.body)), Object.keys(Object(first.body)), 'a page is like another');
      const hits = [...hitsOf(first), ...hitsOf(next)];
      t.same(
        hits.map(({ file }) => String(file).split('/').at(-1)),
        ['app.log.2.gz', 'app.log.1', 'app.log'],
      );
      for (const hit of hits) {
        t.same(differences(without(hit, 'context_before', 'context_after'), HIT), []);
        t.same([hit.context_after, hit.line_number, hit.truncated], [[], 2, false]);
        t.match(at(hit, 'context_before', 0), /before$/);
        t.equal(hit.byte_offset, '2026-01-03 10:00:00 INFO before\n'.length);
      }
      t.equal(new Set(hits.map(({ family_id }) => family_id)).size, 1, 'they share a family');
      t.equal(hits[2]?.timestamp, '2026-01-03T10:00:01.000Z');
    }
  },
  READABLE,
);

inBoth(
  'a cursor is base64url and carries the documented fields',
  async (t, chs) => {
    writeFamily(chs.folder);
    const session_id = await openSession(chs);
    const cursor = textAt(await tool(chs, 'search', { session_id, any: ['needle'], page_size: 1 }), 'cursor');
    t.match(cursor, /^[\w-]+$/);
    const carried: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const documented = {
      session_id: new RegExp(`^${session_id}$`),
      file: /app\.log/,
      byte_off: 'int',
      ts_floor: UTC,
      pattern_cache_id: 'text',
      page_size: 'int',
      issued_at: 'int',
    } as const satisfies Kind;
    const names = Object.keys(documented);
    const shown = Object.fromEntries(
      Object.entries(Object(carried)).filter(([name]) => names.includes(name)),
    );
    t.same(differences(shown, documented), []);
    t.equal(at(carried, 'page_size'), 1);
  },
  READABLE,
);

inBoth(
  'sessions and files: start_session, add_directory, inspect_formats',
  async (t, chs) => {
    writeFamily(chs.folder);
    const started = await tool(chs, 'start_session', { hint: 'battery', timezone: 'Asia/Shanghai' });
    t.same(differences(started.body, { session_id: 'text' }), []);
    const session_id = textAt(started, 'session_id');
    const path = join(chs.folder, WATCHED);
    const added = await tool(chs, 'add_directory', { session_id, path });
    t.same(differences(at(added.body, 'files'), [FILE]), []);
    const narrow = await tool(chs, 'add_directory', { session_id, path, globs: ['*.json'] });
    t.same(
      listAt(narrow, 'files').map((file) => at(file, 'path')),
      [join(path, 'events.json')],
    );

    const formats = await tool(chs, 'inspect_formats', { session_id });
    const more = {
      time_format: 'text?',
      timestamp_examples: ['text'],
      io_mode_used: /^(mmap|buffered)$/,
      sequence: 'int',
      mode: /^(text|json)$/,
      json_time_field: 'text?',
      json_time_field_confidence: 'number',
      needs_convert: 'boolean',
      zone_source: 'text?',
      first_event: UTC,
    } as const;
    t.same(differences(formats.body, { files: [{ ...FILE, ...more }] }), []);
    const byName = new Map(
      listAt(formats, 'files').map((file) => [String(at(file, 'path')).split('/').at(-1), file]),
    );
    t.match(byName.get('gbk.log'), { encoding: /gb/i, needs_convert: false, mode: 'text' });
    t.match(byName.get('events.json'), { mode: 'json', json_time_field: 'time', family_id: null });
    t.match(byName.get('app.log.2.gz'), { compression: 'gzip', sequence: 0 });
    t.match(byName.get('app.log'), {
      compression: 'none',
      sequence: 2,
      first_event: '2026-01-03T02:00:00.000Z',
    });
  },
  READABLE,
);

/** A session with one searched family, its facts, and a conclusion. */
async function evidence(chs: Reached): Promise<string> {
  writeFamily(chs.folder);
  const session_id = await openSession(chs, { hint: 'battery' });
  await tool(chs, 'search', { session_id, must: ['battery'], context_lines: 1 });
  await tool(chs, 'remember', { session_id, key: '任务 ID', value: 'TASK-456' });
  return session_id;
}

/** The rule of the documents' example, in a folder of the test's own. */
const RULES = { ...READABLE, 'logs.facts_dir': 'facts.d' };
const battery = `[[rule]]
name = "battery_level"
pattern = "battery.*?(\\\\d+)%"
fields = ["percentage"]
`;

inBoth(
  'facts, memories and the timeline',
  async (t, chs) => {
    writeLog(chs.folder, '../facts.d/battery.toml', battery);
    const session_id = await evidence(chs);
    const rules = ['battery_level'];
    const facts = await tool(chs, 'extract_facts', { session_id, hit_ids: [], rules });
    t.same(differences(facts.body, { facts: [FACT] }), []);
    t.same(
      listAt(facts, 'facts').map((fact) => at(fact, 'fields')),
      [{ percentage: '41' }, { percentage: '42' }, { percentage: '43' }],
    );
    const hit = at(facts.body, 'facts', 1, 'source_hit_id');
    const one = await tool(chs, 'extract_facts', { session_id, hit_ids: [hit], rules });
    t.same(listAt(one, 'facts'), [at(facts.body, 'facts', 1)], 'of some hits alone');

    t.same((await tool(chs, 'remember', { session_id, key: 'k', value: 'v' })).body, { success: true });
    t.match((await tool(chs, 'forget', { session_id, key: 'k' })).body, { success: true, existed: true });
    t.match((await tool(chs, 'forget', { session_id, key: 'k' })).body, { success: true, existed: false });

    const timeline = await tool(chs, 'timeline', { session_id });
    const events = listAt(timeline, 'events');
    for (const event of events) {
      t.equal(at(event, 'crash'), null);
      t.same(differences(without(event, 'crash'), EVENT), []);
      t.equal(Date.parse(String(at(event, 'timestamp_rfc3339'))), at(event, 'timestamp'), 'milliseconds');
    }
    t.same(
      events.map((event) => at(event, 'timestamp')),
      [1, 2, 3].map((day) => Date.UTC(2026, 0, day, 10, 0, 1)),
    );
    const local = await tool(chs, 'timeline', { session_id, tz_out: 'Asia/Shanghai' });
    t.equal(at(local.body, 'events', 0, 'timestamp_rfc3339'), '2026-01-01T18:00:01.000+08:00');
    t.equal(at(local.body, 'events', 0, 'timestamp'), Date.UTC(2026, 0, 1, 10, 0, 1));
  },
  RULES,
);

/** Components and Interfaces 7, the Markdown template: its headings and first items, in its order. */
const TEMPLATE = {
  zh: [
    '# 日志诊断报告',
    '## 概要',
    '- 会话 ID: {id}',
    '- 分析时间: {time}',
    '- 文件数: 5',
    '- 事件数: 3',
    '## 时间线',
    '| 时间 | 文件 | 内容 |',
    '|------|------|------|',
    '## 关键事实',
    '- battery_level: ',
    '## 已知结论',
    '- 任务 ID: TASK-456',
    '## 日志片段',
    '```',
  ],
  en: [
    '# Log diagnosis report',
    '## Summary',
    '- Session ID: {id}',
    '- Analysed at: {time}',
    '- Files: 5',
    '- Events: 3',
  ],
} as const;

inBoth(
  'the report, as text after the template and as data, in both languages',
  async (t, chs) => {
    writeLog(chs.folder, '../facts.d/battery.toml', battery);
    const session_id = await evidence(chs);
    await tool(chs, 'extract_facts', { session_id, rules: ['battery_level'] });
    for (const lang of ['zh', 'en'] as const) {
      const reply = await tool(chs, 'report', {
        session_id,
        format: 'markdown',
        include_snippets: true,
        lang,
      });
      t.same(differences(reply.body, { format: /^markdown$/, report: 'text' }), []);
      const text = textAt(reply, 'report')
        .replace(session_id, '{id}')
        .replace(/(分析时间|Analysed at): .*/, '$1: {time}');
      const places = TEMPLATE[lang].map((line) => `\n${text}`.indexOf(`\n${line}`));
      t.ok(
        places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1)),
        text,
      );
      t.ok(text.includes(TEMPLATE[lang].slice(1, 6).join('\n')), 'the summary begins with the four items');
      t.match(text, /\| 2026-01-03T10:00:01\.000Z \| .*app\.log:2 \| .*needle battery now 43% \|/);
    }
    const data = { session_id, format: 'json', lang: 'en' };
    const kinds = {
      format: /^json$/,
      summary: 'text',
      facts: [FACT],
      memories: { '任务 ID': /^TASK-456$/ },
    } as const;
    const whole = await tool(chs, 'report', { ...data, include_snippets: true });
    t.same(differences(without(whole.body, 'timeline', 'snippets'), kinds), []);
    t.same(
      differences(
        listAt(whole, 'timeline').map((event) => without(event, 'crash')),
        [EVENT],
      ),
      [],
    );
    t.match(at(whole.body, 'snippets', 0), /app\.log\.2\.gz:2\n.*before\n.*needle/);
    const bare = await tool(chs, 'report', { ...data, include_snippets: false });
    t.equal(at(bare.body, 'snippets'), null);
    const text = await tool(chs, 'report', { session_id, format: 'markdown', include_snippets: false });
    t.notMatch(at(text.body, 'report'), '## 日志片段');
  },
  RULES,
);

inBoth('validate_regex tries an expression without any session', async (t, chs) => {
  const input = { regex: 'id=(?P<id>\\w+) (\\d+)%', samples: ['a id=x 45% b', 'nothing'] };
  const reply = await tool(chs, 'validate_regex', input);
  t.match(reply.body, {
    valid: true,
    error: null,
    results: [
      { matched: true, match: 'id=x 45%', start: 2 },
      { matched: false, match: null, start: null, groups: {} },
    ],
  });
  t.type(at(reply.body, 'results', 0, 'ms'), 'number');
  const bad = await tool(chs, 'validate_regex', { regex: '(', samples: ['x'] });
  t.match(bad, { status: 200, body: { valid: false, error: String, results: [] } });
  const quoted = await tool(chs, 'validate_regex', { regex: '(a)\\Qb(', samples: ['ab('] });
  t.match(quoted, {
    status: 200,
    body: { valid: true, groups: ['1'], results: [{ matched: true, groups: { 1: 'a' } }] },
  });
});

inBoth('says that it is healthy, to whoever asks', async (t, chs) => {
  for (const path of ['/health']) {
    const reply = await (await chs.bare(path)).json();
    t.match(reply, { status: 'healthy' });
  }
});

inBoth('every tool has both of its paths, under POST alone', async (t, chs) => {
  for (const { path, method } of Object.values(logOperations)) {
    t.equal(method, 'POST', path);
    for (const prefix of ['/tools', '/v1/tools']) {
      const got = await ask(chs, `${prefix}${path}`);
      t.match(got, { status: 405, body: { code: 'METHOD_NOT_ALLOWED', retryable: false, error: String } });
      t.equal(got.headers.get('allow'), 'POST');
      const head = await chs.fetch(`${prefix}${path}`, { method: 'HEAD' });
      t.same([head.status, await head.text()], [405, '']);
    }
  }
  const unknown = await tool(chs, 'no_such_tool', {});
  t.match(unknown, { status: 404, body: { code: 'ROUTE_NOT_FOUND', retryable: false, error: String } });
});
