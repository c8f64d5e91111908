/** Lists of facts, one a line, labels aligned; unknown ones are left out. */
import { printable } from '../../src/platform/errors.ts';
import type { Output } from '../output.ts';
import { cut } from './table.ts';

export type Fact = readonly [label: string, value: string | number | null | undefined];

/** How many lines of a terminal one value may take. */
const VALUE_LINES_MAX = 2;

/**
 * `label   value` lines; values lose their control characters here, and on a terminal the end of what would fill
 * it. No hash, path or ID of ours is as long.
 */
export function renderFacts(
  facts: readonly Fact[],
  { style, columns }: Pick<Output, 'style' | 'columns'>,
): string[] {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...known.map(([label]) => label.length));
  const shown = (value: Fact[1]): string => {
    if (columns === null) return printable(String(value), Number.POSITIVE_INFINITY);
    return cut(datum(value), columns * VALUE_LINES_MAX - width - 2, widestMeasure);
  };
  return known.map(([label, value]) => `${style.dim(label.padEnd(width))}  ${shown(value)}`);
}

/** What is not ASCII may be two columns wide. */
function widestMeasure(text: string): number {
  return text.replace(/[^\x20-\x7e]/gu, '__').length;
}

/** A datum for a terminal: one line, no control characters, `-` for an unknown one. */
export function datum(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '-' : printable(String(value));
}

/** `2026-01-06 12:34:56` in UTC; what is no such time stays as it is. */
export function shownTime(iso: string | null): string {
  const match = iso === null ? null : /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(iso);
  return match ? `${match[1]} ${match[2]}` : datum(iso);
}
