/** `chs logs explain`: why a search finds nothing, and what to change. */
import type { Command } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { datum, shownTime } from '../views/facts.ts';
import { type Column, renderTable } from '../views/table.ts';
import {
  asksForSomething,
  hasTerms,
  type Query,
  queryOptions,
  readQuery,
  targetOptions,
} from './query-options.ts';
import { counted, said } from './said.ts';
import { type LogClient, openTarget, type Target } from './target.ts';

/** So long a search that found nothing may look for the reason by itself. */
const UNASKED_MS = 2_000;
const REASON_CHARS_MAX = 500;

type Explanation = Awaited<ReturnType<LogClient['explainEmpty']>>;

export function explainCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'explain',
    summary: 'Say why a search finds nothing, and what would be found instead',
    description:
      'Takes what `chs logs search` takes. Counts each term alone, the search without it, other spellings that the ' +
      'files do have, and what lies outside of the time window.',
    arguments: [
      { syntax: '[words...]', description: '[PATTERN] and paths of files and directories', complete: 'file' },
    ],
    options: () => [...queryOptions(), ...targetOptions()],
    examples: [
      'chs logs explain conection app.log',
      'chs logs explain --must ERROR --must disk /var/log --since 2h',
    ],
    action: explain,
  });
}

async function explain(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { args } = invocation;
  const [first = null, ...rest] = args;
  const allPaths = hasTerms(invocation);
  const query = await readQuery(invocation, allPaths ? null : first);
  if (!asksForSomething(query))
    throw usageError('nothing to search for', 'Give a PATTERN, as in `chs logs search timeout app.log`.');
  const client = (await run.connect()).client(logOperations);
  const target = await openTarget(run, client, invocation, allPaths ? args : rest);
  try {
    const reply = await client.explainEmpty(
      { session_id: target.sessionId, ...query },
      { signal: run.signal },
    );
    if (run.out.json) run.out.value(reply);
    else await show(run, reply);
    return target.isPartial ? 2 : 0;
  } finally {
    await target.close();
  }
}

async function show(run: Run, reply: Explanation): Promise<void> {
  const { out } = run;
  const columns: Column[] = [
    { title: 'TERM', shrinkTo: 12 },
    { title: 'KIND', dropOrder: 1 },
    { title: 'LINES', align: 'right' },
    { title: 'HITS WITHOUT IT', align: 'right' },
    { title: 'OTHER CASE', align: 'right', dropOrder: 2 },
    { title: 'NEAREST', shrinkTo: 10 },
  ];
  const rows = reply.terms.map(({ term, kind, alone, without, other_case, nearest }) => [
    datum(term),
    kind,
    String(alone),
    String(without),
    String(other_case),
    datum(nearest.map(({ text, count }) => `${text} (${count})`).join(', ')),
  ]);
  out.line(
    said(
      run,
      `${counted(reply.hits, 'hit')} in ${counted(reply.files, 'file')}${reply.files_excluded > 0 ? `, ${reply.files_excluded} left out by globs` : ''}`,
    ),
  );
  if (rows.length > 0)
    for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
  const { window } = reply;
  if (window) {
    out.line(
      said(
        run,
        `window ${shownTime(window.start)} to ${shownTime(window.end)}: ${counted(window.hits_outside, 'hit')} outside of it`,
      ),
    );
    out.line(said(run, `events ${shownTime(window.first_event)} to ${shownTime(window.last_event)}`));
  }
  for (const reason of reply.reasons) out.line(said(run, printable(reason, REASON_CHARS_MAX)));
  if (!reply.complete) out.note(said(run, 'Not everything was looked at in the time there was.'));
}

/** After a search that found nothing: the reasons, on stderr. Programs that read our output pay nothing for them. */
export async function tellWhyEmpty(run: Run, client: LogClient, target: Target, query: Query): Promise<void> {
  const { out, signal } = run;
  if (out.json || out.quiet) return;
  if (!out.interactive) {
    out.note(said(run, 'no hits; `chs logs explain …` with the same words and options says why'));
    return;
  }
  try {
    const reply = await client.explainEmpty(
      { session_id: target.sessionId, ...query, hard_timeout_ms: UNASKED_MS },
      { signal },
    );
    out.note(out.noteStyle.dim(said(run, `no hits in ${counted(reply.files, 'file')}`)));
    for (const reason of reply.reasons) out.note(said(run, printable(reason, REASON_CHARS_MAX)));
  } catch {
    // The search itself is done, and what it found is nothing; that nobody can say why is no failure of it.
    signal.throwIfAborted();
  }
}
