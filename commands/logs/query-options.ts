/** What is looked for: the options that every command takes which reads lines, and the query made of them. */
import { Option } from 'commander';
import type * as z from 'zod';
import type { logOperations } from '../../src/logs/operations.ts';
import { grouped } from '../../src/logs/search/grouped-regex.ts';
import { isTimeZone } from '../../src/logs/time/zones.ts';
import type { Invocation } from '../define.ts';
import { usageError } from '../failure.ts';

/** A query without the session that it is asked of. */
export type Query = Omit<z.input<(typeof logOperations)['countHits']['input']>, 'session_id'>;

const HOW_TO_SAY_WHEN = 'Say it as 10m, "2h ago", 15:04, "2026-01-06 15:04" or 2026-01-06T15:04:05Z.';

/** An option that may be given several times. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be given several times`).argParser(
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  );
}

/** Which lines count. */
export function queryOptions(): Option[] {
  return [
    repeated('--must <text>', 'only lines with all of these'),
    repeated('--any <text>', 'only lines with at least one of these'),
    repeated('--none <text>', 'no lines with any of these'),
    repeated('-e, --regex <regex>', 'only lines that one of these matches (RE2 syntax)'),
    new Option('-i, --ignore-case', 'upper and lower case are the same'),
    new Option('-w, --word', 'whole words only'),
    new Option(
      '--since <time>',
      'only events from this time on: 10m, "2h ago", "2026-01-06 15:04", RFC 3339',
    ),
    new Option('--until <time>', 'only events up to this time; a date alone is the beginning of that day'),
    repeated('--json-must <condition>', 'lines are JSON, and this holds: level=error, http.status>=500'),
    repeated('--json-any <condition>', 'lines are JSON, and one of these holds'),
    repeated('--json-none <condition>', 'lines are JSON, and none of these holds'),
    new Option('--time-field <path>', 'lines are JSON, and here is the time of each'),
    repeated('--include <glob>', 'only files whose path or name matches'),
    repeated('--exclude <glob>', 'no files whose path or name matches'),
  ];
}

/** Which files are looked into, and how they are read. */
export function targetOptions(): Option[] {
  return [
    new Option('--encoding <name>', 'read the files in this encoding, as gb18030 (default: found out)'),
    new Option(
      '--tz <zone>',
      'zone of times that name none, as Asia/Shanghai, or local for that of this machine (default: UTC)',
    ),
    new Option('--session <id>', 'the files of this session instead of paths'),
  ];
}

/** The values of an option that may be given several times. */
export function valuesOf({ options }: Pick<Invocation, 'options'>, name: string): string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The value of an option that takes a text; undefined where it was not given. */
export function textOf({ options }: Pick<Invocation, 'options'>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** @throws ChsError USAGE for a text that is no whole number in these bounds */
export function numberOf(
  invocation: Pick<Invocation, 'options'>,
  name: string,
  { flag, min, max }: { readonly flag: string; readonly min: number; readonly max: number },
): number | undefined {
  const text = textOf(invocation, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`${flag}: expected a whole number from ${min} to ${max}`);
}

/** Whether options alone say what is looked for, so that every word is a path. */
export function hasTerms(invocation: Pick<Invocation, 'options'>): boolean {
  return ['must', 'any', 'none', 'regex', 'jsonMust', 'jsonAny', 'jsonNone'].some(
    (name) => valuesOf(invocation, name).length > 0,
  );
}

/** @throws ChsError USAGE for what is no zone */
export function zoneOf(invocation: Pick<Invocation, 'options'>): string | undefined {
  const zone = textOf(invocation, 'tz');
  if (zone === undefined) return undefined;
  if (zone === 'local') return Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isTimeZone(zone)) return zone;
  throw usageError(`--tz: there is no zone '${zone}'`, 'Name it as Asia/Shanghai, Europe/Berlin or UTC.');
}

/**
 * @param pattern a word of the command line that has to be on the line; null for none
 * @throws ChsError USAGE for a time or zone that is none
 */
export async function readQuery(invocation: Invocation, pattern: string | null): Promise<Query> {
  const { options } = invocation;
  const regexes = valuesOf(invocation, 'regex');
  const conditions = {
    json_path_must: valuesOf(invocation, 'jsonMust'),
    json_path_any: valuesOf(invocation, 'jsonAny'),
    json_path_none: valuesOf(invocation, 'jsonNone'),
  };
  const timeField = textOf(invocation, 'timeField');
  const isJson = timeField !== undefined || Object.values(conditions).some(({ length }) => length > 0);
  const [start, end] = await Promise.all([instantOf(invocation, 'since'), instantOf(invocation, 'until')]);
  return {
    must: [...(pattern ? [pattern] : []), ...valuesOf(invocation, 'must')],
    any: valuesOf(invocation, 'any'),
    none: valuesOf(invocation, 'none'),
    ...(regexes.length > 0 ? { regex: joined(regexes) } : {}),
    case_sensitive: options.ignoreCase !== true,
    whole_word: options.word === true,
    ...(start === undefined ? {} : { time_start: start }),
    ...(end === undefined ? {} : { time_end: end }),
    include_globs: valuesOf(invocation, 'include'),
    exclude_globs: valuesOf(invocation, 'exclude'),
    ...(isJson ? { mode: 'json' as const, ...conditions } : {}),
    ...(timeField === undefined ? {} : { time_field: timeField }),
  };
}

/** Whether it leaves anything out: a search for nothing is a mistake more often than a wish for every line. */
export function asksForSomething(query: Query): boolean {
  const terms = [query.must, query.any, query.none, query.json_path_must, query.json_path_any];
  return (
    terms.some((list) => list !== undefined && list.length > 0) ||
    (query.json_path_none ?? []).length > 0 ||
    [query.regex, query.time_start, query.time_end].some((value) => typeof value === 'string')
  );
}

/** One expression that matches where any of them does. */
function joined(regexes: readonly string[]): string {
  const [only = ''] = regexes;
  return regexes.length === 1 ? only : regexes.map(grouped).join('|');
}

async function instantOf(invocation: Invocation, name: 'since' | 'until'): Promise<string | undefined> {
  const text = textOf(invocation, name);
  if (text === undefined) return undefined;
  const { parseWhen } = await import('../../src/logs/time/when.ts');
  const epochMs = parseWhen(text, Date.now(), zoneOf(invocation) ?? 'UTC');
  if (epochMs === null) throw usageError(`--${name}: '${text}' is no time`, HOW_TO_SAY_WHEN);
  return new Date(epochMs).toISOString();
}
