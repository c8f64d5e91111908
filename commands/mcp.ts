/** `chs mcp`: gives the log tools to a language model over standard input and output. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from 'commander';
import { logOperations } from '../src/logs/operations.ts';
import { readVersion } from '../src/platform/package.ts';
import { addCommand, type CommandContext } from './define.ts';
import { usageError } from './failure.ts';
import type { ExitCode, Run } from './run.ts';

/** Whoever sent a line that is no JSON may wait for an answer; nobody knows to which request. */
const PARSE_ERROR = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: -32_700, message: 'the line is no JSON' },
});

export function register(program: Command, context: CommandContext): void {
  addCommand(program, context, {
    name: 'mcp',
    summary: 'Give the log tools to a language model over MCP',
    description:
      'For clients of the Model Context Protocol that start their servers: command `chs`, arguments `mcp`. The tools are ' +
      'the operations of `chs logs`, on the logs of this machine, or with --server on those of a server. Every answer ' +
      'fits into max_tokens. It ends when its input does. A running `chs serve` gives the same at /mcp.',
    examples: ['chs mcp', 'chs mcp --server https://logs.example.org --key-file key.txt'],
    action: serveTools,
  });
}

async function serveTools(run: Run): Promise<ExitCode> {
  if (process.stdin.isTTY)
    throw usageError(
      'standard input is a terminal, and MCP speaks to programs',
      'Name `chs mcp` as the command of a server in your MCP client.',
    );
  const [connection, { createMcpServer }, { sdk }] = await Promise.all([
    run.connect(),
    import('../src/mcp/server.ts'),
    import('../src/mcp/sdk.ts'),
  ]);
  const client: Readonly<
    Record<string, (input: never, options: { signal: AbortSignal }) => Promise<unknown>>
  > = connection.client(logOperations);
  const { protocol, idle } = createMcpServer({
    call: (name, input, signal) => callOf(client[name], input, signal),
    version: readVersion(),
    language: run.language,
    signal: run.signal,
  });
  // Standard output is the protocol's alone.
  protocol.onerror = (error) => {
    if (error instanceof SyntaxError) process.stdout.write(`${PARSE_ERROR}\n`);
    run.out.note(`mcp: ${error.message}`);
  };
  const ended = new Promise<void>((resolve) => {
    protocol.onclose = resolve;
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await protocol.connect(new sdk.StdioServerTransport());
  run.out.note(`chs mcp: tools on ${connection.transportName}`);
  await ended;
  run.signal.throwIfAborted();
  // Whoever asked and then closed its side still reads.
  await idle();
  await nextTurn();
  await protocol.close();
  return 0;
}

/** What the model sent is checked by the operation itself. */
async function callOf(
  call: ((input: never, options: { signal: AbortSignal }) => Promise<unknown>) | undefined,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<unknown> {
  if (!call) throw new Error('there is no such operation');
  return call(input as never, { signal });
}
