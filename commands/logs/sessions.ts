/** `chs logs sessions`: which sessions there are, and an end to them. */
import type { Command } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { optionsOf } from '../flags.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum, shownTime } from '../views/facts.ts';
import { shownBytes } from '../views/progress.ts';
import { type Column, renderTable } from '../views/table.ts';
import { repeated, valuesOf } from './query-options.ts';

export function sessionsCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'sessions',
    summary: 'List the sessions, those used last first',
    description:
      'Those of a directory were made by a search and are kept for the next one. Sessions go by themselves when they ' +
      'were not used for sessions.session_ttl.',
    options: () => [
      ...optionsOf(logOperations.listSessions),
      repeated(
        '--close <id>',
        'forget this session with everything that was found in it, instead of listing',
      ),
    ],
    examples: ['chs logs sessions', 'chs logs sessions --close ID'],
    action: sessions,
  });
}

async function sessions(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const client = (await run.connect()).client(logOperations);
  const closed = valuesOf(invocation, 'close');
  for (const session_id of closed) {
    const reply = await client.closeSession({ session_id }, { signal });
    if (out.json) out.value({ session_id, ...reply });
  }
  if (closed.length > 0) return 0;
  const { limit } = invocation.options;
  const reply = await client.listSessions(typeof limit === 'number' ? { limit } : {}, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  if (reply.sessions.length === 0) {
    out.note('No sessions yet. `chs logs open DIR` starts one.');
    return 0;
  }
  const columns: Column[] = [
    { title: 'ID' },
    { title: 'USED (UTC)', dropOrder: 1 },
    { title: 'FILES', align: 'right', dropOrder: 3 },
    { title: 'SIZE', align: 'right', dropOrder: 4 },
    { title: 'SEARCHES', align: 'right', dropOrder: 6 },
    { title: 'HITS', align: 'right', dropOrder: 2 },
    { title: 'FACTS', align: 'right', dropOrder: 5 },
    { title: 'ABOUT', shrinkTo: 10 },
  ];
  const rows = reply.sessions.map((session) => [
    datum(session.session_id),
    shownTime(session.used_at),
    String(session.files),
    shownBytes(session.size),
    String(session.searches),
    String(session.hits),
    String(session.facts),
    datum(session.hint ?? session.directory),
  ]);
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  out.note(out.noteStyle.dim(`${reply.sessions.length} of ${reply.total} sessions`));
  return 0;
}
