/** The tables of ground truth that lie beside the shared fixtures. */
import { readFileSync } from 'node:fs';

/** One line of a table: `file` and `kind` are in all of them, other cells go by their column's name. */
export interface ManifestRow {
  readonly file: string;
  readonly kind: string;
  readonly cell: (column: string) => string;
}

/** Reads a table of tab-separated values whose first line names the columns. */
export function readManifest(path: string): ManifestRow[] {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const columns = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    const cell = (column: string): string => {
      const index = columns.indexOf(column);
      if (index < 0) throw new Error(`${path} has no column ${column}`);
      return cells[index] ?? '';
    };
    return { file: cell('file'), kind: cell('kind'), cell };
  });
}
