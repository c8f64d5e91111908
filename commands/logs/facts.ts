/** `chs logs facts`, `remember` and `forget`: what is known by what was found. */
import type { Command } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum } from '../views/facts.ts';
import { type Column, renderTable } from '../views/table.ts';
import { repeated, valuesOf } from './query-options.ts';
import { said } from './said.ts';
import { defaultSession, sessionOption } from './session.ts';

export function factCommands(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'facts',
    summary: 'Extract facts from the hits of a session by rules',
    description:
      'The rules are built in or written in logs.facts_dir. Exit code 1: there are no facts in these hits.',
    options: () => [
      sessionOption(),
      repeated('--rule <name>', 'only rules of this name'),
      repeated('--hit <id>', 'only this hit'),
    ],
    examples: ['chs logs facts', 'chs logs facts --rule http_status --rule exception --json'],
    action: facts,
  });
  addCommand(parent, context, {
    name: 'remember',
    summary: 'Keep a conclusion in a session, in place of an earlier one of the same name',
    arguments: [
      { syntax: '<key>', description: 'its name' },
      { syntax: '<value>', description: 'the conclusion' },
    ],
    options: () => [sessionOption()],
    examples: ["chs logs remember cause 'the battery was below 5 % when it collided'"],
    async action(run, invocation) {
      const { args } = invocation;
      const [key = '', value = ''] = args;
      const client = (await run.connect()).client(logOperations);
      const session_id = await defaultSession(run, client, invocation);
      const reply = await client.remember({ session_id, key, value }, { signal: run.signal });
      if (run.out.json) run.out.value(reply);
      return 0;
    },
  });
  addCommand(parent, context, {
    name: 'forget',
    summary: 'Forget a conclusion of a session',
    description: 'Exit code 1: there was none of this name.',
    arguments: [{ syntax: '<key>', description: 'its name' }],
    options: () => [sessionOption()],
    examples: ['chs logs forget cause'],
    async action(run, invocation) {
      const { args } = invocation;
      const [key = ''] = args;
      const client = (await run.connect()).client(logOperations);
      const session_id = await defaultSession(run, client, invocation);
      const reply = await client.forget({ session_id, key }, { signal: run.signal });
      if (run.out.json) run.out.value(reply);
      else if (!reply.existed) run.out.note(said(run, `There is no conclusion '${datum(key)}'.`));
      return reply.existed ? 0 : 1;
    },
  });
}

async function facts(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const client = (await run.connect()).client(logOperations);
  const reply = await client.extractFacts(
    {
      session_id: await defaultSession(run, client, invocation),
      rules: valuesOf(invocation, 'rule'),
      hit_ids: valuesOf(invocation, 'hit'),
    },
    { signal },
  );
  const exitCode = reply.facts.length > 0 ? 0 : 1;
  if (out.json) {
    out.value(reply);
    return exitCode;
  }
  if (reply.facts.length === 0) {
    out.note('No facts in what was found so far. `chs logs search --keep PATTERN` finds more.');
    return exitCode;
  }
  const columns: Column[] = [
    { title: 'RULE' },
    { title: 'FIELDS', shrinkTo: 20 },
    { title: 'HIT', dropOrder: 1 },
  ];
  const rows = reply.facts.map(({ rule_name, fields, source_hit_id }) => [
    datum(rule_name),
    datum(
      Object.entries(fields)
        .map(([name, value]) => `${name}=${value}`)
        .join('  '),
    ),
    datum(source_hit_id),
  ]);
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  return exitCode;
}
