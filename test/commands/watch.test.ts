/** `chs dump watch`: in both modes, across a restart of the server, and all the ways in which it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { insertEvent } from '../../src/backends/sql/event-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { spawnDaemon } from '../e2e/spawned-daemon.ts';
import { TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { cleanEnvironment, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const posix = process.platform === 'win32' && 'Windows has no such signals';

const dump = {
  exe_name: 'crashme.exe',
  exe_version: '1.2.3.4',
  exception_code: '0xC0000005',
  minidump_id: 'D1',
};
const pdb = { pdb_filename: 'crashme.pdb', newly_debuggable: 3, pdb_id: 'P1' };
const TYPES = [
  ['minidump.uploaded', dump],
  ['pdb.uploaded', pdb],
  ['exe.deleted', { exe_filename: 'crash\u001b[31mme.exe', no_longer_debuggable: 1, exe_id: 'E1' }],
  ['moon.landed', { speed: 3, soft: true, crew: ['a'] }],
] as const;

/** Writes as another process would, one of each type. */
async function happen(database: string): Promise<void> {
  const backend = await openSqlite({ path: database, busyTimeoutMs: 5000 });
  await backend.write(async (db) => {
    for (const [type, data] of TYPES) await insertEvent(db, { type, data, atMs: 1_767_702_896_789 });
  });
  await backend.close();
}

/** Where commands keep their data that run in `cwd`, their home. */
const databaseOf = (cwd: string): string => join(cwd, 'xdg-data', 'chs', 'data', 'crash_handler.db');

interface Watching {
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The next line of standard output; null at its end. */
  line(): Promise<string | null>;
  /** Resolves when standard error holds this. */
  says(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ code: number | null; stderr: string }>;
  readonly stdout: NodeJS.ReadableStream;
}

/** Runs `chs dump watch` until it is told otherwise. */
function startWatching(
  t: { teardown(work: () => void): void },
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Watching {
  const child = spawn(process.execPath, [program, 'dump', 'watch', ...args], {
    cwd,
    env: { ...cleanEnvironment(cwd), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    kill: (signal) => child.kill(signal),
    async line() {
      const { value, done } = await lines.next();
      return done ? null : value;
    },
    async says(pattern) {
      while (!pattern.test(stderr)) await once(child.stderr, 'data');
    },
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stderr })),
    stdout: child.stdout,
  };
}

