/** The schema's keys as a flat table: dotted name, kind, marks, what each expects; read off the schema, once. */
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** What text (from the environment or a flag) has to become before the schema sees it. */
export type KeyKind = 'text' | 'integer' | 'boolean' | 'size' | 'list' | 'table';

export interface ConfigKey {
  /** 'auth.rate_limit.qps_per_key' */
  readonly name: string;
  readonly parts: readonly string[];
  /** 'CHS_AUTH_RATE_LIMIT_QPS_PER_KEY' */
  readonly envName: string;
  readonly kind: KeyKind;
  readonly description: string;
  /** Ends the sentence "expected ...". */
  readonly expects: string;
  /** For lists: what one item has to be; otherwise the same as `expects`. */
  readonly itemExpects: string;
  /** The default as a file would spell it; undefined when the key is optional. */
  readonly defaultValue: unknown;
  readonly example: unknown;
  readonly secret: boolean;
  readonly path: boolean;
  readonly reload: boolean;
  readonly inert: boolean;
}

export interface ConfigSection {
  readonly name: string;
  readonly description: string;
}

const keys = new Map<string, ConfigKey>();
const sections = new Map<string, ConfigSection>();
walk(configSchema, []);

/** Every key by its dotted name, in the order of the schema. */
export const configKeys: ReadonlyMap<string, ConfigKey> = keys;

/** Every table by its dotted name ('server', 'auth.rate_limit'). */
export const configSections: ReadonlyMap<string, ConfigSection> = sections;

function walk(schema: z.core.$ZodObject, above: readonly string[]): void {
  for (const [name, field] of Object.entries(schema._zod.def.shape)) {
    const parts = [...above, name];
    const bare = unwrapped(field);
    if (bare._zod.def.type === 'object') {
      sections.set(parts.join('.'), {
        name: parts.join('.'),
        description: textMark(field, 'description') ?? '',
      });
      walk(bare as z.core.$ZodObject, parts);
    } else {
      keys.set(parts.join('.'), toKey(parts, field, bare));
    }
  }
}

function toKey(parts: readonly string[], field: z.core.$ZodType, bare: z.core.$ZodTypes): ConfigKey {
  const name = parts.join('.');
  const description = textMark(field, 'description');
  if (description === null) throw new Error(`configuration key ${name} has no description`);
  const def = bare._zod.def;
  const item = def.type === 'array' ? expectation(unwrapped(def.element)) : null;
  return {
    name,
    parts,
    envName: `CHS_${parts.join('_').toUpperCase()}`,
    kind: kindOf(bare),
    description,
    expects: item === null ? expectation(bare) : `a list, each item ${item}`,
    itemExpects: item ?? expectation(bare),
    defaultValue: defaultOf(field),
    example: mark(field, 'example') ?? null,
    secret: mark(field, 'secret') === true,
    path: mark(field, 'path') === true,
    reload: mark(field, 'reload') === true,
    inert: mark(field, 'inert') === true,
  };
}

function mark(schema: z.core.$ZodType, name: string): unknown {
  const marks: Record<string, unknown> | undefined = z.globalRegistry.get(schema);
  return marks?.[name];
}

function textMark(schema: z.core.$ZodType, name: string): string | null {
  const value = mark(schema, name);
  return typeof value === 'string' ? value : null;
}

/** The schema under its default or its optional mark. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodTypes {
  const known = schema as z.core.$ZodTypes;
  const def = known._zod.def;
  return def.type === 'default' || def.type === 'prefault' || def.type === 'optional'
    ? unwrapped(def.innerType)
    : known;
}

function defaultOf(schema: z.core.$ZodType): unknown {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  return def.type === 'default' || def.type === 'prefault' ? def.defaultValue : undefined;
}

function kindOf(schema: z.core.$ZodTypes): KeyKind {
  const def = schema._zod.def;
  if (def.type === 'number') return 'integer';
  if (def.type === 'boolean') return 'boolean';
  if (def.type === 'array') return 'list';
  if (def.type === 'record') return 'table';
  // A size is a union of number and text in front of a transformation; a duration has text alone there.
  if (def.type === 'pipe') return unwrapped(def.in)._zod.def.type === 'union' ? 'size' : 'text';
  return 'text';
}

function expectation(schema: z.core.$ZodTypes): string {
  const own = textMark(schema, 'expects');
  if (own !== null) return own;
  const def = schema._zod.def;
  if (def.type === 'boolean') return 'true or false';
  if (def.type === 'enum') return `one of ${Object.values(def.entries).join(', ')}`;
  if (schema instanceof z.ZodNumber) {
    return `a whole number from ${schema.minValue} to ${schema.maxValue}`;
  }
  return 'text';
}
