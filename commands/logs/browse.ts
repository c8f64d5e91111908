/** `chs logs browse`: log lines on the whole terminal, with a histogram and the lines around. */
import type { Command } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import type { BrowseSource } from '../views/browse/app.tsx';
import { type Query, queryOptions, readQuery, targetOptions } from './query-options.ts';
import { type LogClient, openTarget, type Target } from './target.ts';

const PAGE_LINES = 500;
const LINES_MAX = 1_000_000_000;
const SLICE_MS = 5_000;

export function browseCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'browse',
    summary: 'Look through log files on the whole terminal',
    description:
      'A histogram of lines and errors over time, the lines of all files, and those around the chosen one. Keys: j k, ' +
      'space b, g G; / finds a text, n N go to the next and the previous line with it, e E to errors, w W to ' +
      'warnings; ? shows them; q quits. The options leave out lines, as for search.',
    arguments: [{ syntax: '[paths...]', description: 'directories and files', complete: 'file' }],
    options: () => [...queryOptions(), ...targetOptions()],
    examples: ['chs logs browse /var/log/app', 'chs logs browse app.log --since 2h --must ERROR'],
    action: browse,
  });
}

async function browse(run: Run, invocation: Invocation): Promise<ExitCode> {
  if (!process.stdin.isTTY || run.out.columns === null || run.out.json)
    throw usageError(
      'browse draws on a terminal, and there is none',
      '`chs logs search` gives the same lines to pipes and files.',
    );
  const query = await readQuery(invocation, null);
  const client = (await run.connect()).client(logOperations);
  const target = await openTarget(
    run,
    client,
    invocation,
    invocation.args.length > 0 ? invocation.args : ['.'],
  );
  try {
    const { browse: runBrowser } = await import('../views/browse/app.tsx');
    await runBrowser(await sourceOf(run, client, target, query), run.signal);
    return 0;
  } finally {
    await target.close();
  }
}

async function sourceOf(run: Run, client: LogClient, target: Target, query: Query): Promise<BrowseSource> {
  const { rowOf } = await import('../views/browse/model.ts');
  const { signal } = run;
  const sessionId = target.sessionId;
  let cursor: string | null = null;
  let isFirst = true;
  return {
    title: `chs logs  ${target.fileCount === null ? sessionId : `${target.fileCount} files`}`,
    shown: target.shown,
    async more() {
      const slice = { hard_timeout_ms: SLICE_MS };
      const first = {
        session_id: sessionId,
        ...query,
        page_size: PAGE_LINES,
        max_hits: LINES_MAX,
        keep: false,
      };
      const reply =
        isFirst || cursor === null
          ? await client.search({ ...first, ...slice }, { signal })
          : await client.continueSearch({ cursor, ...slice }, { signal });
      isFirst = false;
      ({ cursor } = reply);
      return { rows: reply.hits.map(rowOf), hasMore: cursor !== null };
    },
    async histogram(buckets) {
      const reply = await client.logStats({ session_id: sessionId, ...query, buckets, top: 0 }, { signal });
      if (reply.histogram.length === 0) return null;
      return {
        counts: reply.histogram.map(({ count }) => count),
        errors: reply.histogram.map(({ errors }) => errors),
        from: reply.histogram[0]?.start ?? '',
        to: reply.last_event ?? '',
      };
    },
    async around({ file, lineNumber, byteOffset }, rows) {
      const before = Math.floor((rows - 1) / 2);
      const reply = await client.readLines(
        {
          session_id: sessionId,
          file,
          line_number: lineNumber,
          byte_offset: byteOffset,
          before,
          after: rows - 1 - before,
        },
        { signal },
      );
      return reply.lines.map((text, index) => ({ number: reply.first_line + index, text }));
    },
  };
}
