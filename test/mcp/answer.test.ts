/** Answers within their tokens: whatever the reply, no answer is longer, and what is missing is named with its call. */
import t from 'tap';
import { composeAnswer, MAX_TOKENS } from '../../src/mcp/answer.ts';
import { renderExplanation, renderHits } from '../../src/mcp/render/hits.ts';
import { renderers } from '../../src/mcp/render/table.ts';
import { cutTo, tokensOf } from '../../src/mcp/tokens.ts';
import { mcpTools, operationOfTool, type ReplyOf, toolName } from '../../src/mcp/tools.ts';

type Reply = ReplyOf<'search'>;

function hit(index: number, content: string, file = '/var/log/app/app.log'): Reply['hits'][number] {
  return {
    id: `hit_${index}`,
    file,
    family_id: null,
    line_number: index + 1,
    byte_offset: index * 100,
    timestamp: new Date(1_767_702_896_789 + index * 1000).toISOString(),
    content,
    context_before: [],
    context_after: [],
    truncated: false,
  };
}

function reply(hits: Reply['hits'], more: Partial<Reply> = {}): Reply {
  return {
    hits,
    truncated: false,
    truncated_by: null,
    cursor: null,
    tail_cursor: null,
    window: null,
    notices: [],
    stats: {
      files_scanned: 1,
      bytes_scanned: 1,
      compute_ms: 1,
      io_mode_used: 'buffered',
      regex_cache_hits: 0,
      ac_dict_size: 0,
      candidate_lines: 0,
      skipped_none_hits: 0,
      regex_timeouts: 0,
      truncated_lines: 0,
    },
    ...more,
  };
}

const call = { tool: 'search', args: { session_id: 'ses_1', must: ['timeout'] } };
/** Grows with everything that logs are made of: words, figures, signs, Chinese, pictures. */
const line = (index: number): string =>
  index % 3 === 0
    ? `2026-01-06T12:34:56.${index} ERROR [worker-${index}] request ${index} to 10.0.0.${index % 256} failed: timeout after ${index} ms`
    : index % 3 === 1
      ? `2026-01-06 警告 电池电量低于 ${index}%，任务 TASK-${index} 已停止`
      : `{"level":"error","msg":"timeout 🔥 ${'x'.repeat(index % 500)}","n":${index}}`;

t.test('counts at least a third of the bytes, and more for what models cut finely', async (t) => {
  t.equal(tokensOf(''), 0);
  for (const text of [
    'plain words of a sentence',
    '日志诊断报告',
    'é à ü ñ',
    '🔥🔥',
    '0x7ffd 10.0.0.1:8080',
    '{"a":[1,2]}',
  ])
    t.ok(tokensOf(text) >= Buffer.byteLength(text) / 3, text);
  t.ok(tokensOf('日志') >= 2);
});

t.test('cuts a text where it must, never inside of a character, and says how much is missing', async (t) => {
  t.equal(cutTo('short', 100), 'short');
  for (let max = 10; max < 60; max += 1) {
    const cut = cutTo('🔥'.repeat(200), max);
    t.ok(tokensOf(cut) <= max, String(max));
    t.match(cut, /^(🔥)*… \(\+\d+ characters\)$/u);
  }
});

t.test('holds max_tokens whatever is found', async (t) => {
  for (const count of [0, 1, 7, 8, 100, 1000]) {
    const hits = Array.from({ length: count }, (_, index) => hit(index, line(index)));
    for (const cursor of [null, 'c'.repeat(700)])
      for (const maxTokens of [200, 201, 350, 1000, MAX_TOKENS.default, 20_000, MAX_TOKENS.max]) {
        const text = composeAnswer(renderHits(reply(hits, { cursor }), call), maxTokens);
        t.ok(tokensOf(text) <= maxTokens, `${count} hits, ${maxTokens} tokens: ${tokensOf(text)}`);
        t.not(text, '');
      }
  }
});

t.test('holds it for one line without end, too', async (t) => {
  for (const content of ['x'.repeat(1_000_000), '错'.repeat(300_000), `a${'\n\tat x.y.Z'.repeat(50_000)}`]) {
    const text = composeAnswer(renderHits(reply([hit(0, content)]), call), 400);
    t.ok(tokensOf(text) <= 400);
    t.match(text, /\(\+\d+ characters\)/);
    t.match(text, /max_tokens/);
  }
});

t.test('gives kinds of lines first, one line of each, then the others', async (t) => {
  const hits = Array.from({ length: 40 }, (_, index) =>
    hit(
      index,
      index === 17 ? 'PANIC core 3 gave up' : `ERROR request ${index} timeout after ${index * 7} ms`,
    ),
  );
  const text = composeAnswer(renderHits(reply(hits), call), MAX_TOKENS.default);
  const [kinds, samples, others] = [/Kinds of lines/, /The first line of each kind/, /The other lines/].map(
    (title) => text.search(title),
  );
  t.ok(Number(kinds) >= 0 && Number(kinds) < Number(samples) && Number(samples) < Number(others));
  t.match(text, /^39x .*request <\*> timeout after <\*> ms/m);
  t.match(text, /^1x .*PANIC core/m);
  t.equal(text.match(/hit_17\]/g)?.length, 1, 'no line twice');
  t.equal(text.match(/^\[hit_/gm)?.length, 40);
  t.notMatch(text, /Left out/);
});

