/** `chs dump watch`: what happens to the stored files, as it happens, for as long as it is asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { EVENTS_LOST, eventOperations } from '../src/events/operations.ts';
import { parseSpan } from '../src/platform/clock.ts';
import { ChsError, printable } from '../src/platform/errors.ts';
import { addCommand, type CommandContext, type Invocation } from './define.ts';
import { describeFailure, usageError } from './failure.ts';
import { optionsOf, readInput } from './flags.ts';
import { outputDrained } from './output.ts';
import type { ExitCode, Run } from './run.ts';
import { eventLine, type WatchedEvent } from './views/event.ts';

/** Pauses between attempts to reach a server that went away: the first, and the longest. */
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
/** The longest that Node.js can wait for. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function watchCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'watch',
    summary: eventOperations.watchEvents.summary,
    description:
      'One line an event, until Ctrl-C: new minidumps, PDBs and EXEs with the dumps that became debuggable, deletions. When ' +
      'the server goes away, it waits and goes on where it was. With --json each event as it comes, one a line.',
    options: () => [
      ...optionsOf(eventOperations.watchEvents),
      new Option('--count <number>', 'end after so many events'),
      new Option(
        '--timeout <span>',
        'end after so long (30s, 10m); exit code 1 when nothing happened by then',
      ),
    ],
    examples: [
      'chs dump watch',
      'chs dump watch --types minidump.uploaded --json',
      'chs dump watch --types pdb.uploaded --count 1 --timeout 10m',
    ],
    action: watch,
  });
}

interface Ends {
  readonly count: number;
  readonly timeoutMs: number | null;
}

async function watch(run: Run, invocation: Invocation): Promise<ExitCode> {
  const input = readInput(eventOperations.watchEvents, invocation);
  const { count, timeoutMs } = endsOf(invocation);
  const timeIsUp = new AbortController();
  const timer =
    timeoutMs === null ? undefined : setTimeout(() => timeIsUp.abort(), Math.min(timeoutMs, TIMER_MAX_MS));
  let seen = 0;
  const take = async (event: WatchedEvent): Promise<boolean> => {
    print(run, event);
    await outputDrained(run.signal);
    if (event.type !== EVENTS_LOST) seen += 1;
    return seen < count;
  };
  try {
    await follow(run, input, AbortSignal.any([run.signal, timeIsUp.signal]), take);
  } catch (error) {
    if (!timeIsUp.signal.aborted || run.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return seen > 0 ? 0 : 1;
}

type Input = ReturnType<typeof readInput<typeof eventOperations.watchEvents>>;

/** Comes back to where it was, however often the server goes away; a server that was never there is a failure. */
async function follow(
  run: Run,
  input: Input,
  signal: AbortSignal,
  take: (event: WatchedEvent) => Promise<boolean>,
): Promise<void> {
  const connection = await run.connect();
  const client = connection.client(eventOperations);
  let { after } = input;
  let wasThere = false;
  for (let attempt = 0; ; attempt += 1) {
    let connectedAtMs: number | null = null;
    let reason = 'it ended the connection';
    try {
      const events = await client.watchEvents({ ...input, after }, { signal });
      if (wasThere) run.out.note(`${connection.transportName} is there again.`);
      wasThere = true;
      connectedAtMs = uptimeMs();
      try {
        for await (const event of events) {
          attempt = 0;
          if (!(await take(event))) return;
        }
      } finally {
        after = events.position ?? after;
      }
    } catch (error) {
      if (signal.aborted || !wasThere || !mayPass(error)) throw error;
      reason = describeFailure(error, run.language).message;
    }
    signal.throwIfAborted();
    if (connectedAtMs !== null) {
      if (uptimeMs() - connectedAtMs > PAUSE_MAX_MS) attempt = 0;
      run.out.warn(`${connection.transportName} went away, trying again: ${reason}`);
    }
    await sleep(pauseMs(attempt), undefined, { signal });
  }
}

/** Monotonic, unlike the clock. */
function uptimeMs(): number {
  return process.uptime() * 1000;
}

/** A proxy in front of a server that is not there answers in its own way. */
function mayPass(error: unknown): boolean {
  return error instanceof ChsError && (error.retryable || error.code === 'SERVER_REPLY');
}

/** Twice as long each time; not the same for everybody, as all who watched come back at once. */
function pauseMs(attempt: number): number {
  return Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MAX_MS) * (0.75 + Math.random() / 2);
}

function print({ out }: Run, event: WatchedEvent): void {
  if (out.json) out.value(event);
  else if (event.type === EVENTS_LOST) out.warn(missed(event.data));
  else out.line(eventLine(event, out.style));
}

/** Without an oldest one that is kept, there was none after the ID: it is of another database, or made up. */
function missed({ after, oldest_id }: WatchedEvent['data']): string {
  const id = printable(String(after));
  return oldest_id === null
    ? `no event has the ID ${id} here: what comes now is watched`
    : `events after ID ${id} were missed: they are not kept any more`;
}

function endsOf({ options }: Invocation): Ends {
  const { count, timeout } = options;
  const countText = typeof count === 'string' ? count : null;
  if (countText !== null && !/^[1-9]\d{0,8}$/.test(countText))
    throw usageError(`--count: expected a whole number from 1 to 999999999`);
  const timeoutMs = typeof timeout === 'string' ? parseSpan(timeout) : null;
  if (timeoutMs !== null && !(timeoutMs > 0))
    throw usageError('--timeout: expected a span such as 30s, 10m or 1d');
  return { count: countText === null ? Number.POSITIVE_INFINITY : Number(countText), timeoutMs };
}
