/** Reads options off an operation's input, and the operation's input off the options of a call. */
import { InvalidArgumentError, Option } from 'commander';
import type * as z from 'zod';
import { safeParse } from 'zod/v4/core';
import { issueText } from '../src/input-issue.ts';
import { inputSchema } from '../src/input-schema.ts';
import type { Operation } from '../src/operation.ts';
import { pathParameters } from '../src/operation.ts';
import { isoSeconds, parseSpan } from '../src/platform/clock.ts';
import { type Completion, completed, type Invocation } from './define.ts';
import { usageError } from './failure.ts';

/** What a field's JSON Schema says; `short` and `complete` are marks of the operations' own. */
interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly short?: string;
  readonly complete?: Completion;
  /** The name of one member, where the field is an object: each is an option of its own. */
  readonly flag?: string;
}

/** Spans reach back further than dates go; nothing that is stored is as old as this. */
const BEGIN_MS = Date.UTC(1970, 0, 1);

/**
 * One option for each field of the input that is not in the operation's path: `exe_version` is
 * `--exe-version <text>`. Values are checked by the field's own schema while the line is parsed.
 */
export function optionsOf(operation: Operation, omitted: readonly string[] = []): Option[] {
  const skipped = new Set([...pathParameters(operation.path), ...omitted]);
  return [...fieldSchemas(operation)]
    .filter(([name]) => !skipped.has(name))
    .flatMap(([name, schema]) => [optionOf(operation, name, schema), ...negationOf(name, schema)]);
}

/** What may be true, false or left out needs a way to say false. */
function negationOf(name: string, schema: FieldSchema): Option[] {
  if (schema.type !== 'boolean' || schema.default !== undefined) return [];
  return [new Option(longFlag(`no_${name}`), 'the opposite')];
}

/**
 * The operation's input, checked whole.
 *
 * @param positional values of path parameters and of whatever else came without an option, by field
 * @throws ChsError USAGE, naming the option or argument
 */
export function readInput<O extends Operation>(
  operation: O,
  { options }: Pick<Invocation, 'options'>,
  positional: Readonly<Record<string, unknown>> = {},
): z.output<O['input']> {
  const given: Record<string, unknown> = {};
  for (const [name, schema] of fieldSchemas(operation)) {
    const value = positional[name] ?? options[attributeOf(schema.flag ?? name)];
    if (value !== undefined) given[name] = value;
  }
  const result = safeParse<O['input']>(operation.input, given, { jitless: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = String(issue?.path[0] ?? '');
  const shown = field in positional ? `${field} '${String(positional[field])}'` : longFlag(field);
  throw usageError(`${shown}: ${issue ? issueText(issue, given) : 'wrong'}`);
}

/** A span such as `24h` or `7d` as the instant that long ago; anything else stays as it is. */
export function instantFrom(text: string, nowMs = Date.now()): string {
  const spanMs = parseSpan(text);
  return Number.isNaN(spanMs) ? text : isoSeconds(Math.max(nowMs - spanMs, BEGIN_MS));
}

function optionOf(operation: Operation, name: string, schema: FieldSchema): Option {
  const flag = longFlag(schema.flag ?? name);
  const long = schema.type === 'boolean' ? flag : `${flag} <${placeholder(schema)}>`;
  const needed = inputSchema(operation).required.includes(name) ? ' (required)' : '';
  const flags = schema.short ? `-${schema.short}, ${long}` : long;
  const option = new Option(flags, `${describe(name, schema)}${needed}`);
  option.makeOptionMandatory(needed !== '');
  if (schema.complete) completed(option, schema.complete);
  if (schema.type === 'boolean') return option;
  if (schema.enum) return option.choices(schema.enum);
  if (schema.flag !== undefined) return option.argParser(withMember);
  return option.argParser((text: string) => {
    const value = fieldValue(text, schema);
    const result = checkField(operation, name, value);
    if (result !== null) throw new InvalidArgumentError(expectation(schema) ?? result);
    return value;
  });
}

/** `NAME=VALUE` on top of those before it. */
function withMember(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=', 1);
  if (at < 0) throw new InvalidArgumentError('expected NAME=VALUE');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function fieldValue(text: string, schema: FieldSchema): unknown {
  if (schema.type === 'integer' || schema.type === 'number')
    return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
  return schema.format === 'date-time' ? instantFrom(text) : text;
}

/** Null when the value is right, otherwise what is wrong with it. */
function checkField(operation: Operation, name: string, value: unknown): string | null {
  const result = safeParse(operation.input, { [name]: value }, { jitless: true });
  const issue = result.error?.issues.find((candidate) => candidate.path[0] === name);
  return issue ? issueText(issue, { [name]: value }) : null;
}

/** Words that name the bounds, where the schema's own message would not. */
function expectation(schema: FieldSchema): string | null {
  if (schema.type !== 'integer' && schema.type !== 'number') return null;
  return `expected a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? Number.MAX_SAFE_INTEGER}`;
}

function placeholder(schema: FieldSchema): string {
  if (schema.flag !== undefined) return 'name=value';
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.format === 'date-time') return 'time';
  return schema.complete ?? (schema.enum ? 'choice' : 'text');
}

function describe(name: string, schema: FieldSchema): string {
  const words = schema.description ?? name.replaceAll('_', ' ');
  const relative = schema.format === 'date-time' ? ', or how long ago: 30m, 24h, 7d' : '';
  const repeated = schema.flag === undefined ? '' : '; may be given more than once';
  const shown = schema.default === undefined ? '' : ` (default: ${String(schema.default)})`;
  return `${words}${relative}${repeated}${shown}`;
}

/** `exe_version` as `--exe-version`. */
export function longFlag(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** `exe_version` as the attribute of `--exe-version`. */
export function attributeOf(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function fieldSchemas(operation: Operation): ReadonlyMap<string, FieldSchema> {
  return new Map(Object.entries(inputSchema(operation).properties));
}
