/** Databases that a command line names by path or URL, and that no configuration knows. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { usageError } from '../failure.ts';

export interface NamedSources {
  /** What to back up, by name. */
  readonly names: readonly string[];
  /** Those of the names that the command line places itself: absolute paths, URLs. */
  readonly added: Readonly<Record<string, string>>;
}

const NAME_CHARS_MAX = 64;
const POSTGRES = /^postgres(?:ql)?:\/\//i;
const SUFFIX = /\.(?:db|sqlite3?|db3)$/i;

/**
 * @param known the configured databases, by name
 * @throws ChsError USAGE for two databases of one name, a password on the command line, what is neither name nor file
 */
export function namedSources(
  args: readonly string[],
  known: Config['backup']['databases'],
  cwd: string,
): NamedSources {
  const names: string[] = [];
  const added: Record<string, string> = {};
  for (const arg of args) {
    const place = placeOf(arg, cwd);
    const name = place === null ? arg : nameOf(place);
    if (place !== null && known[name] !== place) {
      const other = added[name] ?? known[name] ?? (args.includes(name) ? name : place);
      if (other !== place) {
        throw usageError(
          `two databases would be called '${name}'`,
          'Give one of them another name in the configuration, under backup.databases.',
        );
      }
      added[name] = place;
    }
    if (!names.includes(name)) names.push(name);
  }
  return { names, added };
}

/** Whether an argument is a database itself, and not the name of one. */
export function isPlace(arg: string): boolean {
  return POSTGRES.test(arg) || /[/\\]/.test(arg) || (SUFFIX.test(arg) && existsSync(arg));
}

function placeOf(arg: string, cwd: string): string | null {
  if (!isPlace(arg)) return null;
  if (!POSTGRES.test(arg)) return resolve(cwd, arg);
  if (hasPassword(arg)) {
    throw usageError(
      'a URL with a password in it is refused, as other users can read command lines',
      'Put it into the configuration, under backup.databases, or the password into ~/.pgpass.',
    );
  }
  return arg;
}

function hasPassword(url: string): boolean {
  if (!URL.canParse(url)) throw usageError('this is not a postgres:// URL');
  const { password, searchParams } = new URL(url);
  return password !== '' || searchParams.has('password');
}

/** `/data/my app.db` is `my-app`. */
function nameOf(place: string): string {
  const last = POSTGRES.test(place) ? databaseOf(new URL(place)) : basename(place).replace(SUFFIX, '');
  const name = last
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, NAME_CHARS_MAX);
  return name === '' ? 'database' : name;
}

/** libpq takes the user's name where the URL has none of a database. */
function databaseOf({ pathname, username }: URL): string {
  const path = pathname.replace(/^\/+/, '');
  try {
    return decodeURIComponent(path || username) || 'postgres';
  } catch {
    return path;
  }
}
