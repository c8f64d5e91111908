/** Who may do what: every operation against every kind of key, and the life of a token. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dialects } from '../../daemon/dialects/table.ts';
import { accessOperations } from '../../src/access/operations.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import { healthOperations } from '../../src/health/operations.ts';
import type { Operation, Operations } from '../../src/operation.ts';
import { permits, type Scope } from '../../src/platform/access.ts';
import { type Reached, TEST_KEY } from '../fixtures/chs.ts';
import { files } from './bad-bodies.ts';
import { answerOf, ask, at, inBoth, listAt, logOf, send, textAt } from './wire.ts';

const tables: readonly Operations[] = [crashOperations, accessOperations, healthOperations];

async function makeToken(
  chs: Reached,
  input: Record<string, unknown>,
): Promise<{ id: string; token: string }> {
  const body = JSON.stringify({ name: 'test', ...input });
  const answer = await ask(chs, '/api/tokens', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  return { id: textAt(answer, 'data', 'id'), token: textAt(answer, 'data', 'token') };
}

function sql(chs: Reached, statement: string, ...values: unknown[]): void {
  const Database = loadDriver();
  const database = new Database(join(chs.folder, 'data', 'crash_handler.db'));
  database.prepare(statement).run(...values);
  database.close();
}

/** A presented key, and what it is good for: a scope, or the code of the refusal. */
interface Caller {
  readonly name: string;
  readonly key: string | null;
  readonly scope: Scope | null;
  readonly code: string;
}

async function callers(chs: Reached): Promise<Caller[]> {
  const expired = await makeToken(chs, { scope: 'admin', expires: '1h' });
  sql(chs, 'UPDATE tokens SET expires_ms = 1 WHERE id = ?', expired.id);
  const revoked = await makeToken(chs, { scope: 'admin' });
  await ask(chs, `/tokens/${revoked.id}`, { method: 'DELETE' });
  const scoped = async (scope: Scope): Promise<Caller> => {
    const { token } = await makeToken(chs, { scope });
    return { name: `a token to ${scope}`, key: token, scope, code: 'FORBIDDEN' };
  };
  const other = `chs_${revoked.id}_${'A'.repeat(43)}`;
  return [
    { name: 'no key', key: null, scope: null, code: 'UNAUTHORIZED' },
    { name: 'an empty key', key: '', scope: null, code: 'UNAUTHORIZED' },
    { name: 'a wrong key', key: `${TEST_KEY}x`, scope: null, code: 'UNAUTHORIZED' },
    { name: 'half a key', key: TEST_KEY.slice(0, -1), scope: null, code: 'UNAUTHORIZED' },
    { name: 'a made-up token', key: `chs_000000000000_${'x'.repeat(43)}`, scope: null, code: 'UNAUTHORIZED' },
    { name: 'a token with another secret', key: other, scope: null, code: 'UNAUTHORIZED' },
    { name: 'an expired token', key: expired.token, scope: null, code: 'KEY_EXPIRED' },
    { name: 'a revoked token', key: revoked.token, scope: null, code: 'KEY_EXPIRED' },
    await scoped('symbols'),
    await scoped('submit'),
    await scoped('read'),
    await scoped('write'),
    await scoped('admin'),
    { name: 'the configured key', key: TEST_KEY, scope: 'admin', code: '' },
  ];
}

function refusal({ dialect }: Operation, code: string): unknown {
  if (dialect === 'symbols') return String;
  return dialect === 'submit' ? `Discarded=${code.toLowerCase()}\n` : { success: false, code };
}

inBoth('the matrix: every route and every kind of key gives what the table says', async (t, chs) => {
  for (const caller of await callers(chs)) {
    for (const [name, operation] of tables.flatMap((table) => Object.entries(table))) {
      for (const path of dialects[operation.dialect].paths(operation.path)) {
        // What stands there counts, and no header.
        if (path.includes('{token}')) continue;
        const inits: Record<string, string>[] = caller.key === null ? [{}] : [{ 'x-api-key': caller.key }];
        if (caller.key) inits.push({ authorization: `Bearer ${caller.key}` });
        for (const headers of inits) {
          const answer = await answerOf(
            await chs.bare(path.replace(/\{\w+\}/g, 'aaaaaaaa'), { method: operation.method, headers }),
          );
          const label = `${caller.name}: ${operation.method} ${path} (${name})`;
          if (operation.access === 'public') t.equal(answer.status, 200, label);
          else if (caller.scope === null)
            t.match(answer, { status: 401, body: refusal(operation, caller.code) }, label);
          else if (!permits(caller.scope, operation.access))
            t.match(answer, { status: 403, body: refusal(operation, 'FORBIDDEN') }, label);
          else t.notOk([401, 403, 500].includes(answer.status), `${label}: ${answer.status}`);
          if (answer.status === 401) t.match(answer.headers.get('www-authenticate'), 'Bearer', label);
        }
      }
    }
  }
});

inBoth('nothing is done for a caller without the right, whatever is sent', async (t, chs) => {
  const { token } = await makeToken(chs, { scope: 'read' });
  const id = textAt(await send(chs, 'pdb', null, files.pdb), 'data', 'pdb_id');
  const attempts: readonly Record<string, string>[] = [
    { 'x-api-key': token },
    { authorization: 'Bearer x' },
    { authorization: `Basic ${TEST_KEY}` },
  ];
  for (const headers of attempts) {
    const body = Uint8Array.from(files.exe);
    t.ok((await chs.bare('/upload/exe', { method: 'POST', body, headers })).status >= 401);
    t.ok((await chs.bare(`/pdbs/${id}`, { method: 'DELETE', headers })).status >= 401);
  }
  t.equal(at((await ask(chs, '/list/exes')).body, 'data', 'total'), 0);
  t.equal((await ask(chs, `/pdbs/${id}`)).status, 200);
});

