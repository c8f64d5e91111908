/** Uploads to servers that are away, busy, old or slow: what is tried again, for how long, and what is not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runAction } from '../../commands/run.ts';
import { uploadKinds } from '../../commands/upload/kinds.ts';
import { inOrder } from '../../commands/upload/queue.ts';
import { createAsking } from '../../commands/upload/resume.ts';
import { mayPass, nextDelay, withRetries } from '../../commands/upload/retry.ts';
import { sendFile } from '../../commands/upload/send.ts';
import { createBatchProgress } from '../../commands/views/batch-progress.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { testFolder } from '../fixtures/folder.ts';
import { example, jsonLines, runChs } from './run-chs.ts';

t.setTimeout(300_000);

const REPLY = {
  pdb_id: 'id-00000001',
  file_path: './storage/x',
  deduplicated: false,
  state: 'verified',
  sha256: 'a'.repeat(64),
  size_bytes: 1,
  exe_version: null,
  exe_guid: null,
  exe_age: null,
  warnings: [],
  pdb_filename: 'crashme.pdb',
  newly_debuggable: 0,
};

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server that answers uploads by turns; to everything else it says that there is no such route. */
async function serving(
  t: Test,
  answer: Answer,
): Promise<{ env: Record<string, string>; server: Server; seen: string[] }> {
  const seen: string[] = [];
  let uploads = 0;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    seen.push(path);
    if (!path.startsWith('/api/upload')) {
      response.statusCode = 404;
      response.end('{"success":false,"error":"no such route","code":"ROUTE_NOT_FOUND"}');
      return;
    }
    uploads += 1;
    answer(request, response, uploads);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { env: { CHS_SERVER: `http://127.0.0.1:${port}`, CHS_API_KEY: 'k-0123456789abcdef' }, server, seen };
}

function stored(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  request.on('end', () => response.end(JSON.stringify({ success: true, data: REPLY })));
}

function refused(request: IncomingMessage, response: ServerResponse, status: number, body: string): void {
  request.resume();
  response.writeHead(status, { 'retry-after': '1' }).end(body);
}

const busy = JSON.stringify({ success: false, error: 'come back later', code: 'TOO_BUSY' });

t.test('tries again what may pass, and says so', async (t) => {
  const cwd = testFolder(t);
  const { env } = await serving(t, (request, response, count) => {
    if (count === 1) request.socket.destroy();
    else if (count === 2) refused(request, response, 503, '<html>a gateway</html>');
    else if (count === 3) refused(request, response, 503, busy);
    else stored(request, response);
  });
  const run = await runChs(['pdb', 'upload', example('crashme.pdb')], { cwd, env });
  t.match(run, { code: 0, stdout: /^id-00000001/ });
  t.match(run.stderr, /^crashme\.pdb: .*trying again in \d+\.\d s \(1 of 3\)$/m);
  t.match(run.stderr, /^crashme\.pdb: come back later; trying again in 1\.\d s \(3 of 3\)$|\(3 of 3\)$/m);
});

t.test('gives up after as many attempts as were asked for', async (t) => {
  const cwd = testFolder(t);
  const { env, seen } = await serving(t, (request, response) => refused(request, response, 503, busy));
  const run = await runChs(['pdb', 'upload', example('crashme.pdb'), '--retries', '1', '-q'], { cwd, env });
  t.match(run, {
    code: 2,
    stdout: '',
    stderr: 'chs: '.concat(example('crashme.pdb'), ': come back later\n'),
  });
  t.equal(seen.length, 2);
});

