/** What a rules file may say: rules that read facts out of lines, and rules that take secrets out of them. */
import { ChsError } from '../../platform/errors.ts';

/** Reads facts: `fields` name the capture groups in order; named groups name themselves. */
export interface FactRule {
  readonly name: string;
  /** RE2 syntax. */
  readonly pattern: string;
  readonly fields: readonly string[];
  /** The file that it comes from, or `built-in`. */
  readonly source: string;
}

/** Takes out what must not be seen. */
export interface RedactRule {
  readonly name: string;
  readonly pattern: string;
  /** `$1`, `$<name>`, `$&` and `$$` as in String.replace. */
  readonly replacement: string;
  readonly source: string;
}

export const ruleLimits = {
  rulesMax: 1000,
  patternBytesMax: 4096,
  fieldsMax: 50,
  nameCharsMax: 100,
} as const;
const REPLACEMENT_CHARS_MAX = 1000;

const namePattern = /^[\p{L}\p{N}_][\p{L}\p{N}_.:\-/ ]*$/u;
const fieldPattern = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/**
 * The rules of a parsed `facts.d/*.toml`: tables `[[rule]]` of `name`, `pattern` and, unless the pattern names its
 * groups, `fields`. Throws CONFIG_ERROR that names `source`, the rule and what is wrong.
 */
export function parseFactRules(value: unknown, source: string): FactRule[] {
  return tablesOf(value, source).map((table, index) => {
    const { name, pattern, where } = commonOf(table, index, source, ['name', 'pattern', 'fields']);
    return { name, pattern, fields: fieldsOf(table.fields, where), source };
  });
}

/**
 * The rules of a parsed `redact.d/*.toml`: tables `[[rule]]` of `name`, `pattern` and `replacement`, by default
 * `[REDACTED:name]`. Throws CONFIG_ERROR like parseFactRules.
 */
export function parseRedactRules(value: unknown, source: string): RedactRule[] {
  return tablesOf(value, source).map((table, index) => {
    const { name, pattern, where } = commonOf(table, index, source, ['name', 'pattern', 'replacement']);
    const { replacement } = table;
    if (replacement !== undefined && typeof replacement !== 'string')
      throw wrong(where, 'replacement is not a text');
    if (replacement !== undefined && replacement.length > REPLACEMENT_CHARS_MAX)
      throw wrong(where, `replacement is longer than ${REPLACEMENT_CHARS_MAX} characters`);
    return { name, pattern, replacement: replacement ?? `[REDACTED:${name}]`, source };
  });
}

/** A failure of the rules at `where`. */
export function wrong(where: string, reason: string, cause?: unknown): ChsError {
  return new ChsError('CONFIG_ERROR', { reason: `${where}: ${reason}` }, { cause });
}

/** How failures call a rule. */
export function placeOf(rule: { readonly source: string; readonly name: string }): string {
  return `${rule.source}: rule "${rule.name}"`;
}

type Table = Readonly<Record<string, unknown>>;

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function tablesOf(value: unknown, source: string): Table[] {
  if (!isTable(value)) throw wrong(source, 'it has no [[rule]] tables');
  for (const key of Object.keys(value))
    if (key !== 'rule') throw wrong(source, `"${key}" is not known; rules stand in [[rule]] tables`);
  const { rule } = value;
  if (rule === undefined) return [];
  if (!Array.isArray(rule)) throw wrong(source, 'rules stand in [[rule]] tables, with double brackets');
  if (rule.length > ruleLimits.rulesMax) throw wrong(source, `it has more than ${ruleLimits.rulesMax} rules`);
  return rule.map((table: unknown, index) => {
    if (!isTable(table)) throw wrong(`${source}: rule ${index + 1}`, 'it is not a table');
    return table;
  });
}

function commonOf(table: Table, index: number, source: string, known: readonly string[]) {
  const numbered = `${source}: rule ${index + 1}`;
  const { name, pattern } = table;
  if (typeof name !== 'string' || name === '') throw wrong(numbered, 'name is missing');
  if (name.length > ruleLimits.nameCharsMax)
    throw wrong(numbered, `name is longer than ${ruleLimits.nameCharsMax} characters`);
  if (!namePattern.test(name))
    throw wrong(numbered, 'name has other characters than letters, digits and _ . : - /');
  const where = placeOf({ source, name });
  if (typeof pattern !== 'string' || pattern === '') throw wrong(where, 'pattern is missing');
  if (Buffer.byteLength(pattern) > ruleLimits.patternBytesMax)
    throw wrong(where, `pattern is longer than ${ruleLimits.patternBytesMax} bytes`);
  for (const key of Object.keys(table))
    if (!known.includes(key)) throw wrong(where, `"${key}" is not known; a rule has ${known.join(', ')}`);
  return { name, pattern, where };
}

function fieldsOf(value: unknown, where: string): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(where, 'fields is not a list of names');
  if (value.length > ruleLimits.fieldsMax)
    throw wrong(where, `it has more than ${ruleLimits.fieldsMax} fields`);
  const fields = value.map((field: unknown) => {
    if (typeof field !== 'string' || !fieldPattern.test(field) || field.length > ruleLimits.nameCharsMax)
      throw wrong(where, `${JSON.stringify(field)} is not a name for a field`);
    return field;
  });
  if (new Set(fields).size < fields.length) throw wrong(where, 'a field is named twice');
  return fields;
}
