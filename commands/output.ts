/** Where a command writes: data to stdout, words for people to stderr. */
import { once } from 'node:events';
import { createStyle, type Style, wantsColor } from './views/style.ts';

export interface Output {
  /** Print the operation's output as JSON, one value a line. */
  readonly json: boolean;
  /** No progress and no remarks; warnings and failures stay. */
  readonly quiet: boolean;
  readonly style: Style;
  /** The style of stderr. */
  readonly noteStyle: Style;
  /** Columns of the terminal behind stdout; null when it is none. */
  readonly columns: number | null;
  /** Whether a person watches stderr. */
  readonly interactive: boolean;
  /** One line of data. */
  line(text?: string): void;
  /** One JSON value on a line of its own. */
  value(value: unknown): void;
  /** A remark on stderr; nothing with --quiet, and with --json, where programs read. */
  note(text: string): void;
  /** A warning on stderr, always; with --json as a JSON line. */
  warn(text: string): void;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export function createOutput({ json, quiet, color, env }: OutputOptions): Output {
  const { stdout, stderr } = process;
  const data = createLineWriter(stdout);
  const noteStyle = createStyle(!json && wantsColor(stderr.isTTY, color, env));
  return {
    json,
    quiet,
    style: createStyle(wantsColor(stdout.isTTY, color, env)),
    noteStyle,
    columns: columnsOf(stdout),
    interactive: stderr.isTTY,
    line: (text = '') => data.line(text),
    value: (value) => data.line(JSON.stringify(value)),
    note(text) {
      if (quiet || json) return;
      data.flush();
      stderr.write(`${text}\n`);
    },
    warn(text) {
      data.flush();
      stderr.write(
        json ? `${JSON.stringify({ warning: text })}\n` : `${noteStyle.yellow('warning:')} ${text}\n`,
      );
    },
  };
}

/** Characters that are written at once: each write is a call into the system, which costs more than a line does. */
const WRITE_CHARS = 64 * 1024;

/** Puts the lines that are made in one go together, but on a terminal, where the order with stderr is seen. */
function createLineWriter(stdout: NodeJS.WriteStream): { line(text: string): void; flush(): void } {
  let waiting = '';
  const flush = (): void => {
    if (waiting === '') return;
    const text = waiting;
    waiting = '';
    stdout.write(text);
  };
  return {
    line(text) {
      if (waiting === '' && !stdout.isTTY) queueMicrotask(flush);
      waiting += `${text}\n`;
      if (stdout.isTTY || waiting.length >= WRITE_CHARS) flush();
    },
    flush,
  };
}

/** Columns of the terminal behind a stream; null when it is none. Some terminals say that they have no columns at all. */
export function columnsOf(stream: NodeJS.WriteStream): number | null {
  return stream.isTTY ? stream.columns || 80 : null;
}

/** Waits for a slow reader of stdout, so that what it has not read does not pile up here. */
export async function outputDrained(signal: AbortSignal): Promise<void> {
  // What was put together is written before this goes on.
  await Promise.resolve();
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain', { signal });
}
