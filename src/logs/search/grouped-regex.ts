/** Puts a regular expression of RE2 into another one, and tells the groups that it has. */

/** A quoted text that ends, or any other escape; `\\Q` is a backslash and a letter. */
const CLOSED = /\\Q.*?\\E|\\[^Q]/gs;

/**
 * The expression as a group that captures nothing: its alternatives and its flags end there.
 *
 * @param source RE2 syntax, valid by itself
 */
export function grouped(source: string): string {
  // A quoted text may go on to the end of an expression, and what follows would be of it.
  const isOpen = source.replace(CLOSED, '').includes('\\Q');
  return `(?:${source}${isOpen ? '\\E' : ''})`;
}

/**
 * The names of an expression's capture groups where every one has a name, else their numbers.
 *
 * @param compile makes RE2's expression of a source
 */
export function groupNames(source: string, compile: (source: string) => RegExp): string[] {
  // An alternative that is empty matches everything, and shows how many groups there are.
  const all = compile(`${grouped(source)}|`).exec('');
  const named = Object.keys(all?.groups ?? {});
  const count = (all?.length ?? 1) - 1;
  return named.length === count ? named : Array.from({ length: count }, (_, index) => String(index + 1));
}
