/** Databases that exist only while an archive is restored into them: made, marked, filled, looked at, dropped. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { ChsError } from '../../platform/errors.ts';
import { contents, type DumpContents } from './list.ts';
import { reasonOf, runTool } from './process.ts';
import { identifier, literal, suffixed } from './sql.ts';
import { databaseArgument, newestTools, type PostgresTools, query, toolsOf } from './tools.ts';
import { libpqEnvironment, type PostgresPlace, shownPlace } from './url.ts';

/** A server, as whoever makes and renames databases is connected with it. */
export interface PostgresServer {
  readonly tools: PostgresTools;
  /** A database that stays as it is: `postgres` or `template1`. */
  readonly place: PostgresPlace;
  /** What errors call the database that all of this is for. */
  readonly name: string;
  /** How they show where it is. */
  readonly shown: string;
  readonly version: string;
  readonly major: number;
}

export const RESTORING = '_restoring_';
export const DRILL = 'chs_drill_';
const MARK = 'chs scratch ';
/** For statements that an abort does not end. */
const ALONE_TIMEOUT_MS = 60_000;
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * Connects with the server as whoever makes and renames databases: not with `target`, since nobody can rename the
 * database that he is in, and with `template1` only where nothing else is open, since nobody can copy it meanwhile.
 *
 * @throws ChsError DATABASE_SERVER, DATABASE_TOOL; the signal's reason
 */
export async function connectServer(
  place: PostgresPlace,
  name: string,
  target: string | null,
  signal: AbortSignal,
  folders?: readonly string[],
): Promise<PostgresServer> {
  const shown = shownPlace(place);
  const candidates = [...new Set(['postgres', place.database, 'template1'])].filter(
    (each) => each !== target,
  );
  for (const database of candidates) {
    if (database === null) continue;
    const beside = { ...place, database };
    try {
      const { server, tools } = await toolsOf(beside, signal, name, folders);
      return { tools, place: beside, name, shown, version: server.version, major: server.major };
    } catch (error) {
      // Only this one database is missing or closed; whatever else is wrong will be so with the next.
      const isClosed = error instanceof ChsError && /\bdatabase "/.test(reasonIn(error));
      if (!isClosed || database === candidates.at(-1)) throw error;
    }
  }
  throw new ChsError('DATABASE_SERVER', {
    name,
    path: shown,
    reason: 'there is no database to connect with',
  });
}

function reasonIn(error: ChsError): string {
  return String(error.params.reason ?? '');
}

/** Statements in the database beside, or in `database`. */
export async function run(
  server: PostgresServer,
  sql: string,
  signal: AbortSignal,
  database = server.place.database,
): Promise<string> {
  const { tools, name, shown } = server;
  return query({ psql: tools.psql, place: { ...server.place, database }, name, shown, sql, signal });
}

/**
 * Reads the archive's table of contents, with the newest programs where it was made by newer ones than the server's.
 *
 * @throws ChsError RESTORE_REFUSED; the signal's reason
 */
export async function readArchive(
  server: PostgresServer,
  file: string,
  signal: AbortSignal,
): Promise<{ tools: PostgresTools; listed: DumpContents }> {
  let { tools } = server;
  let listed = await contents(tools, file, signal);
  if (typeof listed === 'string' && /unsupported version/.test(listed)) {
    tools = await newestTools();
    listed = await contents(tools, file, signal);
  }
  if (typeof listed !== 'string') return { tools, listed };
  throw new ChsError('RESTORE_REFUSED', {
    path: server.shown,
    reason: `the archive cannot be read: ${listed}`,
  });
}

/**
 * Makes an empty database with a mark that says whose it is.
 *
 * @param label comes after `stem`, and six random digits after that
 * @param options of CREATE DATABASE, to be tried in this order
 * @returns its name
 * @throws ChsError DATABASE_SERVER; the signal's reason
 */
