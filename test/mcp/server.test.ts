/** MCP with the official client, over stdio and over HTTP: a whole investigation, and answers that hold their tokens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import t, { type Test } from 'tap';
import { tokensOf } from '../../src/mcp/tokens.ts';
import { mcpTools } from '../../src/mcp/tools.ts';
import { cleanEnvironment, program, runChs } from '../commands/run-chs.ts';
import { reach, runningDaemon, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';

t.setTimeout(300_000);

/** Two hundred requests, some of which fail in one of three ways. */
function writeLogs(folder: string): string {
  const logs = join(folder, 'var');
  mkdirSync(logs, { recursive: true });
  const lines = Array.from({ length: 200 }, (_, index) => {
    const time = new Date(Date.UTC(2026, 0, 6, 10, 0, index)).toISOString();
    if (index % 50 === 49) return `${time} FATAL worker ${index} out of memory`;
    if (index % 4 === 3) return `${time} ERROR request ${index} failed: connection refused by 10.0.0.7:5432`;
    return `${time} INFO request ${index} 用时 ${index * 7} 毫秒`;
  });
  writeFileSync(join(logs, 'app.log'), `${lines.join('\n')}\n`);
  return logs;
}

interface Session {
  readonly client: Client;
  readonly logs: string;
}

const ways: readonly (readonly [name: string, (t: Test) => Promise<Session>])[] = [
  [
    'stdio',
    async (t) => {
      const folder = testFolder(t);
      const logs = writeLogs(folder);
      const client = new Client({ name: 'test', version: '1' });
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [program, 'mcp'],
        cwd: folder,
        env: cleanEnvironment(folder),
        stderr: 'ignore',
      });
      await client.connect(transport);
      t.teardown(() => client.close());
      return { client, logs };
    },
  ],
  [
    'HTTP',
    async (t) => {
      const folder = testFolder(t);
      const logs = writeLogs(folder);
      const { url } = await runningDaemon(t, { 'fs.allow_roots': [logs] }, folder);
      const client = new Client({ name: 'test', version: '1' });
      const headers = { authorization: `Bearer ${TEST_KEY}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers } }),
      );
      t.teardown(() => client.close());
      return { client, logs };
    },
  ],
];

/** Calls a tool, and gives its text. */
async function ask(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<{ text: string; isError: boolean }> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const [first] = content as { type: string; text: string }[];
  return { text: first?.text ?? '', isError: isError === true };
}

for (const [name, open] of ways) {
  t.test(`lists its tools and how to use them over ${name}`, async (t) => {
    const { client } = await open(t);
    t.match(client.getInstructions(), /start_session.*add_directory/);
    t.match(client.getServerVersion(), { name: 'chs', version: /^\d+\.\d+\.\d+$/ });
    const { tools } = await client.listTools();
    t.same(
      tools.map((tool) => tool.name),
      mcpTools().map((tool) => tool.name),
    );
    for (const name of ['start_session', 'add_directory', 'search', 'search_continue', 'timeline', 'report'])
      t.ok(
        tools.some((tool) => tool.name === name),
        name,
      );
    for (const tool of tools)
      t.match(tool.inputSchema.properties, { max_tokens: { default: 4000 } }, tool.name);
    await t.rejects(client.callTool({ name: 'rm_rf', arguments: {} }), {
      message: /^MCP error -32602: there is no tool "rm_rf"/,
    });
  });

  t.test(`takes an investigation from session to report over ${name}`, async (t) => {
    const { client, logs } = await open(t);
    const started = await ask(client, 'start_session', { hint: 'refused' });
    const [, session_id = ''] = /session_id: (\S+)/.exec(started.text) ?? [];
    t.match(session_id, /^ses_/);
    t.match(await ask(client, 'add_directory', { session_id, path: logs }), {
      text: /app\.log \d+ utf-8/i,
      isError: false,
    });
    t.match((await ask(client, 'inspect_formats', { session_id })).text, /first event 2026-01-06T10:00:00/);
    t.match((await ask(client, 'patterns', { session_id })).text, /^\d+x error .*connection refused/m);
    t.match((await ask(client, 'stats', { session_id })).text, /^200 lines/);
    t.match((await ask(client, 'count', { session_id, must: ['FATAL'] })).text, /^4 hits in 1 file below /);

    const found = await ask(client, 'search', { session_id, any: ['ERROR', 'FATAL'] });
    t.match(found.text, /^52 hits on this page, the last one/);
    t.ok(found.text.search(/Kinds of lines/) < found.text.search(/The other lines/));
    t.match(found.text, /^4x fatal/m);
    const why = await ask(client, 'search', { session_id, must: ['conection refused'] });
    t.match(why, { text: /^No hits\.\n0 hits in 1 file(?:.*\n)*What to change/, isError: false });

    t.match((await ask(client, 'extract_facts', { session_id })).text, /10\.0\.0\.7/);
    t.match(
      (await ask(client, 'remember', { session_id, key: 'cause', value: 'database down' })).text,
      /Kept/,
    );
    t.match((await ask(client, 'timeline', { session_id })).text, /^52 of 52 events, 2026-01-06T10:00:03/);
    const report = await ask(client, 'report', { session_id, lang: 'en', max_tokens: 20_000 });
    t.match(report.text, /^# /);
    t.match(report.text, /database down/);
    t.match(
      (
        await ask(client, 'read_lines', {
          session_id,
          file: join(logs, 'app.log'),
          line_number: 50,
          before: 1,
          after: 1,
        })
      ).text,
      /^49- .*\n50: .*FATAL/m,
    );
    t.match(
      (await ask(client, 'validate_regex', { regex: 'a(?P<n>\\d)', samples: ['a1', 'b'] })).text,
      /1 of 2 samples match/,
    );
    t.match((await ask(client, 'forget', { session_id, key: 'cause' })).text, /Forgot/);
    t.match((await ask(client, 'close_session', { session_id })).text, /closed/);
  });

  t.test(`says what went wrong, and whether to try again, over ${name}`, async (t) => {
    const { client, logs } = await open(t);
    t.match(await ask(client, 'search', { session_id: 'ses_none', must: ['x'] }), {
      isError: true,
      text: /^SESSION_NOT_FOUND: .*\nHint: .*start_session.*\nRetryable: no$/,
    });
    t.match(await ask(client, 'search', { must: ['x'] }), {
      isError: true,
      text: /^INVALID_INPUT: .*session_id/,
    });
    t.match(await ask(client, 'start_session', { moon: 1 }), {
      isError: true,
      text: /^INVALID_INPUT: .*moon/,
    });
    t.match(await ask(client, 'list_sessions', { max_tokens: 10 }), {
      isError: true,
      text: /max_tokens.*200 to 100000/,
    });
    const opened = await ask(client, 'open_directory', { paths: [logs] });
    const [, session_id = ''] = /session_id: (\S+)/.exec(opened.text) ?? [];
    t.match(await ask(client, 'search', { session_id, regex: '(' }), { isError: true, text: /^REGEX_ERROR/ });
  });

  t.test(`holds max_tokens, and names calls that work, over ${name}`, async (t) => {
    const { client, logs } = await open(t);
    const opened = await ask(client, 'open_directory', { paths: [logs] });
    const [, session_id = ''] = /session_id: (\S+)/.exec(opened.text) ?? [];
    const calls: readonly (readonly [string, Record<string, unknown>])[] = [
      ['search', { session_id, must: ['request'], page_size: 60, context_lines: 2 }],
      ['search', { session_id, must: ['no such thing'] }],
      ['count', { session_id, any: ['request'] }],
      ['stats', { session_id }],
      ['patterns', { session_id }],
      ['explain_empty', { session_id, must: ['requst'] }],
      ['read_lines', { session_id, file: join(logs, 'app.log'), line_number: 100, before: 90, after: 90 }],
      ['extract_facts', { session_id }],
      ['timeline', { session_id }],
      ['report', { session_id }],
      ['inspect_formats', { session_id }],
      ['list_sessions', {}],
      ['validate_regex', { regex: 'x', samples: Array.from({ length: 100 }, (_, index) => `line ${index}`) }],
      ['add_directory', { session_id, path: '/no/such/place' }],
    ];
    for (const [tool, args] of calls)
      for (const max_tokens of [200, 500, 4000]) {
        const { text } = await ask(client, tool, { ...args, max_tokens });
        t.ok(text.length > 0 && tokensOf(text) <= max_tokens, `${tool}: ${tokensOf(text)} of ${max_tokens}`);
        for (const [, next = '', json = ''] of text.matchAll(/^- .*: ([a-z_]+) (\{.*\})$/gm))
          t.match(
            await ask(client, next, JSON.parse(json)),
            { isError: false },
            `${tool} -> ${next} ${json}`,
          );
      }
    // Page by page everything is found, each line once.
    const ids = new Set<string>();
    let answer = await ask(client, 'search', {
      session_id,
      must: ['request'],
      page_size: 60,
      max_tokens: 50_000,
    });
    for (let pages = 1; ; pages += 1) {
      for (const [, id = ''] of answer.text.matchAll(/^\[(hit_\w+)\]/gm)) ids.add(id);
      const [, json] = /^- the hits after this page: search_continue (\{.*\})$/m.exec(answer.text) ?? [];
      if (json === undefined) break;
      t.ok(pages < 5);
      answer = await ask(client, 'search_continue', { ...JSON.parse(json), max_tokens: 50_000 });
    }
    t.equal(ids.size, 196);
  });
}

t.test('speaks nothing but the protocol, and ends with its input', async (t) => {
  const cwd = testFolder(t);
  const hello = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  };
  const call = {
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/call',
    params: { name: 'list_sessions', arguments: {} },
  };
  const input = `${JSON.stringify(hello)}\nnot json\n${JSON.stringify(call)}\n`;
  const { code, stdout } = await runChs(['mcp'], { cwd, input });
  t.equal(code, 0);
  const replies: { id: number | null }[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  // The line that is no JSON is answered at once.
  t.match(
    replies.toSorted((a, b) => Number(a.id) - Number(b.id)),
    [
      { id: null, error: { code: -32_700 } },
      { id: 1 },
      { id: 2, result: { content: [{ text: /No sessions/ }] } },
    ],
  );
});

t.test('guards /mcp: keys, scopes, origins, methods, sizes', async (t) => {
  const { fetch, bare } = await reach(t, 'daemon', { 'limits.content_length_limit_mb': 1 });
  const request = (
    headers: Record<string, string> = {},
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  ) => ({
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body,
  });
  t.equal((await bare('/mcp', request())).status, 401);
  t.equal((await fetch('/mcp', request())).status, 200);
  const created = await fetch('/api/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ci', scope: 'submit' }),
  });
  const { data } = (await created.json()) as { data: { token: string } };
  t.match(await (await bare('/mcp', request({ 'x-api-key': data.token }))).json(), { code: 'FORBIDDEN' });
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example'])
    t.match(
      await (await fetch('/mcp', request({ origin }))).json(),
      { code: 'ORIGIN_REFUSED', retryable: false },
      origin,
    );
  for (const origin of ['http://localhost:6274', 'http://127.0.0.1:80', 'http://[::1]:1'])
    t.equal((await fetch('/mcp', request({ origin }))).status, 200, origin);
  for (const method of ['GET', 'DELETE']) {
    const answer = await fetch('/mcp', { method });
    t.equal(answer.status, 405);
    t.equal(answer.headers.get('allow'), 'POST');
  }
  t.equal((await fetch('/mcp', request({}, `"${'x'.repeat(2_000_000)}"`))).status, 413);
  t.equal((await fetch('/mcp', request({}, '{'))).status, 400);
  t.match((await fetch('/mcp', request())).headers.get('x-request-id'), /\w/);
});
