/** Runs one command: configuration, connection, interruption, clean-up, exit code. */
import type { LoadedConfig } from '../config/load.ts';
import { ChsError, printable } from '../src/platform/errors.ts';
import { fromEnvironment } from '../src/platform/language.ts';
import type { Language } from '../src/platform/messages.ts';
import type { Connection, LocalPart } from './connect.ts';
import { exitCodeOf, printFailure } from './failure.ts';
import { createOutput, type Output } from './output.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly server?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly config?: string | undefined;
  readonly lang?: Language | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** What a command has around it while it runs. */
export interface Run {
  readonly options: GlobalOptions;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Asked for by those who need it: it may have been deleted, which a file named in full does not care about. */
  readonly cwd: string;
  /** Aborted by Ctrl-C, by SIGTERM and when whoever read our output went away. */
  readonly signal: AbortSignal;
  /** Known for certain once the configuration is loaded; a good guess before. */
  readonly language: Language;
  /**
   * The configuration, loaded once; its warnings go to stderr.
   *
   * @param flags what the command's own options set, by dotted key; those of the first call count
   */
  config(flags?: Readonly<Record<string, unknown>>): Promise<LoadedConfig>;
  /**
   * The daemon, remote or in this process; opened once, unless that failed, closed at the end of the run.
   *
   * @param part what is needed of it, where it is in this process
   */
  connect(part?: LocalPart): Promise<Connection>;
}

/** Undefined is 0. */
export type ExitCode = number | undefined;

/** What went on outside of a command while it ran. */
interface Interruption {
  readonly controller: AbortController;
  /** 130 or 143. */
  exitCode: number | null;
  brokenPipe: boolean;
  /** Stdout cannot be written, for another reason; exitAfterFlush says so. */
  outputFailed: boolean;
}

/**
 * @param action gives the exit code, or rejects; a ChsError brings its own code
 * @returns the exit code: that of the action, 130 or 143 when a signal made it fail, 0 when the reader went away
 */
export async function runAction(
  options: GlobalOptions,
  action: (run: Run) => Promise<ExitCode>,
): Promise<number> {
  const interruption: Interruption = {
    controller: new AbortController(),
    exitCode: null,
    brokenPipe: false,
    outputFailed: false,
  };
  const stopListening = listen(interruption);
  const { run, close } = createRun(options, interruption.controller.signal);
  let code: number;
  try {
    code = (await action(run)) ?? 0;
  } catch (error) {
    code = interruption.exitCode ?? exitCodeOf(error);
    const { exitCode, brokenPipe, outputFailed } = interruption;
    if (exitCode === null && !brokenPipe && !outputFailed) {
      const { language, env } = run;
      printFailure(error, { language, env, json: options.json, color: options.color });
    }
  }
  try {
    await close();
  } catch (error) {
    if (code === 0) code = exitCodeOf(error);
    printFailure(error, { language: run.language, env: run.env, json: options.json, color: options.color });
  }
  stopListening();
  return interruption.brokenPipe ? 0 : code;
}

/** The first error of stdout, other than a reader that went away. */
export interface WatchedOutput {
  failure: NodeJS.ErrnoException | null;
}

/** Listens from the start: what nobody listens to would end the process on the spot, without any clean-up. */
export function watchOutput(): WatchedOutput {
  const watched: WatchedOutput = { failure: null };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!isReaderGone(error)) watched.failure ??= error;
  });
  process.stderr.on('error', () => {});
  return watched;
}

/**
 * Ends the process when everything written has gone out.
 *
 * @param report tells of a stdout that cannot be written, and gives the exit code instead of `code`
 */
export async function exitAfterFlush(
  code: number,
  watched: WatchedOutput,
  report: (failure: NodeJS.ErrnoException) => number,
): Promise<never> {
  await flushed(process.stdout);
  const exitCode = watched.failure === null ? code : report(watched.failure);
  await flushed(process.stderr);
  process.exit(exitCode);
}

/** Those who listen for errors are told some ticks after a write that failed on the spot; hence setImmediate. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const told = (): void => void setImmediate(resolve);
    stream.once('error', told);
    if (stream.destroyed || !stream.writable) told();
    else stream.write('', told);
  });
}

/** What a closed pipe is called, on POSIX and on Windows. */
function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EOF';
}

function createRun(options: GlobalOptions, signal: AbortSignal): { run: Run; close: () => Promise<void> } {
  const { env } = process;
  let loaded: Promise<LoadedConfig> | null = null;
  let connection: Promise<Connection> | null = null;
  let language = languageBefore(options.lang, env);
  const out = createOutput({ ...options, env });
  const run: Run = {
    options,
    out,
    env,
    get cwd() {
      return workingDirectory();
    },
    signal,
    get language() {
      return language;
    },
    config(flags = {}) {
      loaded ??= load(run, flags).then((result) => {
        for (const warning of result.warnings) out.warn(printable(warning, 2000));
        language = result.config.client.lang ?? language;
        return result;
      });
      return loaded;
    },
    connect(part = 'all') {
      connection ??= Promise.all([run.config(), import('./connect.ts')])
        .then(([config, { connect }]) => connect({ loaded: config, options, language, signal, part }))
        .catch((error: unknown) => {
          // A database that is locked now may not be later.
          connection = null;
          throw error;
        });
      return connection;
    },
  };
  return {
    run,
    async close() {
      // A connection that could not be opened was reported where it was asked for.
      const opened = await connection?.catch(() => null);
      await opened?.close();
    },
  };
}

/** @throws ChsError LOCAL_FILE */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new ChsError(
      'LOCAL_FILE',
      { path: '.', reason: 'the working directory is gone' },
      { cause: error },
    );
  }
}

/** The language as far as it is known without a configuration file. */
export function languageBefore(flag: string | undefined, env: NodeJS.ProcessEnv): Language {
  const named = flag ?? env.CHS_LANG;
  return named === 'zh' || named === 'en' ? named : fromEnvironment(env);
}

async function load(
  { options, env, cwd }: Run,
  own: Readonly<Record<string, unknown>>,
): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load.ts');
  const { ConfigError } = await import('../config/problem.ts');
  try {
    const flags = { ...own, 'client.lang': options.lang };
    return await loadConfig({ cwd, env, explicitPath: options.config, flags });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ChsError('CONFIG_INVALID', { reason: error.message.replaceAll('\n', '; ') }, { cause: error });
  }
}

/** Signals and a stdout that is closed or full abort the run; the second signal ends the process on the spot. */
function listen(interruption: Interruption): () => void {
  const onSignal = (exitCode: number) => (): void => {
    if (interruption.exitCode !== null) process.exit(exitCode);
    interruption.exitCode = exitCode;
    interruption.controller.abort(new ChsError('INTERRUPTED'));
  };
  const onInterrupt = onSignal(130);
  const onTerminate = onSignal(143);
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    if (isReaderGone(error)) interruption.brokenPipe = true;
    else interruption.outputFailed = true;
    interruption.controller.abort(new ChsError('INTERRUPTED'));
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  process.stdout.on('error', onOutputError);
  return () => {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
  };
}
