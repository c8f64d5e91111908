/** Finds pg_dump, pg_restore and psql, of a version that fits the server's. */
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import { reasonOf, runTool } from './process.ts';
import { libpqEnvironment, type PostgresPlace, shownPlace } from './url.ts';

/** The three programs of one installation. */
export interface PostgresTools {
  readonly psql: string;
  readonly pgDump: string;
  readonly pgRestore: string;
  /** `15.14`, `9.6.24`, `18beta1` */
  readonly version: string;
  readonly major: number;
}

export interface ServerVersion {
  /** `15.14` */
  readonly version: string;
  readonly major: number;
  /** `server_version_num`: 150014 */
  readonly number: number;
}

const FOLDERS_MAX = 200;
const PROBE_TIMEOUT_MS = 10_000;
const exe = process.platform === 'win32' ? '.exe' : '';
const nobodyThere: PostgresPlace = {
  hosts: [],
  database: null,
  user: null,
  password: null,
  service: null,
  options: {},
};

/** Where installers put one folder for each version: before, between and after the version. */
const installations: readonly (readonly [folder: string, pattern: RegExp, below: string])[] = [
  ['/usr/lib/postgresql', /^\d+(?:\.\d+)?$/, 'bin'],
  ['/usr', /^pgsql-\d+(?:\.\d+)?$/, 'bin'],
  ['/opt/homebrew/opt', /^(?:postgresql(?:@\d+)?|libpq)$/, 'bin'],
  ['/usr/local/opt', /^(?:postgresql(?:@\d+)?|libpq)$/, 'bin'],
  ['/Applications/Postgres.app/Contents/Versions', /^\d+(?:\.\d+)?$/, 'bin'],
  ['C:\\Program Files\\PostgreSQL', /^\d+(?:\.\d+)?$/, 'bin'],
];

/** Absolute folders that may hold the programs: those of installations, then those of PATH. At most 200. */
export async function toolFolders(path = process.env.PATH ?? ''): Promise<string[]> {
  const found: string[] = [];
  for (const [folder, pattern, below] of installations) {
    if (!isAbsolute(folder)) continue;
    const names = await readdir(folder).catch(() => []);
    for (const name of names.sort()) if (pattern.test(name)) found.push(join(folder, name, below));
  }
  const ofPath = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const all = [...found, ...ofPath].slice(0, FOLDERS_MAX);
  // `/bin` is a link to `/usr/bin` on many systems.
  return [...new Set(await Promise.all(all.map((folder) => realpath(folder).catch(() => folder))))];
}

/**
 * Programs for a server: of its own major version, else of the next one up that is there. pg_dump refuses servers
 * that are newer than it is, and the nearer two versions are, the surer an archive can be restored.
 *
 * @throws ChsError DATABASE_TOOL
 */
export async function toolsFor(serverMajor: number, folders?: readonly string[]): Promise<PostgresTools> {
  return fittingOf(await findTools(folders), serverMajor);
}

function fittingOf(all: readonly PostgresTools[], serverMajor: number): PostgresTools {
  const fitting = all
    .filter((each) => each.major >= serverMajor)
    .sort((a, b) => a.major - b.major || newer(a, b));
  const [best] = fitting;
  if (best) return best;
  const newest = all.toSorted(newer)[0];
  throw new ChsError('DATABASE_TOOL', {
    tool: 'pg_dump',
    reason:
      newest === undefined
        ? `it is not installed here; ${installHint(serverMajor)}`
        : `the server is of version ${serverMajor}, the newest client here of ${newest.version}; ${installHint(serverMajor)}`,
  });
}

/**
 * The newest programs there are, for archives, which any newer version can read.
 *
 * @throws ChsError DATABASE_TOOL
 */
export async function newestTools(folders?: readonly string[]): Promise<PostgresTools> {
  return newestOf(await findTools(folders), 'pg_restore');
}

function newestOf(all: readonly PostgresTools[], tool: string): PostgresTools {
  const newest = all.toSorted(newer)[0];
  if (newest) return newest;
  throw new ChsError('DATABASE_TOOL', { tool, reason: `it is not installed here; ${installHint(null)}` });
}

function installHint(major: number | null): string {
  if (process.platform === 'darwin')
    return `install libpq or postgresql${major === null ? '' : `@${major}`} of Homebrew`;
  if (process.platform === 'win32')
    return `install the command line tools of PostgreSQL${major === null ? '' : ` ${major}`}`;
  return `install postgresql-client${major === null ? '' : `-${major}`}`;
}

function newer(a: PostgresTools, b: PostgresTools): number {
  return b.version.localeCompare(a.version, 'en', { numeric: true });
}

