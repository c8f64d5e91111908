/** `chs logs search`: the lines that match, as grep gives them, whatever their encoding and packing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { logOperations } from '../../src/logs/operations.ts';
import { printable } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import { outputDrained } from '../output.ts';
import type { ExitCode, Run } from '../run.ts';
import { tellWhyEmpty } from './explain.ts';
import { createHighlighter } from './highlight.ts';
import { createHitPrinter, type Hit, type HitPrinter } from './hits.ts';
import {
  asksForSomething,
  hasTerms,
  numberOf,
  type Query,
  queryOptions,
  readQuery,
  targetOptions,
} from './query-options.ts';
import { said } from './said.ts';
import { defaultSession } from './session.ts';
import { type LogClient, openTarget, sessionTarget, type Target } from './target.ts';

/** Hits that one reply carries: the first ones soon, then as many as keep the overhead small. */
const PAGE_HITS = 1_000;
/** Whoever counts waits for the end, or presses Ctrl-C. */
const COUNT_MS = 3_600_000;
/** So long one request searches before it gives what it has. */
const SLICE_MS = 10_000;
const FOLLOW_MS = 500;
/** A walk through directories costs more than a look at the end of files. */
const NEW_FILES_MS = 3_000;
const FOLLOWED_STDIN =
  'standard input (-) is searched when it has ended, so that --follow would give nothing more';
const HITS_MAX = 1_000_000_000;
const CONTEXT_MAX = 1_000;

export function searchCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'search',
    summary: 'Search log files for lines with some terms, as grep does',
    description:
      'PATTERN is a plain text that has to be on the line; -e takes a regular expression. It is the first word, unless ' +
      '--must, --any, --none, -e or a --json-... option says what is looked for: then every word is a path. Without a ' +
      'path the working directory is searched, or standard input where something is piped in; - is standard input. ' +
      'Encodings, .gz files and times are found out; no session is needed, and what was learnt about the files serves ' +
      'the next search.\n\nExit code 0: there are hits; 1: there are none; 2: something failed.',
    arguments: [
      { syntax: '[words...]', description: '[PATTERN] and paths of files and directories', complete: 'file' },
    ],
    options: searchOptions,
    examples: [
      'chs logs search timeout',
      'chs logs search "connection refused" /var/log --since 2h -C 3',
      'chs logs search --must ERROR --any db --any disk --none retry app.log app.log.1.gz',
      "chs logs search -e 'HTTP/1\\.1\" 5\\d\\d' access.log --count",
      'chs logs search --json-must level=error --json-must http.status>=500 service.json',
      'chs logs search panic app.log --follow',
      'journalctl -u app | chs logs search panic -C 5',
    ],
    action: search,
  });
}

function searchOptions(): Option[] {
  return [
    ...queryOptions(),
    new Option(
      '-C, --context <number>',
      'so many lines before and after each hit, at most 12 (limits.max_context_lines)',
    ),
    new Option('-A, --after-context <number>', 'the same as -C; the larger of the two counts'),
    new Option('-B, --before-context <number>', 'the same as -C; the larger of the two counts'),
    new Option('--event', 'whole events: a line with its stack trace'),
    new Option('-m, --max-hits <number>', 'end after so many hits'),
    new Option('-c, --count', 'only the number of hits of each file'),
    new Option('-l, --files', 'only the names of files with hits'),
    new Option('-f, --follow', 'go on with what is written to the files, until Ctrl-C'),
    new Option('--no-explain', 'do not look for the reason when there are no hits'),
    ...targetOptions(),
    new Option('-k, --keep', 'search the session that `open` started last, and keep the hits in it'),
  ];
}

async function search(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { options, args } = invocation;
  const [first = null, ...rest] = args;
  const allPaths = hasTerms(invocation);
  const query = await readQuery(invocation, allPaths ? null : first);
  if (!asksForSomething(query))
    throw usageError('nothing to search for', 'Give a PATTERN, as in `chs logs search timeout app.log`.');
  if (options.follow === true && (allPaths ? args : rest).includes('-'))
    throw usageError(FOLLOWED_STDIN, 'Leave --follow out: it is read to its end anyway.');
  const client = (await run.connect()).client(logOperations);
  const target = await targetOf(run, client, invocation, allPaths ? args : rest);
  try {
    if (options.count === true || options.files === true)
      return await countOnly(run, client, target, query, options);
    const found = await searchAll({ run, client, target, query, invocation });
    if (found === 0 && options.explain !== false && options.follow !== true)
      await tellWhyEmpty(run, client, target, query);
    return target.isPartial ? 2 : found > 0 ? 0 : 1;
  } finally {
    await target.close();
  }
}

async function targetOf(
  run: Run,
  client: LogClient,
  invocation: Invocation,
  paths: readonly string[],
): Promise<Target> {
  if (invocation.options.keep !== true) return openTarget(run, client, invocation, paths);
  if (paths.length > 0) throw usageError('--keep searches the files of a session; leave the paths out');
  return sessionTarget(await defaultSession(run, client, invocation));
}

interface Search {
  readonly run: Run;
  readonly client: LogClient;
  readonly target: Target;
  readonly query: Query;
  readonly invocation: Invocation;
}

type Reply = Awaited<ReturnType<LogClient['search']>>;

