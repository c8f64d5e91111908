/** Conditions on the fields of a JSON line: `level=error`, `http.status>=500`, `user.name~adm`, `trace_id`. */
import { ChsError } from '../../platform/errors.ts';

export interface JsonCondition {
  /** Names and indexes from the outside in. */
  readonly path: readonly string[];
  /** @param text the whole line: numbers that JavaScript cannot hold are compared as they are written there */
  readonly test: (value: unknown, text: string) => boolean;
}

const OPERATORS = ['>=', '<=', '!=', '!~', '=', '~', '>', '<'] as const;
const CONDITION = /^([^=~<>!]+?)\s*(>=|<=|!=|!~|=|~|>|<)\s*([\s\S]*)$/;
const DEPTH_MAX = 32;

/**
 * Reads a condition: a path of names and indexes, which may be followed by an operator and a value. `=` compares texts
 * and numbers as they are written, `~` looks for a part, `<` and its like compare numbers where both are, else texts.
 * A path alone asks whether something is there, null included.
 *
 * @throws ChsError INVALID_INPUT
 */
export function parseCondition(text: string, field: string, caseSensitive: boolean): JsonCondition {
  const match = CONDITION.exec(text);
  const path = pathOf(match?.[1] ?? text);
  // An order needs something to compare with; an operator without a path is half of a condition.
  const isHalf = match ? /[<>]/.test(match[2] ?? '') && match[3] === '' : /^\s*[=~<>!]/.test(text);
  if (path === null || isHalf) {
    const reason = `"${text}" is no condition: expected PATH, or PATH, one of ${OPERATORS.join(' ')} and a value`;
    throw new ChsError('INVALID_INPUT', { field, reason });
  }
  if (!match) return { path, test: (value) => value !== undefined };
  const wanted = match[3] ?? '';
  return { path, test: comparison(match[2] ?? '', wanted, { caseSensitive, name: path.at(-1) ?? '' }) };
}

/** `a.b[0].c`; a name with dots in quotes: `"a.b".c` */
export function pathOf(text: string): string[] | null {
  const names: string[] = [];
  const piece = /(?:"([^"]*)"|\[(\d+)\]|([^.[\]"\s]+))\.?/y;
  const trimmed = text.trim().replace(/^\$\.?/, '');
  while (piece.lastIndex < trimmed.length) {
    const match = piece.exec(trimmed);
    if (!match || names.length >= DEPTH_MAX) return null;
    names.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return names.length > 0 ? names : null;
}

/** What is at the path; undefined where nothing is. A whole path may also be one name with dots. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  const whole = memberOf(root, path.join('.'));
  if (whole !== undefined) return whole;
  return path.reduce<unknown>((here, name) => memberOf(here, name), root);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

interface ComparisonOptions {
  readonly caseSensitive: boolean;
  /** The last name of the path. */
  readonly name: string;
}

function comparison(
  operator: string,
  wanted: string,
  { caseSensitive, name }: ComparisonOptions,
): JsonCondition['test'] {
  const fold = (text: string): string => (caseSensitive ? text : text.toLowerCase());
  const sought = fold(wanted);
  const isWritten = exactNumber(name, wanted);
  const isEqual = (value: unknown, text: string): boolean => {
    if (typeof value !== 'number' || !NUMBER.test(wanted))
      return value !== undefined && fold(textOf(value)) === sought;
    if (value !== Number(wanted)) return false;
    return Number.isSafeInteger(value) || !Number.isInteger(value) || isWritten(text);
  };
  const contains = (value: unknown): boolean => value !== undefined && fold(textOf(value)).includes(sought);
  if (operator === '=') return isEqual;
  if (operator === '!=') return (value, text) => !isEqual(value, text);
  if (operator === '~') return contains;
  if (operator === '!~') return (value) => !contains(value);
  const holds = (order: number): boolean =>
    operator === '>' ? order > 0 : operator === '<' ? order < 0 : operator === '>=' ? order >= 0 : order <= 0;
  return (value) => {
    if (value === undefined || value === null || typeof value === 'object') return false;
    const [left, right] = [Number(value), Number(wanted)];
    const areNumbers = wanted.trim() !== '' && value !== '' && !Number.isNaN(left) && !Number.isNaN(right);
    if (areNumbers) return holds(left - right);
    const text = textOf(value);
    return holds(text < wanted ? -1 : text > wanted ? 1 : 0);
  };
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Whether a number stands in the line under this name, digit by digit. */
function exactNumber(name: string, wanted: string): (text: string) => boolean {
  const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const member = new RegExp(
    `(?:${escaped(JSON.stringify(name))}\\s*:|[[,])\\s*${escaped(wanted)}(?![\\d.eE])`,
  );
  return (text) => member.test(text);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
