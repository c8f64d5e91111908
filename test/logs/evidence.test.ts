/** Facts, memories and the timeline over a real database. */
import t, { type Test } from 'tap';
import type { CrashEvent } from '../../src/logs/timeline.ts';
import { hitRow, NO_LIMIT, NOW_MS, recordRow } from '../backends/log-rows.ts';
import { logParts, ownersCall } from './log-parts.ts';

const batteryRules = `
[[rule]]
name = "battery_level"
pattern = "battery.*?(\\\\d+)%"
fields = ["percentage"]

[[rule]]
name = "collision_event"
pattern = "collision detected.*?object_id=(\\\\w+)"
fields = ["object_id"]
`;

/** A session with some hits: `[id, content, at, file, offset]`. */
async function withHits(
  t: Test,
  hits: readonly (readonly [string, string, number | null, string?, number?])[],
  given: Parameters<typeof logParts>[1] = {},
) {
  const parts = await logParts(t, given);
  const { session_id } = await parts.startSession({}, ownersCall);
  const rows = hits.map(([id, content, timestamp, file = '/logs/app.log', byteOffset = 0], index) =>
    hitRow(id, 'src_1', { content, timestamp, file, byteOffset, lineNumber: index + 1 }),
  );
  await parts.store.saveSearch(recordRow('src_1', session_id), rows, NO_LIMIT);
  return { ...parts, session_id };
}

const timelineInput = (session_id: string) => ({ session_id, with_crashes: false, limit: 10_000 });

t.test('extracts facts by rules of a folder, once, in the order of the hits', async (t) => {
  const { session_id, extractFacts, store } = await withHits(
    t,
    [
      ['h1', 'battery at 45%', NOW_MS],
      ['h2', 'collision detected near dock object_id=ABC123', NOW_MS + 1],
      ['h3', 'nothing here', NOW_MS + 2],
      ['h4', 'battery low: 12%', NOW_MS + 3],
    ],
    { files: { 'facts.d': { 'battery.toml': batteryRules } }, factsFolder: 'facts.d' },
  );
  const rules = ['battery_level', 'collision_event'];
  const { facts } = await extractFacts({ session_id, hit_ids: [], rules }, ownersCall);
  t.same(facts, [
    { rule_name: 'battery_level', fields: { percentage: '45' }, source_hit_id: 'h1' },
    { rule_name: 'collision_event', fields: { object_id: 'ABC123' }, source_hit_id: 'h2' },
    { rule_name: 'battery_level', fields: { percentage: '12' }, source_hit_id: 'h4' },
  ]);
  t.same((await extractFacts({ session_id, hit_ids: [], rules }, ownersCall)).facts, facts);
  t.equal((await store.facts(session_id, 100)).length, 3, 'kept once');
  const some = await extractFacts(
    { session_id, hit_ids: ['h4', 'h1'], rules: ['battery_level'] },
    ownersCall,
  );
  t.same(
    some.facts.map(({ source_hit_id }) => source_hit_id),
    ['h4', 'h1'],
  );
  const all = await extractFacts({ session_id, hit_ids: [], rules: [] }, ownersCall);
  t.ok(all.facts.length >= 3, 'with the built-in rules');
});

t.test('refuses rules and hits that are not there, and says what is near', async (t) => {
  const { session_id, extractFacts } = await withHits(t, [['h1', 'exit code 3', NOW_MS]], {
    files: { 'facts.d': { 'battery.toml': batteryRules } },
    factsFolder: 'facts.d',
  });
  await t.rejects(extractFacts({ session_id, hit_ids: [], rules: ['batery_level'] }, ownersCall), {
    code: 'INVALID_INPUT',
    params: { field: 'rules', reason: 'there is no rule batery_level, perhaps one of battery_level' },
  });
  const error = await extractFacts({ session_id, hit_ids: ['h1', 'h9'], rules: [] }, ownersCall).catch(
    (e) => e,
  );
  t.match(error, { code: 'INVALID_INPUT', params: { field: 'hit_ids', reason: /no hit h9/ } });
  t.match(error.describe('zh').message, /没有命中 h9/);
  await t.rejects(extractFacts({ session_id: 'ses_none', hit_ids: [], rules: [] }, ownersCall), {
    code: 'SESSION_NOT_FOUND',
  });
});

