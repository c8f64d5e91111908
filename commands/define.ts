/** Declares a command: its words, arguments, options and examples, and what runs when it is called. */
import { Argument, type Command, Help, type HelpConfiguration, Option } from 'commander';
import { type ExitCode, type GlobalOptions, type Run, runAction } from './run.ts';

/** Below this many columns for descriptions, they stand under what they describe. */
const DESCRIPTION_COLUMNS_MIN = 30;

/** Help that a narrow terminal need not break inside of words. */
export const helpLayout: HelpConfiguration & ThisType<Help> = {
  minWidthToWrap: 10,
  styleUsage(usage) {
    const title = 'Usage: ';
    return this.boxWrap(usage, (this.helpWidth ?? 80) - title.length).replaceAll(
      '\n',
      `\n${' '.repeat(title.length)}`,
    );
  },
  formatItem(term, termWidth, description, helper) {
    const columns = this.helpWidth ?? 80;
    if (columns - termWidth - 4 >= DESCRIPTION_COLUMNS_MIN || description === '')
      return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
    const lines = (text: string, indent: string): string =>
      indent + this.boxWrap(text, columns - indent.length).replaceAll('\n', `\n${indent}`);
    return `${lines(term, '  ')}\n${lines(description, '      ')}`;
  },
};

/** What a shell may complete an argument or an option with. */
export type Completion = 'file' | 'directory';

/** Collects the exit code of the command that ran. */
export interface CommandContext {
  finish(exitCode: number): void;
  /** Whether this verb is the one that was called: options of the others, read off schemas, only cost time. */
  isCalled(verb: string): boolean;
}

/** The values of one call. */
export interface Invocation {
  /** Positional arguments; a repeated one is spread out. */
  readonly args: readonly string[];
  /** By attribute name: `--exe-version` is `exeVersion`. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface CommandSpec {
  readonly name: string;
  /** One line: begins with a verb, no full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly {
    /** `<id>`, `[file]`, `<files...>` */
    readonly syntax: string;
    readonly description: string;
    readonly complete?: Completion;
  }[];
  readonly options?: () => readonly Option[];
  /** Complete command lines. */
  readonly examples: readonly [string, ...string[]];
  readonly action: (run: Run, invocation: Invocation) => Promise<ExitCode>;
}

const examples = new WeakMap<Command, readonly string[]>();
const completions = new WeakMap<Option | Argument, Completion>();

/** The examples of a command, for manual pages. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? [];
}

/** What an argument or option is completed with; null for free text. */
export function completionOf(item: Option | Argument): Completion | null {
  return completions.get(item) ?? null;
}

/** An option that a shell completes. */
export function completed(option: Option, completion: Completion): Option {
  completions.set(option, completion);
  return option;
}

/** Adds one command below `parent`. */
export function addCommand(parent: Command, context: CommandContext, spec: CommandSpec): Command {
  const command = parent.command(spec.name);
  command
    .summary(spec.summary)
    .description(spec.description ? `${spec.summary}.\n\n${spec.description}` : spec.summary);
  if (!context.isCalled(spec.name)) return command;
  for (const { syntax, description, complete } of spec.arguments ?? []) {
    const argument = new Argument(syntax, description);
    if (complete) completions.set(argument, complete);
    command.addArgument(argument);
  }
  for (const option of spec.options?.() ?? []) command.addOption(option);
  addGlobalOptions(command);
  setExamples(command, spec.examples);
  command.action(async () => {
    const invocation = {
      args: command.processedArgs.flat().filter((arg) => typeof arg === 'string'),
      options: command.opts(),
    };
    context.finish(await runAction(globalOptions(command), (run) => spec.action(run, invocation)));
  });
  return command;
}

/** Adds a group of commands below the program. Called without a verb it shows its help. */
export function addGroup(
  program: Command,
  spec: {
    readonly name: string;
    readonly summary: string;
    readonly examples: readonly [string, ...string[]];
  },
): Command {
  const group = program.command(spec.name).summary(spec.summary).description(spec.summary);
  group.helpCommand(false).enablePositionalOptions();
  addGlobalOptions(group);
  setExamples(group, spec.examples);
  group.action(() => {
    if (group.args.length === 0) group.outputHelp();
    else group.error(`error: unknown command '${group.args[0]}'`, { code: 'commander.unknownCommand' });
  });
  return group;
}

export function addGlobalOptions(command: Command): void {
  command.helpOption('-h, --help', 'show this help');
  const options = [
    new Option('--server <url>', 'work on the server at this URL instead of the local data'),
    completed(new Option('--key-file <file>', 'read the API key from the first line of this file'), 'file'),
    completed(new Option('--config <file>', 'use this configuration file'), 'file'),
    new Option('--lang <language>', 'language of the messages').choices(['en', 'zh']),
    new Option('--json', 'print JSON, one value a line; failures too, on stderr'),
    new Option('-q, --quiet', 'no progress and no remarks'),
    new Option('--no-color', 'no colours (also: NO_COLOR)'),
  ];
  for (const option of options) command.addOption(option.helpGroup('Global options:'));
}

/** Global options may stand before the group, before the verb or after it; the last place wins. */
function globalOptions(command: Command): GlobalOptions {
  const chain: Command[] = [];
  for (let level: Command | null = command; level !== null; level = level.parent) chain.unshift(level);
  const given = chain.flatMap((level) =>
    Object.entries(level.opts()).filter(([name]) => level.getOptionValueSource(name) === 'cli'),
  );
  const values: Record<string, unknown> = Object.fromEntries(given);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const lang = text('lang');
  return {
    server: text('server'),
    keyFile: text('keyFile'),
    config: text('config'),
    lang: lang === 'en' || lang === 'zh' ? lang : undefined,
    json: values.json === true,
    quiet: values.quiet === true,
    color: values.color !== false,
  };
}

function setExamples(command: Command, lines: readonly string[]): void {
  examples.set(command, lines);
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}
