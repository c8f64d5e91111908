/** `chs dump modules`: what is stored for each module of a stored dump, what is missing, and why. */
import type { Command } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import type { CrashClient } from './crash-files.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { readInput } from './flags.ts';
import type { ExitCode, Run } from './run.ts';
import { datum } from './views/facts.ts';
import { type Column, renderTable } from './views/table.ts';

const operation = crashOperations.findForMinidump;

type Matched = Awaited<ReturnType<CrashClient['findForMinidump']>>;
type Module = Matched['modules'][number];

const columns: readonly Column[] = [
  { title: '' },
  { title: 'MODULE', shrinkTo: 10 },
  { title: 'VERSION', shrinkTo: 7, dropOrder: 3 },
  { title: 'PDB' },
  { title: 'IMAGE', dropOrder: 1 },
  { title: 'GUID', dropOrder: 4 },
  { title: 'WHY', shrinkTo: 20, dropOrder: 2 },
];

export function modulesCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'modules',
    summary: operation.summary,
    description:
      'A `>` marks the module that decides whether the dump is debuggable: the one that crashed, or the program where ' +
      'that is the operating system’s. Exit code 1: its PDB is not stored.',
    arguments: [{ syntax: '<id>', description: 'the ID of a stored minidump' }],
    examples: ['chs dump modules ID', 'chs dump modules ID --json'],
    action: showModules,
  });
}

async function showModules(run: Run, { args: [id = ''] }: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(operation, { options: {} }, { id });
  const reply = await (await run.connect()).client(crashOperations).findForMinidump(input, { signal });
  const code = reply.debuggable ? 0 : 1;
  if (out.json) {
    out.value(reply);
    return code;
  }
  const rows = reply.modules.map((module, place) => rowOf(module, place === reply.decisive));
  if (rows.length > 0)
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  out.note(summaryOf(reply));
  return code;
}

function rowOf(module: Module, decides: boolean): string[] {
  const { name, version, pdb, exe, guid, system, reason } = module;
  return [
    decides ? '>' : '',
    module.index === null ? `${datum(name)} (declared)` : datum(name),
    datum(version),
    pdb ? 'stored' : '-',
    exe ? 'stored' : '-',
    datum(guid),
    pdb ? '' : system ? 'of the operating system' : datum(reason),
  ];
}

function summaryOf({ modules, debuggable, decisive, with_pdb }: Matched): string {
  const counted = `${with_pdb} of ${modules.length} modules have their PDB`;
  if (debuggable) return `Debuggable: ${counted}.`;
  const module = decisive === null ? undefined : modules[decisive];
  if (!module) return 'Not debuggable: the dump lists no modules.';
  return `Not debuggable: ${module.reason ?? 'the PDB is missing'} (${datum(module.name)}); ${counted}.`;
}
