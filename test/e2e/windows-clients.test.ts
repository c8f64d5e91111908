/** Windows programs as clients, compiled here and run under Wine: a crash uploader, and the example in C++. */
import { type ExecFileException, execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { storedDump } from '../daemon/submission-bodies.ts';
import { ask, at, logWith, stored } from '../daemon/wire.ts';
import { reach, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { projectRoot, sharedFixtures } from '../fixtures/shared.ts';

// Wine makes itself at home in a new folder first, and every run of a program starts a process of its own.
t.setTimeout(600_000);

const run = promisify(execFile);
const windows = sharedFixtures('windows');
const av = join(projectRoot, 'examples', 'crashme', 'av.dmp');

const isHere = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const compiler = ['x86_64-w64-mingw32-g++-posix', 'x86_64-w64-mingw32-g++'].find(isHere);
const lacking = !compiler
  ? 'MinGW-w64 is not installed here'
  : !isHere('wine')
    ? 'Wine is not installed here'
    : false;

/** The compiler gives a whole path for a library that it has. */
const zlibPath = compiler
  ? spawnSync(compiler, ['-print-file-name=libz.a'], { encoding: 'utf8' }).stdout.trim()
  : '';
const lackingToo = !windows
  ? 'the shared fixtures are not here'
  : zlibPath.includes('/')
    ? false
    : 'zlib for MinGW-w64 is not installed here';

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const home = testFolder(t);
const environment = {
  ...process.env,
  WINEDEBUG: '-all',
  WINEPREFIX: join(home, 'wine'),
  DISPLAY: '',
  CHS_API_KEY: TEST_KEY,
};
// Wine's services start here, once, and hold nobody's pipes: those of a program would stay open as long as they run.
if (!lacking) {
  mkdirSync(environment.WINEPREFIX, { recursive: true });
  spawnSync('wineserver', ['-p'], { env: environment, stdio: 'ignore' });
  spawnSync('wine', ['wineboot'], { env: environment, stdio: 'ignore' });
}
t.teardown(() => void spawnSync('wineserver', ['-k'], { env: environment, stdio: 'ignore' }));

async function compiled(name: string, source: string, ...options: string[]): Promise<string> {
  const program = join(home, `${name}.exe`);
  await run(compiler ?? '', ['-std=c++17', '-municode', '-static', '-o', program, source, ...options]);
  return program;
}

async function wine(program: string, ...args: string[]): Promise<Finished> {
  try {
    const { stdout, stderr } = await run('wine', [program, ...args], { env: environment });
    // Windows programs end the lines of their output with CR LF.
    return { code: 0, stdout: stdout.replaceAll('\r\n', '\n'), stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as ExecFileException & Partial<Finished>;
    return { code: Number(code), stdout: String(stdout).replaceAll('\r\n', '\n'), stderr: String(stderr) };
  }
}

/** A file as Windows programs name it. */
const windowsPath = (path: string): string => `Z:${path.replaceAll('/', '\\')}`;

t.test(
  'the example in C++ uploads by either route, and knows what to try again',
  { skip: lacking },
  async (t) => {
    const source = join(projectRoot, 'examples', 'clients', 'winhttp_upload.cpp');
    const program = await compiled('winhttp', source, '-Wall', '-Wextra', '-Werror', '-lwinhttp');
    const chs = await reach(t, 'daemon');
    const server = `${chs.url}/`;
    const sent = await wine(program, server, windowsPath(av), 'user=ada "the first"', 'name=崩溃');
    t.equal(sent.code, 0, sent.stderr);
    const reply: unknown = JSON.parse(sent.stdout);
    t.match(reply, { success: true, data: { state: 'verified', exe_version: '1.2.3.4' } });
    const id = String(at(reply, 'data', 'minidump_id'));
    const texts = { user: 'ada "the first"', name: '崩溃' };
    t.same((await storedDump(chs, id)).client, texts);
    const again = await wine(program, server, windowsPath(av), '--submit', 'prod=Game');
    t.same([again.code, again.stdout], [0, `CrashID=${id}\n`]);
    t.same((await storedDump(chs, id)).client, { ...texts, prod: 'Game' });
    const wrong = await wine(program, server, windowsPath(source), '--submit');
    t.equal(wrong.code, 1);
    t.match(wrong.stdout, /^Discarded=wrong_file_type\nError=/);
    t.match(await wine(program, 'http://127.0.0.1:1', windowsPath(av)), { code: 2, stderr: /no connection/ });
    t.equal((await wine(program)).code, 64);
  },
);

t.test('a crash uploader sends in every way it has', { skip: lacking || lackingToo }, async (t) => {
  const source = join(windows ?? '', 'uploader.cpp');
  const zlib = ['-DHAVE_ZLIB', '-lwinhttp', '-lws2_32', '-lz'];
  const program = await compiled('uploader', source, ...zlib);
  await uploadsInEveryWay(t, program);
  await leavesNothingOfAbortedOnes(t, program);
});

/** Runs it, and gives its exit code and the JSON that it prints. */
async function uploader(program: string, ...args: string[]) {
  const { code, stdout } = await wine(program, ...args);
  const told: { status: number; body?: string } = JSON.parse(stdout);
  return { code, ...told };
}

/** A dump of its own each time, so that none is stored before. */
function anotherDump(mark: string): string {
  const path = join(home, 'crash.dmp');
  writeFileSync(path, Buffer.concat([readFileSync(av), Buffer.from(mark)]));
  return windowsPath(path);
}

async function uploadsInEveryWay(t: Test, program: string): Promise<void> {
  const chs = await reach(t, 'daemon');
  const log = join(home, 'game.log');
  writeFileSync(log, 'loaded\ncrashed\n');
  const documented = ['--url', `${chs.url}/upload/minidump`, '--api-key', TEST_KEY];
  const submitting = ['--breakpad', '--url', `${chs.url}/submit?key=${TEST_KEY}`];
  const who = ['--prod', 'Game', '--ver', '7.1', '--guid', '5E9A2C4B'];
  const ways = [
    [],
    ['--gzip'],
    ['--winsock'],
    ['--winsock', '--chunked'],
    ['--winsock', '--chunked', '--gzip'],
    ['--delay-ms', '20'],
    ['--file-name', 'Zoë "1".dmp'],
  ];
  for (const way of ways) {
    const name = way.join(' ') || 'plainly';
    const metadata = JSON.stringify({ exe_version: '1.2.3.4', annotations: { way: name } });
    const upload = await uploader(
      program,
      ...documented,
      '--metadata',
      metadata,
      '--file',
      anotherDump(`d${name}`),
      ...way,
    );
    t.match([upload.code, upload.status], [0, 200], `documented, ${name}: ${upload.body}`);
    const reply: unknown = JSON.parse(upload.body ?? '');
    t.equal(at(reply, 'data', 'state'), 'verified');
    t.same((await storedDump(chs, String(at(reply, 'data', 'minidump_id')))).client, { way: name });

    const more = [
      '--query',
      '--field',
      `way=${name}`,
      '--form-file',
      `game.log=${windowsPath(log)}`,
      '--form-file',
      `self=${windowsPath(av)}`,
    ];
    const submitted = await uploader(
      program,
      ...submitting,
      ...who,
      ...more,
      '--file',
      anotherDump(`s${name}`),
      ...way,
    );
    t.match([submitted.code, submitted.status], [0, 200], `submitted, ${name}: ${submitted.body}`);
    const id = /^CrashID=([\w-]{36})\n$/.exec(submitted.body ?? '')?.[1] ?? '';
    const { client, warnings } = await storedDump(chs, id);
    const told = { prod: 'Game', ver: '7.1', guid: '5E9A2C4B', product: 'Game', version: '7.1' };
    t.same(client, { ...told, way: name, 'game.log': 'loaded\ncrashed\n' }, name);
    t.same(warnings, ['The attachment "self" (215880 bytes) is not kept']);
  }
  const found = await ask(chs, '/list/minidumps?annotation=prod%3DGame');
  t.equal(at(found.body, 'data', 'total'), ways.length);
  const refused = await uploader(
    program,
    '--breakpad',
    '--url',
    `${chs.url}/submit?key=wrong`,
    ...who,
    '--file',
    anotherDump('x'),
  );
  t.match(refused, { code: 22, status: 401, body: /^Discarded=unauthorized\n/ });
  t.notMatch(await logWith(chs, /UNAUTHORIZED/), TEST_KEY);
}

async function leavesNothingOfAbortedOnes(t: Test, program: string): Promise<void> {
  const chs = await reach(t, 'daemon');
  const aborted = async (url: string, ...args: string[]): Promise<void> => {
    const common = [
      '--url',
      `${chs.url}${url}`,
      '--api-key',
      TEST_KEY,
      '--winsock',
      '--file',
      anotherDump('a'),
    ];
    for (const after of ['100', '5000', '20000'])
      t.equal(
        (await uploader(program, ...common, ...args, '--abort-after', after)).code,
        3,
        `${url} ${after}`,
      );
  };
  await aborted('/upload/minidump', '--metadata', '{}');
  await aborted('/submit', '--breakpad', '--prod', 'Game');
  await aborted('/submit', '--breakpad', '--prod', 'Game', '--chunked', '--gzip');
  await logWith(chs, /(CALLER_GONE[\s\S]*){9}/);
  t.same(stored(chs), []);
}
