/** `chs token`: API keys with a scope and an end. */
import type { Command } from 'commander';
import { accessOperations } from '../src/access/operations.ts';
import { addCommand, addGroup, type CommandContext, type Invocation } from './define.ts';
import { optionsOf, readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { datum, shownTime } from './views/facts.ts';
import { renderTable } from './views/table.ts';

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'token',
    summary: 'Make, list and revoke API keys',
    examples: ['chs token create --name ci-upload --scope write --expires 90d', 'chs token list'],
  });
  addCommand(group, context, {
    name: 'create',
    summary: accessOperations.createToken.summary,
    description: 'The token is printed once, alone on standard output; it cannot be shown again.',
    options: () => optionsOf(accessOperations.createToken),
    examples: [
      'chs token create --name ci-upload --scope write --expires 90d > key.txt',
      'chs token create --name dashboard --scope read --json',
    ],
    action: create,
  });
  addCommand(group, context, {
    name: 'list',
    summary: accessOperations.listTokens.summary,
    examples: ['chs token list', 'chs token list --json'],
    action: list,
  });
  addCommand(group, context, {
    name: 'revoke',
    summary: accessOperations.revokeToken.summary,
    arguments: [{ syntax: '<id>', description: 'the ID that `chs token list` shows' }],
    examples: ['chs token revoke ID'],
    action: revoke,
  });
}

async function create(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(accessOperations.createToken, invocation);
  const connection = await run.connect();
  const reply = await connection.client(accessOperations).createToken(input, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  out.line(reply.token);
  const end = reply.expires_at === null ? 'it does not expire' : `it expires at ${datum(reply.expires_at)}`;
  out.note(
    `Token ${datum(reply.id)} (${datum(reply.name)}, ${reply.scope}) for ${connection.transportName}; ${end}.`,
  );
  out.note('Keep it now: only its hash is stored. Use it by --key-file or CHS_API_KEY.');
  return 0;
}

async function list(run: Run): Promise<ExitCode> {
  const { out, signal } = run;
  const reply = await (await run.connect()).client(accessOperations).listTokens({}, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  if (reply.tokens.length === 0) {
    out.note('No tokens yet. `chs token create --name NAME --scope write` makes one.');
    return 0;
  }
  const columns = [
    { title: 'ID' },
    { title: 'NAME', shrinkTo: 8 },
    { title: 'SCOPE' },
    { title: 'STATE' },
    { title: 'CREATED (UTC)', dropOrder: 3 },
    { title: 'EXPIRES (UTC)', dropOrder: 1 },
    { title: 'LAST USED (UTC)', dropOrder: 2 },
  ];
  const rows = reply.tokens.map((token) => [
    datum(token.id),
    datum(token.name),
    token.scope,
    stateOf(token),
    shownTime(token.created_at),
    shownTime(token.expires_at),
    shownTime(token.last_used_at),
  ]);
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  return 0;
}

function stateOf({
  revoked_at,
  expires_at,
}: {
  revoked_at: string | null;
  expires_at: string | null;
}): string {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && Date.parse(expires_at) <= Date.now() ? 'expired' : 'valid';
}

async function revoke(run: Run, { args: [id = ''] }: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(accessOperations.revokeToken, { options: {} }, { id });
  const reply = await (await run.connect()).client(accessOperations).revokeToken(input, { signal });
  if (out.json) out.value(reply);
  else out.line(`revoked ${datum(reply.id)}`);
  return 0;
}