t.test('a broken rules file is an error of the configuration', async (t) => {
  const { session_id, extractFacts } = await withHits(t, [['h1', 'x', NOW_MS]], {
    files: { 'facts.d': { 'bad.toml': '[[rule]]\nname = "x"\npattern = "("\n' } },
    factsFolder: 'facts.d',
  });
  await t.rejects(extractFacts({ session_id, hit_ids: [], rules: [] }, ownersCall), { code: 'CONFIG_ERROR' });
});

t.test('refuses more hits, and more bytes, than one call or session may have', async (t) => {
  const parts = await logParts(t);
  const { session_id } = await parts.startSession({}, ownersCall);
  const rows = Array.from({ length: 10_001 }, (_, index) =>
    hitRow(`h${index}`, 'src_1', { byteOffset: index, content: `exit code ${index}` }),
  );
  await parts.store.saveSearch(recordRow('src_1', session_id), rows, NO_LIMIT);
  await t.rejects(parts.extractFacts({ session_id, hit_ids: [], rules: [] }, ownersCall), {
    code: 'TOO_MANY_HITS',
    params: { count: 10_001, limit: 10_000 },
  });
  const ids = rows.slice(0, 10_000).map(({ id }) => id);
  parts.limits.maxSessionBytes = 1;
  const extracting = (hit_ids: string[]) =>
    parts.extractFacts({ session_id, hit_ids, rules: ['exit_code'] }, ownersCall);
  await t.rejects(extracting(ids), { code: 'QUOTA_EXCEEDED' });
  await t.rejects(parts.remember({ session_id, key: 'a', value: 'b' }, ownersCall), {
    code: 'QUOTA_EXCEEDED',
  });
  parts.limits.maxSessionBytes = 1e9;
  t.equal((await extracting(ids)).facts.length, 10_000);
});

t.test('two hundred hits with all rules give the same facts as the rules alone', async (t) => {
  const hits = Array.from(
    { length: 200 },
    (_, index) =>
      [
        `h${index}`,
        `GET /api/items/${index} 500 in 12ms exit code ${index}`,
        NOW_MS + index,
        '/a',
        index,
      ] as const,
  );
  const { session_id, extractFacts } = await withHits(t, hits);
  const startMs = performance.now();
  const { facts } = await extractFacts({ session_id, hit_ids: [], rules: [] }, ownersCall);
  t.comment(`${facts.length} facts in ${Math.round(performance.now() - startMs)} ms`);
  const codes = facts.filter(({ rule_name }) => rule_name === 'exit_code');
  t.same(
    codes.map(({ fields }) => fields.code),
    hits.map((_, index) => `${index}`),
  );
});

t.test('remembers and forgets', async (t) => {
  const { session_id, remember, forget, store } = await withHits(t, []);
  t.same(await remember({ session_id, key: '任务 ID', value: 'TASK-456' }, ownersCall), { success: true });
  t.same(await remember({ session_id, key: '任务 ID', value: 'TASK-457' }, ownersCall), { success: true });
  t.same(await store.memories(session_id), [{ key: '任务 ID', value: 'TASK-457' }]);
  t.same(await forget({ session_id, key: '任务 ID' }, ownersCall), { success: true, existed: true });
  t.same(await forget({ session_id, key: '任务 ID' }, ownersCall), { success: true, existed: false });
  await t.rejects(forget({ session_id: 'ses_none', key: 'a' }, ownersCall), { code: 'SESSION_NOT_FOUND' });
});

