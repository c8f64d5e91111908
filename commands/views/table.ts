/** Tables of text: aligned, fitted to a terminal, whole when there is none. */
import type { Style } from './style.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The narrowest that it may become; without it the column is never cut. */
  readonly shrinkTo?: number;
  /** Columns with higher numbers are left out first when the table is too wide; without it never. */
  readonly dropOrder?: number;
}

/** Cells are one line of text each, already free of control characters. */
export type Row = readonly string[];

const GAP = '  ';
/** Where there is no terminal, one long name should not push every line's end out of sight. */
const UNSEEN_CELL_MAX = 80;
const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/**
 * @param width columns of the terminal; null for none: cells that may be narrowed are cut at 80 columns; Infinity
 *   lays the table out in full
 * @returns lines, the titles first
 */
export async function renderTable(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number | null,
  style: Style,
): Promise<string[]> {
  const measure = await measureFor(rows);
  const natural = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => measure(row[index] ?? ''))),
  );
  const { kept, widths } = fit(columns, natural, width);
  const line = (row: Row, paint: (text: string) => string): string =>
    kept
      .map((index, place) => {
        const space = widths[index] ?? 0;
        const text = cut(row[index] ?? '', space, measure);
        const padding = ' '.repeat(Math.max(0, space - measure(text)));
        if (columns[index]?.align === 'right') return padding + paint(text);
        return place === kept.length - 1 ? paint(text) : paint(text) + padding;
      })
      .join(GAP)
      .trimEnd();
  const titles = columns.map(({ title }) => title);
  return [line(titles, style.bold), ...rows.map((row) => line(row, (text) => text))];
}

/** Counts terminal cells; the table of wide characters is loaded only where there are any. */
export async function measureFor(rows: readonly Row[]): Promise<(text: string) => number> {
  if (rows.every((row) => row.every((cell) => PLAIN_ASCII.test(cell)))) return (text) => text.length;
  const { default: stringWidth } = await import('string-width');
  return (text) => (PLAIN_ASCII.test(text) ? text.length : stringWidth(text));
}

/** First narrows what may be narrowed, widest first, then leaves columns out. */
function fit(
  columns: readonly Column[],
  natural: readonly number[],
  width: number | null,
): { kept: number[]; widths: number[] } {
  let kept = columns.map((_, index) => index);
  const cappedWidth = (space: number, index: number): number =>
    columns[index]?.shrinkTo === undefined ? space : Math.min(space, UNSEEN_CELL_MAX);
  for (;;) {
    const widths = [...natural];
    if (width === null) return { kept, widths: widths.map(cappedWidth) };
    const over = (): number =>
      kept.reduce((sum, index) => sum + (widths[index] ?? 0), GAP.length * (kept.length - 1)) - width;
    while (over() > 0) {
      const widest = widestShrinkable(columns, widths, kept);
      if (widest === null) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
    const dropped = over() > 0 ? firstToDrop(columns, kept) : null;
    if (dropped === null) return { kept, widths };
    kept = kept.filter((index) => index !== dropped);
  }
}

function widestShrinkable(
  columns: readonly Column[],
  widths: readonly number[],
  kept: readonly number[],
): number | null {
  const candidates = kept.filter(
    (index) => (widths[index] ?? 0) > (columns[index]?.shrinkTo ?? Number.POSITIVE_INFINITY),
  );
  return candidates.reduce<number | null>(
    (best, index) => (best === null || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
    null,
  );
}

function firstToDrop(columns: readonly Column[], kept: readonly number[]): number | null {
  const order = (index: number): number => columns[index]?.dropOrder ?? 0;
  const last = kept.reduce((best, index) => (order(index) > order(best) ? index : best), kept[0] ?? 0);
  return kept.length > 1 && order(last) > 0 ? last : null;
}

/** The text, or as much of its beginning as fits, with a mark that it goes on. */
export function cut(text: string, space: number, measure: (text: string) => number): string {
  if (measure(text) <= space) return text;
  if (space < 1) return '';
  let shown = '';
  for (const character of text) {
    if (measure(shown + character) > space - 1) break;
    shown += character;
  }
  return `${shown}…`;
}
