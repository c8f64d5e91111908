/** Reads an operation's input out of path, query and JSON, and says in plain words what is wrong with it. */
import * as z from 'zod';
import { issueText } from '../src/input-issue.ts';
import { inputSchema } from '../src/input-schema.ts';
import type { Operation } from '../src/operation.ts';
import { ChsError } from '../src/platform/errors.ts';

/** Query strings carry text only; the schema says which texts are numbers, booleans and JSON. */
type FieldType = 'number' | 'boolean' | 'object' | 'text';

const fieldTypes = new WeakMap<Operation, ReadonlyMap<string, FieldType>>();

/**
 * @param texts path parameters and query, by name
 * @throws ChsError INVALID_INPUT
 */
export function decodeTexts(operation: Operation, texts: Readonly<Record<string, string>>): unknown {
  return parseInput(operation, valuesOf(operation, texts));
}

/** Texts as the values that they stand for, checked by nobody yet. */
export function valuesOf(
  operation: Operation,
  texts: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const types = typesOf(operation);
  const input: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(texts)) {
    const type = types.get(name);
    // Whatever else a client appends to a URL (cache busters, tracking) is none of our business.
    if (type === undefined) continue;
    // Forms and templates send empty values for what is left out.
    if (text === '' && type !== 'boolean') continue;
    input[name] = valueOfType[type](text, name);
  }
  return input;
}

const valueOfType: Record<FieldType, (text: string, name: string) => unknown> = {
  number: numberOf,
  boolean: booleanOf,
  object: (text, field) =>
    parseJsonObject(text, (reason) => new ChsError('INVALID_INPUT', { field, reason })),
  text: (text) => text,
};

/** @throws ChsError INVALID_INPUT with every field that is wrong, the first one named */
export function parseInput(operation: Operation, input: unknown): unknown {
  const result = z.safeParse(operation.input, input);
  if (result.success) return result.data;
  const [first, ...others] = result.error.issues.slice(0, 5);
  const described = (issue: z.core.$ZodIssue): string =>
    `${issue.path.join('.')}: ${issueText(issue, input)}`;
  const field = first?.path.join('.') || 'input';
  const reason = [first ? issueText(first, input) : 'wrong', ...others.map(described)].join('; ');
  throw new ChsError('INVALID_INPUT', { field, reason });
}

/**
 * Parses JSON text that must be an object.
 *
 * @param refusal makes the error of a reason why it is none
 */
export function parseJsonObject(
  text: string,
  refusal: (reason: string) => ChsError,
): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff|\0+$/g, ''));
  } catch (error) {
    throw refusal(error instanceof Error ? withoutExcerpt(error.message) : 'no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
    throw refusal(`it is ${what}`);
  }
  return { ...value };
}

/** Engines quote the text around a JSON error; a secret may stand there. */
function withoutExcerpt(message: string): string {
  return message.replace(/,? ?(\.{3})?"[\s\S]*"(\.{3})? is not valid JSON/, '');
}

function typesOf(operation: Operation): ReadonlyMap<string, FieldType> {
  const known = fieldTypes.get(operation);
  if (known) return known;
  const types = new Map<string, FieldType>();
  for (const [name, property] of Object.entries(inputSchema(operation).properties)) {
    const type = typeof property === 'object' ? property.type : undefined;
    types.set(name, type === 'integer' ? 'number' : isFieldType(type) ? type : 'text');
  }
  fieldTypes.set(operation, types);
  return types;
}

function isFieldType(type: unknown): type is FieldType {
  return typeof type === 'string' && Object.hasOwn(valueOfType, type);
}

/** A text that is no number stays text, and the schema says what it expected. */
function numberOf(text: string): unknown {
  return /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function booleanOf(text: string): unknown {
  if (text === 'true' || text === '1' || text === '') return true;
  return text === 'false' || text === '0' ? false : text;
}
