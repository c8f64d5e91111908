/** Text of log lines inside of Markdown: it must not end a table, a list or a fence, nor load or run anything. */

/** The characters of a text on one line, cut to `charsMax`; what Markdown would take for its own is escaped. */
export function inlineText(text: string, charsMax: number): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const cut = line.length > charsMax ? `${line.slice(0, charsMax - 1).toWellFormed()}…` : line;
  // A backslash stays as it is unless it would escape what follows: paths of Windows are to be read by people, too.
  return cut.replace(/\\(?=[!-/:-@[-`{-~]|$)/g, '\\\\').replace(/[`|<]|!(?=\[)/g, '\\$&');
}

/** Lines in a fence that is longer than every run of backticks among them. */
export function fenced(lines: readonly string[]): string {
  const body = lines.map((line) => line.replace(/\r?\n|\r/g, '\n')).join('\n');
  const longest = Math.max(2, ...Array.from(body.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${body}\n${fence}`;
}
