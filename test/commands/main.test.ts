/** The command line as such: help, version, mistakes, languages. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { completionOf, examplesOf } from '../../commands/define.ts';
import { groups } from '../../commands/groups.ts';
import { buildProgram } from '../../commands/main.ts';
import { cleanEnvironment, example, jsonLines, program, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

t.test('prints its version', async (t) => {
  const cwd = t.testdir();
  for (const line of [
    '--version',
    '-V',
    '--lang=zh --version',
    '--lang zh -V --json',
    '--version --lang zh',
  ]) {
    const { code, stdout } = await runChs(line.split(' '), { cwd });
    t.equal(code, 0);
    t.match(stdout, /^chs \d+\.\d+\.\d+\n$/, line);
  }
  const option = await runChs(['dump', 'list', '--version', '1.2.3', '--json'], { cwd });
  t.match(option, { code: 0, stdout: /"total":0/ }, 'behind the verb it is another option');
  t.match(await runChs(['--config', '--version', 'dump', 'list'], { cwd }), { code: 2, stderr: /--version/ });
});

t.test('lists its groups when called alone, with --help and with help', async (t) => {
  const cwd = t.testdir();
  for (const args of [[], ['--help'], ['help']]) {
    const { code, stdout, stderr } = await runChs(args, { cwd });
    t.equal(code, 0);
    t.equal(stderr, '');
    for (const { name, summary } of groups) t.match(stdout, new RegExp(`^  ${name} +${summary}$`, 'm'));
  }
});

t.test('shows the same help by help GROUP VERB and by --help', async (t) => {
  const cwd = t.testdir();
  const one = await runChs(['help', 'dump', 'upload'], { cwd });
  const other = await runChs(['dump', 'upload', '--help'], { cwd });
  t.equal(one.code, 0);
  t.equal(one.stdout, other.stdout);
  t.match(one.stdout, /--exe-version <text>/);
  t.match(one.stdout, /Global options:\n {2}--server <url>/);
  t.match(one.stdout, /Examples:\n {2}\$ chs dump upload/);
  const group = await runChs(['dump'], { cwd });
  t.equal(group.code, 0);
  t.match(group.stdout, /explain/);
});

const mistakes: readonly (readonly [string, RegExp, RegExp])[] = [
  ['dmup list', /unknown command 'dmup'/, /chs dump/],
  ['dump lst', /unknown command 'dump lst'/, /chs dump list/],
  ['dump lst --help', /unknown command 'dump lst'/, /chs dump list/],
  ['help nosuch', /unknown command 'nosuch'/, /chs --help/],
  ['dump list --pge 2', /unknown option '--pge'/, /--page/],
  ['dump list --page 0', /--page <number>.*whole number from 1 to/, /--help/],
  ['dump list -n 101', /--page-size <number>.*whole number from 1 to 100/, /--help/],
  ['dump list --page x', /--page <number>/, /--help/],
  ['dump list --start-time soon', /--start-time <time>.*ISO 8601/, /--help/],
  ['dump list --guid 12', /--guid <text>.*GUID/, /--help/],
  ['dump upload', /missing required argument 'files'/, /--help/],
  ['dump show', /missing required argument/, /--help/],
  ['dump show not/an?id', /no such file/, /^/],
  ['dump show nosuchname', /nosuchname: there is no such file, and it is no ID/, /^/],
  ['dump explain - -', /standard input \(-\) can be read only once/, /^/],
  ['dump download what*ever', /id 'what\*ever'/, /^/],
  ['--foo', /unknown option '--foo'/, /--help/],
  ['--server', /'--server <url>' needs a value/, /--help/],
  ['--no-color', /no command is named/, /chs --help/],
  ['dump delete some-id', /no terminal/, /--yes/],
  ['token create --name ci --scope root', /--scope.*read, write, admin/, /--help/],
  ['token create', /option '--name <text>' is required/, /--help/],
  ['token create --name ci --expires yesterday', /--expires <text>.*such as 30d/, /--help/],
  ['token create --name ci --expires -5d', /--expires <text>.*such as 30d/, /--help/],
  ['token create --name ci --expires 2020-01-01', /--expires <text>.*has passed/, /--help/],
  ['dump list --server nowhere', /not a URL/, /https:/],
  ['dump list --server ftp://host', /ftp is not http/, /https:/],
  ['dump list --server http://key:secret@host', /user or password/, /--key-file/],
];

for (const [line, message, hint] of mistakes) {
  t.test(`refuses chs ${line}`, async (t) => {
    const { code, stdout, stderr } = await runChs(line.split(' '), { cwd: t.testdir() });
    t.equal(code, /no such file/.test(message.source) ? 2 : 64);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.match(stderr, hint);
    t.notMatch(stderr, /secret|\n {4}at /);
  });
}

t.test('says all of these in Chinese, hints included', async (t) => {
  const cwd = t.testdir();
  for (const [line] of mistakes) {
    const { stderr } = await runChs(line.split(' '), { cwd, env: { CHS_LANG: 'zh' } });
    for (const said of stderr
      .replace(/'[^']*'|`[^`]*`/g, '')
      .trim()
      .split('\n')) {
      t.match(said, /\p{Script=Han}/u, line);
      t.notMatch(said, /[A-Za-z]{2,} [a-z]{2,}/, line);
    }
  }
});

t.test('marks the options that must be given', async (t) => {
  const { stdout } = await runChs(['token', 'create', '--help'], { cwd: t.testdir() });
  t.match(stdout.replace(/\s+/g, ' '), /--name <text> What it is for, such as ci-upload \(required\)/);
});

t.test('reports failures as JSON with --json, wherever it stands', async (t) => {
  const cwd = t.testdir();
  for (const args of [
    ['--json', 'dump', 'show', 'none.dmp'],
    ['dump', 'show', 'none.dmp', '--json'],
  ]) {
    const { code, stdout, stderr } = await runChs(args, { cwd });
    t.equal(code, 2);
    t.equal(stdout, '');
    t.match(jsonLines(stderr), [{ error: { code: 'LOCAL_FILE', message: /none\.dmp/ } }]);
  }
  const usage = await runChs(['dump', 'list', '--nonsense', '--json'], { cwd });
  t.equal(usage.code, 64);
  t.match(jsonLines(usage.stderr), [{ error: { code: 'USAGE' } }]);
});

t.test('speaks Chinese by --lang, CHS_LANG, LANG and the configuration', async (t) => {
  const cwd = t.testdir({ 'chs.config.toml': '[client]\nlang = "zh"\n' });
  const elsewhere = t.testdir({ inner: { empty: '' }, 'chs.config.toml': '' });
  const id = ['dump', 'show', 'no-such-id-1'];
  for (const [args, options] of [
    [[...id, '--lang', 'zh'], { cwd: elsewhere }],
    [id, { cwd: elsewhere, env: { CHS_LANG: 'zh' } }],
    [id, { cwd: elsewhere, env: { LANG: 'zh_CN.UTF-8' } }],
  ] as const) {
    const { code, stderr } = await runChs(args, options);
    t.equal(code, 2);
    t.match(stderr, /Minidump 不存在/);
  }
  t.match(
    (await runChs(id, { cwd: t.testdir({ 'chs.config.toml': '[client]\nlang = "zh"\n' }) })).stderr,
    /Minidump 不存在/,
  );
  t.match((await runChs(['dump', 'list', '--nonsense', '--lang', 'zh'], { cwd })).stderr, /未知选项/);
});

t.test('says that standard output cannot be written, and cleans up', async (t) => {
  if (!existsSync('/dev/full')) return t.pass('there is no /dev/full here');
  const cwd = t.testdir({ tmp: {} });
  const env = { ...cleanEnvironment(cwd), TMPDIR: join(cwd, 'tmp') };
  for (const args of [['--help'], ['dump', '--help'], ['dump', 'show', example('av.dmp')], ['demo']]) {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ['ignore', full, 'pipe'] });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const stderr = child.stderr === null ? '' : await text(child.stderr);
    const code = await ended;
    closeSync(full);
    t.equal(code, 2, args.join(' '));
    t.match(stderr, /^chs: cannot write standard output: .*\n$/);
  }
  t.strictSame(readdirSync(join(cwd, 'tmp')), []);
});

t.test('names a wrong configuration and how to look at it', async (t) => {
  const cwd = t.testdir({ 'chs.config.toml': '[server]\nport = "many"\n' });
  const { code, stderr } = await runChs(['dump', 'list'], { cwd });
  t.equal(code, 2);
  t.match(stderr, /chs\.config\.toml:2: server\.port/);
  t.match(stderr, /chs config check/);
});

t.test(
  'every command has a summary, an example, and a description of each option and argument',
  async (t) => {
    const program = await buildProgram();
    for (const group of program.commands) {
      for (const command of group.commands.length > 0 ? group.commands : [group]) {
        const name = command === group ? group.name() : `${group.name()} ${command.name()}`;
        t.match(command.summary(), /^[A-Z].*[^.]$/, `${name} has a summary`);
        const examples = examplesOf(command);
        t.ok(
          examples.length > 0 && examples.every((line) => line.includes(`chs ${name}`)),
          `${name} has examples`,
        );
        for (const option of command.options)
          t.ok(option.description, `${name} ${option.flags} is described`);
        for (const argument of command.registeredArguments)
          t.ok(argument.description, `${name} ${argument.name()} is described`);
      }
    }
    const upload = program.commands
      .find((group) => group.name() === 'dump')
      ?.commands.find((verb) => verb.name() === 'upload');
    const [files] = upload?.registeredArguments ?? [];
    t.equal(files && completionOf(files), 'file');
  },
);

t.test('the groups describe themselves as the overview does', async (t) => {
  const program = await buildProgram();
  for (const { name, summary } of groups) {
    t.equal(program.commands.find((command) => command.name() === name)?.summary(), summary);
  }
});
