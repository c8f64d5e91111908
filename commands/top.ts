/** `chs dump top`: the most frequent crashes, with versions, first and last seen, and how they develop. */
import type { Command } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import type { CrashClient } from './crash-files.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { optionsOf, readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { datum, shownTime } from './views/facts.ts';
import { sparkline } from './views/sparkline.ts';
import type { Style } from './views/style.ts';
import { type Column, renderTable } from './views/table.ts';

const operation = crashOperations.listSignatures;
/** Versions that one line has room for. */
const VERSIONS_SHOWN = 3;

type Top = Awaited<ReturnType<CrashClient['listSignatures']>>;
type Crash = Top['crashes'][number];

export function topCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'top',
    summary: operation.summary,
    description: `${operation.description} The trend has one mark a day, the last one today (UTC). \`chs dump list --signature\` lists the dumps of one.`,
    options: () => optionsOf(operation),
    examples: [
      'chs dump top',
      'chs dump top --start-time 30d --version 1.2.3.4',
      'chs dump top --limit 50 --json',
    ],
    action: showTop,
  });
}

async function showTop(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(operation, invocation);
  const reply = await (await run.connect()).client(crashOperations).listSignatures(input, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  const columns: Column[] = [
    { title: 'COUNT', align: 'right' },
    { title: `TREND (${input.trend_days} D)`, dropOrder: 5 },
    { title: 'CHANGE', dropOrder: 3 },
    { title: 'SIGNATURE', shrinkTo: 24 },
    { title: 'EXCEPTION', shrinkTo: 8, dropOrder: 4 },
    { title: 'VERSIONS', shrinkTo: 7, dropOrder: 2 },
    { title: 'FIRST SEEN (UTC)', dropOrder: 6 },
    { title: 'LAST SEEN (UTC)', dropOrder: 1 },
  ];
  const rows = reply.crashes.map((crash) => [
    String(crash.count),
    sparkline(crash.trend),
    crash.change,
    datum(crash.signature),
    datum(crash.exception_name),
    versionsText(crash),
    shownTime(crash.first_seen),
    shownTime(crash.last_seen),
  ]);
  if (rows.length > 0)
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  for (const note of notes(reply, out.noteStyle)) out.note(note);
  return 0;
}

function versionsText({ versions }: Crash): string {
  const shown = versions.slice(0, VERSIONS_SHOWN).map(({ version }) => datum(version));
  return versions.length > VERSIONS_SHOWN ? `${shown.join(', ')}, …` : shown.join(', ');
}

function notes({ crashes, total, minidumps, unsigned, unindexed }: Top, style: Style): string[] {
  const lines: string[] = [];
  if (crashes.length > 0)
    lines.push(style.dim(`${crashes.length} of ${total} crashes, in ${minidumps} minidumps`));
  else if (minidumps === 0) lines.push('No minidumps yet, or none that these options leave.');
  if (unsigned > 0) lines.push(style.dim(`${unsigned} minidumps have no exception and are not in the list`));
  if (unindexed > 0) lines.push(`${unindexed} minidumps of an earlier server are still being counted`);
  return lines;
}
