/** `chs exe`: EXEs and DLLs. */
import type { Command } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { addFileCommands, type CrashFileKind } from './crash-files.ts';
import { addCommand, addGroup, type CommandContext, type Invocation } from './define.ts';
import { readInput } from './flags.ts';
import { isLocalArgument } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import { datum, renderFacts, shownTime } from './views/facts.ts';
import { showDifferences, storedFacts } from './views/stored.ts';
import { codeViewRows, peFacts } from './views/symbols.ts';
import { renderTable } from './views/table.ts';

const operations = {
  upload: crashOperations.uploadExe,
  list: crashOperations.listExes,
  download: crashOperations.downloadExe,
  remove: crashOperations.deleteExe,
};

const exes: CrashFileKind = {
  group: 'exe',
  one: 'EXE',
  many: 'EXEs and DLLs',
  extension: '.exe',
  operations,
  columns: [
    { title: 'ID' },
    { title: 'FILE', shrinkTo: 10 },
    { title: 'VERSION', shrinkTo: 7, dropOrder: 1 },
    { title: 'GUID', dropOrder: 3 },
    { title: 'UPLOADED (UTC)', dropOrder: 4 },
    { title: 'STATE', dropOrder: 2 },
  ],
  async list(client, invocation, call) {
    const reply = await client.listExes(readInput(operations.list, invocation), call);
    const rows = reply.exes.map((exe) => [
      datum(exe.id),
      datum(exe.exe_filename),
      datum(exe.exe_version),
      datum(exe.exe_guid),
      shownTime(exe.uploaded_at),
      datum(exe.state),
    ]);
    return { reply, rows };
  },
  download: (client, id, call) => client.downloadExe({ id }, call),
  remove: (client, id, call) => client.deleteExe({ id }, call),
};

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'exe',
    summary: 'Upload, list, show and download EXEs and DLLs',
    examples: ['chs exe show crashme.exe', 'chs exe upload crashme.exe engine.dll'],
  });
  addFileCommands(group, context, exes);
  addCommand(group, context, {
    name: 'show',
    summary: crashOperations.getExe.summary,
    description:
      'A file or a pipe here (- is standard input) is read on the spot, without a server; anything else is taken as an ID.',
    arguments: [
      {
        syntax: '<id-or-file>',
        description: 'an EXE or DLL here, or the ID of a stored one',
        complete: 'file',
      },
    ],
    examples: ['chs exe show crashme.exe', 'chs exe show ID --json'],
    action: (run, invocation) => {
      const [argument = ''] = invocation.args;
      return isLocalArgument(argument) ? showLocal(run, argument) : showStored(run, invocation);
    },
  });
}

async function showLocal(run: Run, path: string): Promise<ExitCode> {
  const { out } = run;
  const [{ inspectExe }, { inspectLocalSymbols }] = await Promise.all([
    import('../src/crash/inspect.ts'),
    import('./inspect-file.ts'),
  ]);
  const { identity, parsed } = await inspectLocalSymbols(run, path, inspectExe);
  if (out.json) {
    out.value({ file: path, identity, parsed });
    return 0;
  }
  for (const line of renderFacts([['file', path], ...peFacts(parsed)], out)) out.line(line);
  for (const warning of parsed.warnings) out.line(`${out.style.yellow('warning')}  ${datum(warning)}`);
  const rows = codeViewRows(parsed);
  if (rows.length > 1) {
    out.line();
    out.line(out.style.bold(`CodeView records (${rows.length})`));
    const columns = [
      { title: 'GUID' },
      { title: 'AGE', align: 'right' as const },
      { title: 'PDB', shrinkTo: 20 },
    ];
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  }
  return 0;
}

async function showStored(run: Run, { args: [id = ''] }: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const input = readInput(crashOperations.getExe, { options: {} }, { id });
  const reply = await (await run.connect()).client(crashOperations).getExe(input, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  const { exe } = reply;
  const parsedText = (name: string): string | null =>
    typeof exe.parsed?.[name] === 'string' ? exe.parsed[name] : null;
  const facts = [
    ['file', exe.exe_filename],
    ['version', exe.exe_version],
    ['machine', parsedText('machine')],
    ['guid', exe.exe_guid],
    ['age', exe.exe_age],
    ['code id', parsedText('code_id')],
    ['pdb path', parsedText('pdb_path')],
    ...storedFacts(exe, exe.uploaded_at),
  ] as const;
  for (const line of renderFacts(facts, out)) out.line(line);
  for (const warning of exe.warnings) out.line(`${out.style.yellow('warning')}  ${datum(warning)}`);
  await showDifferences(out, exe);
  return 0;
}
