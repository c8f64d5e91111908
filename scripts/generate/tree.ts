/** The commands as plain data, read off the program itself: what completions and manual pages are made of. */
import type { Command, Option } from 'commander';
import { completionOf, examplesOf } from '../../commands/define.ts';

export interface OptionNode {
  readonly short: string | null;
  readonly long: string;
  /** `<text>`; null for a flag. */
  readonly value: string | null;
  readonly choices: readonly string[];
  readonly complete: 'file' | 'directory' | null;
  readonly description: string;
  /** The default as help shows it; null when there is none to show. */
  readonly defaultText: string | null;
  /** Taken by every command. */
  readonly global: boolean;
}

export interface ArgumentNode {
  readonly name: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly complete: 'file' | 'directory' | null;
  readonly description: string;
}

export interface CommandNode {
  /** `[]` for the program, `['dump', 'list']` for a verb. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly arguments: readonly ArgumentNode[];
  readonly examples: readonly string[];
  readonly children: readonly CommandNode[];
}

export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  return {
    path,
    summary: command.summary() || command.description(),
    description: command.description(),
    options: command.options.map(optionNode),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      required: argument.required,
      variadic: argument.variadic,
      complete: completionOf(argument),
      description: argument.description,
    })),
    examples: examplesOf(command),
    children: command.commands.map((child) => commandTree(child, [...path, child.name()])),
  };
}

/** A command and all below it, parents first. */
export function allCommands(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.children.flatMap(allCommands)];
}

function optionNode(option: Option): OptionNode {
  return {
    short: option.short ?? null,
    long: option.long ?? option.flags,
    value: /[<[].*[\]>]$/.exec(option.flags)?.[0] ?? null,
    choices: option.argChoices ?? [],
    complete: completionOf(option),
    description: option.description,
    defaultText: option.defaultValue === undefined || option.negate ? null : String(option.defaultValue),
    global: option.helpGroupHeading === 'Global options:',
  };
}
