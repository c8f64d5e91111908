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
  const noteStyle = createStyle(!json && wantsColor(stderr.isTTY, color, env));
  return {
    json,
    quiet,
    style: createStyle(wantsColor(stdout.isTTY, color, env)),
    noteStyle,
    columns: columnsOf(stdout),
    interactive: stderr.isTTY,
    line(text = '') {
      stdout.write(`${text}\n`);
    },
    value(value) {
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    note(text) {
      if (!quiet && !json) stderr.write(`${text}\n`);
    },
    warn(text) {
      stderr.write(
        json ? `${JSON.stringify({ warning: text })}\n` : `${noteStyle.yellow('warning:')} ${text}\n`,
      );
    },
  };
}

/** Columns of the terminal behind a stream; null when it is none. Some terminals say that they have no columns at all. */
export function columnsOf(stream: NodeJS.WriteStream): number | null {
  return stream.isTTY ? stream.columns || 80 : null;
}

/** Waits for a slow reader of stdout, so that what it has not read does not pile up here. */
export async function outputDrained(signal: AbortSignal): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain', { signal });
}