async function findTools(folders?: readonly string[]): Promise<PostgresTools[]> {
  const all = await Promise.all((folders ?? (await toolFolders())).map(probe));
  return all.filter((each) => each !== null);
}

/** Null where a folder has not all three, or they do not run. */
async function probe(folder: string): Promise<PostgresTools | null> {
  const at = (program: string) => join(folder, `${program}${exe}`);
  const paths = { psql: at('psql'), pgDump: at('pg_dump'), pgRestore: at('pg_restore') };
  try {
    for (const path of Object.values(paths)) await access(path, constants.X_OK);
    const { stdout } = await runTool({
      file: paths.pgDump,
      args: ['--version'],
      env: libpqEnvironment(nobodyThere),
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      output: 'collect',
    });
    const version = /^pg_dump \(PostgreSQL\) (\d{1,3}[0-9A-Za-z.]{0,20})/.exec(stdout)?.[1];
    if (version === undefined) return null;
    return { ...paths, version, major: Number.parseInt(version, 10) };
  } catch {
    return null;
  }
}

/**
 * Asks the server for its version, which is also how a place is tried out.
 *
 * @param name of the database, for the error
 * @throws ChsError DATABASE_SERVER with libpq's own words, DATABASE_TOOL; the signal's reason
 */
export async function serverVersion(
  place: PostgresPlace,
  signal: AbortSignal,
  name = place.database ?? 'postgres',
  folders?: readonly string[],
): Promise<ServerVersion> {
  return ask(newestOf(await findTools(folders), 'psql'), place, signal, name);
}

/**
 * The server's version, and the programs that fit it: `serverVersion` and `toolsFor` with one look for programs.
 *
 * @throws ChsError DATABASE_SERVER, DATABASE_TOOL; the signal's reason
 */
export async function toolsOf(
  place: PostgresPlace,
  signal: AbortSignal,
  name: string,
  folders?: readonly string[],
): Promise<{ server: ServerVersion; tools: PostgresTools }> {
  const all = await findTools(folders);
  const server = await ask(newestOf(all, 'pg_dump'), place, signal, name);
  return { server, tools: fittingOf(all, server.major) };
}

async function ask(
  { psql }: PostgresTools,
  place: PostgresPlace,
  signal: AbortSignal,
  name: string,
): Promise<ServerVersion> {
  const text = await query({ psql, place, name, sql: 'SHOW server_version_num', signal });
  const number = Number.parseInt(text, 10);
  if (!Number.isSafeInteger(number) || number < 80_000) {
    const reason = 'what answers does not say which version of PostgreSQL it is';
    throw new ChsError('DATABASE_SERVER', { name, path: shownPlace(place), reason });
  }
  const major = Math.floor(number / 10_000);
  const minor = number % 10_000;
  const version = major >= 10 ? `${major}.${minor}` : `${major}.${Math.floor(minor / 100)}.${minor % 100}`;
  return { version, major, number };
}

export interface Query {
  readonly psql: string;
  readonly place: PostgresPlace;
  /** Of the database, for the error. */
  readonly name: string;
  /** How the error shows where it is, if not as `place`. */
  readonly shown?: string;
  /** One statement or several, each by itself unless it says BEGIN; the first that fails is the last. */
  readonly sql: string;
  readonly signal: AbortSignal;
}

/**
 * Runs statements and gives what they print: a line a row, columns divided by `|`, at most 4 MiB.
 *
 * @throws ChsError DATABASE_SERVER with the server's own words; the signal's reason
 */
export async function query({
  psql,
  place,
  name,
  shown = shownPlace(place),
  sql,
  signal,
}: Query): Promise<string> {
  const result = await runTool({
    file: psql,
    args: ['-X', '-A', '-t', '-q', '-w', '-v', 'ON_ERROR_STOP=1', ...databaseArgument(place), '-f', '-'],
    env: { ...libpqEnvironment(place), PGCLIENTENCODING: 'UTF8' },
    signal,
    input: `${sql};\n`,
    output: 'collect',
  });
  if (result.exitCode !== 0) {
    const reason = reasonOf(result, place.password);
    throw new ChsError('DATABASE_SERVER', { name, path: shown, reason });
  }
  return result.stdout.replace(/\r?\n$/, '');
}

/** The database by its name, as an argument: there it wins over the one of a service. */
export function databaseArgument(place: PostgresPlace): string[] {
  if (place.database === null) return [];
  // As a connection string, or a database called `a=b` would be taken for one.
  return ['-d', `dbname='${place.database.replace(/[\\']/g, '\\$&')}'`];
}
