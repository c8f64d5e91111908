/** `chs backup list` and `show`: which backups there are, and what one says of itself. */
import type { Command } from 'commander';
import { backupOperations } from '../../src/backup/operations.ts';
import type { Client } from '../../src/connect.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { readInput } from '../flags.ts';
import type { ExitCode, Run } from '../run.ts';
import { backupLines, backupTable, shownAge } from '../views/backup.ts';
import { datum, shownTime } from '../views/facts.ts';
import { said } from './said.ts';

export function listCommands(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'list',
    summary: backupOperations.listBackups.summary,
    description:
      'Of backup.target and its copy. VERIFIED is when a backup was last read back: when it was made (made), or in full ' +
      'by `chs backup verify` (full).',
    examples: ['chs backup list', 'chs backup list --json'],
    action: list,
  });
  addCommand(parent, context, {
    name: 'show',
    summary: backupOperations.getBackup.summary,
    arguments: [{ syntax: '[id]', description: 'an ID that `chs backup list` shows; without it the latest' }],
    examples: ['chs backup show', 'chs backup show 20251224T120000Z-a1b2c3 --json'],
    action: show,
  });
}

type Reply = Awaited<ReturnType<Client<typeof backupOperations>['listBackups']>>;

async function list(run: Run): Promise<ExitCode> {
  const { out, signal } = run;
  const connection = await run.connect('backup');
  const reply = await connection.client(backupOperations).listBackups({}, { signal });
  const unreachable = reply.places.filter(({ problem }) => problem !== null);
  for (const { place, problem } of unreachable) out.warn(said(run, `${datum(place)}: ${datum(problem)}`));
  for (const warning of reply.warnings) out.warn(said(run, datum(warning)));
  if (out.json) {
    out.value(reply);
    return 0;
  }
  if (reply.backups.length > 0) {
    for (const line of await backupTable(reply.backups, out, Date.now())) out.line(line);
  } else if (unreachable.length === 0) {
    const places = reply.places.map(({ place }) => datum(place)).join(' or ');
    out.note(`No backups in ${places} yet. \`chs backup create\` makes one.`);
  }
  for (const { id, warnings } of reply.backups) {
    for (const warning of warnings) out.warn(said(run, `${datum(id)}: ${datum(warning)}`));
  }
  if (reply.backups.length > 0) out.note(verifiedLine(reply));
  out.note(scheduleLine(reply.schedule));
  return 0;
}

function verifiedLine({ last_verified }: Reply): string {
  if (!last_verified)
    return 'No verified one has all databases: `chs backup create` makes one, `chs backup verify` checks it.';
  const { id, timestamp } = last_verified;
  return `The newest verified one of everything is ${datum(id)}, taken ${shownAge(timestamp, Date.now())}.`;
}

function scheduleLine({ cron, timezone, next_run, last_run }: Reply['schedule']): string {
  const last =
    last_run === null
      ? ''
      : ` The last run, ${shownAge(last_run.at, Date.now())}, ${last_run.ok ? 'went well' : `failed: ${datum(last_run.reason)}`}.`;
  if (cron === null) return `No schedule is set (backup.schedule).${last}`;
  return `The next run is at ${shownTime(next_run)} UTC (${datum(cron)} in ${datum(timezone)}).${last}`;
}

async function show(run: Run, { args: [id = 'latest'] }: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(backupOperations.getBackup, { options: {} }, { id });
  const connection = await run.connect('backup');
  const backup = await connection.client(backupOperations).getBackup(input, { signal });
  if (out.json) out.value(backup);
  else for (const line of backupLines(backup, out, Date.now())) out.line(line);
  for (const warning of backup.warnings) out.warn(said(run, datum(warning)));
  return 0;
}
