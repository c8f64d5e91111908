/** `chs pdb wanted`: the PDBs that dumps and debuggers ask for and nobody has uploaded. */
import type { Command } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { optionsOf, readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { datum, shownTime } from './views/facts.ts';
import { type Column, renderTable } from './views/table.ts';

const operation = crashOperations.listWanted;

const columns: readonly Column[] = [
  { title: 'FILE', shrinkTo: 10 },
  { title: 'GUID OR KEY' },
  { title: 'AGE', align: 'right', dropOrder: 1 },
  { title: 'MODULE', shrinkTo: 8, dropOrder: 4 },
  { title: 'VERSION', shrinkTo: 7, dropOrder: 3 },
  { title: 'DUMPS', align: 'right' },
  { title: 'REQUESTS', align: 'right' },
  { title: 'LAST SEEN (UTC)', dropOrder: 2 },
];

export function wantedCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'wanted',
    summary: operation.summary,
    description: operation.description,
    options: () => optionsOf(operation),
    examples: ['chs pdb wanted', 'chs pdb wanted --system --limit 100', 'chs pdb wanted --json'],
    action: showWanted,
  });
}

async function showWanted(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(operation, invocation);
  const reply = await (await run.connect()).client(crashOperations).listWanted(input, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  const { wanted, total, system_total, unindexed } = reply;
  const rows = wanted.map((entry) => [
    datum(entry.file),
    datum(entry.guid ?? entry.key),
    datum(entry.age),
    datum(entry.module),
    datum(entry.version),
    String(entry.dump_count),
    String(entry.request_count),
    shownTime(entry.last_seen),
  ]);
  if (rows.length > 0)
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  const dim = out.noteStyle.dim;
  if (total > 0) out.note(dim(`${total} modules of stored dumps lack their PDB`));
  else if (rows.length === 0)
    out.note('Nothing is wanted: every module of a stored dump that names its PDB has it.');
  if (!input.system && system_total > 0)
    out.note(dim(`besides ${system_total} of the operating system; --system lists those, too`));
  if (unindexed > 0) out.note(`${unindexed} minidumps of an earlier server are still being counted`);
  return 0;
}
