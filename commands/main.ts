/** Finds the group that a command line names, loads only that, and runs it. */
import type { Command } from 'commander';
import { nearest } from '../config/problem.ts';
import type { Language } from '../src/platform/messages.ts';
import type { CommandContext } from './define.ts';
import { exitCodeOf, printFailure, usageError } from './failure.ts';
import { type Group, groups, overview } from './groups.ts';
import { columnsOf } from './output.ts';
import { exitAfterFlush, languageBefore, watchOutput } from './run.ts';
import { outputFailure, plainUsage } from './usage-messages.ts';
import { firstOperand } from './words.ts';

/**
 * Runs one command line, without the program's own name, and ends the process.
 *
 * @param argv as `process.argv.slice(2)`
 */
export async function main(argv: readonly string[]): Promise<never> {
  const line = withoutHelpVerb(argv);
  const watched = watchOutput();
  let exitCode = 0;
  // What counts if the process ever ends by itself, with nothing left to wait for.
  process.exitCode = 2;
  try {
    const name = firstOperand(line);
    if (name === null && (line.length === 0 || line.includes('--help') || line.includes('-h'))) {
      process.stdout.write(overview(columnsOf(process.stdout)));
    } else {
      // Without a group only what stands here can be wrong, and the parser says it best.
      if (name === null) (await createProgram()).parse(line, { from: 'user' });
      const group = findGroup(name);
      const program = await createProgram();
      const verb = firstOperand(line.slice(line.indexOf(group.name) + 1));
      const context: CommandContext = {
        finish(code) {
          exitCode = code;
        },
        isCalled: (name) => name === verb || name === group.name,
      };
      (await group.load()).register(program, context);
      checkVerb(program, group, line);
      await program.parseAsync(line, { from: 'user' });
    }
  } catch (error) {
    exitCode = report(error, line);
  }
  return exitAfterFlush(exitCode, watched, (failure) =>
    report(outputFailure(failure, languageOf(line)), line),
  );
}

/** The whole program, for what is generated from it: completions and manual pages. */
export async function buildProgram(): Promise<Command> {
  const program = await createProgram();
  for (const group of groups) (await group.load()).register(program, { finish() {}, isCalled: () => true });
  return program;
}

async function createProgram(): Promise<Command> {
  const [{ Command }, { addGlobalOptions, helpLayout }] = await Promise.all([
    import('commander'),
    import('./define.ts'),
  ]);
  const program = new Command('chs');
  program
    .description('Crash dumps, symbols and logs, from the command line and as a small server')
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({ outputError() {} });
  addGlobalOptions(program);
  return program;
}

/** `help dump upload` is `dump upload --help`. */
function withoutHelpVerb(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}

function findGroup(name: string | null): Group {
  if (name === null) throw usageError('no command is named', '`chs --help` lists them.');
  const group = groups.find((candidate) => candidate.name === name);
  if (group) return group;
  const near = nearest(
    name,
    groups.map((candidate) => candidate.name),
  );
  throw usageError(
    `unknown command '${name}'`,
    near ? `Did you mean \`chs ${near}\`?` : '`chs --help` lists the commands.',
  );
}

/** An unknown verb is refused even with --help, where commander would show the help of the group. */
function checkVerb(program: Command, { name }: Group, line: readonly string[]): void {
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (!command || command.commands.length === 0) return;
  const verb = firstOperand(line.slice(line.indexOf(name) + 1));
  const verbs = command.commands.map((candidate) => candidate.name());
  if (verb === null || verbs.includes(verb)) return;
  const near = nearest(verb, verbs);
  throw usageError(
    `unknown command '${name} ${verb}'`,
    near
      ? `Did you mean \`chs ${name} ${near}\`?`
      : `\`chs ${name} --help\` lists the verbs: ${verbs.join(', ')}.`,
  );
}

/** @returns the exit code */
function report(error: unknown, line: readonly string[]): number {
  const { env } = process;
  const language = languageOf(line);
  if (isCommanderError(error) && error.exitCode === 0) return 0;
  const failure = isCommanderError(error) ? plainUsage(error) : error;
  const options = line.includes('--') ? line.slice(0, line.indexOf('--')) : line;
  printFailure(failure, {
    language,
    env,
    json: options.includes('--json'),
    color: !options.includes('--no-color'),
  });
  return exitCodeOf(failure);
}

/** By `--lang zh` or `--lang=zh`, also on a line that could not be parsed, or else by the environment. */
function languageOf(line: readonly string[]): Language {
  const [, named] = /(?:^|\0)--lang[=\0](\w+)/.exec(line.join('\0')) ?? [];
  return languageBefore(named, process.env);
}

function isCommanderError(error: unknown): error is Error & { code: string; exitCode: number } {
  return (
    error instanceof Error &&
    'code' in error &&
    String(error.code).startsWith('commander.') &&
    'exitCode' in error
  );
}
