/** Case folding of search terms: one character to one character, so that places in a text stay where they are. */

/**
 * Folds a text for comparisons that ignore case. ASCII letters fold among themselves only, so that `k` does not find
 * the Kelvin sign; any other letter folds to its lower case where that is one character of the same length.
 */
export function foldText(text: string): string {
  // Nearly every line is ASCII, where the engine's own conversion is exact.
  if (isAscii(text)) return text.toLowerCase();
  let folded = '';
  for (const char of text) folded += foldChar(char);
  return folded;
}

export function foldChar(char: string): string {
  const lower = char.toLowerCase();
  if (lower.length !== char.length || lower === char) return char;
  const isAsciiChar = char.charCodeAt(0) < 0x80;
  return isAsciiChar === lower.charCodeAt(0) < 0x80 ? lower : char;
}

/** Every character that folds to the same one. */
export function caseVariants(char: string): string[] {
  const folded = foldChar(char);
  const upper = folded.toUpperCase();
  const title = upper.length === folded.length && foldChar(upper) === folded ? [upper] : [];
  return [...new Set([char, folded, ...title, ...(otherVariants().get(folded) ?? [])])];
}

/** Where letters lie that are no upper case of what they fold to: title case, the signs of ohm and ångström, ẞ. */
const OTHERS_FROM = [0x1c5, 0x3f4, 0x1e9e, 0x1f88, 0x2126, 0x212b] as const;
const OTHERS_TO = [0x1f2, 0x3f4, 0x1e9e, 0x1ffc, 0x2126, 0x212b] as const;
let others: ReadonlyMap<string, readonly string[]> | null = null;

function otherVariants(): ReadonlyMap<string, readonly string[]> {
  if (others) return others;
  const found = new Map<string, string[]>();
  for (const [index, from] of OTHERS_FROM.entries()) {
    for (let code = from; code <= (OTHERS_TO[index] ?? from); code += 1) {
      const char = String.fromCharCode(code);
      const folded = foldChar(char);
      if (folded === char) continue;
      found.set(folded, [...(found.get(folded) ?? []), char]);
    }
  }
  others = found;
  return found;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with control characters.
const ASCII = /^[\x00-\x7f]*$/;

function isAscii(text: string): boolean {
  return ASCII.test(text);
}
