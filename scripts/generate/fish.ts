/** The completion script for fish. */
import { allCommands, type CommandNode, type OptionNode } from './tree.ts';

export function renderFish(root: CommandNode): string {
  const commands = allCommands(root);
  const withValue = commands.flatMap((node) =>
    node.options
      .filter((option) => option.value !== null)
      .flatMap((option) => [option.long, option.short ?? option.long]),
  );
  const steps = commands.filter((node) => node.path.length > 0).map((node) => `'${node.path.join(' ')}'`);
  return `# Completion of chs for fish; generated, do not edit.
# Put it as chs.fish into ~/.config/fish/completions.

# The command that the line names so far, such as "dump list".
function __chs_path
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${[...new Set(withValue)].sort().join(' ')}
                set skip 1
            case '-*'
            case '*'
                switch "$path $word"
                    case ${steps.map((step) => (step.includes(' ') ? step : `' ${step.slice(1)}`)).join(' ')}
                        set path (string trim "$path $word")
                end
        end
    end
    echo $path
end

function __chs_at
    test (__chs_path) = "$argv[1]"
end

complete -c chs -f
${commands.flatMap(renderCommand).join('\n')}
`;
}

function renderCommand(node: CommandNode): string[] {
  const condition = `-n ${quoted(`__chs_at "${node.path.join(' ')}"`)}`;
  const verbs = node.children.map(
    (child) => `complete -c chs ${condition} -a ${child.path.at(-1)} -d ${quoted(child.summary)}`,
  );
  const options = node.options.map((option) => `complete -c chs ${condition} ${optionWords(option)}`);
  const help = `complete -c chs ${condition} -s h -l help -d 'show this help'`;
  const files = node.arguments.some((argument) => argument.complete !== null)
    ? [`complete -c chs ${condition} -F`]
    : [];
  return [...verbs, ...options, help, ...files];
}

function optionWords(option: OptionNode): string {
  const names = `${option.short === null ? '' : `-s ${option.short.slice(1)} `}-l ${option.long.slice(2)}`;
  const value =
    option.value === null
      ? ''
      : option.choices.length > 0
        ? ` -x -a ${quoted(option.choices.join(' '))}`
        : option.complete === null
          ? ' -x'
          : ' -r -F';
  return `${names}${value} -d ${quoted(option.description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