inBoth('a token is shown once, listed without its secret, used, and revoked at once', async (t, chs) => {
  const body = JSON.stringify({ name: 'ci upload', scope: 'write', expires: '30d' });
  const made = await ask(chs, '/api/tokens', { method: 'POST', body });
  t.match(made, { status: 200, body: { success: true, data: { name: 'ci upload', scope: 'write' } } });
  t.equal(made.headers.get('cache-control'), 'no-store');
  const token = textAt(made, 'data', 'token');
  const id = textAt(made, 'data', 'id');
  t.match(token, new RegExp(`^chs_${id}_[\\w-]{43}$`));
  const days = (Date.parse(textAt(made, 'data', 'expires_at')) - Date.now()) / 86_400_000;
  t.ok(days > 29.9 && days <= 30, 'thirty days');

  const listed = async (): Promise<unknown> => listAt(await ask(chs, '/tokens'), 'data', 'tokens')[0];
  t.match(await listed(), { id, name: 'ci upload', scope: 'write', last_used_at: null, revoked_at: null });
  t.same(Object.keys((await listed()) as object).sort(), [
    'created_at',
    'expires_at',
    'id',
    'last_used_at',
    'name',
    'revoked_at',
    'scope',
  ]);

  t.equal((await chs.bare('/list/pdbs', { headers: { 'x-api-key': token } })).status, 200);
  for (let attempt = 0; at(await listed(), 'last_used_at') === null && attempt < 50; attempt += 1);
  t.type(at(await listed(), 'last_used_at'), 'string', 'its last use is shown');

  t.same((await ask(chs, `/tokens/${id}`, { method: 'DELETE' })).body, {
    success: true,
    data: { revoked: true, id },
  });
  t.equal(
    (await chs.bare('/list/pdbs', { headers: { 'x-api-key': token } })).status,
    401,
    'the next request already',
  );
  const first = at(await listed(), 'revoked_at');
  t.equal((await ask(chs, `/tokens/${id}`, { method: 'DELETE' })).status, 200, 'twice is the same');
  t.equal(at(await listed(), 'revoked_at'), first);
  t.match(await ask(chs, '/tokens/aaaaaaaa', { method: 'DELETE' }), {
    status: 404,
    body: { code: 'TOKEN_NOT_FOUND' },
  });

  await ask(chs, `/list/pdbs?token=${token}&key=${TEST_KEY}`);
  await ask(chs, `/no/such/route/${token}`);
  const secret = token.slice(-43);
  t.notMatch(logOf(chs), secret, 'it is in no log line');
  t.notMatch(logOf(chs), TEST_KEY);
  for (const file of readdirSync(join(chs.folder, 'data')))
    t.notOk(readFileSync(join(chs.folder, 'data', file)).includes(secret), `it is not in ${file}`);
});

inBoth('tokens end when they are told to, or are refused', async (t, chs) => {
  const make = (input: unknown) => ask(chs, '/tokens', { method: 'POST', body: JSON.stringify(input) });
  const spans: readonly [expires: string, ms: number][] = [
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['2w', 1_209_600_000],
    ['1y', 31_536_000_000],
  ];
  for (const [expires, ms] of spans) {
    const answer = await make({ name: 'n', expires });
    t.ok(Math.abs(Date.parse(textAt(answer, 'data', 'expires_at')) - Date.now() - ms) < 60_000, expires);
    t.equal(at(answer.body, 'data', 'scope'), 'read', 'the least, unless asked for more');
  }
  t.equal(
    at((await make({ name: 'n', expires: '2999-01-01T00:00:00+08:00' })).body, 'data', 'expires_at'),
    '2998-12-31T16:00:00Z',
  );
  t.equal(at((await make({ name: 'n' })).body, 'data', 'expires_at'), null);
  const wrong: readonly [input: unknown, field: string][] = [
    [{ name: 'n', expires: '0d' }, 'expires'],
    [{ name: 'n', expires: '-1d' }, 'expires'],
    [{ name: 'n', expires: '30' }, 'expires'],
    [{ name: 'n', expires: '999999y' }, 'expires'],
    [{ name: 'n', expires: '9000y' }, 'expires'],
    [{ name: 'n', expires: '2020-01-01' }, 'expires'],
    [{ name: 'n', expires: '2999-02-30' }, 'expires'],
    [{ name: 'n', scope: 'root' }, 'scope'],
    [{ name: '' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'x'.repeat(65) }, 'name'],
    [{}, 'name'],
    [[], 'body'],
    [null, 'body'],
  ];
  for (const [input, field] of wrong)
    t.match(
      await make(input),
      { status: 400, body: { code: 'INVALID_INPUT', error: `${field}: ` } },
      JSON.stringify(input),
    );
  const raw = await ask(chs, '/tokens', { method: 'POST', body: '{"name":"hunter2' });
  t.match(raw, { status: 400, body: { code: 'INVALID_INPUT', error: 'body: ' } });
  t.notMatch(at(raw.body, 'error'), 'hunter2', 'what was sent is not repeated');
  const large = await ask(chs, '/tokens', { method: 'POST', body: `{"name":"${'x'.repeat(2 << 20)}"}` });
  t.match(large, { status: 413, body: { code: 'BODY_TOO_LARGE', error: '1MB' } });
  const headers = { 'content-encoding': 'gzip' };
  t.match(await ask(chs, '/tokens', { method: 'POST', body: '{}', headers }), {
    status: 415,
    body: { code: 'UNSUPPORTED_ENCODING' },
  });
});