t.test('puts lines in the order of time, each once, with the facts of all its hits', async (t) => {
  const parts = await withHits(t, [
    ['h1', 'exit code 1', NOW_MS + 5000, '/logs/b.log', 10],
    ['h2', 'no time', null, '/logs/b.log', 20],
    ['h3', 'first', NOW_MS - 5000, '/logs/a.log', 30],
  ]);
  const { session_id, store } = parts;
  const again = [
    hitRow('h9', 'src_2', {
      content: 'exit code 1',
      timestamp: NOW_MS + 5000,
      file: '/logs/b.log',
      byteOffset: 10,
    }),
  ];
  await store.saveSearch(recordRow('src_2', session_id), again, NO_LIMIT);
  await parts.extractFacts({ session_id, hit_ids: [], rules: ['exit_code'] }, ownersCall);
  const input = { ...timelineInput(session_id), tz_out: 'Asia/Shanghai' };
  const { events, total, without_time } = await parts.timeline(input, ownersCall);
  t.match({ total, without_time }, { total: 2, without_time: 1 });
  t.same(events, [
    {
      timestamp: NOW_MS - 5000,
      timestamp_rfc3339: '2026-01-06T20:34:51.789+08:00',
      file: '/logs/a.log',
      line_number: 3,
      content: 'first',
      facts: [],
      hit_id: 'h3',
      crash: null,
    },
    {
      timestamp: NOW_MS + 5000,
      timestamp_rfc3339: '2026-01-06T20:35:01.789+08:00',
      file: '/logs/b.log',
      line_number: 1,
      content: 'exit code 1',
      facts: [{ rule_name: 'exit_code', fields: { code: '1' }, source_hit_id: 'h1' }],
      hit_id: 'h1',
      crash: null,
    },
  ]);
  const one = await parts.timeline({ ...timelineInput(session_id), limit: 1 }, ownersCall);
  t.match(one, { total: 2, events: [{ hit_id: 'h3', timestamp_rfc3339: '2026-01-06T12:34:51.789Z' }] });
  t.equal(one.events.length, 1);
  await t.rejects(parts.timeline({ ...timelineInput(session_id), tz_out: 'Nowhere' }, ownersCall), {
    code: 'INVALID_INPUT',
    params: { field: 'tz_out' },
  });
});

t.test('puts crashes of the same time among the lines', async (t) => {
  const crash: CrashEvent = {
    minidumpId: 'dump_1',
    epochMs: NOW_MS + 50,
    signature: 'crashme.exe!fault',
    exceptionCode: '0xC0000005',
    exeName: 'crashme.exe',
    exeVersion: '1.0.2.3',
    pid: 4711,
  };
  const asked: unknown[] = [];
  const parts = await withHits(
    t,
    [
      ['h1', 'before', NOW_MS],
      ['h2', 'after', NOW_MS + 100, '/logs/app.log', 9],
    ],
    {
      crashesBetween: async (...given) => {
        asked.push(given);
        return [crash];
      },
    },
  );
  const input = timelineInput(parts.session_id);
  t.equal((await parts.timeline(input, ownersCall)).total, 2, 'only when asked for');
  const { events, total } = await parts.timeline({ ...input, with_crashes: true }, ownersCall);
  t.equal(total, 3);
  t.same(asked, [[NOW_MS - 3000, NOW_MS + 3100, 1000]]);
  t.match(events, [
    { content: 'before' },
    {
      file: 'dump_1',
      content: 'crashme.exe 1.0.2.3 (process 4711) crashed: 0xC0000005, crashme.exe!fault',
      hit_id: null,
      crash: { minidump_id: 'dump_1', pid: 4711, exe_version: '1.0.2.3' },
    },
    { content: 'after' },
  ]);
  const chinese = await parts.timeline({ ...input, with_crashes: true }, { ...ownersCall, language: 'zh' });
  t.match(chinese.events[1], {
    content: 'crashme.exe 1.0.2.3（进程 4711）崩溃：0xC0000005，crashme.exe!fault',
  });
});

t.test('a timeline of very long lines ends in time, and says how many there are', async (t) => {
  const long = 'x'.repeat(1024 * 1024);
  const hits = Array.from(
    { length: 40 },
    (_, index) => [`h${index}`, long, NOW_MS + index, '/a', index] as const,
  );
  const { session_id, timeline, report } = await withHits(t, hits);
  const { events, total } = await timeline(timelineInput(session_id), ownersCall);
  t.equal(total, 40);
  t.equal(events.length, 31);
  const reported = {
    ...timelineInput(session_id),
    format: 'markdown',
    lang: 'en',
    include_snippets: true,
  } as const;
  const { report: text = '' } = await report(reported, ownersCall);
  t.ok(text.length < 500_000, `${text.length} characters`);
  t.match(text, /\n9 more left out\.\n\n## Key facts/);
});