t.test('does not try again what will never pass, nor what came through standard input', async (t) => {
  const cwd = testFolder(t);
  const wrong = JSON.stringify({ success: false, error: 'no', code: 'WRONG_FILE_TYPE' });
  const { env, seen } = await serving(t, (request, response, count) =>
    refused(request, response, count === 1 ? 400 : 503, count === 1 ? wrong : busy),
  );
  t.equal((await runChs(['pdb', 'upload', example('crashme.pdb')], { cwd, env })).code, 2);
  t.equal(seen.length, 1);
  const input = readFileSync(example('crashme.pdb'));
  t.match(await runChs(['pdb', 'upload', '-'], { cwd, env, input }), {
    code: 2,
    stderr: /come back later\n {2}hint: Standard input cannot be sent a second time/,
  });
  t.equal(seen.length, 2);
});

t.test('sends everything to a server that cannot be asked what it has', async (t) => {
  const cwd = testFolder(t);
  const { env, seen } = await serving(t, stored);
  const files = [example('crashme.pdb'), example('r2/crashme.pdb')];
  t.equal((await runChs(['pdb', 'upload', ...files, '-j', '1'], { cwd, env })).code, 0);
  t.strictSame(seen, ['/api/find/by-sha256', '/api/upload/pdb', '/api/upload/pdb']);
});

t.test('with --wait it outlasts a server that is away, up to a limit, and swallows no name', async (t) => {
  const cwd = testFolder(t);
  const { env, server } = await serving(t, stored);
  await new Promise((resolve) => server.close(resolve));
  const line = ['pdb', 'upload', '--retries', '0', '--wait', example('crashme.pdb')];
  const run = await runChs([...line, '--wait-timeout', '2s'], { cwd, env });
  t.match(run, { code: 2, stderr: /trying again in[\s\S]*trying again in[\s\S]*^chs: .*crashme\.pdb: /m });
});

t.test('Ctrl-C ends a batch at once, and the summary says how far it came', async (t) => {
  const cwd = testFolder(t);
  let interrupt = (): void => {};
  const { env } = await serving(t, (request, response, count) => {
    if (count === 1) stored(request, response);
    else interrupt();
  });
  const files = [example('crashme.pdb'), example('r2/crashme.pdb')];
  const run = await runChs(['pdb', 'upload', ...files, '-j', '1', '--json', '--summary', 'summary.json'], {
    cwd,
    env,
    started: (kill) => {
      interrupt = () => kill('SIGINT');
    },
  });
  t.equal(run.code, 130);
  t.equal(jsonLines(run.stdout).length, 1);
  t.match(JSON.parse(readFileSync(join(cwd, 'summary.json'), 'utf8')), {
    total: 2,
    uploaded: 1,
    failed: 1,
    files: [{ status: 'uploaded' }, { status: 'failed', error: { code: 'INTERRUPTED' } }],
  });
});

t.test('waits longer each time, as long as the server asks, and not for ever', async (t) => {
  const patience = { retries: 3, waitMs: null, lastSuccessMs: Date.now() };
  const away = new ChsError('SERVER_UNREACHABLE', { server: 's', reason: 'r' });
  const least = (failures: number) => nextDelay(away, failures, { ...patience, retries: 99 }, () => 0);
  t.strictSame([0, 1, 2, 50].map(least), [250, 500, 1000, 15_000]);
  t.equal(nextDelay(away, 3, patience), null);
  const asked = (retryAfterMs: number) => new ChsError('TOO_BUSY', {}, { retryAfterMs });
  t.equal(nextDelay(asked(7000), 0, patience), 7000);
  t.equal(nextDelay(asked(86_400_000), 0, patience), 300_000);
  t.equal(nextDelay(away, 0, { retries: 9, waitMs: 1000, lastSuccessMs: Date.now() - 2000 }), null);
  t.ok(mayPass(away));
  t.ok(mayPass(new ChsError('SERVER_REPLY', { server: 's', reason: 'status 504, no JSON' })));
  t.notOk(mayPass(new ChsError('SERVER_REPLY', { server: 's', reason: 'status 500' })));
  t.notOk(mayPass(new ChsError('FORBIDDEN')));
  t.notOk(mayPass(new Error('other')));
});

