/** URLs of PostgreSQL databases: what they name, how they are shown, and the environment that libpq takes it from. */
import { ChsError } from '../../platform/errors.ts';

/** One server that libpq tries; an empty host is its default, one that begins with `/` the folder of a socket. */
export interface PostgresHost {
  readonly host: string;
  readonly port: number | null;
}

/** A database on a server, as a URL names it. What is null or missing is left to libpq's own defaults. */
export interface PostgresPlace {
  /** Tried in this order. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string | null;
  readonly user: string | null;
  readonly password: string | null;
  /** An entry of pg_service.conf. */
  readonly service: string | null;
  /** Such as `sslmode`, by libpq's keyword. */
  readonly options: Readonly<Record<string, string>>;
}

const URL_LENGTH_MAX = 8192;
const HOSTS_MAX = 32;

/** Keywords of libpq that it also takes from the environment (its manual, "Environment Variables"). */
const variables: Readonly<Record<string, string>> = {
  hostaddr: 'PGHOSTADDR',
  passfile: 'PGPASSFILE',
  channel_binding: 'PGCHANNELBINDING',
  require_auth: 'PGREQUIREAUTH',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslcompression: 'PGSSLCOMPRESSION',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcertmode: 'PGSSLCERTMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  requirepeer: 'PGREQUIREPEER',
  krbsrvname: 'PGKRBSRVNAME',
  gsslib: 'PGGSSLIB',
  gssencmode: 'PGGSSENCMODE',
  gssdelegation: 'PGGSSDELEGATION',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
};

/** Variables of our own environment that the programs need: to be found, to find certificates, and on Windows to run. */
const inherited = new Set(
  [
    'PATH',
    'HOME',
    'TMPDIR',
    'TEMP',
    'TMP',
    'SYSTEMROOT',
    'APPDATA',
    'USERPROFILE',
    'KRB5CCNAME',
    'KRB5_CONFIG',
  ].concat([
    'LD_LIBRARY_PATH',
    'DYLD_LIBRARY_PATH',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'PATHEXT',
    'SYSTEMDRIVE',
  ]),
);

/** They change the text of a dump, or which of Debian's clusters its wrapper picks. */
const neverInherited = new Set(['PGCLIENTENCODING', 'PGDATESTYLE', 'PGTZ', 'PGGEQO', 'PGCLUSTER', 'PGDATA']);

/**
 * Reads a URL as libpq does (its manual, "Connection URIs"): several hosts, sockets by `?host=/folder` or an encoded
 * host, everything percent-encoded. Stricter in one thing: `/` and `@` in names have to be encoded, as an unencoded
 * password would otherwise be taken for a host or a database, and shown.
 *
 * @param name of the database, for the error
 * @throws ChsError DATABASE_SERVER; its reason never holds a part of the URL but an option's name
 */
export function parsePostgresUrl(url: string, name = 'postgres'): PostgresPlace {
  const wrong = (reason: string) =>
    new ChsError('DATABASE_SERVER', {
      name,
      path: 'postgres://...',
      reason: `the URL is not usable: ${reason}`,
    });
  const scheme = /^postgres(?:ql)?:\/\//.exec(url)?.[0];
  if (scheme === undefined) throw wrong('expected postgres://');
  if (url.length > URL_LENGTH_MAX) throw wrong('it is too long');
  const rest = url.slice(scheme.length);
  const queryAt = rest.indexOf('?');
  const address = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const parts = /^(?:([^@/]*)@)?([^@/]*)(?:\/([^@/]*))?$/.exec(address);
  if (!parts) throw wrong('/, @ and ? in names and passwords are written %2F, %40 and %3F');
  const [, login = '', authority = '', path = ''] = parts;
  const decode = (text: string) => {
    const plain = decoded(text);
    if (plain === null)
      throw wrong('% is not followed by two hexadecimal digits (as a sign it is written %25)');
    if (/\p{Cc}/u.test(plain)) throw wrong('it has control characters');
    return plain;
  };
  const colon = login.indexOf(':');
  const named = new Map<string, string>();
  const set = (keyword: string, value: string) => value !== '' && named.set(keyword, decode(value));
  set('user', colon < 0 ? login : login.slice(0, colon));
  if (colon >= 0) set('password', login.slice(colon + 1));
  set('dbname', path);
  let hosts = authority === '' ? [] : authority.split(',').map((text) => hostOf(text, decode, wrong));
  for (const [keyword, value] of queryOf(queryAt < 0 ? '' : rest.slice(queryAt + 1), wrong))
    set(keyword, value);
  const host = named.get('host');
  if (host !== undefined || named.has('port')) {
    hosts = pairs(
      host?.split(',') ?? hosts.map((each) => each.host),
      named.get('port')?.split(',') ?? [],
      wrong,
      hosts,
    );
  }
  if (hosts.length > HOSTS_MAX) throw wrong('it names too many hosts');
  const service = named.get('service') ?? null;
  // libpq lets the service file win over the environment, which is how all of this is handed over.
  if (service !== null && (hosts.length > 0 || named.has('user'))) {
    throw wrong('beside a service it can name a database and options, but no host and no user');
  }
  const options: Record<string, string> = {};
  for (const [keyword, value] of named) if (Object.hasOwn(variables, keyword)) options[keyword] = value;
  return {
    hosts,
    database: named.get('dbname') ?? null,
    user: named.get('user') ?? null,
    password: named.get('password') ?? null,
    service,
    options,
  };
}

