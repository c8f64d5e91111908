/** `chs logs open`: starts a session over log files, to search, to extract facts and to report. */
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum } from '../views/facts.ts';
import { shownBytes } from '../views/progress.ts';
import { type Column, renderTable } from '../views/table.ts';
import { absolute } from './paths.ts';
import { repeated, textOf, valuesOf, zoneOf } from './query-options.ts';
import { said } from './said.ts';
import { shownAs } from './target.ts';

export function openCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'open',
    summary: 'Start a session with the log files of directories',
    description:
      'Prints the ID of the session, then its files with what was found out about each. What `chs logs search --keep` ' +
      'finds is kept in it, for facts, timeline and report; these take the session that was used last.',
    arguments: [{ syntax: '<paths...>', description: 'directories and files', complete: 'file' }],
    options: () => [
      new Option('--hint <text>', 'what it is about, for the list of sessions'),
      repeated('--globs <glob>', 'only files whose path below the directory or name matches'),
      new Option('--encoding <name>', 'read the files in this encoding, as gb18030 (default: found out)'),
      new Option('--tz <zone>', 'zone of times that name none, as Asia/Shanghai, or local (default: UTC)'),
    ],
    examples: [
      'chs logs open /var/log/app',
      "chs logs open logs --globs '*.log*' --tz Asia/Shanghai --hint 'battery drain'",
      'CHS_LOG_SESSION=$(chs logs open logs -q | head -n 1)',
    ],
    action: open,
  });
}

async function open(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const timezone = zoneOf(invocation);
  const hint = textOf(invocation, 'hint');
  const encoding = textOf(invocation, 'encoding');
  const client = (await run.connect()).client(logOperations);
  const { session_id: sessionId } = await client.startSession(
    { ...(hint === undefined ? {} : { hint }), ...(timezone === undefined ? {} : { timezone }) },
    { signal },
  );
  const byPath = new Map<string, Awaited<ReturnType<typeof client.addDirectory>>['files'][number]>();
  try {
    for (const path of invocation.args) {
      const { files, notices } = await client.addDirectory(
        {
          session_id: sessionId,
          path: absolute(path, run.cwd),
          globs: valuesOf(invocation, 'globs'),
          ...(encoding === undefined ? {} : { encoding }),
        },
        { signal },
      );
      for (const file of files) byPath.set(file.path, file);
      for (const { file, message } of notices)
        out.warn(said(run, printable(file === null ? message : `${file}: ${message}`, 1000)));
    }
  } catch (error) {
    // A session that lacks what was asked for would be taken for the one that was used last.
    await client.closeSession({ session_id: sessionId }).catch(() => {});
    throw error;
  }
  const files = [...byPath.values()];
  if (out.json) {
    out.value({ session_id: sessionId, files });
    return 0;
  }
  out.line(sessionId);
  if (files.length === 0) out.note(said(run, 'There are no log files.'));
  else await showFiles(run, files, shownAs(invocation.args.map((path) => [path, absolute(path, run.cwd)])));
  return 0;
}

async function showFiles(
  { out }: Run,
  files: readonly {
    readonly path: string;
    readonly size: number;
    readonly encoding: string;
    readonly timestamp_format: string | null;
    readonly compression: string;
  }[],
  shown: (file: string) => string,
): Promise<void> {
  const columns: Column[] = [
    { title: 'FILE', shrinkTo: 20 },
    { title: 'SIZE', align: 'right' },
    { title: 'ENCODING', dropOrder: 2 },
    { title: 'TIMES', dropOrder: 1, shrinkTo: 8 },
    { title: 'PACKED', dropOrder: 3 },
  ];
  const rows = files.map(({ path, size, encoding, timestamp_format, compression }) => [
    shown(path),
    shownBytes(size),
    datum(encoding),
    datum(timestamp_format),
    compression === 'none' ? '-' : compression,
  ]);
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
}
