/** The completion script for bash. */
import { allCommands, type CommandNode, type OptionNode } from './tree.ts';

export function renderBash(root: CommandNode): string {
  const commands = allCommands(root);
  const valueOptions = unique(commands.flatMap((node) => node.options.filter(takesValue).flatMap(spellings)));
  const steps = commands.filter((node) => node.path.length > 0).map((node) => `'${node.path.join(' ')}'`);
  return `# Completion of chs for bash; generated, do not edit.
# Load it with: source <(cat completions/chs.bash), or install it as chs in bash-completion's folder.

_chs() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' skip='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      ${valueOptions.join('|')}) skip=1 ;;
      -*) ;;
      *) case "\${path:+$path }$word" in ${steps.join('|')}) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path $prev" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case $path in
${commands.map(wordCase).join('\n')}
  esac
}

complete -o nosort -F _chs chs
`;
}

/** What may follow an option that takes a value. */
function valueCases(node: CommandNode): string[] {
  return node.options.filter(takesValue).map((option) => {
    const patterns = spellings(option).map((spelling) => `'${node.path.join(' ')} ${spelling}'`);
    return `    ${patterns.join('|')}) ${valueWords(option)}; return ;;`;
  });
}

function valueWords(option: OptionNode): string {
  if (option.choices.length > 0) return `COMPREPLY=($(compgen -W '${option.choices.join(' ')}' -- "$cur"))`;
  if (option.complete === 'directory') return `compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))`;
  if (option.complete === 'file') return `compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))`;
  return ':';
}

/** What may stand at this place: verbs, options, files. */
function wordCase(node: CommandNode): string {
  const verbs = node.children.map((child) => child.path.at(-1) ?? '');
  const options = [...node.options.flatMap(spellings), '-h', '--help'];
  const takesFiles = node.arguments.some((argument) => argument.complete !== null);
  const plain = takesFiles
    ? 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))'
    : `COMPREPLY=($(compgen -W '${verbs.join(' ')}' -- "$cur"))`;
  return `    '${node.path.join(' ')}')
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${options.join(' ')}' -- "$cur"))
      else ${plain}; fi ;;`;
}

function takesValue(option: OptionNode): boolean {
  return option.value !== null;
}

function spellings(option: OptionNode): string[] {
  return option.short === null ? [option.long] : [option.short, option.long];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