type Wrong = (reason: string) => ChsError;

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** `host`, `host:port`, `[address]:port`, `%2Ffolder`. */
function hostOf(text: string, decode: (text: string) => string, wrong: Wrong): PostgresHost {
  const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^[\]:]*))(?::(.*))?$/.exec(text);
  if (!parts) throw wrong('the host is not readable (an IPv6 address stands in brackets)');
  return { host: decode(parts[1] ?? parts[2] ?? ''), port: portOf(parts[3] ?? '', wrong) };
}

function portOf(text: string, wrong: Wrong): number | null {
  if (text === '') return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw wrong('the port is not a number from 1 to 65535');
  return port;
}

/** Keywords and values of the query, still encoded; what libpq does not know, or chs cannot hand on, is refused. */
function* queryOf(query: string, wrong: Wrong): Generator<[string, string]> {
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [keyword = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0) throw wrong('each option is written name=value');
    if (keyword === 'ssl' && value === 'true') yield ['sslmode', 'require'];
    // A dump is in the database's own encoding, whoever asks for another.
    else if (keyword === 'client_encoding') continue;
    else if (
      !Object.hasOwn(variables, keyword) &&
      !/^(?:host|port|dbname|user|password|service)$/.test(keyword)
    ) {
      throw wrong(
        /^\w{1,40}$/.test(keyword) ? `the option ${keyword} is not supported` : 'an option is not supported',
      );
    } else yield [keyword, value];
  }
}

/** Hosts with their ports: one for each, or one for all. */
function pairs(
  hosts: readonly string[],
  ports: readonly string[],
  wrong: Wrong,
  before: readonly PostgresHost[],
): PostgresHost[] {
  const names = hosts.length > 0 ? hosts : [''];
  if (ports.length > 1 && ports.length !== names.length) throw wrong('it has not as many ports as hosts');
  return names.map((host, at) => {
    const own = ports.length === 0 ? (before.length === 1 ? before[0] : before[at])?.port : null;
    return { host, port: own ?? portOf(ports[at] ?? ports[0] ?? '', wrong) };
  });
}

/** The URL without its password, for people, logs and manifests. Gives `postgres://...` for what is no such URL. */
export function shownUrl(url: string): string {
  let place: PostgresPlace;
  try {
    place = parsePostgresUrl(url);
  } catch {
    return 'postgres://...';
  }
  return shownPlace(place);
}

/** The same of what was parsed. */
export function shownPlace(place: PostgresPlace): string {
  const user = place.user === null ? '' : `${encodeURIComponent(place.user)}@`;
  const hosts = place.hosts.map(({ host, port }) => {
    const shown = host.includes(':') && !host.startsWith('/') ? `[${host}]` : encodeURIComponent(host);
    return port === null ? shown : `${shown}:${port}`;
  });
  const database = place.database === null ? '' : `/${encodeURIComponent(place.database)}`;
  const query = Object.entries({
    ...(place.service === null ? {} : { service: place.service }),
    ...place.options,
  })
    .map(([keyword, value]) => `${keyword}=${encodeURIComponent(value)}`)
    .join('&');
  return `postgres://${user}${hosts.join(',')}${database}${query === '' ? '' : `?${query}`}`;
}

/**
 * The whole environment of a program that connects to `place`. Passwords and all the rest go this way: arguments
 * are in the process list, for everybody on the machine. Of our own environment it has what libpq needs.
 */
export function libpqEnvironment(
  place: PostgresPlace,
  ours: Readonly<NodeJS.ProcessEnv> = process.env,
): Record<string, string> {
  const own = new Set<string>();
  // What the URL names must not meet with half of another place: its service, its address.
  if (place.hosts.length > 0 || place.service !== null)
    for (const it of ['PGHOST', 'PGHOSTADDR', 'PGPORT']) own.add(it);
  if (place.user !== null || place.service !== null) own.add('PGUSER');
  if (place.hosts.length > 0 || place.user !== null || place.database !== null) own.add('PGSERVICE');
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(ours)) {
    // On Windows their letters' case is of no account.
    const key = process.platform === 'win32' ? name.toUpperCase() : name;
    if (value === undefined || own.has(key) || neverInherited.has(key)) continue;
    if (inherited.has(key) || /^PG[A-Z_]+$/.test(key)) environment[key] = value;
  }
  // Their own messages are read, so they have to be in English.
  Object.assign(environment, { LANG: 'C', LC_ALL: 'C', LC_MESSAGES: 'C' });
  environment.PGCONNECT_TIMEOUT ??= '10';
  environment.PGAPPNAME ??= 'chs backup';
  for (const [keyword, value] of Object.entries(place.options)) {
    const variable = variables[keyword];
    if (variable !== undefined) environment[variable] = value;
  }
  if (place.hosts.length > 0) {
    environment.PGHOST = place.hosts.map((each) => each.host).join(',');
    if (place.hosts.some((each) => each.port !== null)) {
      environment.PGPORT = place.hosts.map((each) => each.port ?? 5432).join(',');
    }
  }
  if (place.user !== null) environment.PGUSER = place.user;
  if (place.password !== null) environment.PGPASSWORD = place.password;
  if (place.database !== null) environment.PGDATABASE = place.database;
  if (place.service !== null) environment.PGSERVICE = place.service;
  return environment;
}
