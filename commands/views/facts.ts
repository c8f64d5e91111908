/** Lists of facts, one a line, labels aligned; unknown ones are left out. */
import { printable } from '../../src/platform/errors.ts';
import type { Style } from './style.ts';

export type Fact = readonly [label: string, value: string | number | null | undefined];

/** `  label   value` lines; values lose their control characters here. */
export function renderFacts(facts: readonly Fact[], style: Style): string[] {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...known.map(([label]) => label.length));
  return known.map(([label, value]) => `${style.dim(label.padEnd(width))}  ${datum(value)}`);
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
