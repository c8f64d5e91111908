/** The configuration's layers from text: `CHS_*` variables and flags, turned into what the schema reads. */
import { type ConfigKey, configKeys } from './keys.ts';
import { nearest } from './problem.ts';

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number | null }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string };

/** Values that one source sets, by dotted key. */
export type Layer = Map<string, { readonly value: unknown; readonly origin: Origin }>;

/** Short names for what the commands need most. */
const shortNames: Readonly<Record<string, string>> = {
  CHS_SERVER: 'client.server',
  CHS_API_KEY: 'client.api_key',
  CHS_LANG: 'client.lang',
};

/** A name that the documents give, without our prefix. */
const documentedNames: Readonly<Record<string, string>> = { GOYTYAN_BACKUP_TOKEN: 'backup.token' };

/** Ours, but not keys of the configuration. */
const reservedNames = [
  'CHS_CONFIG',
  'CHS_DATA_DIR',
  'CHS_FIXTURES',
  'CHS_MUTATIONS',
  'CHS_DEBUG',
  'CHS_LOG_SESSION',
];
const reservedPrefixes = /^CHS_(?:TEST|BENCH)_/;

/** Reads every `CHS_*` variable. An empty one counts as not set; unknown names give warnings, without their values. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): {
  layer: Layer;
  warnings: string[];
} {
  const byName = new Map([...configKeys.values()].map((key) => [key.envName, key]));
  const layer: Layer = new Map();
  const warnings: string[] = [];
  const names = Object.keys(env)
    .filter((name) => name.startsWith('CHS_') || Object.hasOwn(documentedNames, name))
    // The short names first: a long one is more exact and overrides.
    .sort((a, b) => Number(isOtherName(b)) - Number(isOtherName(a)));
  for (const name of names) {
    const text = env[name] ?? '';
    const key = byName.get(name) ?? configKeys.get(shortNames[name] ?? documentedNames[name] ?? '');
    if (key !== undefined) {
      if (text !== '') layer.set(key.name, { value: fromText(key, text), origin: { kind: 'env', name } });
    } else if (!reservedNames.includes(name) && !reservedPrefixes.test(name)) {
      const near = nearest(name, [...byName.keys(), ...Object.keys(shortNames), ...reservedNames]);
      warnings.push(
        `environment variable ${name} is unknown and ignored${near ? `; did you mean ${near}?` : ''}`,
      );
    }
  }
  return { layer, warnings };
}

function isOtherName(name: string): boolean {
  return Object.hasOwn(shortNames, name) || Object.hasOwn(documentedNames, name);
}

/** Flags by dotted key; text becomes what the key needs. Throws TypeError for a key that does not exist (a slip of ours). */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const layer: Layer = new Map();
  for (const [name, given] of Object.entries(flags)) {
    if (given === undefined) continue;
    const key = configKeys.get(name);
    if (key === undefined) throw new TypeError(`no configuration key ${name}`);
    const value = typeof given === 'string' ? fromText(key, given) : given;
    layer.set(name, { value, origin: { kind: 'flag', name } });
  }
  return layer;
}

/** What cannot be read stays text: the schema then refuses it with the same words as in a file. */
function fromText(key: ConfigKey, text: string): unknown {
  const trimmed = text.trim();
  if (key.kind === 'integer' || key.kind === 'size')
    return /^[+-]?\d{1,16}$/.test(trimmed) ? Number(trimmed) : trimmed;
  if (key.kind === 'boolean') {
    if (/^(?:true|1)$/i.test(trimmed)) return true;
    return /^(?:false|0)$/i.test(trimmed) ? false : text;
  }
  if (key.kind === 'list') return listFromText(trimmed);
  if (key.kind === 'table') return tableFromText(trimmed);
  return text;
}

function listFromText(text: string): unknown {
  if (!text.startsWith('[')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `main=/data/main.db,msg=/data/msg.db`, or JSON where a value has a comma in it. */
function tableFromText(text: string): unknown {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  const items = text.split(',').flatMap((item) => item.trim() || []);
  const entries = items.map((item) => {
    const end = item.indexOf('=');
    return [item.slice(0, Math.max(end, 0)).trim(), item.slice(end + 1).trim()];
  });
  return entries.every(([name]) => name) ? Object.fromEntries(entries) : text;
}
