/** `chs logs` from the command line, on the local data and through a daemon: as grep where it is like grep. */
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { cleanEnvironment, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

const posix = process.platform === 'win32' && 'Windows has no such signals';

const app = [
  '2026-01-06 10:00:00 INFO start of app 1.2.3',
  '2026-01-06 10:00:01 INFO request 1 took 17 ms',
  '2026-01-06 10:00:02 ERROR request 2 failed: connection refused by 10.0.0.7:5432',
  '    at connect (db.js:10)',
  '    at query (db.js:20)',
  '2026-01-06 10:00:03 WARN disk 91 % full',
  '2026-01-06 10:00:04 INFO request 3 took 21 ms',
  '2026-01-06 10:00:05 ERROR request 4 failed: connection refused by 10.0.0.7:5432',
  '2026-01-06 10:00:06 INFO end \u001b[31mof\u001b[0m app',
];
const older = ['2026-01-05 09:00:00 INFO request 0 took 9 ms', '2026-01-05 09:00:01 ERROR disk full'];
const service = [
  '{"time":"2026-01-06T11:00:00Z","level":"error","msg":"gateway timeout","http":{"status":504}}',
  '{"time":"2026-01-06T11:00:01Z","level":"info","msg":"gateway answered","http":{"status":200}}',
];

const files = () => ({
  'chs.config.toml': '[fs]\nallow_roots = ["."]\n',
  var: {
    'app.log': `${app.join('\n')}\n`,
    old: { 'app.log.1.gz': gzipSync(`${older.join('\n')}\n`) },
    'service.json': `${service.join('\n')}\n`,
    'chinese.log': Buffer.from('32303236d6d0b9fa', 'hex'),
  },
});

/** The numbers of the lines that are hits. */
function numbersOf(stdout: string): number[] {
  return [...stdout.matchAll(/^[^:\n]+:(\d+):/gm)].map(([, number]) => Number(number));
}

for (const mode of modes) {
  t.test(`searches as grep does (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(['logs', ...args], { cwd, env });

    const found = await chs('search', 'connection refused', 'var/app.log');
    t.match(found, { code: 0, stderr: '' });
    t.equal(found.stdout, `var/app.log:3:${app[2]}\nvar/app.log:8:${app[7]}\n`);

    t.match(await chs('search', 'nothing like this', 'var'), {
      code: 1,
      stdout: '',
      stderr: /^no hits; `chs logs explain …`.*\n$/,
    });
    const some = await chs('search', 'connection refused', 'var/app.log', 'no-such-file.log');
    t.match(some, { code: 2, stderr: /no-such-file\.log/ }, 'others are searched all the same');
    t.same(numbersOf(some.stdout), [3, 8]);
    const { sessions } = JSON.parse((await chs('sessions', '--json')).stdout);
    t.equal(sessions.length, 2, 'that of one file alone may be in use by others, and stays');
    t.match(await chs('search', 'x', 'no-such-file.log'), {
      code: 2,
      stdout: '',
      stderr: /no-such-file\.log/,
    });
    t.match(await chs('search', '-e', '(', 'var'), { code: 2, stdout: '', stderr: /regular expression/ });

    t.equal((await chs('search', 'CONNECTION', 'var', '-i', '--count')).stdout, 'var/app.log:2\n');
    t.equal((await chs('search', 'ERROR', 'var/app.log', '-c')).stdout, '2\n');
    t.match(await chs('search', 'nothing', 'var/app.log', '-c'), { code: 1, stdout: '0\n' });
    const names = (await chs('search', 'request', 'var', '-l')).stdout.trim().split('\n').sort();
    t.same(names, ['var/app.log', 'var/old/app.log.1.gz']);
    const { stdout } = await chs('search', 'request', 'var');
    t.match(
      stdout,
      `var/old/app.log.1.gz:1:${older[0]}\nvar/app.log:2`,
      'the file that begins first comes first',
    );

    const any = await chs('search', '--any', 'disk', '--any', 'failed', '--none', 'request 4', 'var/app.log');
    t.same(numbersOf(any.stdout), [3, 6]);
    t.same(numbersOf((await chs('search', '-e', 'took 1\\d ms', '-e', 'WARN', 'var')).stdout), [2, 6]);
    t.same(numbersOf((await chs('search', '-w', 'request 1', 'var/app.log')).stdout), [2]);
    t.match(await chs('search', '-w', 'reques', 'var/app.log'), { code: 1 });
    t.equal((await chs('search', 'ERROR', 'var', '--exclude', '*.gz', '-c')).stdout, 'var/app.log:2\n');
    t.equal(numbersOf((await chs('search', 'ERROR', 'var', '-m', '1')).stdout).length, 1);
  });

  t.test(`gives lines around a hit, each once (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const { stdout } = await runChs(['logs', 'search', 'request', 'var/app.log', '-C', '1'], { cwd, env });
    const numbers = stdout
      .trim()
      .split('\n')
      .map((line) => /app\.log([:-]\d+)[:-]/.exec(line)?.[1] ?? line);
    t.same(numbers, ['-1', ':2', ':3', '-4', '--', '-6', ':7', ':8', '-9']);
    t.notMatch(stdout.replaceAll('\n', ''), /\p{Cc}/u, 'no control characters');
    const event = await runChs(['logs', 'search', 'request 2', 'var/app.log', '--event'], { cwd, env });
    t.same(numbersOf(event.stdout), [3, 4, 5]);
  });

  t.test(`knows the times of lines (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const lines = async (...args: string[]) =>
      numbersOf((await runChs(['logs', 'search', '', 'var/app.log', ...args], { cwd, env })).stdout);
    t.same(await lines('--since', '2026-01-06 10:00:07'), [7, 8, 9], 'clocks may differ by three seconds');
    t.same(
      await lines('--since', '2026-01-06 18:00:07', '--tz', 'Asia/Shanghai'),
      [],
      'the files are read so, too',
    );
    t.same(await lines('--since', '2026-01-06T10:00:07Z', '--tz', 'Asia/Shanghai'), []);
    t.same(await lines('--until', '2026-01-05T00:00:00Z'), []);
    t.same(await lines('--since', '2026-01-06T02:00:09Z', '--tz', 'Asia/Shanghai'), [9]);
  });

  t.test(`reads conditions on JSON lines, and gives JSON (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const { stdout, code } = await runChs(
      ['logs', 'search', '--json-must', 'http.status>=500', 'var/service.json', '--json'],
      { cwd, env },
    );
    t.equal(code, 0);
    t.match(jsonLines(stdout), [
      { line_number: 1, content: service[0], timestamp: /^2026-01-06T11:00:00/ },
      { summary: { hits: 1 } },
    ]);
    t.match(jsonLines((await runChs(['logs', 'search', 'zz', 'var', '--json'], { cwd, env })).stdout), [
      { summary: { hits: 0 } },
    ]);
  });

  t.test(`takes an investigation from open to report (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(['logs', ...args], { cwd, env });

    t.match(await chs('timeline'), { code: 64, stderr: /there is no session yet\n.*chs logs open DIR/ });
    t.match(await chs('sessions'), { code: 0, stdout: '', stderr: /No sessions yet/ });
    const opened = await chs('open', 'var', '--hint', 'refused connections');
    t.equal(opened.code, 0);
    const [id = '', ...table] = opened.stdout.split('\n');
    t.match(id, /^ses_\w+$/);
    t.match(table.join('\n'), /^FILE +SIZE +ENCODING.*\n.*app\.log /);

    // Those that belong to a directory are not the ones that commands go on with.
    await chs('search', 'x', 'var');
    const kept = await chs('search', 'connection refused', '--keep');
    t.equal(kept.code, 0);
    t.match(kept.stderr, new RegExp(`session ${id} \\(refused connections\\)`));
    t.match(await chs('search', 'disk', '--session', id), { code: 0, stderr: '' });

    t.match(await chs('facts'), { code: 0, stdout: /10\.0\.0\.7/ });
    t.match(await chs('remember', 'cause', 'the database is down'), { code: 0, stdout: '' });
    const timeline = await chs('timeline', '--session', id);
    t.equal(timeline.code, 0);
    t.match(timeline.stdout, /^2026-01-05T09:00:01\S* {2}.*app\.log\.1\.gz:2.*\n(.*\n)*2026-01-06T10:00:02/);
    t.match((await chs('timeline', '--tz', 'Asia/Shanghai')).stdout, /2026-01-06T18:00:02/);
    const report = await chs('report', '-o', 'report.md');
    t.match(report, { code: 0, stdout: '', stderr: /Written to report\.md/ });
    t.match(readFileSync(join(cwd, 'report.md'), 'utf8'), /the database is down/);
    t.match((await chs('report', '--lang', 'zh')).stdout, /^# 日志诊断报告/);
    t.match(jsonLines((await chs('report', '--format', 'json')).stdout), [
      { format: 'json', memories: { cause: 'the database is down' } },
    ]);
    t.match(await chs('forget', 'cause'), { code: 0 });
    t.match(await chs('forget', 'cause'), { code: 1, stderr: /no conclusion 'cause'/ });
    t.match((await chs('formats')).stdout, /^FILE +ENCODING +TIMES/);
    t.match((await chs('sessions')).stdout, new RegExp(`^${id} .*refused connections$`, 'm'));
    t.match(await chs('sessions', '--close', id), { code: 0 });
    t.match(await chs('timeline', '--session', id), { code: 2, stderr: /no such session/ });
  });

  t.test(`counts, groups, explains, shows (${mode.name})`, async (t) => {
    const cwd = testFolder(t, files());
    const env = await mode.start(t, cwd);
    const chs = (...args: string[]) => runChs(['logs', ...args], { cwd, env });
    t.match(await chs('stats', 'var/app.log'), { code: 0, stdout: /^lines +9\n(?:.*\n)*lines +[▁-█·]+\n/ });
    t.match(await chs('stats', 'ERROR', 'var/app.log'), { code: 0, stdout: /^lines +2$/m });
    t.match(await chs('patterns', 'var/app.log', '-n', '1'), {
      code: 0,
      stdout: /^COUNT.*\n +2 .*request <\*>/,
    });
    t.match(await chs('patterns', 'nothing at all', 'var/app.log'), {
      code: 1,
      stdout: '',
      stderr: /No lines/,
    });
    const why = await chs('explain', 'conection', 'var/app.log');
    t.match(why, { code: 0, stdout: /^0 hits in 1 file\nTERM.*\nconection +must +0/ });
    t.match(why.stdout, /connection/, 'the nearest spelling');
    t.match(await chs('show', 'var/app.log:3', '-C', '1'), {
      code: 0,
      stdout: /^2- .*\n3: .*refused.*\n4- +at connect/,
    });
    t.match(await chs('show', 'var/app.log'), { code: 64, stderr: /no place/ });
    t.match(await chs('regex', 'took (?P<ms>\\d+)', 'it took 17 ms', 'none'), {
      code: 0,
      stdout: 'match     it took 17 ms  ms=17\nno match  none\n',
    });
    t.match(await chs('regex', '(', 'x'), { code: 2, stdout: '' });
  });
}

t.test('searches standard input, and leaves nothing of it', async (t) => {
  const cwd = testFolder(t, files());
  const found = await runChs(['logs', 'search', 'ERROR', '-'], { cwd, input: app.join('\n') });
  t.match(found, { code: 0, stderr: '' });
  t.equal(found.stdout, `(standard input):3:${app[2]}\n(standard input):8:${app[7]}\n`);
  t.match(jsonLines((await runChs(['logs', 'sessions', '--json'], { cwd })).stdout), [{ total: 0 }]);
  t.match(
    await runChs(['logs', 'search', 'ERROR', '-', '--server', 'http://127.0.0.1:9'], { cwd, input: 'x' }),
    {
      code: 64,
      stderr: /this machine only/,
    },
  );
});

t.test('expands patterns that a shell left', async (t) => {
  const cwd = testFolder(t, files());
  const found = await runChs(['logs', 'search', 'connection refused', 'var/*.log', '-l'], { cwd });
  t.match(found, { code: 0, stdout: 'var/app.log\n', stderr: '' });
});

t.test('gives the reasons in Chinese, and a wrong expression as a failure', async (t) => {
  const cwd = testFolder(t, files());
  const env = { CHS_LANG: 'zh', CHS_LOG_SESSION: 'ses_none' };
  const why = await runChs(['logs', 'explain', 'conection', 'var/app.log'], { cwd, env });
  t.match(why, { code: 0, stderr: '', stdout: /^1 个文件中有 0 个命中\n(?:.*\n)*没有行含有“conection”/ });
  t.match(await runChs(['logs', 'regex', '(', 'x'], { cwd }), {
    code: 2,
    stdout: '',
    stderr: /^chs: .*valid/,
  });
});

t.test('follows files that are new or made again', { skip: posix }, async (t) => {
  const cwd = testFolder(t, files());
  const child = spawn(process.execPath, [program, 'logs', 'search', 'ERROR request', 'var', '--follow'], {
    cwd,
    env: cleanEnvironment(cwd),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  t.match(await next(), /:3:.*request 2/);
  t.match(await next(), /:8:.*request 4/);
  writeFileSync(join(cwd, 'var', 'new.log'), '2026-01-06 10:01:00 ERROR request 5 failed\n');
  t.match(await next(), /new\.log:1:.*request 5/);
  rmSync(join(cwd, 'var', 'new.log'));
  await sleep(1_500);
  writeFileSync(join(cwd, 'var', 'new.log'), '2026-01-06 10:02:00 ERROR request 6 failed again\n');
  t.match(await next(), /new\.log:1:.*request 6/);
});

t.test('follows what is written to a file', { skip: posix }, async (t) => {
  const cwd = testFolder(t, files());
  const path = join(cwd, 'var', 'app.log');
  const child = spawn(process.execPath, [program, 'logs', 'search', 'ERROR', 'var/app.log', '--follow'], {
    cwd,
    env: cleanEnvironment(cwd),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  t.match(await next(), /:3:.*request 2/);
  t.match(await next(), /:8:.*request 4/);
  appendFileSync(path, '2026-01-06 10:00:07 INFO fine\n2026-01-06 10:00:08 ERROR again\n');
  t.match(await next(), /:11:.*ERROR again/);
  appendFileSync(path, '2026-01-06 10:00:09 ERROR ha');
  appendFileSync(path, 'lf a line\n');
  t.match(await next(), /:12:.*ERROR half a line/);
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  t.equal(await ended, 130);
});

const mistakes: readonly (readonly [string, RegExp])[] = [
  ['search', /nothing to search for/],
  ['search x --tz Moon', /no zone 'Moon'/],
  ['search x --since never', /'never' is no time/],
  ['search x -m 0', /--max-hits: expected a whole number from 1/],
  ['search x . --session s', /leave the paths out/],
  ['search x - .', /together with files/],
  ['search x - --follow', /--follow would give nothing/],
  ['stats --buckets 0', /--buckets/],
  ['show app.log:0', /no place/],
  ['report --format pdf', /markdown, json/],
];

for (const [line, message] of mistakes)
  t.test(`refuses chs logs ${line}, in both languages`, async (t) => {
    const args = ['logs', ...line.split(' ')];
    t.match(await runChs(args, { cwd: t.testdir() }), { code: 64, stdout: '', stderr: message });
    const { stderr } = await runChs(args, { cwd: t.testdir(), env: { CHS_LANG: 'zh' } });
    t.match(stderr, /\p{Script=Han}/u);
  });
