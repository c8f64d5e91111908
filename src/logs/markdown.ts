/** Text of log lines inside of Markdown: it must not end a table, a list or a fence, nor load or run anything. */

/** The characters of a text on one line, cut to `charsMax`; what Markdown would take for its own is escaped. */
export function inlineText(text: string, charsMax: number): string {
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{Bidi_Control}/gu, '\ufffd')
    .trim();
  const cut = line.length > charsMax ? `${line.slice(0, charsMax - 1).toWellFormed()}…` : line;
  // A backslash stays as it is unless it would escape what follows: paths of Windows are to be read by people, too.
  return cut.replace(/\\(?=[!-/:-@[-`{-~]|$)/g, '\\\\').replace(/[`|<]|!(?=\[)/g, '\\$&');
}

/** Nothing in it moves a cursor, changes colours, or shows letters in another order. */
function harmless(line: string): string {
  return line.replace(/\r?\n/g, '\n').replace(/(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '\ufffd');
}

/** Lines in a fence that is longer than every run of backticks among them. */
export function fenced(lines: readonly string[]): string {
  const body = lines.map(harmless).join('\n');
  const longest = Math.max(2, ...Array.from(body.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${body}\n${fence}`;
}
