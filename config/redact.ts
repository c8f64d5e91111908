/** The loaded configuration for people to read: every key, its value unless it is secret, where it came from. */
import type { Origin } from './environment.ts';
import { configKeys } from './keys.ts';
import type { LoadedConfig } from './load.ts';
import { atPlace } from './problem.ts';

export interface ConfigRow {
  readonly key: string;
  /** JSON text; '[set]' or '[not set]' for a secret, '[not set]' for an optional key without a value. */
  readonly value: string;
  readonly origin: string;
}

/** One row for each key, in the order of the schema, for `chs config show --origin`. */
export function describeConfig(loaded: LoadedConfig): ConfigRow[] {
  return [...configKeys.values()].map((key) => {
    let value: unknown = loaded.config;
    for (const part of key.parts) value = (value as Readonly<Record<string, unknown>>)[part];
    const isSet = value !== undefined && !(key.secret && Array.isArray(value) && value.length === 0);
    const text = isSet ? (key.secret ? '[set]' : withoutPasswords(JSON.stringify(value))) : '[not set]';
    return { key: key.name, value: text, origin: originText(loaded.origin.get(key.name)) };
  });
}

/** 'default', 'config.toml:3', 'CHS_SERVER_PORT', 'flag'. */
function originText(origin: Origin | undefined): string {
  if (origin === undefined || origin.kind === 'default') return 'default';
  if (origin.kind === 'file') return atPlace(origin.file, origin.line, '').replace(/: $/, '');
  return origin.kind === 'env' ? origin.name : 'flag';
}

/** URLs of databases may carry a password. */
function withoutPasswords(json: string): string {
  return json.replace(/(\b[a-z][a-z0-9+]*:\/\/[^\s"/@:]*):[^\s"@]*@/gi, '$1:***@');
}
