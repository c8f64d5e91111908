/** Breaks text between words, so that a terminal does not break it inside of them. */

/** Lines of at most `width` columns; a word that is wider has a line of its own. Null keeps the text on one line. */
export function wrapWords(text: string, width: number | null): string[] {
  if (width === null) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