/** Follows the pages to the end, and with --follow beyond it. Gives the number of hits. */
async function searchAll({ run, client, target, query, invocation }: Search): Promise<number> {
  const { out, signal } = run;
  const { options } = invocation;
  const hitsMax = numberOf(invocation, 'maxHits', { flag: '--max-hits', min: 1, max: HITS_MAX }) ?? HITS_MAX;
  const contextLines = contextOf(invocation);
  const follow = options.follow === true;
  const notices = createNotices(run, target);
  const printer = await printerOf(run, target, query, contextLines > 0 || options.event === true);
  const slice = { hard_timeout_ms: SLICE_MS };
  const summary = { files_scanned: 0, bytes_scanned: 0, compute_ms: 0, truncated_lines: 0 };
  let count = 0;
  let lookedAt = Date.now();
  let reply: Reply = await client.search(
    {
      session_id: target.sessionId,
      ...query,
      page_size: Math.min(PAGE_HITS, hitsMax),
      max_hits: hitsMax,
      context_lines: contextLines,
      whole_events: options.event === true,
      keep: target.isOwn,
      follow,
      ...slice,
    },
    { signal },
  );
  for (;;) {
    notices.tell(reply);
    for (const hit of reply.hits.slice(0, hitsMax - count)) printer.print(hit);
    count += Math.min(reply.hits.length, hitsMax - count);
    add(summary, reply);
    await outputDrained(signal);
    if (count >= hitsMax) break;
    let { cursor } = reply;
    if (cursor === null && follow) {
      // What comes next may be long in coming; whoever watches wants to see what was found.
      printer.end();
      if (reply.tail_cursor === null) break;
      cursor = reply.tail_cursor;
      await sleep(FOLLOW_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (Date.now() - lookedAt >= NEW_FILES_MS) {
        await target.lookAgain();
        lookedAt = Date.now();
      }
    }
    if (cursor === null) break;
    reply = await client.continueSearch({ cursor, ...slice }, { signal });
  }
  printer.end();
  if (summary.truncated_lines > 0)
    out.warn(
      said(
        run,
        `${summary.truncated_lines} long lines were searched in their beginning only (limits.max_line_bytes)`,
      ),
    );
  if (out.json) out.value({ summary: { hits: count, ...summary, window: reply.window } });
  return count;
}

function add(
  summary: { files_scanned: number; bytes_scanned: number; compute_ms: number; truncated_lines: number },
  { stats }: Reply,
): void {
  // A page counts the files that it looked into, so the last one of a file may count it again.
  summary.files_scanned = Math.max(summary.files_scanned, stats.files_scanned);
  summary.bytes_scanned += stats.bytes_scanned;
  summary.compute_ms += stats.compute_ms;
  summary.truncated_lines += stats.truncated_lines;
}

/** @throws ChsError USAGE */
function contextOf(invocation: Invocation): number {
  const names = [
    ['context', '-C'],
    ['afterContext', '-A'],
    ['beforeContext', '-B'],
  ] as const;
  return Math.max(
    ...names.map(([name, flag]) => numberOf(invocation, name, { flag, min: 0, max: CONTEXT_MAX }) ?? 0),
  );
}

async function printerOf(run: Run, target: Target, query: Query, hasContext: boolean): Promise<HitPrinter> {
  const { out, env } = run;
  if (out.json) return { print: (hit: Hit) => out.value(hit), end() {} };
  const isColoured = out.style.red('x') !== 'x';
  const highlight = await createHighlighter(isColoured ? query : {});
  const links = isColoured && out.columns !== null && linksAreKnown(env);
  return createHitPrinter({ out, highlight, shown: target.shown, hasContext, links });
}

/** Terminals that show links (OSC 8); others may print what they do not understand. */
function linksAreKnown({
  TERM_PROGRAM,
  VTE_VERSION,
  WT_SESSION,
  KITTY_WINDOW_ID,
  TERM,
}: NodeJS.ProcessEnv): boolean {
  if (Number(VTE_VERSION) >= 5000 || WT_SESSION !== undefined || KITTY_WINDOW_ID !== undefined) return true;
  return (
    /^(iTerm\.app|WezTerm|vscode|ghostty)$/.test(TERM_PROGRAM ?? '') || /kitty|alacritty/.test(TERM ?? '')
  );
}

/** What should be known about the files, each once. */
function createNotices(run: Run, target: Target): { tell(reply: Pick<Reply, 'notices'>): void } {
  const { out } = run;
  const told = new Set<string>();
  return {
    tell({ notices }) {
      for (const { file, message } of notices) {
        const text = said(
          run,
          printable(file === null ? message : `${target.shown(file)}: ${message}`, 1000),
        );
        if (told.has(text)) continue;
        told.add(text);
        out.warn(text);
      }
    },
  };
}

async function countOnly(
  run: Run,
  client: LogClient,
  target: Target,
  query: Query,
  { count, explain }: Invocation['options'],
): Promise<ExitCode> {
  const { out, signal } = run;
  const reply = await client.countHits(
    { session_id: target.sessionId, ...query, hard_timeout_ms: COUNT_MS },
    { signal },
  );
  createNotices(run, target).tell(reply);
  if (out.json) out.value(reply);
  else if (count !== true) for (const { file } of reply.files) out.line(target.shown(file));
  else if (target.isOneFile) out.line(String(reply.total));
  else for (const { file, hits } of reply.files) out.line(`${target.shown(file)}:${hits}`);
  if (!reply.complete) {
    out.warn(said(run, `not everything was counted: ${limitText(reply.truncated_by)} ended it`));
    return 2;
  }
  if (count === true && !target.isOneFile && reply.files.length > 1)
    out.note(out.noteStyle.dim(`${reply.total} in total`));
  if (reply.total === 0 && explain !== false) await tellWhyEmpty(run, client, target, query);
  return target.isPartial ? 2 : reply.total > 0 ? 0 : 1;
}

/** The limit by the name of its setting. */
function limitText(limit: string | null): string {
  return limit === 'max_scanned_bytes' ? 'search.max_scanned_bytes' : 'the time that a search may take';
}
