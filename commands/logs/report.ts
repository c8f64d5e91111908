/** `chs logs report`: what was found in a session as a document. */
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { addCommand, type CommandContext, completed, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { textOf, zoneOf } from './query-options.ts';
import { defaultSession, sessionOption } from './session.ts';

export function reportCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'report',
    summary: 'Write a report of a session, in Markdown or JSON, Chinese or English',
    description: 'It is written in the language of the messages: --lang zh makes it Chinese.',
    options: () => [
      sessionOption(),
      new Option('--format <format>', 'a text, or data').choices(['markdown', 'json']).default('markdown'),
      new Option('--no-snippets', 'without the lines themselves and those around them'),
      new Option('--with-crashes', 'with the stored crashes of that time'),
      new Option('--tz <zone>', 'zone of the times shown, as Asia/Shanghai, or local (default: UTC)'),
      completed(
        new Option(
          '-o, --output <file>',
          'write to this file, in place of what is there (default: standard output)',
        ),
        'file',
      ),
    ],
    examples: [
      'chs logs report',
      'chs logs report --lang zh --tz Asia/Shanghai -o report.md',
      'chs logs report --format json',
    ],
    action: report,
  });
}

async function report(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const { options } = invocation;
  const zone = zoneOf(invocation);
  const output = textOf(invocation, 'output');
  const client = (await run.connect()).client(logOperations);
  const reply = await client.report(
    {
      session_id: await defaultSession(run, client, invocation),
      format: options.format === 'json' ? 'json' : 'markdown',
      include_snippets: options.snippets !== false,
      with_crashes: options.withCrashes === true,
      lang: run.language,
      ...(zone === undefined ? {} : { tz_out: zone }),
    },
    { signal },
  );
  const text = reply.format === 'markdown' && !out.json ? (reply.report ?? '') : `${JSON.stringify(reply)}\n`;
  if (output === undefined || output === '-') {
    out.line(text.replace(/\n$/, ''));
    return 0;
  }
  const { writeWhole } = await import('../whole-file.ts');
  await writeWhole(output, text);
  out.note(`Written to ${output}.`);
  return 0;
}
