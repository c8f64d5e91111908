/** `chs dump`: minidumps. */
import { type Command, Option } from 'commander';
import { crashOperations } from '../src/crash/operations.ts';
import { addFileCommands, type CrashFileKind } from './crash-files.ts';
import { addCommand, addGroup, type CommandContext, type Invocation } from './define.ts';
import { explainCommand } from './explain.ts';
import { usageError } from './failure.ts';
import { readInput } from './flags.ts';
import { isLocalArgument } from './local-file.ts';
import { crashLogOptions } from './logs/around-options.ts';
import { modulesCommand } from './modules.ts';
import { openCommand } from './open.ts';
import { pruneCommand } from './prune.ts';
import type { ExitCode, Run } from './run.ts';
import { topCommand } from './top.ts';
import { datum, type Fact, renderFacts, shownTime } from './views/facts.ts';
import { isMinidump, showMinidump } from './views/minidump.ts';
import { showDifferences, storedFacts } from './views/stored.ts';
import { watchCommand } from './watch.ts';

const operations = {
  upload: crashOperations.uploadMinidump,
  list: crashOperations.listMinidumps,
  download: crashOperations.downloadMinidump,
  remove: crashOperations.deleteMinidump,
};

const minidumps: CrashFileKind = {
  group: 'dump',
  one: 'minidump',
  many: 'minidumps',
  extension: '.dmp',
  operations,
  columns: [
    { title: 'ID' },
    { title: 'CRASHED (UTC)', dropOrder: 2 },
    { title: 'PROGRAM', shrinkTo: 10 },
    { title: 'VERSION', shrinkTo: 7, dropOrder: 3 },
    { title: 'EXCEPTION', dropOrder: 4 },
    { title: 'ADDRESS', dropOrder: 6 },
    { title: 'PID', align: 'right', dropOrder: 7 },
    { title: 'STATE', dropOrder: 5 },
  ],
  async list(client, invocation, call) {
    const reply = await client.listMinidumps(readInput(operations.list, invocation), call);
    const rows = reply.minidumps.map((dump) => [
      datum(dump.id),
      shownTime(dump.timestamp),
      datum(dump.exe_name),
      datum(dump.exe_version),
      datum(dump.exception_code),
      datum(dump.exception_address),
      datum(dump.pid),
      datum(dump.state),
    ]);
    return { reply, rows };
  },
  download: (client, id, call) => client.downloadMinidump({ id }, call),
  remove: (client, id, call) => client.deleteMinidump({ id }, call),
};

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'dump',
    summary: 'Upload, list, show, download and explain minidumps',
    examples: ['chs dump show crash.dmp', 'chs dump upload crash.dmp'],
  });
  addFileCommands(group, context, minidumps);
  addCommand(group, context, {
    name: 'show',
    summary: crashOperations.getMinidump.summary,
    description:
      'A file or a pipe here (- is standard input) is read on the spot, without a server; anything else is taken as an ID.',
    arguments: [
      { syntax: '<id-or-file>', description: 'a minidump here, or the ID of a stored one', complete: 'file' },
    ],
    options: () => [
      new Option('-a, --all', 'every module and thread, and annotations whole'),
      ...crashLogOptions(),
    ],
    examples: [
      'chs dump show crash.dmp',
      'chs dump show ID --all',
      'chs dump show ID --logs /var/log/app --tz Asia/Shanghai',
      'chs dump show crash.dmp --json',
    ],
    action: showDump,
  });
  openCommand(group, context);
  explainCommand(group, context);
  modulesCommand(group, context);
  topCommand(group, context);
  watchCommand(group, context);
  pruneCommand(group, context);
}

async function showDump(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { args, options } = invocation;
  const [argument = ''] = args;
  const all = options.all === true;
  const isLocal = isLocalArgument(argument);
  if (isLocal && options.logs !== undefined)
    throw usageError('--logs needs a stored minidump; upload this one first');
  if (isLocal) await showLocal(run, argument, all);
  else await showStored(run, argument, all);
  if (options.logs === undefined) return 0;
  const { showLogsAround } = await import('./logs/around.ts');
  return showLogsAround(run, invocation, argument);
}

async function showLocal(run: Run, path: string, all: boolean): Promise<void> {
  const { out } = run;
  const [{ inspectMinidump }, { inspectLocalMinidump }] = await Promise.all([
    import('../src/crash/inspect.ts'),
    import('./inspect-file.ts'),
  ]);
  const { identity, parsed } = await inspectLocalMinidump(run, path, inspectMinidump);
  if (out.json) out.value({ file: path, identity, parsed });
  else {
    const annotations = Object.entries(parsed.annotations).map(([name, value]) => ({
      name,
      value,
      source: 'dump' as const,
    }));
    const { warnings } = parsed;
    await showMinidump(out, { facts: [['file', path]], identity, parsed, annotations, warnings }, all);
  }
}

async function showStored(run: Run, id: string, all: boolean): Promise<void> {
  const { out, signal } = run;
  const input = readInput(crashOperations.getMinidump, { options: {} }, { id });
  const client = (await run.connect()).client(crashOperations);
  const reply = await client.getMinidump(input, { signal });
  if (out.json) {
    out.value(reply);
    return;
  }
  const { minidump, annotations, details } = reply;
  const parsed = details !== null && isMinidump(details) ? details : null;
  // What was declared stands in the row itself; names and systems are known from the bytes alone.
  const identity = { ...minidump.parsed, ...minidump };
  const facts: Fact[] = [
    ...storedFacts(minidump, minidump.created_at),
    ['debuggable', minidump.debuggable ? 'yes' : `no; \`chs dump modules ${minidump.id}\` says why`],
    ['signature', minidump.signature],
  ];
  await showMinidump(out, { facts, identity, parsed, annotations, warnings: minidump.warnings }, all);
  await showDifferences(out, minidump);
  if (!parsed)
    for (const line of renderFacts([['content', 'could not be read; only what was declared is known']], out))
      out.line(line);
}
