/** `chs dump prune`: deletes what is old or too much, after it has said what that is. */
import { type Command, Option } from 'commander';
import type { Client } from '../src/connect.ts';
import { crashOperations } from '../src/crash/operations.ts';
import { confirmed } from './crash-files.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { optionsOf, readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { shownTime } from './views/facts.ts';
import { shownBytes } from './views/progress.ts';
import { renderTable } from './views/table.ts';

const operation = crashOperations.prune;
const ERASE_LINE = '\r\u001B[K';

export function pruneCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'prune',
    summary: operation.summary,
    description:
      'By the limits of the configuration (cleanup.max_age, cleanup.max_size) or those given here. Age counts from the ' +
      'arrival. A PDB or EXE stays as long as a minidump needs it. --plan says what would go and changes nothing.',
    options: () => [
      ...optionsOf(operation, ['symbols', 'as_of']),
      new Option('--keep-symbols', 'delete minidumps alone, neither PDBs nor EXEs'),
      new Option('-y, --yes', 'do not ask'),
    ],
    examples: [
      'chs dump prune --plan --max-age 90d',
      'chs dump prune --max-age 90d --max-size 50GB',
      'chs dump prune --yes --json',
    ],
    action: prune,
  });
}

type Reply = Awaited<ReturnType<Client<typeof crashOperations>['prune']>>;

async function prune(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const { keepSymbols, yes } = invocation.options;
  const limits = readInput(operation, invocation, keepSymbols === true ? { symbols: false } : {});
  const client = (await run.connect()).client(crashOperations);
  const plan = await client.prune({ ...limits, plan: true }, { signal });
  if (limits.plan) {
    if (out.json) out.value(plan);
    else for (const line of await planLines(run, plan)) out.line(line);
    return 0;
  }
  if (yes !== true) {
    for (const line of await planLines(run, plan)) out.note(line);
    if (plan.to_delete.files > 0 && !(await confirmed(run, `Delete ${files(plan.to_delete.files)}?`))) {
      out.note('Nothing was deleted.');
      return 1;
    }
  }
  if (plan.max_size_waits && plan.policy.max_age_ms === null) {
    if (out.json) out.value(plan);
    if (yes === true) out.warn(waitingLine(plan));
    return 1;
  }
  // What the plan could not judge yet was not shown, and must not go if it can be judged by now.
  const shown =
    plan.unindexed > 0 ? { symbols: false, ...(plan.max_size_waits ? { max_size: '0' } : {}) } : {};
  await deleteAll(run, client, { ...limits, ...shown, as_of: plan.as_of }, plan.to_delete.files);
  if (plan.unindexed > 0 && yes === true) out.warn(waitingLine(plan));
  return 0;
}

/** What is left alone until all minidumps have been looked through. */
function waitingLine({ unindexed, max_size_waits }: Reply): string {
  const stays = max_size_waits ? 'PDBs and EXEs stay, and --max-size deletes nothing' : 'PDBs and EXEs stay';
  return `${unindexed} minidumps have not been looked through yet; until then ${stays}.`;
}

type Input = Parameters<Client<typeof crashOperations>['prune']>[0];

/** Request by request until nothing of the plan remains. */
async function deleteAll(
  { out, signal }: Run,
  client: Client<typeof crashOperations>,
  input: Input,
  plannedFiles: number,
): Promise<void> {
  const gone = { minidumps: 0, pdbs: 0, exes: 0, bytes: 0, noLongerDebuggable: 0 };
  for (;;) {
    const reply = await client.prune(input, { signal });
    if (out.json) out.value(reply);
    gone.minidumps += reply.minidumps.files;
    gone.pdbs += reply.pdbs.files;
    gone.exes += reply.exes.files;
    gone.bytes += reply.minidumps.bytes + reply.pdbs.bytes + reply.exes.bytes;
    gone.noLongerDebuggable += reply.no_longer_debuggable;
    const isOver = reply.to_delete.files === 0 || countOf(reply) === 0;
    if (out.interactive && !out.quiet && !out.json) {
      const done = Math.max(0, plannedFiles - reply.to_delete.files);
      process.stderr.write(isOver ? ERASE_LINE : `${ERASE_LINE}deleted ${done} of ${files(plannedFiles)}`);
    }
    if (isOver) break;
  }
  if (out.json) return;
  const { minidumps, pdbs, exes, bytes, noLongerDebuggable } = gone;
  out.line(`deleted ${minidumps} minidumps, ${pdbs} PDBs, ${exes} EXEs: ${shownBytes(bytes)} freed`);
  if (noLongerDebuggable > 0)
    out.warn(`${noLongerDebuggable} minidumps that stay cannot be debugged any more`);
}

function countOf({ minidumps, pdbs, exes }: Reply): number {
  return minidumps.files + pdbs.files + exes.files;
}

const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`);

async function planLines({ out }: Run, plan: Reply): Promise<string[]> {
  const { stored, to_delete: remaining, unindexed, no_longer_debuggable } = plan;
  const lines: string[] = [];
  if (remaining.files > 0) {
    const kinds = [
      ['minidumps', plan.minidumps],
      ['PDBs', plan.pdbs],
      ['EXEs', plan.exes],
    ] as const;
    const rows = kinds.map(([name, total]) => [
      name,
      String(total.files),
      shownBytes(total.bytes),
      shownTime(total.oldest),
      shownTime(total.newest),
    ]);
    rows.push(['all', String(remaining.files), shownBytes(remaining.bytes), '', '']);
    const columns = [
      { title: 'TO DELETE' },
      { title: 'FILES', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'OLDEST (UTC)', dropOrder: 2 },
      { title: 'NEWEST (UTC)', dropOrder: 1 },
    ] as const;
    lines.push(...(await renderTable(columns, rows, out.columns, out.style)));
  }
  const all = `${files(stored.files)}, ${shownBytes(stored.bytes)}`;
  lines.push(remaining.files > 0 ? `of ${all} that are stored` : `Nothing is to be deleted of ${all}.`);
  if (no_longer_debuggable > 0)
    lines.push(`${no_longer_debuggable} minidumps that stay would become undebuggable.`);
  else if (remaining.files > 0) lines.push('No minidump that stays would become undebuggable.');
  if (unindexed > 0) lines.push(waitingLine(plan));
  return lines;
}
