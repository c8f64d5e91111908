/** Reports: the documents' layout in both languages, what they open with, and what is left out. */
import t from 'tap';
import { hitRow, hitRows, NO_LIMIT, NOW_MS, recordRow } from '../backends/log-rows.ts';
import { adding, logParts, ownersCall } from './log-parts.ts';

const asked = (session_id: string, given = {}) => ({
  session_id,
  format: 'markdown' as const,
  include_snippets: true,
  lang: 'zh' as const,
  with_crashes: false,
  ...given,
});

const context = (before: string[], after: string[]) => JSON.stringify([before, after]);

async function withEvidence(t: Parameters<typeof logParts>[0]) {
  const parts = await logParts(t, { files: { logs: { 'a.log': 'x\n', 'b.log': 'y\n' } } });
  const { session_id } = await parts.startSession({ hint: '电池' }, ownersCall);
  await parts.addDirectory(adding(session_id, `${parts.folder}/logs`), ownersCall);
  const rows = [
    hitRow('h1', 'src_1', {
      content: '2026-01-06 12:34:56 INFO battery | 45%',
      context: context(['before `one`'], ['after']),
      lineNumber: 7,
    }),
    hitRow('h2', 'src_1', {
      content: '2026-01-06 12:35:00 ERROR exit code 3',
      byteOffset: 90,
      timestamp: NOW_MS + 4000,
      lineNumber: 9,
      context: context([], ['```', '# not a heading']),
    }),
    hitRow('h3', 'src_1', { content: 'untimed', byteOffset: 200, timestamp: null, lineNumber: 11 }),
  ];
  await parts.store.saveSearch(recordRow('src_1', session_id), rows, NO_LIMIT);
  await parts.extractFacts({ session_id, hit_ids: [], rules: ['exit_code'] }, ownersCall);
  await parts.remember({ session_id, key: '任务 ID', value: 'TASK-456\n# x' }, ownersCall);
  return { ...parts, session_id };
}

t.test('writes the documented Markdown, in Chinese', async (t) => {
  const { session_id, report } = await withEvidence(t);
  const reply = await report(asked(session_id, { tz_out: 'Asia/Shanghai' }), ownersCall);
  t.equal(reply.format, 'markdown');
  t.equal(
    reply.report,
    `# 日志诊断报告

## 概要
- 会话 ID: ${session_id}
- 分析时间: 2026-01-06T20:34:56.789+08:00
- 文件数: 2
- 事件数: 2
- 说明: 电池
- 时间未知的行数: 1
- 时间范围: 2026-01-06T20:34:56.789+08:00 至 2026-01-06T20:35:00.789+08:00
- 级别: error 1, info 1
- 首个错误: 2026-01-06T20:35:00.789+08:00 2026-01-06 12:35:00 ERROR exit code 3（/logs/app.log:9）

## 时间线
| 时间 | 文件 | 内容 |
|------|------|------|
| 2026-01-06T20:34:56.789+08:00 | /logs/app.log:7 | 2026-01-06 12:34:56 INFO battery \\| 45% |
| 2026-01-06T20:35:00.789+08:00 | /logs/app.log:9 | 2026-01-06 12:35:00 ERROR exit code 3 |

## 关键事实
- exit_code: code=3

## 已知结论
- 任务 ID: TASK-456 # x

## 日志片段
/logs/app.log:7

\`\`\`
before \`one\`
2026-01-06 12:34:56 INFO battery | 45%
after
\`\`\`

/logs/app.log:9

\`\`\`\`
2026-01-06 12:35:00 ERROR exit code 3
\`\`\`
# not a heading
\`\`\`\`

/logs/app.log:11

\`\`\`
untimed
\`\`\`
`,
  );
});

