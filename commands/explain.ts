/** `chs dump explain`: whether a dump and a PDB belong together, field by field. */
import type { Command } from 'commander';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { refuseTwoInputs } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import type { NamedPdb, WantedModule } from './symbols.ts';
import { datum } from './views/facts.ts';

export function explainCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'explain',
    summary: 'Explain field by field why a minidump and a PDB do or do not match',
    description:
      'Each is a file here or the ID of a stored one; with two files no server is needed. Exit code 1: no match.',
    arguments: [
      { syntax: '<dump>', description: 'a minidump here, or the ID of a stored one', complete: 'file' },
      { syntax: '<pdb>', description: 'a PDB here, or the ID of a stored one', complete: 'file' },
    ],
    examples: ['chs dump explain crash.dmp crashme.pdb', 'chs dump explain DUMP-ID PDB-ID --json'],
    action: explain,
  });
}

async function explain(run: Run, { args: [dump = '', pdb = ''] }: Invocation): Promise<ExitCode> {
  refuseTwoInputs([dump, pdb]);
  const { modulesOf, pdbOf } = await import('./symbols.ts');
  const modules = await modulesOf(run, dump);
  return reportComparison(run, dump, modules, await pdbOf(run, pdb));
}

/** Prints the comparison. @returns 0 for a match, 1 for none */
export async function reportComparison(
  { out }: Run,
  dumpName: string,
  modules: readonly WantedModule[],
  pdb: NamedPdb,
): Promise<ExitCode> {
  const { compareWithDump, declarationRemark } = await import('./symbols.ts');
  const comparison = compareWithDump(modules, pdb);
  const matches = comparison?.explanation.matches ?? false;
  const asDeclared = pdb.declared && compareWithDump(modules, { offered: pdb.declared });
  if (!matches && asDeclared?.explanation.matches) out.warn(datum(declarationRemark(asDeclared.module, pdb)));
  if (out.json) {
    out.value({
      matches,
      dump: dumpName,
      pdb: pdb.name,
      module: comparison?.module.name ?? null,
      module_index: comparison?.index ?? null,
      fields: comparison?.explanation.fields ?? [],
    });
  } else {
    const { showExplanation } = await import('./views/explanation.ts');
    await showExplanation(out, { dumpName, pdbName: pdb.name, moduleCount: modules.length, comparison });
  }
  return matches ? 0 : 1;
}
