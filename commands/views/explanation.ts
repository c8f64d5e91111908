/** The comparison of a dump's module with a PDB: a table of fields and a verdict. */
import type { Verdict } from '../../src/crash/match.ts';
import type { Output } from '../output.ts';
import type { Comparison } from '../symbols.ts';
import { datum, renderFacts } from './facts.ts';
import { renderTable } from './table.ts';

interface ShownExplanation {
  readonly dumpName: string;
  readonly pdbName: string;
  readonly moduleCount: number;
  /** Null for a dump that lists no modules. */
  readonly comparison: Comparison | null;
}

export async function showExplanation(
  out: Output,
  { dumpName, pdbName, moduleCount, comparison }: ShownExplanation,
): Promise<void> {
  const { style } = out;
  const place = comparison
    ? `${comparison.module.name}, module ${comparison.index + 1} of ${moduleCount}`
    : null;
  for (const line of renderFacts(
    [
      ['dump', dumpName],
      ['module', place],
      ['pdb', pdbName],
    ],
    out,
  ))
    out.line(line);
  out.line();
  if (!comparison) {
    out.line(`${style.red('no match')}: the dump lists no modules, so it asks for no PDB`);
    return;
  }
  const { fields, matches } = comparison.explanation;
  const rows = fields.map(({ field, wanted, offered, verdict, note }) => [
    field,
    datum(wanted),
    datum(offered),
    verdictText(verdict),
    note ?? '',
  ]);
  const columns = [
    { title: 'FIELD' },
    { title: 'THE DUMP WANTS' },
    { title: 'THE PDB IS' },
    { title: 'VERDICT' },
    { title: 'NOTE', shrinkTo: 20, dropOrder: 1 },
  ];
  // Two GUIDs side by side are wider than many terminals: a table that is cut would hide what it is for.
  for (const line of await renderTable(columns, rows, Number.POSITIVE_INFINITY, style)) out.line(line);
  out.line();
  const module = datum(comparison.module.name);
  if (!matches)
    out.line(
      `${style.red('no match')}: a debugger refuses this PDB for ${module}${moduleCount > 1 ? ' and for every other module of the dump' : ''}`,
    );
  else if (comparison.index > 0)
    out.line(
      `${style.green('match')}: the PDB belongs to ${module}, which is not the program itself but a module that it loaded`,
    );
  else out.line(`${style.green('match')}: the PDB belongs to ${module}`);
}

function verdictText(verdict: Verdict): string {
  return verdict === 'ignored' ? 'not compared' : verdict;
}