t.test('writes the same in English, with or without snippets', async (t) => {
  const { session_id, report } = await withEvidence(t);
  const whole = (await report(asked(session_id, { lang: 'en' }), ownersCall)).report ?? '';
  t.notMatch(whole.replaceAll('电池', '').replaceAll('任务', ''), /\p{sc=Han}/u);
  t.same(
    [...whole.matchAll(/^#+ .*$/gm)].map(([heading]) => heading).filter((text) => text !== '# not a heading'),
    [
      '# Log diagnosis report',
      '## Summary',
      '## Timeline',
      '## Key facts',
      '## Known conclusions',
      '## Log snippets',
    ],
  );
  t.match(whole, /- Time span: 2026-01-06T12:34:56\.789Z to 2026-01-06T12:35:00\.789Z\n/);
  t.match(whole, /\| Time \| File \| Content \|/);
  const short =
    (await report(asked(session_id, { lang: 'en', include_snippets: false }), ownersCall)).report ?? '';
  t.notMatch(short, /snippets/);
});

t.test('gives the same as data', async (t) => {
  const { session_id, report } = await withEvidence(t);
  const reply = await report(asked(session_id, { format: 'json', lang: 'en' }), ownersCall);
  t.match(reply, {
    format: 'json',
    report: undefined,
    timeline: [
      { hit_id: 'h1', facts: [] },
      { hit_id: 'h2', facts: [{ rule_name: 'exit_code' }] },
    ],
    facts: [{ rule_name: 'exit_code', fields: { code: '3' }, source_hit_id: 'h2' }],
    memories: { '任务 ID': 'TASK-456\n# x' },
    snippets: [
      '/logs/app.log:7\nbefore `one`\n2026-01-06 12:34:56 INFO battery | 45%\nafter',
      /^\/logs\/app\.log:9\n/,
      '/logs/app.log:11\nuntimed',
    ],
  });
  t.match(reply.summary, /^Session ID: ses_\w+\nAnalysed at: /);
  const bare = await report(asked(session_id, { format: 'json', include_snippets: false }), ownersCall);
  t.equal(bare.snippets, null);
});

t.test('says in words that there is nothing', async (t) => {
  const parts = await logParts(t);
  const { session_id } = await parts.startSession({}, ownersCall);
  const { report: text = '' } = await parts.report(asked(session_id), ownersCall);
  for (const words of ['没有时间已知的事件。', '尚未抽取到事实。', '尚未记录结论。', '没有可显示的片段。'])
    t.ok(text.includes(words), words);
  t.match(text, /- 事件数: 0\n/);
  t.match(await parts.report(asked(session_id, { format: 'json' }), ownersCall), {
    timeline: [],
    facts: [],
    memories: {},
    snippets: [],
  });
  await t.rejects(parts.report(asked('ses_none'), ownersCall), { code: 'SESSION_NOT_FOUND' });
  await t.rejects(parts.report(asked(session_id, { tz_out: 'x' }), ownersCall), { code: 'INVALID_INPUT' });
});

t.test('is bounded, and says what it leaves out', async (t) => {
  const parts = await logParts(t);
  const { session_id } = await parts.startSession({}, ownersCall);
  await parts.store.saveSearch(recordRow('src_1', session_id), hitRows('src_1', 12_000), NO_LIMIT);
  for (let index = 0; index < 501; index += 1)
    await parts.store.remember(session_id, { key: `${index}`, value: 'v' }, NO_LIMIT);
  const { report: text = '' } = await parts.report(asked(session_id, { lang: 'en' }), ownersCall);
  t.match(text, /- Events: 12000\n/);
  t.match(text, /- Levels: unknown 10000 \(of the first 10000 events only\)\n/);
  t.match(text, /- First error: none\n/);
  t.match(text, /\n11000 more left out\.\n\n## Key facts/);
  t.match(text, /\n1 more left out\.\n\n## Log snippets/);
  t.match(text, /\n11800 more left out\.\n$/);
  t.equal([...text.matchAll(/^```$/gm)].length, 400);
});
