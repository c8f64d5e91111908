/** `chs backup prune`: deletes backups that are too old, or says which it would. */
import type { Command } from 'commander';
import type { PruneResult } from '../../src/backup/fields.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { optionsOf, readInput } from '../flags.ts';
import type { ExitCode, Run } from '../run.ts';
import { counted } from '../views/backup.ts';
import { datum } from '../views/facts.ts';
import { shownBytes } from '../views/progress.ts';
import { renderTable } from '../views/table.ts';
import { followRun } from './follow-run.ts';
import { said } from './said.ts';

const operation = backupOperations.pruneBackups;

export function pruneCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'prune',
    summary: operation.summary,
    description:
      'By backup.keep_days and backup.keep_last of the configuration, or those given here. The newest verified backup ' +
      'always stays. --plan says what would go, what stays and why, and deletes nothing.',
    options: () => optionsOf(operation),
    examples: [
      'chs backup prune --plan',
      'chs backup prune --keep-days 30 --keep-last 7',
      'chs backup create --quiet && chs backup prune --quiet',
    ],
    action: prune,
  });
}

async function prune(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(operation, invocation);
  const connection = await run.connect('backup');
  const { run: id } = await connection.client(backupOperations).pruneBackups(input, { signal });
  const { pruned } = await followRun(run, connection, id);
  if (!pruned) return 2;
  if (out.json) out.value(pruned);
  else await print(run, pruned);
  for (const warning of pruned.warnings) out.warn(said(run, datum(warning)));
  return 0;
}

async function print({ out }: Run, pruned: PruneResult): Promise<void> {
  const { plan, deleted, kept, pool_files, freed_bytes } = pruned;
  if (plan) for (const line of await planLines(pruned, out)) out.line(line);
  if (deleted.length === 0 && pool_files === 0) {
    const stay = new Set(kept.map(({ id }) => id)).size;
    if (!out.quiet) out.line(`Nothing to delete; ${counted(stay, 'backup')} kept.`);
    return;
  }
  if (!plan) for (const { id, place } of deleted) out.line(`deleted ${datum(id)} in ${datum(place)}`);
  const files = pool_files > 0 ? ` and ${counted(pool_files, 'file')} that no backup needs` : '';
  const what = `${counted(deleted.length, 'backup')}${files}: ${shownBytes(freed_bytes)}`;
  out.line(plan ? `would delete ${what}` : `deleted ${what} freed`);
}

async function planLines({ deleted, kept }: PruneResult, out: Run['out']): Promise<string[]> {
  const rows = [
    ...deleted.map(({ id, place, reason }) => ['delete', datum(id), datum(place), datum(reason)]),
    ...kept.map(({ id, place, reason }) => ['keep', datum(id), datum(place), datum(reason)]),
  ];
  if (rows.length === 0) return [];
  const columns = [
    { title: 'PLAN' },
    { title: 'ID' },
    { title: 'PLACE', shrinkTo: 12, dropOrder: 1 },
    { title: 'WHY', shrinkTo: 20 },
  ];
  return renderTable(columns, rows, out.columns, out.style);
}
