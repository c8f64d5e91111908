/** `chs symbols`: the gate before a release, and symbol stores on disks. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseInstant } from '../src/platform/clock.ts';
import { addCommand, addGroup, type CommandContext } from './define.ts';
import { instantFrom } from './flags.ts';
import { batchOptions, parallelOptions } from './upload/batch-options.ts';

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'symbols',
    summary: 'Check that all PDBs are stored; export and import symbol stores',
    examples: ['chs symbols check out', 'chs symbols export /srv/symbols', 'chs symbols import /srv/symbols'],
  });
  addCheck(group, context);
  addExport(group, context);
  addImport(group, context);
}

function addCheck(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'check',
    summary: 'Check that the PDB of every EXE and DLL is stored',
    description:
      'Of a directory every image below it is checked, compressed ones (.ex_, .dl_) too, and every CodeView record of ' +
      'each. A PDB counts when its bytes say that it is the one; what was merely declared does not. Exit code 1: at ' +
      'least one is missing. Exit code 2: something could not be checked, or there was nothing to check.',
    arguments: [
      { syntax: '<files...>', description: 'directories, EXEs, DLLs or patterns', complete: 'file' },
    ],
    options: () => [
      new Option(
        '--ignore <pattern>',
        'leave out what matches, by path or by name; may be given several times',
      ).argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]),
      new Option('--strict', 'images that name no PDB count as missing, too'),
      ...parallelOptions(),
    ],
    examples: [
      'chs symbols check out',
      "chs symbols check out --ignore 'third_party/**' --ignore 'vcruntime*.dll' --server https://crash.example.org",
    ],
    async action(run, invocation) {
      const { checkSymbols } = await import('./symbols-check.ts');
      return checkSymbols(run, invocation);
    },
  });
}

function addExport(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'export',
    summary: 'Write what is stored as a symbol store that debuggers and symstore read',
    description:
      'PDBs and images go to NAME/KEY/NAME, and what was added becomes a transaction in 000Admin. Again into the same ' +
      'directory, only what is new is fetched; what is there is never replaced. A store of two tiers (index2.txt) ' +
      'stays one. Exit code 1: nothing stored fits.',
    arguments: [
      {
        syntax: '<directory>',
        description: 'where the symbol store is, or comes to be',
        complete: 'directory',
      },
    ],
    options: () => [
      new Option('-V, --version <text>', 'only files of this EXE version'),
      new Option('--name <text>', 'only this file name'),
      new Option(
        '--since <time>',
        'only what was uploaded at or after this time (ISO 8601), or how long ago: 24h, 7d',
      ).argParser(instant),
      new Option('--product <text>', 'product that the transaction names (default: chs)'),
      ...parallelOptions(),
    ],
    examples: [
      'chs symbols export /srv/symbols',
      'chs symbols export D:\\symbols --version 1.2.3.4 --product Game --server https://crash.example.org',
    ],
    async action(run, invocation) {
      const { exportSymbols } = await import('./symbols-export.ts');
      return exportSymbols(run, invocation);
    },
  });
}

function addImport(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'import',
    summary: 'Upload what a symbol store holds',
    description:
      'Takes stores of one and of two tiers, compressed files, and pointers (file.ptr) to other files of the store. The ' +
      'version of a transaction becomes that of its PDBs. Deleted transactions are left out. What the server has ' +
      'already is not sent again. Exit code 2: at least one file failed.',
    arguments: [{ syntax: '<directory>', description: 'the symbol store', complete: 'directory' }],
    options: () => [
      new Option(
        '--follow-pointers',
        'send what pointers and links name outside of the store, too; only for stores whose writers you trust',
      ),
      ...batchOptions(),
    ],
    examples: [
      'chs symbols import /srv/symbols',
      'chs symbols import //build/symbols --server https://crash.example.org --jobs 8 --summary imported.json',
    ],
    async action(run, invocation) {
      const { importSymbols } = await import('./symbols-import.ts');
      return importSymbols(run, invocation);
    },
  });
}

function instant(text: string): string {
  const time = instantFrom(text);
  if (!Number.isNaN(parseInstant(time))) return time;
  throw new InvalidArgumentError('expected an ISO 8601 date and time such as 2026-01-06T12:34:56Z');
}
