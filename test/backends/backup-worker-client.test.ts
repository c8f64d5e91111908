/** The backup worker's process: one job after the other, ended by an abort, by close, by its parent's end. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { createBackupWorker } from '../../src/backup/worker/client.ts';
import { testFolder } from '../fixtures/folder.ts';
import { filled, snapshotInput } from './backup-working.ts';

const never = new AbortController().signal;
const clientUrl = new URL('../../src/backup/worker/client.js', import.meta.url).href;

/** A job that takes next to no time. */
const packing = (folder: string, name: string, as = name) =>
  ({ path: join(folder, name), to: join(folder, `${as}.gz`), level: 1 }) as const;

/** A worker's program that answers each request by what `answer` gives. */
const answering = (answer: string): string =>
  `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
     console.log(JSON.stringify((${answer})(JSON.parse(line))));
   })`;

t.test('ends a job that is aborted, with the reason, and does the next', async (t) => {
  const folder = testFolder(t, { out: {}, small: 'some bytes' });
  const path = join(folder, 'live.db');
  filled(t, path, 60_000).close();
  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  const caller = new AbortController();
  const reason = new Error('nobody waits any more');
  const seen: string[] = [];
  const job = worker.run('snapshot', snapshotInput(join(folder, 'out'), { main: path }), {
    signal: caller.signal,
    onProgress({ step }) {
      seen.push(step);
      if (step === 'copy') caller.abort(reason);
    },
  });
  const next = worker.run('pack', packing(folder, 'small'), { signal: never });
  await t.rejects(job, reason);
  t.ok(seen.includes('copy'), 'it was copying');
  t.notOk(readdirSync(join(folder, 'out')).includes('main.db'), 'nothing has the name of a finished copy');
  t.equal((await next).contentBytes, 10);
});

t.test('leaves nothing called NAME.db, whenever it is killed', async (t) => {
  const folder = testFolder(t, { out: {} });
  const out = join(folder, 'out');
  const path = join(folder, 'live.db');
  filled(t, path, 20_000).close();
  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  for (let round = 0; round < 12; round += 1) {
    const signal = AbortSignal.timeout(5 + round * 25);
    const done = await worker.run('snapshot', snapshotInput(out, { main: path }), { signal }).then(
      () => true,
      () => false,
    );
    if (readdirSync(out).includes('main.db')) {
      const { problems } = await worker.run(
        'check',
        { path: join(out, 'main.db'), depth: 'full' },
        { signal: never },
      );
      t.same(problems, [], 'what has the name is whole');
    } else t.notOk(done);
    rmSync(out, { recursive: true });
    mkdirSync(out);
  }
});

t.test('a job that is aborted while it waits does not hold up the others', async (t) => {
  const folder = testFolder(t, { a: 'a', b: 'bb' });
  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  const caller = new AbortController();
  const first = worker.run('pack', packing(folder, 'a'), { signal: never });
  const second = worker.run('pack', packing(folder, 'a', 'second'), { signal: caller.signal });
  const third = worker.run('pack', packing(folder, 'b'), { signal: never });
  caller.abort(new Error('gone'));
  await t.rejects(second, new Error('gone'));
  t.equal((await first).contentBytes, 1);
  t.equal((await third).contentBytes, 2);
  const late = worker.run('pack', packing(folder, 'b', 'late'), { signal: caller.signal });
  await t.rejects(late, new Error('gone'), 'nor is one started that was aborted before');
  t.same(readdirSync(folder).sort(), ['a', 'a.gz', 'b', 'b.gz'], 'neither was begun');
});

t.test('says how the process died, and starts another one for the next job', async (t) => {
  const folder = testFolder(t);
  const entry = join(folder, 'dies.cjs');
  writeFileSync(
    entry,
    answering(`({ id, job }) => {
      if (job === 'query') { console.error('no such luck'); process.exit(7); }
      return { id, type: 'done', output: process.pid };
    }`),
  );
  const worker = createBackupWorker({ entry });
  t.teardown(() => worker.close());
  const pid = await worker.run('probe', { path: '' }, { signal: never });
  await t.rejects(worker.run('query', { path: '', queries: [], to: '' }, { signal: never }), {
    code: 'BACKUP_FAILED',
    params: { reason: 'the worker ended (exit code 7): no such luck' },
  });
  t.not(await worker.run('probe', { path: '' }, { signal: never }), pid);
  const missing = createBackupWorker({ entry: join(folder, 'none.cjs') });
  t.teardown(() => missing.close());
  await t.rejects(missing.run('probe', { path: '' }, { signal: never }), { code: 'BACKUP_FAILED' });
});

t.test('survives that no process can be started for want of files, and starts one later', async (t) => {
  const folder = testFolder(t, { a: 'a' });
  const program = `const { createBackupWorker } = await import(${JSON.stringify(clientUrl)});
    const { closeSync, openSync } = await import('node:fs');
    const worker = createBackupWorker();
    const run = () =>
      worker.run('pack', ${JSON.stringify(packing(folder, 'a'))}, { signal: new AbortController().signal }).then(
        ({ contentBytes }) => contentBytes,
        ({ code, params }) => code + ' ' + params.reason,
      );
    // What is loaded later, is loaded now.
    const out = [await run()];
    await worker.close();
    const other = createBackupWorker();
    const files = [];
    const fill = () => { try { for (;;) files.push(openSync('/dev/null')); } catch {} };
    fill();
    const refused = other.run('probe', { path: '' }, { signal: new AbortController().signal })
      .catch(({ code, params }) => code + ' ' + params.reason);
    out.push(await refused);
    for (const file of files) closeSync(file);
    const again = ${JSON.stringify(packing(folder, 'a', 'again'))};
    out.push((await other.run('pack', again, { signal: new AbortController().signal })).contentBytes);
    console.log(JSON.stringify(out));`;
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -n 64; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    program,
  ]);
  const [first, refused, last] = JSON.parse(stdout);
  t.same([first, last], [1, 1]);
  t.match(refused, /^BACKUP_FAILED the worker could not be started: .*EMFILE/);
});

