/** `chs logs timeline`: everything that was found in a session in the order of time, stored crashes among it. */
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { safe } from './hits.ts';
import { numberOf, zoneOf } from './query-options.ts';
import { defaultSession, sessionOption } from './session.ts';
import type { LogClient } from './target.ts';

export type TimelineEvent = Awaited<ReturnType<LogClient['timeline']>>['events'][number];

export function timelineCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'timeline',
    summary: 'Put everything that was found in a session in the order of time',
    description:
      'One event a line: time, file and line, content, the facts in it. Exit code 1: there are no events.',
    options: () => [
      sessionOption(),
      new Option('--with-crashes', 'with the stored crashes of that time'),
      new Option('--tz <zone>', 'zone of the times shown, as Asia/Shanghai, or local (default: UTC)'),
      new Option('-n, --limit <number>', 'most events given (default: 10000)'),
    ],
    examples: [
      'chs logs timeline',
      'chs logs timeline --with-crashes --tz Asia/Shanghai',
      'chs logs timeline --json',
    ],
    action: timeline,
  });
}

async function timeline(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const zone = zoneOf(invocation);
  const limit = numberOf(invocation, 'limit', { flag: '--limit', min: 1, max: 100_000 });
  const client = (await run.connect()).client(logOperations);
  const reply = await client.timeline(
    {
      session_id: await defaultSession(run, client, invocation),
      with_crashes: invocation.options.withCrashes === true,
      ...(zone === undefined ? {} : { tz_out: zone }),
      ...(limit === undefined ? {} : { limit }),
    },
    { signal },
  );
  const exitCode = reply.events.length > 0 ? 0 : 1;
  if (out.json) {
    out.value(reply);
    return exitCode;
  }
  for (const event of reply.events) out.line(eventLine(event, out.style));
  if (reply.events.length === 0)
    out.note('Nothing with a time was found so far. `chs logs search --keep PATTERN` finds more.');
  else out.note(out.noteStyle.dim(`${reply.events.length} of ${reply.total} events`));
  if (reply.without_time > 0) out.note(out.noteStyle.dim(`${reply.without_time} hits have no known time`));
  return exitCode;
}

/** `2026-01-06T15:04:05.123Z  app.log:12  content  [rule field=value]` */
export function eventLine(event: TimelineEvent, style: Run['out']['style']): string {
  const { timestamp_rfc3339: at, file, line_number: line, content, crash, facts } = event;
  const place = crash
    ? style.red('crash')
    : style.dim(`${printable(file, Number.POSITIVE_INFINITY)}:${line}`);
  const first = safe(content.split('\n', 1)[0] ?? '');
  const known = facts.map(({ rule_name, fields }) => {
    const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
    return style.yellow(`[${printable(rule_name + shown.join(''), 200)}]`);
  });
  return [style.green(at), place, crash ? style.bold(first) : first, ...known].join('  ');
}
