/** What is generated from the schema: the documented sample file, the list of keys for the manual, a JSON Schema. */
import * as z from 'zod';
import { type ConfigKey, configKeys, configSections } from './keys.ts';
import { configSchema } from './schema.ts';
import { isTable } from './source.ts';

export interface ConfigKeyDoc {
  /** 'server.port' */
  readonly key: string;
  /** 'a whole number from 0 to 65535' */
  readonly type: string;
  /** The default as TOML; '' for an optional key. */
  readonly default: string;
  readonly description: string;
  readonly env: string;
  readonly secret: boolean;
  /** Taken over on SIGHUP. */
  readonly reload: boolean;
  /** Accepted, not used by this version. */
  readonly inert: boolean;
}

const commentWidth = 96;

const header = `# Configuration of chs. Every key is here with its default.
#
# Order: defaults, this file, environment variables (CHS_SERVER_PORT for server.port), flags.
# Relative paths start at the folder above this file's config/ folder, or at the folder of a chs.config.toml.
# Sizes take bytes or text such as "100MB" (KB, MB, GB count in 1024s); durations take text such as "90s" or "7d".
# [reload] marks what SIGHUP takes over without a restart.
`;

/** The sample as TOML, the same bytes each time. Keys without a default, and keys not used yet, are commented out. */
export function renderSample(): string {
  const blocks = [...configSections.values()].map((section) => {
    const keys = [...configKeys.values()].filter((key) => key.parts.slice(0, -1).join('.') === section.name);
    return [`# ${section.description}`, `[${section.name}]`, ...keys.map(renderKey)].join('\n');
  });
  return `${[header, ...blocks].join('\n')}`;
}

/** One entry for each key, in the order of the schema. */
export function renderConfigReference(): ConfigKeyDoc[] {
  return [...configKeys.values()].map((key) => ({
    key: key.name,
    type: key.expects,
    default: key.defaultValue === undefined ? '' : toToml(key.defaultValue),
    description: key.description,
    env: key.envName,
    secret: key.secret,
    reload: key.reload,
    inert: key.inert,
  }));
}

/** JSON Schema (2020-12) of what a file may hold, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'Configuration of chs', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}

function renderKey(key: ConfigKey): string {
  const marks = `${key.reload ? ' [reload]' : ''}${key.inert ? ' (Accepted, not used by this version.)' : ''}`;
  const comment = wrap(`${key.description} Takes ${key.expects}.${marks}`);
  const off = key.defaultValue === undefined || key.inert ? '# ' : '';
  const value = toToml(key.defaultValue ?? key.example ?? '');
  return `${comment}\n${off}${key.parts.at(-1)} = ${value}\n`;
}

/** Defaults are numbers, booleans, short texts, lists and tables of texts: but for tables, TOML writes all of them as JSON does. */
function toToml(value: unknown): string {
  if (!isTable(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, item]) => `${name} = ${toToml(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > commentWidth) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `# ${line}`).join('\n');
}
