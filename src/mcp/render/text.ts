/** The small parts that renderers share: one-line texts, folders, sizes, notices. */
import { printable } from '../../platform/errors.ts';

const NOTICES_MAX = 10;
const NOTICE_CHARS_MAX = 300;

/** The folder that all paths share, with its separator at the end; empty where there is none worth saying. */
export function commonFolder(paths: readonly string[]): string {
  const [first = ''] = paths;
  let length = Math.max(first.lastIndexOf('/'), first.lastIndexOf('\\')) + 1;
  for (const path of paths) {
    while (length > 0 && !path.startsWith(first.slice(0, length))) {
      const shorter = first.slice(0, length - 1);
      length = Math.max(shorter.lastIndexOf('/'), shorter.lastIndexOf('\\')) + 1;
    }
  }
  return first.slice(0, length);
}

/** `1 file`, `2 files` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function oneLine(text: string, charsMax: number): string {
  return printable(text, charsMax);
}

export function noticeLines(
  notices: readonly { readonly file: string | null; readonly message: string }[],
): string[] {
  const lines = notices
    .slice(0, NOTICES_MAX)
    .map(({ file, message }) =>
      oneLine(`Note: ${file === null ? '' : `${file}: `}${message}`, NOTICE_CHARS_MAX),
    );
  return notices.length > NOTICES_MAX ? [...lines, `and ${notices.length - NOTICES_MAX} more notes`] : lines;
}

/** `8 utf-8, 1 gb18030`: how often each occurs, the most frequent first. */
export function tally(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([value, count]) => `${count} ${value}`)
    .join(', ');
}
