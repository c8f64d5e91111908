/** The completion script for zsh. */
import type { ArgumentNode, CommandNode, OptionNode } from './tree.ts';

const HELP_SPEC = "'(-h --help)'{-h,--help}'[show this help]'";

export function renderZsh(root: CommandNode): string {
  return `#compdef chs
# Completion of chs for zsh; generated, do not edit.
# Put it as _chs into a folder of $fpath.

${renderCommand(root)}
if [[ $funcstack[1] == _chs ]]; then
  _chs "$@"
else
  compdef _chs chs
fi
`;
}

/** One function a command; a group hands over to the function of its verb. */
function renderCommand(node: CommandNode): string {
  const specs = [...node.options.map(optionSpec), HELP_SPEC];
  if (node.children.length === 0) {
    const lines = [...specs, ...node.arguments.map(argumentSpec)];
    return `${functionName(node)}() {\n  _arguments -s ${lines.join(' \\\n    ')}\n}\n`;
  }
  const verbs = node.children.map(
    (child) => `    ${quoted(`${escaped(child.path.at(-1) ?? '')}:${child.summary}`)}`,
  );
  const handOver = node.children.map((child) => `        ${child.path.at(-1)}) ${functionName(child)} ;;`);
  const own = `${functionName(node)}() {
  local line state
  local -a verbs=(
${verbs.join('\n')}
  )
  _arguments -s -C ${specs.join(' \\\n    ')} \\
    '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe command verbs ;;
    rest)
      case $line[1] in
${handOver.join('\n')}
      esac ;;
  esac
}
`;
  return [own, ...node.children.map(renderCommand)].join('\n');
}

function optionSpec(option: OptionNode): string {
  const text = `[${option.description.replace(/[[\]]/g, '\\$&')}]${valueSpec(option)}`;
  if (option.short === null) return quoted(`${option.long}${text}`);
  return `'(${option.short} ${option.long})'{${option.short},${option.long}}${quoted(text)}`;
}

function valueSpec(option: OptionNode): string {
  if (option.value === null) return '';
  const name = option.value.replace(/[<>[\]]/g, '');
  if (option.choices.length > 0) return `:${name}:(${option.choices.join(' ')})`;
  return `:${name}:${action(option.complete)}`;
}

function argumentSpec(argument: ArgumentNode, index: number): string {
  const place = argument.variadic ? '*' : argument.required ? `${index + 1}` : `:`;
  const separator = argument.variadic || argument.required ? ':' : '';
  return quoted(`${place}${separator}${argument.name}:${action(argument.complete)}`);
}

function action(complete: OptionNode['complete']): string {
  return complete === 'file' ? '_files' : complete === 'directory' ? '_files -/' : ' ';
}

function functionName(node: CommandNode): string {
  return ['_chs', ...node.path].join('_').replaceAll('-', '_');
}

function escaped(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
