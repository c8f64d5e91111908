/** `chs logs stats` and `patterns`: how lines spread over time and levels, and what most of them look like. */
import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum, renderFacts, shownTime } from '../views/facts.ts';
import { shownBytes } from '../views/progress.ts';
import { sparkline } from '../views/sparkline.ts';
import { type Column, renderTable } from '../views/table.ts';
import { hasTerms, numberOf, queryOptions, readQuery, targetOptions } from './query-options.ts';
import { counted, said } from './said.ts';
import { type LogClient, openTarget } from './target.ts';

const BUCKETS = 60;
/** What stands left of the histogram on its line. */
const LABEL_COLUMNS = 12;

const words = {
  syntax: '[words...]',
  description: '[PATTERN] and paths; a first word that is no file or directory is a PATTERN',
  complete: 'file' as const,
};

export function statsCommands(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'stats',
    summary: 'Show how lines spread over time and levels, and their most frequent patterns',
    description: 'Of all lines, or of those that the options leave.',
    arguments: [words],
    options: () => [
      ...queryOptions(),
      new Option('--buckets <number>', 'intervals of the histogram (default: 60)'),
      new Option('--top <number>', 'most frequent patterns shown (default: 10)'),
      ...targetOptions(),
    ],
    examples: [
      'chs logs stats',
      'chs logs stats ERROR /var/log/app --since 1d',
      'chs logs stats app.log --json',
    ],
    action: stats,
  });
  addCommand(parent, context, {
    name: 'patterns',
    summary: 'Group lines by their pattern, with counts and when each was first and last seen',
    description:
      'Variable parts of a pattern are shown as <*>. `--order rare` shows first what happened hardly ever.',
    arguments: [words],
    options: () => [
      ...queryOptions(),
      new Option('-n, --limit <number>', 'most patterns shown (default: 50)'),
      new Option('--order <order>', 'which come first')
        .choices(['count', 'rare', 'first_seen', 'last_seen'])
        .default('count'),
      ...targetOptions(),
    ],
    examples: ['chs logs patterns app.log', 'chs logs patterns ERROR /var/log/app --order rare --limit 20'],
    action: patterns,
  });
}

type Template = Awaited<ReturnType<LogClient['patterns']>>['patterns'][number];

/** The query and the files of words of which the first may be a pattern. */
async function begin(run: Run, invocation: Invocation) {
  const { args } = invocation;
  const [first = null, ...rest] = args;
  const isPattern = first !== null && !hasTerms(invocation) && !isPathLike(first);
  const query = await readQuery(invocation, isPattern ? first : null);
  const client = (await run.connect()).client(logOperations);
  const target = await openTarget(run, client, invocation, isPattern ? rest : args);
  return { query, client, target };
}

function isPathLike(word: string): boolean {
  return word === '-' || /[/\\]/.test(word) || statSync(word, { throwIfNoEntry: false }) !== undefined;
}

async function stats(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const buckets = numberOf(invocation, 'buckets', { flag: '--buckets', min: 1, max: 1000 });
  const top = numberOf(invocation, 'top', { flag: '--top', min: 0, max: 1000 });
  const { query, client, target } = await begin(run, invocation);
  try {
    const reply = await client.logStats(
      {
        session_id: target.sessionId,
        ...query,
        buckets:
          buckets ??
          (out.columns === null ? BUCKETS : Math.max(10, Math.min(BUCKETS, out.columns - LABEL_COLUMNS))),
        ...(top === undefined ? {} : { top }),
      },
      { signal },
    );
    for (const { file, message } of reply.notices)
      out.warn(said(run, printable(file === null ? message : `${target.shown(file)}: ${message}`, 1000)));
    if (out.json) out.value(reply);
    else await showStats(run, reply);
    return target.isPartial ? 2 : reply.lines > 0 ? 0 : 1;
  } finally {
    await target.close();
  }
}

