/** Restores an archive beside a database, and lets the two change places when it is whole. */
import { ChsError } from '../../platform/errors.ts';
import { createOptions, type DatabaseProperties, localesOf, readProperties } from './properties.ts';
import {
  checkScratch,
  connectServer,
  dropScratch,
  fill,
  makeScratch,
  type PostgresServer,
  RESTORING,
  readArchive,
  run,
} from './scratch.ts';
import { identifier, literal, suffixed } from './sql.ts';
import { parsePostgresUrl } from './url.ts';

export type RestoreStep = 'create' | 'restore' | 'check' | 'swap';

export interface RestoreInput {
  /** An archive of pg_dump. */
  readonly file: string;
  /** The URL of the database that is to have its content; it need not exist. */
  readonly to: string;
  /** What errors call it. */
  readonly name: string;
  /** Whether the database that was there stays, under another name. */
  readonly keepReplaced: boolean;
  readonly signal: AbortSignal;
  readonly onStep?: (step: RestoreStep) => void;
  /** Where to look for the programs, in place of the usual folders. */
  readonly folders?: readonly string[];
}

export interface RestoreOutput {
  readonly database: string;
  /** `app_before_20251224T120000Z`: where the old one is; null where there was none, or it was not to be kept. */
  readonly replaced: string | null;
  readonly tables: number;
  /** Why objects belong to the role that restored them, without the rights of others; null where all is as it was. */
  readonly withoutOwners: string | null;
}

/** Renaming is a matter of milliseconds, unless somebody holds a lock. */
const SWAP_TIMEOUT_MS = 60_000;

/**
 * Restores into a new database on the same server, with the properties of the one that it replaces (encoding, locale,
 * owner, tablespace, settings, rights), or those of the archive. Both renames are one transaction: at every instant
 * the target is whole, either the old one or the new one. What a killed process left, `sweepRestores` drops.
 *
 * @throws ChsError RESTORE_REFUSED while anybody is connected with the target; DATABASE_SERVER, DATABASE_TOOL; the
 *   signal's reason
 */
export async function restorePostgres(input: RestoreInput): Promise<RestoreOutput> {
  const { name, file, signal } = input;
  const place = parsePostgresUrl(input.to, name);
  const target = place.database;
  const server = await connectServer(place, name, target, signal, input.folders);
  if (target === null) throw refused(server, 'the URL names no database');
  const { tools, listed } = await readArchive(server, file, signal);
  const old = await readProperties({ ...server, signal }, target);
  if (old?.isTemplate === true) throw refused(server, 'it is a template');
  if (old) await refuseInUse(server, target, signal);
  const options = old ? [createOptions(old)] : await localesOf(tools, file, signal);
  const made: string[] = [];
  const make = async () => {
    const scratch = await makeScratch(server, target, RESTORING, options, signal);
    made.push(scratch);
    return scratch;
  };
  try {
    input.onStep?.('create');
    let scratch = await make();
    input.onStep?.('restore');
    let failed = await fill(server, { tools, file, database: scratch, args: [], signal });
    let withoutOwners: string | null = null;
    if (failed !== null && isOfOwners(failed)) {
      withoutOwners = failed;
      await dropScratch(server, scratch);
      scratch = await make();
      const args = ['--no-owner', '--no-privileges'];
      failed = await fill(server, { tools, file, database: scratch, args, signal });
    }
    if (failed !== null) throw new ChsError('DATABASE_SERVER', { name, path: server.shown, reason: failed });
    input.onStep?.('check');
    const tables = await checkScratch(server, scratch, listed, signal);
    // A restored database has no statistics, and plans its queries badly without.
    await run(server, 'ANALYZE', signal, scratch);
    signal.throwIfAborted();
    input.onStep?.('swap');
    const replaced = await swap(server, scratch, target, old);
    const isKept = replaced === null || input.keepReplaced || !(await dropScratch(server, replaced));
    return { database: target, replaced: isKept ? replaced : null, tables, withoutOwners };
  } catch (error) {
    for (const scratch of made) await dropScratch(server, scratch);
    throw error;
  }
}

/** Roles are the server's, not the database's: another server may lack them, or not let us act for them. */
function isOfOwners(reason: string): boolean {
  return /role "[^"]*" does not exist|must be member of role|must be able to SET ROLE/i.test(reason);
}

function refused(server: PostgresServer, reason: string): ChsError {
  return new ChsError('RESTORE_REFUSED', { path: server.shown, reason });
}

/**
 * Who is connected: programs by the names that they give themselves. What kind of process it is the server hides from
 * roles without pg_read_all_stats.
 */
async function refuseInUse(server: PostgresServer, target: string, signal: AbortSignal): Promise<void> {
  const text = await run(
    server,
    `SELECT json_build_object('count', count(*), 'names', coalesce(json_agg(DISTINCT
      coalesce(nullif(application_name, ''), usename, 'unknown')), '[]')) FROM pg_stat_activity
      WHERE datname = ${literal(target)} AND usename IS NOT NULL
      AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')`,
    signal,
  );
  const { count, names }: { count: number; names: string[] } = JSON.parse(text);
  if (count === 0) return;
  const shown = names.length > 5 ? [...names.slice(0, 5), '...'] : names;
  throw refused(
    server,
    `${count} ${count === 1 ? 'connection is' : 'connections are'} open (${shown.join(', ')})`,
  );
}

/** Gives the new database the target's name, and everything that the old one had beside its content. */
async function swap(
  server: PostgresServer,
  scratch: string,
  target: string,
  old: DatabaseProperties | null,
): Promise<string | null> {
  // Not the caller's: given up in the middle, nobody could say which of the two the target is.
  const signal = AbortSignal.timeout(SWAP_TIMEOUT_MS);
  const before = old === null ? null : await freeName(server, target, signal);
  const statements = [
    'BEGIN',
    "SET LOCAL lock_timeout = '30s'",
    ...(before === null ? [] : [`ALTER DATABASE ${identifier(target)} RENAME TO ${identifier(before)}`]),
    `ALTER DATABASE ${identifier(scratch)} RENAME TO ${identifier(target)}`,
    // The mark goes; a comment of the old one comes with its statements.
    `COMMENT ON DATABASE ${identifier(target)} IS NULL`,
    ...(old?.statements ?? []),
    'COMMIT',
  ];
  try {
    await run(server, statements.join(';\n'), signal);
    return before;
  } catch (error) {
    if (error instanceof ChsError && /is being accessed by other users/.test(error.message)) {
      await refuseInUse(server, target, signal);
    }
    if (error instanceof ChsError && /already exists/.test(error.message)) {
      throw refused(server, 'somebody made or renamed it meanwhile');
    }
    throw error;
  }
}

/** `app_before_20251224T120000Z`, or with a number where that is taken. */
async function freeName(server: PostgresServer, target: string, signal: AbortSignal): Promise<string> {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  for (let number = 1; ; number += 1) {
    const name = suffixed(target, `_before_${stamp}${number === 1 ? '' : `_${number}`}`);
    const taken = await run(server, `SELECT 1 FROM pg_database WHERE datname = ${literal(name)}`, signal);
    if (taken === '') return name;
  }
}