t.test('a pause ends with the run', async (t) => {
  const controller = new AbortController();
  const out = { note: () => controller.abort(new ChsError('INTERRUPTED')) };
  const run = { out, signal: controller.signal, language: 'en' } as unknown as Parameters<
    typeof withRetries
  >[0]['run'];
  const patience = { retries: 3, waitMs: null, lastSuccessMs: Date.now() };
  const attempt = async () => {
    throw new ChsError('TOO_BUSY', {}, { retryAfterMs: 200_000 });
  };
  await t.rejects(withRetries({ run, patience, label: 'x' }, attempt), { code: 'INTERRUPTED' });
});

t.test('a queue hands on results in the order of its items, so many at a time', async (t) => {
  const { signal } = new AbortController();
  const told: number[] = [];
  let underWay = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const work = async (item: number): Promise<number> => {
    underWay += 1;
    most = Math.max(most, underWay);
    // The first of each three is done last.
    if (item % 3 === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else if (item % 3 === 2) waiting.splice(0).forEach((go) => void go());
    underWay -= 1;
    return item * 10;
  };
  const items = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  await inOrder(items, { jobs: 3, signal, work, done: (result) => told.push(result) });
  t.strictSame(
    told,
    items.map((item) => item * 10),
  );
  t.ok(most <= 3);
});

t.test('a queue tells of what was done behind an item that was interrupted', async (t) => {
  const controller = new AbortController();
  const told: [number, number][] = [];
  const work = async (item: number): Promise<number> => {
    if (item > 0) return item * 10;
    // The others are done by then.
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new ChsError('INTERRUPTED'));
    throw controller.signal.reason;
  };
  const done = (result: number, _item: number, index: number): void => void told.push([index, result]);
  await t.rejects(inOrder([0, 1, 2], { jobs: 2, signal: controller.signal, work, done }), {
    code: 'INTERRUPTED',
  });
  t.strictSame(told, [
    [1, 10],
    [2, 20],
  ]);
});

t.test('a queue goes no further when its results cannot be told', async (t) => {
  const { signal } = new AbortController();
  const begun: number[] = [];
  const work = async (item: number): Promise<number> => {
    begun.push(item);
    await new Promise((resolve) => setImmediate(resolve));
    return item;
  };
  const done = (): void => {
    throw new Error('nowhere to tell it');
  };
  const items = Array.from({ length: 50 }, (_, index) => index);
  await t.rejects(inOrder(items, { jobs: 3, signal, work, done }), { message: 'nowhere to tell it' });
  t.ok(begun.length <= 6, `${begun.length} of 50`);
});

t.test('tries again to open a database that is locked', async (t) => {
  const cwd = testFolder(t, { data: {}, 'chs.yaml': '' });
  const database = join(cwd, 'data', 'chs.db');
  const config = join(cwd, 'chs.yaml');
  const storage = join(cwd, 'data', 'files');
  writeFileSync(
    config,
    JSON.stringify({ database: { path: database, busy_timeout_ms: 0 }, storage: { base_path: storage } }),
  );
  const Driver = loadDriver();
  const other = new Driver(database);
  other.exec('begin exclusive');
  const remarks: string[] = [];
  const code = await runAction({ config, json: false, quiet: false, color: false }, async (run) => {
    const note = (text: string): void => {
      remarks.push(text);
      if (other.inTransaction) other.exec('rollback');
    };
    const context = {
      run: { ...run, out: { ...run.out, note } },
      client: async () => (await run.connect()).client(crashOperations),
      patience: { retries: 0, waitMs: 60_000, lastSuccessMs: Date.now() },
      asking: createAsking(),
      askAlways: true,
      readBack: true,
      progress: createBatchProgress(1, false),
    };
    const item = { kind: uploadKinds.pdb, path: example('crashme.pdb'), fields: {} };
    t.match(await sendFile(context, item), { reply: { state: 'verified' } });
  });
  other.close();
  t.equal(code, 0);
  t.match(remarks, [/^crashme\.pdb: .*locked by another process; trying again in/]);
});