async function showStats(run: Run, reply: Awaited<ReturnType<LogClient['logStats']>>): Promise<void> {
  const { out } = run;
  const { histogram, levels, bucket_ms: bucketMs } = reply;
  for (const line of renderFacts(
    [
      ['lines', reply.lines],
      ['size', `${shownBytes(reply.bytes)} in ${counted(reply.files, 'file')}`],
      ['first event', reply.first_event],
      ['last event', reply.last_event],
      ['no time', reply.without_time > 0 ? counted(reply.without_time, 'line') : null],
      ['levels', levels.map(({ level, count }) => `${level ?? 'none'} ${count}`).join(', ')],
    ],
    out,
  ))
    out.line(line);
  if (histogram.length > 0 && bucketMs !== null) {
    out.line();
    out.line(
      `${out.style.dim('lines'.padEnd(LABEL_COLUMNS))}${sparkline(histogram.map(({ count }) => count))}`,
    );
    if (histogram.some(({ errors }) => errors > 0))
      out.line(
        `${out.style.dim('errors'.padEnd(LABEL_COLUMNS))}${out.style.red(sparkline(histogram.map(({ errors }) => errors)))}`,
      );
    out.line(
      out.style.dim(
        `${''.padEnd(LABEL_COLUMNS)}${shownTime(histogram[0]?.start ?? null)}, one mark ${spanText(bucketMs)}`,
      ),
    );
  }
  if (reply.patterns.length > 0) {
    out.line();
    await showTemplates(out, reply.patterns);
  }
  if (reply.lines === 0) out.note(said(run, 'No lines, or none that these options leave.'));
  if (!reply.complete) out.warn(said(run, 'not everything was counted: a limit ended it'));
}

async function patterns(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { out, signal } = run;
  const limit = numberOf(invocation, 'limit', { flag: '--limit', min: 1, max: 10_000 });
  const order = orders.find((name) => name === invocation.options.order);
  const { query, client, target } = await begin(run, invocation);
  try {
    const reply = await client.patterns(
      { session_id: target.sessionId, ...query, order, ...(limit === undefined ? {} : { limit }) },
      { signal },
    );
    for (const { file, message } of reply.notices)
      out.warn(said(run, printable(file === null ? message : `${target.shown(file)}: ${message}`, 1000)));
    const exitCode = target.isPartial ? 2 : reply.lines > 0 ? 0 : 1;
    if (out.json) {
      out.value(reply);
      return exitCode;
    }
    if (reply.patterns.length === 0) out.note(said(run, 'No lines, or none that these options leave.'));
    else {
      await showTemplates(out, reply.patterns);
      const { length } = reply.patterns;
      out.note(out.noteStyle.dim(`${length} of ${reply.total} patterns in ${reply.lines} lines`));
    }
    if (!reply.complete) out.warn(said(run, 'not everything was counted: a limit ended it'));
    return exitCode;
  } finally {
    await target.close();
  }
}

const orders = ['count', 'rare', 'first_seen', 'last_seen'] as const;

async function showTemplates(out: Run['out'], templates: readonly Template[]): Promise<void> {
  const columns: Column[] = [
    { title: 'COUNT', align: 'right' },
    { title: 'LEVEL', dropOrder: 2 },
    { title: 'FIRST SEEN (UTC)', dropOrder: 3 },
    { title: 'LAST SEEN (UTC)', dropOrder: 1 },
    { title: 'PATTERN', ...(out.columns === null ? {} : { shrinkTo: 20 }) },
  ];
  const rows = templates.map((template) => [
    String(template.count),
    datum(template.level),
    shownTime(template.first_seen),
    shownTime(template.last_seen),
    datum(template.template),
  ]);
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
}

/** `5 min`, `2 h`: the largest unit that makes a whole number of it. */
function spanText(milliseconds: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const unit = units.find(([, size]) => milliseconds % size === 0 && milliseconds >= size);
  return unit ? `${milliseconds / unit[1]} ${unit[0]}` : `${milliseconds} ms`;
}
