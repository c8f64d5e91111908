/** `chs logs formats`: encoding, time format and order of the files of a session. */
import type { Command } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum, shownTime } from '../views/facts.ts';
import { type Column, renderTable } from '../views/table.ts';
import { targetOptions } from './query-options.ts';
import { said } from './said.ts';
import { defaultSession } from './session.ts';
import { openTarget } from './target.ts';

export function formatsCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'formats',
    summary: 'Show what was found out about log files: encoding, times, packing, rotation',
    description: 'Of the files that are named, or else of a session.',
    arguments: [{ syntax: '[paths...]', description: 'directories and files', complete: 'file' }],
    options: targetOptions,
    examples: [
      'chs logs formats',
      'chs logs formats app.log app.log.1.gz',
      'chs logs formats --session ID --json',
    ],
    action: formats,
  });
}

async function formats(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const client = (await run.connect()).client(logOperations);
  const target =
    invocation.args.length > 0 ? await openTarget(run, client, invocation, invocation.args) : null;
  try {
    const sessionId = target?.sessionId ?? (await defaultSession(run, client, invocation));
    const reply = await client.inspectFormats({ session_id: sessionId }, { signal });
    if (out.json) {
      out.value(reply);
      return 0;
    }
    const columns: Column[] = [
      { title: 'FILE', shrinkTo: 20 },
      { title: 'ENCODING' },
      { title: 'TIMES', shrinkTo: 8 },
      { title: 'ZONE FROM', dropOrder: 3 },
      { title: 'FIRST EVENT (UTC)', dropOrder: 1 },
      { title: 'MODE', dropOrder: 4 },
      { title: 'PACKED', dropOrder: 5 },
      { title: 'PLACE', align: 'right', dropOrder: 6 },
    ];
    const rows = reply.files.map((file) => [
      target?.shown(file.path) ?? printable(file.path, Number.POSITIVE_INFINITY),
      datum(file.needs_convert ? `${file.encoding} (converted)` : file.encoding),
      datum(file.json_time_field ?? file.timestamp_format),
      datum(file.zone_source),
      shownTime(file.first_event),
      file.mode,
      file.compression === 'none' ? '-' : file.compression,
      file.family_id === null ? '-' : String(file.sequence),
    ]);
    if (rows.length === 0) out.note(said(run, 'There are no log files.'));
    else for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
    return 0;
  } finally {
    await target?.close();
  }
}
