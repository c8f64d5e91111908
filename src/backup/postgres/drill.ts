/** Proves that an archive can be restored: into a database of its own, which is opened, counted and dropped. */
import { ChsError } from '../../platform/errors.ts';
import { localesOf } from './properties.ts';
import {
  checkScratch,
  connectServer,
  DRILL,
  dropScratch,
  fill,
  makeScratch,
  readArchive,
  run,
} from './scratch.ts';
import { parsePostgresUrl } from './url.ts';

export interface DrillInput {
  /** An archive of pg_dump. */
  readonly file: string;
  /** Any database on the server where it is to be tried. */
  readonly url: string;
  readonly signal: AbortSignal;
  /** What errors call it. */
  readonly name?: string;
}

export interface DrillOutput {
  /** Lines of the archive's table of contents. */
  readonly entries: number;
  readonly tables: number;
  /** Of the largest tables, at most 10, the largest first. */
  readonly counted: readonly { readonly table: string; readonly rows: number }[];
  readonly serverVersion: string;
}

const TABLES_COUNTED = 10;

/** Writes the statements that count the rows of the largest tables. */
const countingStatements = `SELECT coalesce(json_agg(statement), '[]') FROM (
  SELECT format('SELECT json_build_object(''table'', %L, ''rows'', count(*)) FROM %s', name, name) FROM (
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY pg_relation_size(c.oid) DESC, n.nspname, c.relname LIMIT ${TABLES_COUNTED}) AS largest
  ) AS all_of_it(statement)`;

/**
 * Restores an archive into `chs_drill_xxxxxx` on the server, without owners and rights, opens it, and drops it again,
 * whatever happens.
 *
 * @throws ChsError DATABASE_SERVER, also where the role may not create databases; DATABASE_TOOL, RESTORE_REFUSED; the
 *   signal's reason
 */
export async function drillPostgres(input: DrillInput): Promise<DrillOutput> {
  const { file, signal } = input;
  const place = parsePostgresUrl(input.url, input.name);
  const name = input.name ?? place.database ?? 'postgres';
  const server = await connectServer(place, name, null, signal);
  const { tools, listed } = await readArchive(server, file, signal);
  const scratch = await makeScratch(server, '', DRILL, await localesOf(tools, file, signal), signal);
  try {
    // A subscription would reach for another server.
    const args = ['--no-owner', '--no-privileges', '--no-subscriptions', '--no-publications'];
    const failed = await fill(server, { tools, file, database: scratch, args, signal });
    if (failed !== null) throw new ChsError('DATABASE_SERVER', { name, path: server.shown, reason: failed });
    const tables = await checkScratch(server, scratch, listed, signal);
    const statements: string[] = JSON.parse(await run(server, countingStatements, signal, scratch));
    const text = await run(server, statements.join(';\n'), signal, scratch);
    const counted = text.split('\n').filter((line) => line !== '');
    return {
      entries: listed.entries,
      tables,
      counted: counted.map((line) => JSON.parse(line)),
      serverVersion: server.version,
    };
  } finally {
    await dropScratch(server, scratch);
  }
}
