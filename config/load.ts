/** Loads the configuration: defaults, then a file, then `CHS_*` variables, then flags; each value with its origin. */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, resolve, sep } from 'node:path';
import { defaultsJson } from './defaults.ts';
import { environmentLayer, flagLayer, type Layer, type Origin } from './environment.ts';
import { candidateNames, findConfigFile, type SearchResult } from './find.ts';
import { type ConfigKey, configKeys, configSections } from './keys.ts';
import { merge } from './merge.ts';
import { pathsOf, type UserPlace, userConfigDir, userDataDir } from './paths.ts';
import { atPlace, ConfigError, type ConfigProblem, nearest, problemAt, shown } from './problem.ts';
import type { Config } from './schema.ts';
import { type ConfigSource, isTable, readConfigSource } from './source.ts';
import { isUrl } from './urls.ts';

export interface LoadOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--config`: relative to cwd; it has to exist. */
  readonly explicitPath?: string | undefined;
  /** By dotted key; undefined values count as not given. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
  readonly home?: string | undefined;
  readonly platform?: NodeJS.Platform | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly file: string | null;
  /** Absolute folder where the data are as far as the file does not say otherwise. */
  readonly root: string;
  /** One entry for every key of the schema, by dotted name. */
  readonly origin: ReadonlyMap<string, Origin>;
  /** For people, on stderr: unknown keys and variables, files that are not used. */
  readonly warnings: readonly string[];
  /** For a log at level debug: files on the way that belong to something else. */
  readonly notes: readonly string[];
}

const warningsMax = 50;

/**
 * Finds, reads, merges and validates. Throws ConfigError with every problem found: a named file that is missing,
 * a file that cannot be parsed, values of the wrong type or out of bounds.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const place = userPlace(options);
  const { file, warnings: found, notes } = await chooseFile(options, place);
  const fileRoot = rootOf(file, options, place);
  const root = namedDataFolder(options) ?? fileRoot;
  const problems: ConfigProblem[] = [];
  const fromEnv = environmentLayer(options.env);
  const source = file === null ? null : await readNamed(file, [...found, ...fromEnv.warnings]);
  const fromFile = source && fileLayer(source, problems);
  const warnings = [...found, ...(fromFile?.warnings ?? []), ...fromEnv.warnings];
  const layers = [fromFile?.layer ?? new Map(), fromEnv.layer, flagLayer(options.flags ?? {})];
  const { config, origin } = await validate(merge(layers, problems), problems);
  if (config === null)
    throw new ConfigError(problems, { file, warnings, inertKeys: inertKeysSet({ origin }) });
  makeAbsolute(config, origin, { root, fileRoot, place, cwd: options.cwd, file });
  if (root !== fileRoot) warnings.push(...elsewhere(origin));
  return { config, file, root, origin, notes, warnings };
}

/** Refuses what would keep us waiting (a FIFO without a writer), and adds to an error what is known around it. */
async function readNamed(file: string, warnings: readonly string[]): Promise<ConfigSource> {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats && (stats.isFIFO() || stats.isSocket() || stats.isBlockDevice())) {
      throw new ConfigError([{ file, line: null, key: null, message: 'this is not a regular file' }]);
    }
    return await readConfigSource(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems, { file, warnings, inertKeys: [] });
  }
}

/**
 * Where a file at this path would count without being named: null where it is not looked for, otherwise the
 * folder below which it would be found, or the user's own place.
 */
export function searchedPlace(options: LoadOptions, path: string): { root: string; users: boolean } | null {
  const place = userPlace(options);
  const file = resolve(options.cwd, path);
  const users = dirname(file) === userConfigDir(place) && basename(file) === 'config.toml';
  const name = candidateNames.find((candidate) => file.endsWith(`${sep}${candidate}`));
  return users || name !== undefined ? { root: rootOf(file, options, place), users } : null;
}

/** Keys that the user sets and that nothing in this version reads, for a word at `chs config check` and `chs serve`. */
export function inertKeysSet({ origin }: Pick<LoadedConfig, 'origin'>): string[] {
  return [...configKeys.values()]
    .filter((key) => key.inert && origin.get(key.name)?.kind !== 'default')
    .map((key) => key.name);
}

function userPlace({ cwd, env, home, platform = process.platform }: LoadOptions): UserPlace {
  return { platform, env, home: home ?? homeFolder(env, platform) ?? cwd };
}

/** A container's user may have no entry in the password file: then there is no home, and homedir() throws. */
function homeFolder(env: LoadOptions['env'], platform: NodeJS.Platform): string | null {
  const named = platform === 'win32' ? env.USERPROFILE : env.HOME;
  if (named) return named;
  try {
    return homedir();
  } catch {
    return null;
  }
}

async function chooseFile(options: LoadOptions, place: UserPlace): Promise<SearchResult> {
  const named = options.explicitPath ?? (options.env.CHS_CONFIG || undefined);
  if (named !== undefined) return { file: resolve(options.cwd, named), warnings: [], notes: [] };
  const found = await findConfigFile(options.cwd, place.home);
  if (found.file !== null) return found;
  const users = pathsOf(place.platform).join(userConfigDir(place), 'config.toml');
  return { ...found, file: existsSync(users) ? users : null };
}

/** `CHS_DATA_DIR`: where the data are, with or without a file. */
function namedDataFolder({ cwd, env }: LoadOptions): string | null {
  return env.CHS_DATA_DIR ? resolve(cwd, env.CHS_DATA_DIR) : null;
}

/** Data that are not below `CHS_DATA_DIR`, as the file names another place: nobody should find out by missing them. */
function elsewhere(origin: ReadonlyMap<string, Origin>): string[] {
  const placed = [...configKeys.values()].filter(
    ({ name, path, kind }) =>
      path && kind !== 'list' && kind !== 'table' && origin.get(name)?.kind === 'file',
  );
  const names = placed.map(({ name }) => name).join(', ');
  return names === '' ? [] : [`CHS_DATA_DIR does not move what the configuration file places: ${names}`];
}

/** The folder that relative paths start from: `X` for X/config/config.toml, and the user's data for the user's file. */
function rootOf(file: string | null, options: LoadOptions, place: UserPlace): string {
  if (file === null || dirname(file) === userConfigDir(place)) {
    return namedDataFolder(options) ?? userDataDir(place);
  }
  const folder = dirname(file);
  const inConfigFolder = basename(file) === 'config.toml' && basename(folder) === 'config';
  return inConfigFolder ? dirname(folder) : folder;
}

/**
 * The known keys of a file; unknown ones become warnings, sections that are no tables problems. A section with
 * nothing in it is null in YAML, and fine.
 */
function fileLayer(source: ConfigSource, problems: ConfigProblem[]): { layer: Layer; warnings: string[] } {
  const layer: Layer = new Map();
  const warnings: string[] = [];
  const { file } = source;
  const visit = (table: Readonly<Record<string, unknown>>, above: readonly string[]): void => {
    for (const [name, value] of Object.entries(table)) {
      const parts = [...above, name];
      const key = parts.join('.');
      const line = source.lineOf(parts);
      if (configKeys.has(key)) {
        if (value !== undefined) layer.set(key, { value, origin: { kind: 'file', file, line } });
      } else if (!configSections.has(key)) {
        warnings.push(atPlace(file, line, `unknown key ${key} is ignored${suggestion(above, name)}`));
      } else if (isTable(value)) {
        visit(value, parts);
      } else if (value !== undefined && value !== null) {
        // What stands here may be anything, a key among them: say its type alone.
        problems.push({ file, line, key, message: `${key}: expected a table, found ${shown(value, true)}` });
      }
    }
  };
  visit(source.data, []);
  const more = warnings.length - warningsMax;
  return {
    layer,
    warnings: more > 0 ? [...warnings.slice(0, warningsMax), `${file}: ${more} more unknown keys`] : warnings,
  };
}

/** A near name in the same table, or else the same name in another one. */
function suggestion(above: readonly string[], name: string): string {
  const table = above.join('.');
  const prefix = table === '' ? '' : `${table}.`;
  const siblings = [...configKeys.keys(), ...configSections.keys()]
    .filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('.'))
    .map((key) => key.slice(prefix.length));
  const near = nearest(name, siblings);
  const elsewhere = [...configKeys.keys()].find((key) => key.endsWith(`.${name}`));
  const meant = near === null ? elsewhere : `${prefix}${near}`;
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** @returns a null configuration when there are problems, which are added to those known before */
async function validate(
  merged: Layer,
  problems: ConfigProblem[],
): Promise<{ config: Config | null; origin: Map<string, Origin> }> {
  const raw: Record<string, unknown> = {};
  const origin = new Map<string, Origin>();
  for (const key of configKeys.values()) {
    const entry = merged.get(key.name);
    origin.set(key.name, entry?.origin ?? { kind: 'default' });
    if (entry !== undefined) tableAt(raw, key)[key.parts.at(-1) ?? ''] = entry.value;
  }
  // Making the schema takes longer than everything else here; where nothing is set there is nothing to check.
  if (merged.size === 0 && problems.length === 0)
    return { config: JSON.parse(defaultsJson) as Config, origin };
  const { configSchema } = await import('./schema.ts');
  // One parse in the life of most processes: compiling a fast parser first costs more than it saves.
  const result = configSchema.safeParse(raw, { jitless: true });
  const reported = new Set<string>();
  for (const issue of result.error?.issues ?? []) {
    const problem = issueProblem(issue.path, merged);
    // One value may break two rules of its key; the sentence is the same.
    if (!reported.has(problem.message)) problems.push(problem);
    reported.add(problem.message);
  }
  return { config: problems.length > 0 ? null : (result.data ?? null), origin };
}

function issueProblem(path: readonly PropertyKey[], merged: Layer): ConfigProblem {
  const parts = path.map(String);
  const key = [...configKeys.values()].find(({ parts: own }) =>
    own.every((part, index) => part === parts[index]),
  );
  // Sections are always tables here, so an issue that is at no key would be a fault in the schema.
  if (key === undefined) throw new TypeError(`an issue at no key: ${parts.join('.')}`);
  const entry = merged.get(key.name);
  const value = entry?.value;
  const index = path[key.parts.length];
  const item = Array.isArray(value) && typeof index === 'number';
  const found: unknown = item ? value[index] : value;
  const where = item ? `${key.name}[${index}]` : key.name;
  const expected = item ? key.itemExpects : key.expects;
  const message = `${where}: expected ${expected}, found ${shown(found, key.secret)}`;
  return problemAt(entry?.origin ?? { kind: 'default' }, key.name, message);
}

interface PathBases {
  readonly root: string;
  readonly fileRoot: string;
  readonly cwd: string;
  readonly place: UserPlace;
  readonly file: string | null;
}

/** Paths of the defaults start at the root, those of the file at its own, those of variables and flags at the current folder. */
function makeAbsolute(config: Config, origin: ReadonlyMap<string, Origin>, bases: PathBases): void {
  const paths = bases.file === null ? pathsOf(bases.place.platform) : pathsOf(process.platform);
  for (const key of configKeys.values()) {
    if (!key.path) continue;
    const kind = origin.get(key.name)?.kind;
    const base = kind === 'default' ? bases.root : bases.fileRoot;
    const absolute = (given: string): string => {
      if (isUrl(given)) return given;
      if (/^~[/\\]/.test(given)) return paths.join(bases.place.home, given.slice(2));
      return kind === 'default' || kind === 'file' ? paths.resolve(base, given) : resolve(bases.cwd, given);
    };
    const table = tableAt(config, key);
    const name = key.parts.at(-1) ?? '';
    const value = table[name];
    if (typeof value === 'string') table[name] = absolute(value);
    if (Array.isArray(value)) table[name] = value.map((item) => absolute(String(item)));
    else if (isTable(value)) {
      const entries = Object.entries(value).map(([inner, item]) => [inner, absolute(String(item))]);
      table[name] = Object.fromEntries(entries);
    }
  }
}

/** The table that holds a key, made on the way where it is missing. */
function tableAt(root: Record<string, unknown>, key: ConfigKey): Record<string, unknown> {
  let table = root;
  for (const part of key.parts.slice(0, -1)) {
    const inner = table[part];
    const next = isTable(inner) ? inner : {};
    table[part] = next;
    table = next;
  }
  return table;
}