for (const mode of modes) {
  t.test(`tells events as they come, and ends after so many (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    await runChs(['dump', 'list'], { cwd, env });
    await happen(databaseOf(cwd));
    const watching = startWatching(t, cwd, ['--after', '0', '--count', '8'], env);
    const first = [
      await watching.line(),
      await watching.line(),
      await watching.line(),
      await watching.line(),
    ];
    t.same(first, [
      '2026-01-06 12:34:56  minidump.uploaded  crashme.exe 1.2.3.4  0xC0000005 ACCESS_VIOLATION  (D1)',
      '2026-01-06 12:34:56  pdb.uploaded       crashme.pdb  3 dumps became debuggable  (P1)',
      '2026-01-06 12:34:56  exe.deleted        crash [31mme.exe  1 dump cannot be debugged any more  (E1)',
      '2026-01-06 12:34:56  moon.landed        speed=3 soft=true',
    ]);
    await happen(databaseOf(cwd));
    for (const line of first) t.equal(await watching.line(), line);
    t.match(await watching.ended, { code: 0, stderr: '' });

    const json = await runChs(
      ['dump', 'watch', '--after', '1', '--types', 'pdb.*', '--count', '2', '--json'],
      {
        cwd,
        env,
      },
    );
    t.same(jsonLines(json.stdout), [
      { id: 2, type: 'pdb.uploaded', at: '2026-01-06T12:34:56.789Z', data: pdb },
      { id: 6, type: 'pdb.uploaded', at: '2026-01-06T12:34:56.789Z', data: pdb },
    ]);
    const lost = startWatching(t, cwd, ['--after', '99'], env);
    await lost.says(/no event has the ID 99 here/);
    const lostJson = startWatching(t, cwd, ['--after', '99', '--json'], env);
    t.match(JSON.parse((await lostJson.line()) ?? ''), { id: 8, type: 'events.lost', data: { after: 99 } });
    for (const watching of [lost, lostJson]) {
      watching.kill('SIGKILL');
      await watching.ended;
    }
  });

  t.test(`ends when its time is up, by whether something happened (${mode.name})`, async (t) => {
    const cwd = testFolder(t);
    const env = await mode.start(t, cwd);
    t.match(await runChs(['dump', 'watch', '--timeout', '1s'], { cwd, env }), {
      code: 1,
      stdout: '',
      stderr: '',
    });
    await happen(databaseOf(cwd));
    const some = await runChs(['dump', 'watch', '--timeout', '10s', '--after', '0', '--json'], { cwd, env });
    t.equal(some.code, 0);
    t.equal(jsonLines(some.stdout).length, 4);
  });

  t.test(
    `ends quietly with Ctrl-C and when its reader goes away (${mode.name})`,
    { skip: posix },
    async (t) => {
      const cwd = testFolder(t);
      const env = await mode.start(t, cwd);
      await runChs(['dump', 'list'], { cwd, env });
      await happen(databaseOf(cwd));
      for (const [signal, code] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const) {
        const watching = startWatching(t, cwd, ['--after', '0'], env);
        for (let count = 0; count < 4; count += 1) await watching.line();
        watching.kill(signal);
        t.match(await watching.ended, { code, stderr: '' }, signal);
      }
      const unread = startWatching(t, cwd, ['--after', '0'], env);
      await unread.line();
      (unread.stdout as import('node:stream').Readable).destroy();
      await happen(databaseOf(cwd));
      t.match(await unread.ended, { code: 0, stderr: '' });
    },
  );
}

t.test('goes on where it was when the server comes back', { skip: posix }, async (t) => {
  const folder = testFolder(t);
  const database = join(folder, 'data', 'crash_handler.db');
  const first = await spawnDaemon(t, folder);
  const port = Number(new URL(first.url).port);
  const env = { CHS_SERVER: first.url, CHS_API_KEY: TEST_KEY };
  const quiet = startWatching(t, folder, ['--json'], env);
  const noisy = startWatching(t, folder, ['--after', '0', '--json'], env);
  await happen(database);
  t.match(JSON.parse((await noisy.line()) ?? ''), { id: 1 });
  for (const id of [2, 3, 4]) t.match(JSON.parse((await noisy.line()) ?? ''), { id });
  const alsoSeen = startWatching(t, folder, ['--types', 'exe.*', '--json'], env);
  // Where it began it learns from the first block alone; that it is there the server's log says.
  await untilWatched(folder, 3);
  first.process.kill('SIGTERM');
  await first.ended;
  await happen(database);
  const second = await spawnDaemon(t, folder, { 'server.port': port });
  for (const id of [5, 6, 7, 8]) t.match(JSON.parse((await noisy.line()) ?? ''), { id });
  t.match(JSON.parse((await alsoSeen.line()) ?? ''), { id: 7 });
  for (const watching of [noisy, quiet, alsoSeen]) watching.kill('SIGINT');
  const { code, stderr } = await noisy.ended;
  t.equal(code, 130);
  t.match(jsonLines(stderr), [{ warning: /went away, trying again/ }]);
  second.process.kill('SIGTERM');
  t.match(await second.ended, { code: 0 });
});

/** Resolves when the log of a daemon tells of so many streams. */
async function untilWatched(folder: string, count: number): Promise<void> {
  const { logWith } = await import('../daemon/wire.ts');
  const chs = { folder } as Parameters<typeof logWith>[0];
  await logWith(chs, new RegExp(`(GET /api/events 200[^]*){${count}}`));
}

t.test('says at once what will not pass: no server, no stream, no sense', async (t) => {
  const cwd = testFolder(t);
  const gone = await runChs(['dump', 'watch', '--server', 'http://127.0.0.1:1'], { cwd });
  t.match(gone, { code: 2, stderr: /no answer from/ });
  for (const [args, words] of [
    [['--count', '0'], /--count: expected a whole number/],
    [['--timeout', 'soon'], /--timeout: expected a span/],
    [['--types', 'pdb'], /types of events such as/],
    [['--after', '-1'], /--after/],
  ] as const)
    t.match(await runChs(['dump', 'watch', ...args], { cwd }), { code: 64, stderr: words });
  const zh = await runChs(['dump', 'watch', '--timeout', 'soon', '--lang', 'zh'], { cwd });
  t.match(zh.stderr, '应为时长');
});

t.test('a slow reader gets everything, in order', { skip: posix }, async (t) => {
  const cwd = testFolder(t);
  await runChs(['dump', 'list'], { cwd });
  const backend = await openSqlite({ path: databaseOf(cwd), busyTimeoutMs: 5000 });
  await backend.write(async (db) => {
    for (let number = 0; number < 5000; number += 1)
      await insertEvent(db, { type: 'pdb.uploaded', data: { number, pad: 'x'.repeat(200) }, atMs: 1 });
  });
  await backend.close();
  const watching = startWatching(t, cwd, ['--after', '0', '--count', '5000', '--json'], {});
  let count = 0;
  for (let line = await watching.line(); line !== null; line = await watching.line()) {
    count += 1;
    if (JSON.parse(line).id !== count) t.fail(`${line} came as number ${count}`);
    if (count % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(count, 5000);
  t.match(await watching.ended, { code: 0, stderr: '' });
});
