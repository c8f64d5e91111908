/** `chs pdb`: PDBs. */
import type { Command } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { addFileCommands, type CrashFileKind } from './crash-files.ts';
import { addCommand, addGroup, type CommandContext, type Invocation } from './define.ts';
import { readInput } from './flags.ts';
import { isLocalArgument } from './local-file.ts';
import { matchCommand } from './match.ts';
import type { ExitCode, Run } from './run.ts';
import { datum, type Fact, renderFacts, shownTime } from './views/facts.ts';
import { showDifferences, storedFacts } from './views/stored.ts';
import { pdbFacts, pdbStoreKey } from './views/symbols.ts';
import { wantedCommand } from './wanted.ts';

const operations = {
  upload: crashOperations.uploadPdb,
  list: crashOperations.listPdbs,
  download: crashOperations.downloadPdb,
  remove: crashOperations.deletePdb,
};

const pdbs: CrashFileKind = {
  group: 'pdb',
  one: 'PDB',
  many: 'PDBs',
  extension: '.pdb',
  operations,
  columns: [
    { title: 'ID' },
    { title: 'FILE', shrinkTo: 10 },
    { title: 'GUID', dropOrder: 3 },
    { title: 'AGE', align: 'right', dropOrder: 4 },
    { title: 'VERSION', shrinkTo: 7, dropOrder: 1 },
    { title: 'UPLOADED (UTC)', dropOrder: 5 },
    { title: 'STATE', dropOrder: 2 },
  ],
  async list(client, invocation, call) {
    const reply = await client.listPdbs(readInput(operations.list, invocation), call);
    const rows = reply.pdbs.map((pdb) => [
      datum(pdb.id),
      datum(pdb.pdb_filename),
      datum(pdb.exe_guid),
      datum(pdb.exe_age),
      datum(pdb.exe_version),
      shownTime(pdb.uploaded_at),
      datum(pdb.state),
    ]);
    return { reply, rows };
  },
  download: (client, id, call) => client.downloadPdb({ id }, call),
  remove: (client, id, call) => client.deletePdb({ id }, call),
};

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'pdb',
    summary: 'Upload, list, show and download PDBs, and find the one that a dump needs',
    examples: ['chs pdb upload crashme.pdb', 'chs pdb match crash.dmp'],
  });
  addFileCommands(group, context, pdbs);
  addCommand(group, context, {
    name: 'show',
    summary: crashOperations.getPdb.summary,
    description:
      'A file or a pipe here (- is standard input) is read on the spot, without a server; anything else is taken as an ID.',
    arguments: [
      { syntax: '<id-or-file>', description: 'a PDB here, or the ID of a stored one', complete: 'file' },
    ],
    examples: ['chs pdb show crashme.pdb', 'chs pdb show ID --json'],
    action: showPdb,
  });
  matchCommand(group, context);
  wantedCommand(group, context);
}

async function showPdb(run: Run, { args: [argument = ''] }: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const print = (facts: readonly Fact[]): void =>
    renderFacts(facts, out).forEach((line) => void out.line(line));
  if (isLocalArgument(argument)) {
    const [{ inspectPdb }, { inspectLocalSymbols }] = await Promise.all([
      import('../src/crash/inspect.ts'),
      import('./inspect-file.ts'),
    ]);
    const { identity, parsed } = await inspectLocalSymbols(run, argument, inspectPdb);
    if (out.json) {
      out.value({ file: argument, identity, parsed });
      return 0;
    }
    print([['file', argument], ...pdbFacts(parsed)]);
    for (const warning of parsed.warnings) out.line(`${out.style.yellow('warning')}  ${datum(warning)}`);
    return 0;
  }
  const input = readInput(crashOperations.getPdb, { options: {} }, { id: argument });
  const reply = await (await run.connect()).client(crashOperations).getPdb(input, { signal });
  if (out.json) {
    out.value(reply);
    return 0;
  }
  const { pdb } = reply;
  const format = typeof pdb.parsed?.format === 'string' ? pdb.parsed.format : null;
  const infoAge = typeof pdb.parsed?.info_age === 'number' ? pdb.parsed.info_age : null;
  print([
    ['file', pdb.pdb_filename],
    ['version', pdb.exe_version],
    ['format', format],
    ['guid', pdb.exe_guid],
    ['age', pdb.exe_age],
    ['info age', infoAge],
    ['store key', pdbStoreKey(pdb.exe_guid, pdb.exe_age, format === 'portable')],
    ...storedFacts(pdb, pdb.uploaded_at),
  ]);
  for (const warning of pdb.warnings) out.line(`${out.style.yellow('warning')}  ${datum(warning)}`);
  await showDifferences(out, pdb);
  return 0;
}
