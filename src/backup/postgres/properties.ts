/** What a database has beside its content: encoding, locale, owner, settings, rights. pg_restore brings none of it. */
import { runTool } from './process.ts';
import { identifier, literal } from './sql.ts';
import { type PostgresTools, query } from './tools.ts';
import { libpqEnvironment, type PostgresPlace } from './url.ts';

export interface DatabaseProperties {
  readonly owner: string;
  readonly tablespace: string;
  readonly isTemplate: boolean;
  /** Options of CREATE DATABASE. */
  readonly locale: string;
  /** Statements that give all the rest to a database of the name that was asked for. */
  readonly statements: readonly string[];
}

/** Settings whose values are lists that are quoted already (PostgreSQL's own dumputils.c names them). */
const listSettings =
  "'local_preload_libraries','search_path','session_preload_libraries','shared_preload_libraries','temp_tablespaces','unix_socket_directories'";

/** `to_jsonb(d)` in place of columns that only some versions have. Settings are `name=value`. */
const propertiesOf = (database: string) => `
SELECT json_build_object(
  'owner', pg_get_userbyid(d.datdba),
  'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = d.dattablespace),
  'isTemplate', d.datistemplate,
  'encoding', pg_encoding_to_char(d.encoding),
  'collate', to_jsonb(d)->>'datcollate',
  'ctype', to_jsonb(d)->>'datctype',
  'provider', to_jsonb(d)->>'datlocprovider',
  'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'),
  'rules', to_jsonb(d)->>'daticurules',
  'statements', (
    SELECT coalesce(json_agg(s), '[]') FROM (
      SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', d.datname, d.datconnlimit) AS s
      UNION ALL SELECT format('COMMENT ON DATABASE %I IS %L', d.datname, shobj_description(d.oid, 'pg_database'))
      UNION ALL SELECT CASE WHEN setrole = 0 THEN format('ALTER DATABASE %I', d.datname)
          ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(setrole), d.datname) END
        || format(' SET %I TO ', split_part(item, '=', 1))
        || CASE WHEN lower(split_part(item, '=', 1)) IN (${listSettings})
          THEN coalesce(nullif(substr(item, strpos(item, '=') + 1), ''), '''''')
          ELSE quote_literal(substr(item, strpos(item, '=') + 1)) END
        FROM pg_db_role_setting, unnest(setconfig) AS item WHERE setdatabase = d.oid
      UNION ALL SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', d.datname) WHERE d.datacl IS NOT NULL
      UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, d.datname,
          CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
          CASE WHEN is_grantable AND grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM aclexplode(d.datacl) WHERE grantee <> d.datdba
    ) AS all_of_it(s)))
FROM pg_database d WHERE datname = ${literal(database)}`;

interface Asked {
  readonly tools: PostgresTools;
  /** Another database on the same server. */
  readonly place: PostgresPlace;
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * Null where there is no such database.
 *
 * @throws ChsError DATABASE_SERVER; the signal's reason
 */
export async function readProperties(asked: Asked, database: string): Promise<DatabaseProperties | null> {
  const text = await query({ ...asked, psql: asked.tools.psql, sql: propertiesOf(database) });
  if (text === '') return null;
  const row: Row = JSON.parse(text);
  const locale = [`ENCODING ${literal(row.encoding)}`, `LC_COLLATE ${literal(row.collate)}`];
  locale.push(`LC_CTYPE ${literal(row.ctype)}`);
  if (row.locale !== null && row.provider === 'i') {
    locale.push('LOCALE_PROVIDER icu', `ICU_LOCALE ${literal(row.locale)}`);
    if (row.rules !== null) locale.push(`ICU_RULES ${literal(row.rules)}`);
  }
  if (row.locale !== null && row.provider === 'b') {
    locale.push('LOCALE_PROVIDER builtin', `BUILTIN_LOCALE ${literal(row.locale)}`);
  }
  return { ...row, locale: locale.join(' ') };
}

interface Row extends Omit<DatabaseProperties, 'locale'> {
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly provider: string | null;
  readonly locale: string | null;
  readonly rules: string | null;
}

/**
 * Options of CREATE DATABASE as the archive has them of its database, and what to try where this server does not know
 * that locale: its own, and `C`, which goes with every encoding.
 *
 * @throws the signal's reason
 */
export async function localesOf(tools: PostgresTools, file: string, signal: AbortSignal): Promise<string[]> {
  const nowhere = { hosts: [], database: null, user: null, password: null, service: null, options: {} };
  const { stdout } = await runTool({
    file: tools.pgRestore,
    args: ['--create', '--schema-only', '--file=-', file],
    env: libpqEnvironment(nowhere),
    signal,
    output: 'collect',
  });
  const marker = ' WITH TEMPLATE = template0 ';
  const line = /^CREATE DATABASE .*$/m.exec(stdout)?.[0] ?? '';
  const clause = line.includes(marker) ? line.slice(line.lastIndexOf(marker) + marker.length) : '';
  const options = [...clause.matchAll(/\b([A-Z_]+) = ('(?:[^']|'')*'|\w+)/g)];
  const known =
    /^(?:ENCODING|LOCALE|LC_COLLATE|LC_CTYPE|LOCALE_PROVIDER|ICU_LOCALE|ICU_RULES|BUILTIN_LOCALE)$/;
  const all = options
    .filter(([, option = '']) => known.test(option))
    .map(([, option, value]) => `${option} ${value}`);
  const encoding = all.find((each) => each.startsWith('ENCODING ')) ?? "ENCODING 'UTF8'";
  return [...new Set([all.join(' ') || encoding, encoding, `${encoding} LC_COLLATE 'C' LC_CTYPE 'C'`])];
}

/** What comes after CREATE DATABASE and its name. */
export function createOptions({ locale, owner, tablespace }: DatabaseProperties): string {
  // The usual tablespace is for everybody, unless one names it.
  const where = tablespace === 'pg_default' ? '' : ` TABLESPACE ${identifier(tablespace)}`;
  return `${locale} OWNER ${identifier(owner)}${where}`;
}