t.test('takes answers in pieces and with separators of lines that are none of JSON', async (t) => {
  const entry = join(testFolder(t), 'says.cjs');
  writeFileSync(
    entry,
    `process.stdin.once('data', (data) => {
       const { id, input } = JSON.parse(data);
       const line = Buffer.from(JSON.stringify({ id, type: 'done', output: input.path }) + '\\n');
       const say = (at) => {
         if (at >= line.length) return;
         process.stdout.write(line.subarray(at, at + 7));
         setTimeout(say, 2, at + 7);
       };
       process.stdout.write('no JSON\\n\\nnull\\n');
       say(0);
     })`,
  );
  const worker = createBackupWorker({ entry });
  t.teardown(() => worker.close());
  const path = 'one\u2028two\u2029three\rfour\nfive\u{1f600}';
  const said: unknown = await worker.run('probe', { path }, { signal: AbortSignal.timeout(20_000) });
  t.equal(said, path);
});

t.test('gives the reason of an abort while only the copy is still hashed', async (t) => {
  const folder = testFolder(t);
  const part = join(folder, 'main.db.part');
  writeFileSync(part, '');
  // Takes some seconds to hash, and no room.
  truncateSync(part, 8 * 2 ** 30);
  const entry = join(folder, 'done.cjs');
  writeFileSync(
    entry,
    `process.stdin.once('data', (data) => {
       const { id } = JSON.parse(data);
       const say = (message) => console.log(JSON.stringify({ id, ...message }));
       const copy = { state: 'whole', path: ${JSON.stringify(part)}, isAsForetold: false };
       say({ type: 'progress', progress: { step: 'check', name: 'main', done: 0, total: 0, copy } });
       const file = { name: 'main', part: copy.path, file: copy.path + '.done', sizeBytes: ${8 * 2 ** 30} };
       say({ type: 'done', output: { databases: [{ ...file, schema: { text: '' } }] } });
     })`,
  );
  const worker = createBackupWorker({ entry });
  t.teardown(() => worker.close());
  const signal = AbortSignal.timeout(600);
  const job = worker.run('snapshot', snapshotInput(folder, { main: 'live.db' }), { signal });
  await t.rejects(job, { name: 'TimeoutError' });
});

t.test('hands on no secrets in the environment', async (t) => {
  const entry = join(testFolder(t), 'env.cjs');
  writeFileSync(entry, answering(`({ id }) => ({ id, type: 'done', output: Object.keys(process.env) })`));
  const secrets = ['CHS_BACKUP_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'PGPASSWORD'];
  for (const name of secrets) process.env[name] = 'secret';
  t.teardown(() => {
    for (const name of secrets) delete process.env[name];
  });
  const worker = createBackupWorker({ entry });
  t.teardown(() => worker.close());
  const names = (await worker.run('probe', { path: '' }, { signal: never })) as unknown as string[];
  t.ok(names.includes('PATH') || names.includes('Path'));
  t.same(
    names.filter((name) => secrets.includes(name)),
    [],
  );
});

t.test('a closed worker takes no job, and keeps no process', async (t) => {
  const folder = testFolder(t, { a: 'a' });
  const worker = createBackupWorker();
  await worker.run('pack', packing(folder, 'a'), { signal: never });
  await worker.close();
  await worker.close();
  await t.rejects(worker.run('pack', packing(folder, 'a', 'again'), { signal: never }), {
    code: 'SHUTTING_DOWN',
  });
});

t.test('an idle worker keeps its parent from nothing, and ends with it', async (t) => {
  const folder = testFolder(t, { a: 'a' });
  const program = `const { createBackupWorker } = await import(${JSON.stringify(clientUrl)});
    const worker = createBackupWorker();
    await worker.run('pack', ${JSON.stringify(packing(folder, 'a'))}, { signal: new AbortController().signal });
    console.log('done');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  t.equal(stdout, 'done\n');
});

t.test(
  'ends when its parent is killed',
  { skip: process.platform === 'linux' ? false : 'the test looks into /proc' },
  async (t) => {
    const folder = testFolder(t, { a: 'a' });
    const program = `const { createBackupWorker } = await import(${JSON.stringify(clientUrl)});
      const { readFileSync } = await import('node:fs');
      const worker = createBackupWorker();
      await worker.run('pack', ${JSON.stringify(packing(folder, 'a'))}, { signal: new AbortController().signal });
      console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'));
      process.kill(process.pid, 'SIGKILL');`;
    const result = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]).catch(
      (error: { stdout: string }) => error,
    );
    const pid = Number(result.stdout.trim());
    t.ok(pid > 1);
    while (isAlive(pid)) await sleep(10);
    t.pass('it is gone');
  },
);

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

t.test('the bundled worker does what the other does', async (t) => {
  const folder = testFolder(t, { out: {} });
  const path = join(folder, 'live.db');
  filled(t, path, 100).close();
  const entry = fileURLToPath(new URL('../../../dist/backup-worker.cjs', import.meta.url));
  const worker = createBackupWorker({ entry });
  t.teardown(() => worker.close());
  const output = await worker.run('snapshot', snapshotInput(join(folder, 'out'), { main: path }), {
    signal: never,
  });
  t.match(output.databases, [{ name: 'main', foreignKeyViolations: 0 }]);
});
