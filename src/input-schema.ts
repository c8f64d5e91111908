/** An operation's input as JSON Schema: what options, query strings and documents are read off. */
import { toJSONSchema } from 'zod/v4/core';
import type { Operation } from './operation.ts';

export interface InputSchema {
  /** By field; the operations' own marks (`short`, `complete`) survive in them. */
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required: readonly string[];
}

const made = new WeakMap<Operation, InputSchema>();

/** Made once for each operation: its readers are many, and making it is slow. */
export function inputSchema(operation: Operation): InputSchema {
  const known = made.get(operation);
  if (known) return known;
  const { $schema: _, ...schema } = toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
  const whole = { properties: {}, required: [], ...schema } as InputSchema;
  made.set(operation, whole);
  return whole;
}
