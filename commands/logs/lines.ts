/** `chs logs show` and `regex`: the lines around a place, and a regular expression tried on some lines. */
import { createInterface } from 'node:readline';
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum } from '../views/facts.ts';
import { safe } from './hits.ts';
import { absolute } from './paths.ts';
import { numberOf, targetOptions, textOf } from './query-options.ts';
import { openTarget } from './target.ts';

const AROUND = 20;
const AROUND_MAX = 1000;
/** Lines that one call of validate_regex takes. */
const SAMPLES_MAX = 100;
const REGEX_SYNTAX = 'The syntax is that of RE2: no backreferences and no look-around.';

export function lineCommands(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'show',
    summary: 'Show the lines of a log file around a line',
    arguments: [{ syntax: '<place>', description: 'FILE:LINE, as search prints it', complete: 'file' }],
    options: () => [
      new Option('-C, --context <number>', `so many lines before and after it (default: ${AROUND})`),
      ...targetOptions(),
    ],
    examples: ['chs logs show app.log:120', 'chs logs show app.log.1.gz:7 -C 50'],
    action: show,
  });
  addCommand(parent, context, {
    name: 'regex',
    summary: 'Try a regular expression on some lines',
    description: `${REGEX_SYNTAX} The lines are those on the command line, or on standard input, the first ${SAMPLES_MAX} of them. Exit code 1: it matches none of them; 2: it is no regular expression.`,
    arguments: [
      { syntax: '<regex>', description: 'the regular expression' },
      { syntax: '[lines...]', description: 'lines to try it on' },
    ],
    options: () => [new Option('-i, --ignore-case', 'upper and lower case are the same')],
    examples: [
      "chs logs regex 'took (?P<ms>\\d+) ms' 'request took 17 ms'",
      "head app.log | chs logs regex 'ERROR'",
    ],
    action: regex,
  });
}

async function show(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const [place = ''] = invocation.args;
  const [, file = '', number = ''] = /^(.+):(\d{1,15})$/s.exec(place) ?? [];
  if (!(Number(number) >= 1))
    throw usageError(`'${place}' is no place`, 'Give it as FILE:LINE, such as app.log:120.');
  const around = numberOf(invocation, 'context', { flag: '--context', min: 0, max: AROUND_MAX }) ?? AROUND;
  const client = (await run.connect()).client(logOperations);
  const inSession = textOf(invocation, 'session') !== undefined;
  const target = await openTarget(run, client, invocation, inSession ? [] : [file]);
  try {
    const reply = await client.readLines(
      {
        session_id: target.sessionId,
        file: inSession ? file : absolute(file, run.cwd),
        line_number: Number(number),
        before: around,
        after: around,
      },
      { signal },
    );
    if (out.json) {
      out.value(reply);
      return 0;
    }
    const width = String(reply.first_line + reply.lines.length).length;
    reply.lines.forEach((line, index) => {
      const at = reply.first_line + index;
      const label = String(at).padStart(width);
      const isIt = at === Number(number);
      const mark = isIt ? out.style.bold(`${label}:`) : out.style.dim(`${label}-`);
      out.line(`${mark} ${isIt ? out.style.bold(safe(line)) : safe(line)}`);
    });
    if (reply.lines.length === 0) out.note('There is no such line.');
    return reply.lines.length === 0 ? 1 : 0;
  } finally {
    await target.close();
  }
}

async function regex(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const [pattern = '', ...given] = invocation.args;
  const lines = given.length > 0 ? given : await inputLines();
  const client = (await run.connect()).client(logOperations);
  const reply = await client.validateRegex(
    {
      regex: pattern,
      samples: lines.slice(0, SAMPLES_MAX),
      case_sensitive: invocation.options.ignoreCase !== true,
    },
    { signal },
  );
  const matched = reply.results.filter((result) => result.matched).length;
  const exitCode = !reply.valid ? 2 : lines.length === 0 || matched > 0 ? 0 : 1;
  if (out.json) {
    out.value(reply);
    return exitCode;
  }
  if (!reply.valid) {
    throw new ChsError('REGEX_ERROR', { reason: reply.error ?? '' });
  }
  reply.results.forEach((result, index) => {
    const line = lines[index] ?? '';
    if (!result.matched || result.match === null) {
      out.line(`${out.style.dim('no match')}  ${safe(line)}`);
      return;
    }
    const start = result.start ?? 0;
    const end = start + result.match.length;
    const shown = safe(line.slice(0, start)) + out.style.red(safe(result.match)) + safe(line.slice(end));
    const groups = Object.entries(result.groups).map(([name, value]) => `${name}=${datum(value)}`);
    out.line(
      `${out.style.green('match')}     ${shown}${groups.length > 0 ? `  ${out.style.dim(groups.join(' '))}` : ''}`,
    );
  });
  if (lines.length > 0) out.note(`${matched} of ${reply.results.length} lines match`);
  else out.note('It is a regular expression; there are no lines to try it on.');
  return exitCode;
}

/** The first of standard input; none on a terminal. */
async function inputLines(): Promise<string[]> {
  if (process.stdin.isTTY) return [];
  const lines: string[] = [];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    lines.push(line);
    if (lines.length >= SAMPLES_MAX) break;
  }
  return lines;
}
