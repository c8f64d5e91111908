/** What the server knows of a stored file beside its content: place, state, and where declaration and bytes differ. */
import type { Output } from '../output.ts';
import { datum, type Fact, shownTime } from './facts.ts';
import { shownBytes } from './progress.ts';
import { renderTable } from './table.ts';

/** The fields that stored files of every kind share. */
export interface StoredFile {
  readonly id: string;
  readonly state: string | null;
  readonly file_path: string;
  readonly size_bytes: number | null;
  readonly sha256: string | null;
  readonly declared: Readonly<Record<string, unknown>> | null;
  readonly parsed: Readonly<Record<string, unknown>> | null;
}

/** @param storedAt ISO 8601 */
export function storedFacts(file: StoredFile, storedAt: string): Fact[] {
  return [
    ['id', file.id],
    ['state', stateText(file.state)],
    ['stored', `${shownTime(storedAt)} UTC, ${file.file_path}`],
    ['size', file.size_bytes === null ? null : `${shownBytes(file.size_bytes)} (${file.size_bytes} bytes)`],
    ['sha256', file.sha256],
  ];
}

const SAYINGS: Readonly<Record<string, string>> = {
  mismatch: 'mismatch: what was declared is not what the file says',
  unparsed: 'unparsed: the file could not be read, what was declared is all there is',
};

function stateText(state: string | null): string | null {
  return state === null ? null : (SAYINGS[state] ?? state);
}

/** Rows of field, declared and parsed, for the fields where both speak and differ. */
export function differences({ declared, parsed }: StoredFile): string[][] {
  if (!declared || !parsed) return [];
  return Object.keys(declared)
    .filter(
      (field) =>
        known(declared[field]) &&
        known(parsed[field]) &&
        comparable(declared[field]) !== comparable(parsed[field]),
    )
    .map((field) => [field, datum(String(declared[field])), datum(String(parsed[field]))]);
}

export function known(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Spelling (case, dashes, leading zeros of hexadecimal numbers) is no difference. */
function comparable(value: unknown): string {
  const text = String(value).replace(/[-{}]/g, '').toUpperCase();
  return text.replace(/^0X0*/, '0X');
}

/** Declared and parsed identity side by side, where they differ. */
export async function showDifferences(out: Output, file: StoredFile): Promise<void> {
  const rows = differences(file);
  if (rows.length === 0) return;
  out.line();
  out.line(out.style.yellow('Declared is not what the file says'));
  const columns = [
    { title: 'FIELD' },
    { title: 'DECLARED', shrinkTo: 12 },
    { title: 'PARSED', shrinkTo: 12 },
  ];
  for (const line of await renderTable(columns, rows, out.columns, out.style)) out.line(line);
}
