/** URLs of PostgreSQL databases: read as libpq reads them, shown without passwords, handed over by the environment. */
import t from 'tap';
import { libpqEnvironment, parsePostgresUrl, shownUrl } from '../../src/backup/postgres/url.ts';
import { ChsError } from '../../src/platform/errors.ts';

const plain = { hosts: [], database: null, user: null, password: null, service: null, options: {} };

t.test('reads what libpq reads', (t) => {
  const cases: Record<string, object> = {
    'postgres://': plain,
    'postgresql:///app': { ...plain, database: 'app' },
    'postgres://h': { ...plain, hosts: [{ host: 'h', port: null }] },
    'postgres://u@h:5433/app': { ...plain, hosts: [{ host: 'h', port: 5433 }], user: 'u', database: 'app' },
    'postgres://u%40x:p%40ss%3Aw%2Frd%25@h/a%2Fb%20c': {
      ...plain,
      hosts: [{ host: 'h', port: null }],
      user: 'u@x',
      password: 'p@ss:w/rd%',
      database: 'a/b c',
    },
    'postgres://u:a:b@h/x': {
      ...plain,
      hosts: [{ host: 'h', port: null }],
      user: 'u',
      password: 'a:b',
      database: 'x',
    },
    'postgres://[::1]:5433/x': { ...plain, hosts: [{ host: '::1', port: 5433 }], database: 'x' },
    'postgres://a:1,b:2,c/x': {
      ...plain,
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: null },
      ],
      database: 'x',
    },
    'postgres:///x?host=/run/pg&port=5433': {
      ...plain,
      hosts: [{ host: '/run/pg', port: 5433 }],
      database: 'x',
    },
    'postgres://%2Frun%2Fpg/x': { ...plain, hosts: [{ host: '/run/pg', port: null }], database: 'x' },
    'postgres://:5433/x': { ...plain, hosts: [{ host: '', port: 5433 }], database: 'x' },
    'postgres:///?user=u&password=p%26q&dbname=d': { ...plain, user: 'u', password: 'p&q', database: 'd' },
    'postgres:///app?service=prod': { ...plain, service: 'prod', database: 'app' },
    'postgres://h/x?sslmode=verify-full&sslrootcert=/etc/ca.pem&client_encoding=latin1': {
      ...plain,
      hosts: [{ host: 'h', port: null }],
      database: 'x',
      options: { sslmode: 'verify-full', sslrootcert: '/etc/ca.pem' },
    },
    'postgres://h/x?ssl=true': {
      ...plain,
      hosts: [{ host: 'h', port: null }],
      database: 'x',
      options: { sslmode: 'require' },
    },
  };
  for (const [url, place] of Object.entries(cases)) t.strictSame(parsePostgresUrl(url), place, url);
  t.end();
});

t.test('refuses what is not clear, and never says the secret in it', (t) => {
  for (const url of [
    'mysql://u:sEcret@h/x',
    'postgres://u:sEcret@w@h/x',
    'postgres://u:1/sEcret@h/x',
    'postgres://u:sEcret/w@h/x',
    'postgres://u:sEcret?w@h/x',
    'postgres://u:sEcret%zz@h/x',
    'postgres://u:sEcret@h:port/x',
    'postgres://u:sEcret@h:70000/x',
    'postgres://u:sEcret@[::1/x',
    'postgres://u:sEcret@h/x?sslmode',
    'postgres://u:sEcret@h/x?sslmod=disable',
    'postgres://u:sEcret@h/x?sEcret&=1',
    'postgres://u:sEcret%00@h/x',
    'postgres://u:sEcret@h/x?service=y',
    'postgres://u:sEcret@a,b/x?port=1,2,3',
    `postgres://u:sEcret@${'h,'.repeat(40)}h/x`,
    `postgres://u:sEcret@${'h'.repeat(9000)}/x`,
  ]) {
    t.throws(
      () => parsePostgresUrl(url, 'app'),
      { code: 'DATABASE_SERVER', params: { name: 'app', path: 'postgres://...' } },
      url.slice(0, 60),
    );
    try {
      parsePostgresUrl(url);
    } catch (error) {
      t.notMatch(String(error), /sEcret/, `no secret of ${url.slice(0, 60)}`);
      t.ok(error instanceof ChsError);
      if (error instanceof ChsError) t.notMatch(error.describe('zh').message, /[a-z]+ [a-z]+/, 'in Chinese');
    }
    t.notMatch(shownUrl(url), /sEcret/);
  }
  t.end();
});

t.test('shows a URL without its password, so that it reads the same again', (t) => {
  for (const url of [
    'postgres://u%40x:p%40ss@h:5433/a%2Fb?sslmode=require',
    'postgres://u:p@[::1]:5433,b/x',
    'postgres:///x?host=/run/pg&password=p',
    'postgres:///x?service=prod',
  ]) {
    const shown = shownUrl(url);
    t.strictSame(parsePostgresUrl(shown), { ...parsePostgresUrl(url), password: null }, shown);
  }
  t.equal(shownUrl('postgres://u:p@h:1/x'), 'postgres://u@h:1/x');
  t.end();
});

t.test('hands everything over by the environment', (t) => {
  const place = parsePostgresUrl('postgres://u:p@h:5433,k/x?sslmode=require&connect_timeout=3');
  t.match(libpqEnvironment(place, {}), {
    PGHOST: 'h,k',
    PGPORT: '5433,5432',
    PGUSER: 'u',
    PGPASSWORD: 'p',
    PGDATABASE: 'x',
    PGSSLMODE: 'require',
    PGCONNECT_TIMEOUT: '3',
    LC_ALL: 'C',
  });
  t.end();
});

t.test('takes from our environment what libpq needs, and nothing of another place', (t) => {
  const ours = {
    HOME: '/home/x',
    PATH: '/bin',
    CHS_BACKUP_TOKEN: 'sEcret',
    AWS_SECRET_ACCESS_KEY: 'sEcret',
    PGPASSFILE: '/home/x/.pgpass',
    PGHOST: 'other',
    PGHOSTADDR: '10.0.0.1',
    PGPORT: '1',
    PGUSER: 'other',
    PGSERVICE: 'other',
    PGCLIENTENCODING: 'latin1',
  };
  const named = libpqEnvironment(parsePostgresUrl('postgres://u@h/x'), ours);
  t.match(named, { HOME: '/home/x', PATH: '/bin', PGPASSFILE: '/home/x/.pgpass', PGHOST: 'h', PGUSER: 'u' });
  for (const name of ['PGHOSTADDR', 'PGPORT', 'PGSERVICE', 'PGCLIENTENCODING', 'CHS_BACKUP_TOKEN']) {
    t.notOk(Object.hasOwn(named, name), `${name} stays here`);
  }
  t.notMatch(JSON.stringify(named), /sEcret/);
  t.match(libpqEnvironment(parsePostgresUrl('postgres:///x'), ours), { PGHOST: 'other', PGUSER: 'other' });
  t.end();
});
