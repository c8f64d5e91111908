/** What can be told of a command line before anything is loaded that could parse it. */

/** Global options in front of the group that are followed by a value. */
const VALUE_OPTIONS = ['--server', '--key-file', '--config', '--lang'];

/** The first word that is no option, nor the value of a global one; null when there is none. */
export function firstOperand(line: readonly string[]): string | null {
  return line[operandIndex(line)] ?? null;
}

/** Whether the version is asked for in front of the group; behind it `--version` is the option of a command. */
export function asksVersion(line: readonly string[]): boolean {
  return line.slice(0, operandIndex(line)).some((word, index, words) => {
    const isValue = VALUE_OPTIONS.includes(words[index - 1] ?? '');
    return !isValue && (word === '--version' || word === '-V');
  });
}

function operandIndex(line: readonly string[]): number {
  for (let index = 0; index < line.length; index += 1) {
    const word = line[index] ?? '';
    if (VALUE_OPTIONS.includes(word)) index += 1;
    else if (!word.startsWith('-')) return index;
  }
  return line.length;
}
