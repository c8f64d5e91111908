/** The options of commands that send or ask for many files: what they are, and what they were set to. */
import { InvalidArgumentError, Option } from 'commander';
import { parseSpan } from '../../src/platform/clock.ts';
import { completed, type Invocation } from '../define.ts';
import type { Patience } from './retry.ts';

const JOBS = { least: 1, most: 64, usual: 4 };
const RETRIES = { least: 0, most: 100, usual: 3 };
const WAIT_TIMEOUT = '10m';

export interface BatchSettings {
  readonly jobs: number;
  readonly patience: Patience;
  /** Return only when what was sent can be read back. */
  readonly wait: boolean;
  /** A file, `-` for standard output. */
  readonly summary: string | null;
  readonly failOnMismatch: boolean;
}

/** `--jobs` and `--retries`. */
export function parallelOptions(): Option[] {
  return [
    new Option('-j, --jobs <number>', `files at the same time (default: ${JOBS.usual})`).argParser(
      whole(JOBS),
    ),
    new Option(
      '--retries <number>',
      `attempts after one that failed for a reason that may pass (default: ${RETRIES.usual})`,
    ).argParser(whole(RETRIES)),
  ];
}

/** All that uploads take besides their metadata. */
export function batchOptions(): Option[] {
  return [
    ...parallelOptions(),
    new Option(
      '--wait',
      'wait for a server that is away or full, and until each file is stored and can be read back',
    ),
    new Option(
      '--wait-timeout <span>',
      `give up when nothing got through for so long (default: ${WAIT_TIMEOUT})`,
    ).argParser(span),
    completed(
      new Option('--summary <file>', 'write one JSON document on all of it; - is standard output'),
      'file',
    ),
    new Option('--fail-on-mismatch', 'exit code 1 when a file is not what was declared of it'),
  ];
}

export function batchSettings({ options }: Pick<Invocation, 'options'>): BatchSettings {
  const { jobs, retries, waitTimeout, summary } = options;
  const wait = options.wait === true || waitTimeout !== undefined;
  return {
    jobs: typeof jobs === 'number' ? jobs : JOBS.usual,
    patience: {
      retries: typeof retries === 'number' ? retries : RETRIES.usual,
      waitMs: wait ? parseSpan(typeof waitTimeout === 'string' ? waitTimeout : WAIT_TIMEOUT) : null,
      lastSuccessMs: Date.now(),
    },
    wait,
    summary: typeof summary === 'string' ? summary : null,
    failOnMismatch: options.failOnMismatch === true,
  };
}

function whole({ least, most }: { readonly least: number; readonly most: number }): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

function span(text: string): string {
  if (!Number.isNaN(parseSpan(text))) return text;
  throw new InvalidArgumentError('expected a span such as 90s, 10m or 2h');
}