t.test('names what is missing with a call that asks for the same, with room for all of it', async (t) => {
  const hits = Array.from({ length: 100 }, (_, index) => hit(index, line(index)));
  const text = composeAnswer(renderHits(reply(hits, { cursor: 'CURSOR' }), call), 1000);
  t.match(text, /- the hits after this page: search_continue \{"cursor":"CURSOR"\}/);
  const [, args = ''] = /^- \d+.*lines of this page: search (\{.*\})$/m.exec(text) ?? [];
  const { max_tokens: maxTokens, ...same }: { max_tokens: number } = JSON.parse(args);
  t.same(same, call.args);
  t.notMatch(
    composeAnswer(renderHits(reply(hits), call), maxTokens),
    /Left out/,
    'that call leaves nothing out',
  );
});

t.test('lists all kinds before a line of any, however little room there is', async (t) => {
  const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'];
  const hits = Array.from({ length: 200 }, (_, index) => {
    const word = words[index % words.length] ?? '';
    return hit(index, `ERROR ${word} ${word} ${'is broken again '.repeat(8)} after ${index} ms`);
  });
  for (const maxTokens of [400, 600, 1000, 2000]) {
    const text = composeAnswer(renderHits(reply(hits, { cursor: 'CURSOR' }), call), maxTokens);
    t.ok(tokensOf(text) <= maxTokens);
    for (const word of words)
      t.match(text, new RegExp(`^25x error .*${word}`, 'mu'), `${word} in ${maxTokens} tokens`);
    const lines = text.match(/^\[hit_/gm)?.length ?? 0;
    if (/The other lines/.test(text)) t.ok(lines > words.length, 'samples of all before other lines');
    else t.ok(lines <= words.length);
  }
});

t.test('names an exact call also in the smallest answer', async (t) => {
  const hits = Array.from({ length: 50 }, (_, index) => hit(index, line(index)));
  for (const maxTokens of [200, 400]) {
    const text = composeAnswer(renderHits(reply(hits, { cursor: 'c'.repeat(2000) }), call), maxTokens);
    t.ok(tokensOf(text) <= maxTokens);
    const [, args = ''] = /^- .*: search (\{.*\})$/m.exec(text) ?? [];
    const next: { max_tokens: number } = JSON.parse(args);
    t.match(
      composeAnswer(renderHits(reply(hits, { cursor: 'c'.repeat(2000) }), call), next.max_tokens),
      /search_continue \{"cursor":"c{2000}"\}/,
      'which names the one for what follows',
    );
  }
});

t.test('says in words which call it is where its arguments alone are too long', async (t) => {
  const hits = Array.from({ length: 50 }, (_, index) => hit(index, line(index)));
  const long = { tool: 'search_continue', args: { cursor: 'c'.repeat(2000) } };
  const text = composeAnswer(renderHits(reply(hits, { cursor: 'c'.repeat(2000) }), long), 400);
  t.match(text, /The same call again with "max_tokens":\d+ gives it, or names the call that does\./);
});

t.test('ends a report with a row of a table, not with its head', async (t) => {
  const rows = Array.from({ length: 60 }, (_, index) => `| 10:00:${index} | app.log:${index} | failed |`);
  const text = [
    '# Report',
    '',
    'Words.',
    '',
    '## Events',
    '',
    '| time | place | what |',
    '| --- | --- | --- |',
    ...rows,
  ];
  const whole = renderers.report(
    { format: 'markdown', report: text.join('\n') } as ReplyOf<'report'>,
    { tool: 'report', args: { session_id: 'ses_1' } },
    { session_id: 'ses_1' },
  );
  for (let maxTokens = 200; maxTokens < 600; maxTokens += 7) {
    const answer = composeAnswer(whole, maxTokens);
    t.ok(tokensOf(answer) <= maxTokens);
    const [shown = ''] = answer.split('\n\nLeft out');
    t.notMatch(shown, /(?:what \||--- \||## Events)\s*$/);
    t.match(answer, /^- .*: report \{.*"max_tokens":\d+\}$/m);
  }
});

t.test('has a renderer and a tool for each operation', async (t) => {
  const tools = mcpTools();
  t.equal(new Set(tools.map(({ name }) => name)).size, tools.length);
  for (const name of Object.keys(renderers)) {
    const operation = operationOfTool(toolName(name as keyof typeof renderers));
    t.equal(operation, name);
  }
  t.equal(tools.length, Object.keys(renderers).length);
  for (const { name, inputSchema, description } of tools) {
    t.match(name, /^[a-z][a-z_]*$/);
    t.match(description, /^[A-Z].*\.$/s);
    t.match(
      inputSchema,
      { type: 'object', properties: { max_tokens: { minimum: 200, maximum: 100_000 } } },
      name,
    );
  }
  t.equal(operationOfTool('rm_rf'), null);
  const kept = tools.find(({ name }) => name === 'search')?.annotations;
  t.match(kept, { readOnlyHint: false, destructiveHint: false }, 'search keeps its hits');
});

t.test('says why there is nothing', async (t) => {
  const text = composeAnswer(
    renderExplanation(
      {
        files: 3,
        files_excluded: 1,
        files_without_time: 0,
        hits: 0,
        terms: [
          {
            kind: 'must',
            term: 'timout',
            alone: 0,
            without: 12,
            other_case: 0,
            nearest: [{ text: 'timeout', count: 12 }],
          },
        ],
        window: null,
        reasons: ['no line has "timout"; 12 have "timeout"'],
        complete: true,
      },
      call,
      ['No hits.'],
    ),
    MAX_TOKENS.min,
  );
  t.ok(tokensOf(text) <= MAX_TOKENS.min);
  t.match(text, /No hits\./);
  t.match(text, /12 have "timeout"/);
});