export async function makeScratch(
  server: PostgresServer,
  stem: string,
  label: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const name = suffixed(stem, `${label}${randomBytes(3).toString('hex')}`);
  const mark = `${MARK}${JSON.stringify({ host: hostname(), pid: process.pid, started: new Date().toISOString() })}`;
  for (const [at, option] of options.entries()) {
    signal.throwIfAborted();
    // In one go, and not to be given up half-way: the server would go on, and nobody would have marked its work.
    const create = `CREATE DATABASE ${identifier(name)} TEMPLATE template0 ${option}`;
    try {
      await run(
        server,
        `${create};\nCOMMENT ON DATABASE ${identifier(name)} IS ${literal(mark)}`,
        AbortSignal.timeout(ALONE_TIMEOUT_MS),
      );
      return name;
    } catch (error) {
      const isLocale = error instanceof ChsError && /locale|LC_C|collat|encoding/i.test(error.message);
      if (!isLocale || at === options.length - 1) {
        await dropScratch(server, name);
        throw withRight(error, server);
      }
    }
  }
  throw new ChsError('DATABASE_SERVER', { name: server.name, path: server.shown, reason: 'no locale fits' });
}

function withRight(error: unknown, server: PostgresServer): unknown {
  if (!(error instanceof ChsError) || !/permission denied to create database/.test(error.message))
    return error;
  const reason = 'the role may not create databases (it needs CREATEDB), and one beside is needed';
  return new ChsError('DATABASE_SERVER', { name: server.name, path: server.shown, reason }, { cause: error });
}

/** Drops it if it is there, whoever is connected; after an abort, too. A failure is left to the next sweep. */
export async function dropScratch(server: PostgresServer, database: string): Promise<boolean> {
  const force = server.major >= 13 ? ' WITH (FORCE)' : '';
  try {
    await run(
      server,
      `DROP DATABASE IF EXISTS ${identifier(database)}${force}`,
      AbortSignal.timeout(ALONE_TIMEOUT_MS),
    );
    return true;
  } catch {
    return false;
  }
}

export interface Filling {
  readonly tools: PostgresTools;
  readonly file: string;
  readonly database: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Restores the archive; the first statement that fails ends it.
 *
 * @returns null, or what failed
 * @throws the signal's reason
 */
export async function fill(server: PostgresServer, filling: Filling): Promise<string | null> {
  const place = { ...server.place, database: filling.database };
  const result = await runTool({
    file: filling.tools.pgRestore,
    args: ['--exit-on-error', '--no-password', ...filling.args, ...databaseArgument(place), filling.file],
    env: libpqEnvironment(place),
    signal: filling.signal,
    output: 'discard',
  });
  return result.exitCode === 0 ? null : reasonOf(result, place.password);
}

const countTables = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`;

/**
 * Opens a restored database and compares its tables with the archive's list.
 *
 * @returns how many there are
 * @throws ChsError DATABASE_SERVER; the signal's reason
 */
export async function checkScratch(
  server: PostgresServer,
  database: string,
  listed: DumpContents,
  signal: AbortSignal,
): Promise<number> {
  const tables = Number(await run(server, countTables, signal, database));
  if (tables >= listed.tables) return tables;
  const reason = `restored, it has ${tables} tables in place of ${listed.tables}`;
  throw new ChsError('DATABASE_SERVER', { name: server.name, path: server.shown, reason });
}

/**
 * Drops what restores and drills left on a server: databases with the mark of a process of this machine that is gone,
 * or with one that is older than a day and nobody connected. One without a mark is somebody else's, whatever its name.
 *
 * @returns the names that are gone
 * @throws ChsError DATABASE_SERVER, DATABASE_TOOL; the signal's reason
 */
export async function sweepRestores(
  place: PostgresPlace,
  signal: AbortSignal,
  name = place.database ?? 'postgres',
): Promise<string[]> {
  const server = await connectServer(place, name, null, signal);
  const text = await run(
    server,
    `SELECT json_build_object('name', datname, 'mark', shobj_description(oid, 'pg_database'),
      'sessions', (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid))
      FROM pg_database d WHERE datname ~ '(${RESTORING}|^${DRILL})[0-9a-f]{6}$' ORDER BY datname LIMIT 1000`,
    signal,
  );
  const dropped: string[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const found: { name: string; mark: string | null; sessions: number } = JSON.parse(line);
    if (isAbandoned(found.mark, found.sessions, Date.now()) && (await dropScratch(server, found.name))) {
      dropped.push(found.name);
    }
  }
  return dropped;
}

function isAbandoned(mark: string | null, sessions: number, nowMs: number): boolean {
  if (!mark?.startsWith(MARK)) return false;
  try {
    const { host, pid, started }: Record<string, unknown> = JSON.parse(mark.slice(MARK.length));
    if (host === hostname() && typeof pid === 'number' && !isAlive(pid)) return true;
    return sessions === 0 && nowMs - Date.parse(String(started)) > ABANDONED_AFTER_MS;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
