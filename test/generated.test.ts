/** Generated files are fresh, and the shells and `man` that read them find what they should. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { buildProgram } from '../commands/main.ts';
import { allCommands, commandTree } from '../scripts/generate/tree.ts';
import { staleFiles } from '../scripts/generate.ts';
import { projectRoot } from './fixtures/shared.ts';

const commands = allCommands(commandTree(await buildProgram()));

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function needs(program: string): { skip: string | false } {
  return { skip: has(program) ? false : `${program} is not installed here` };
}

t.test('generated files are fresh', async (t) => {
  t.same(await staleFiles(projectRoot), [], 'npm run generate writes what is committed');
});

t.test(
  'every command has a summary, a description of each option and argument, and an example',
  async (t) => {
    for (const command of commands) {
      const name = `chs ${command.path.join(' ')}`;
      t.match(command.summary, /^[A-Z].*[^.]$/, `${name} has one plain line`);
      for (const option of command.options) t.ok(option.description, `${name} ${option.long} is described`);
      for (const argument of command.arguments)
        t.ok(argument.description, `${name} ${argument.name} is described`);
      if (command.path.length === 0) continue;
      t.ok(command.examples.length > 0, `${name} has an example`);
      for (const example of command.examples) t.match(example, /\bchs /, `${name}: ${example}`);
    }
  },
);

t.test('every command is in a manual page and in each completion', async (t) => {
  const page = (name: string): string => readFileSync(join(projectRoot, 'man', name), 'utf8');
  const scripts = ['chs.bash', '_chs', 'chs.fish'].map((name) =>
    readFileSync(join(projectRoot, 'completions', name), 'utf8'),
  );
  for (const { path, options } of commands.filter((command) => command.path.length > 0)) {
    const text = page(`chs-${path[0]}.1`).replaceAll('\\', '');
    t.ok(text.includes(`chs ${path.join(' ')}`), `man page of ${path.join(' ')}`);
    for (const option of options.filter((candidate) => !candidate.global)) {
      t.ok(text.includes(option.long), `man page of ${path.join(' ')} has ${option.long}`);
      for (const script of scripts)
        t.ok(script.includes(option.long.slice(2)), `completions have ${option.long}`);
    }
  }
});

const cases: readonly (readonly [line: readonly string[], expected: readonly string[]])[] = [
  [['d'], ['demo', 'doctor', 'dump']],
  [['dump', 'l'], ['list']],
  [
    ['dump', 'list', '--pa'],
    ['--page', '--page-size'],
  ],
  [
    ['--lang', ''],
    ['en', 'zh'],
  ],
  [
    ['token', 'create', '--scope', ''],
    ['admin', 'read', 'submit', 'symbols', 'write'],
  ],
];

t.test('bash completes', needs('bash'), async (t) => {
  const script = join(projectRoot, 'completions', 'chs.bash');
  for (const [line, expected] of cases) {
    const code = `source "$0"; COMP_WORDS=(chs "$@"); COMP_CWORD=$#; _chs; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', code, script, ...line], { encoding: 'utf8' });
    t.same(stdout.trim().split('\n').sort(), expected, `chs ${line.join(' ')}`);
  }
});

t.test('fish completes', needs('fish'), async (t) => {
  const script = join(projectRoot, 'completions', 'chs.fish');
  for (const [line, expected] of cases) {
    const code = `source ${script}; complete -C 'chs ${line.join(' ')}'`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', code], { encoding: 'utf8' });
    const words = stdout
      .trim()
      .split('\n')
      .map((text) => text.split('\t')[0] ?? '');
    t.same(words.sort(), expected, `chs ${line.join(' ')}`);
  }
});

t.test('zsh reads its completion and knows every command', needs('zsh'), async (t) => {
  const script = join(projectRoot, 'completions', '_chs');
  t.equal(spawnSync('zsh', ['-n', script]).status, 0, 'no syntax error');
  const functions = commands.map(({ path }) => ['_chs', ...path].join('_'));
  const code = `compdef() { :; }; source "$0"; for name in "$@"; do whence -w "$name" || exit 1; done`;
  const { status, stdout } = spawnSync('zsh', ['-f', '-c', code, script, ...functions], { encoding: 'utf8' });
  t.equal(status, 0, stdout);
});

t.test('man shows the pages', needs('man'), async (t) => {
  for (const name of ['chs.1', 'chs-dump.1', 'chs-config.5']) {
    const path = join(projectRoot, 'man', name);
    t.ok(existsSync(path), name);
    const env = { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' };
    const { stdout, stderr, status } = spawnSync('man', ['--warnings', '-l', path], {
      encoding: 'utf8',
      env,
    });
    t.equal(status, 0, name);
    t.equal(stderr, '', `${name} gives no warnings`);
    t.match(stdout, /NAME[\s\S]*SYNOPSIS/, name);
  }
});

t.test('the package installs every manual page', async (t) => {
  const { man } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const pages = readdirSync(join(projectRoot, 'man')).map((name) => `man/${name}`);
  t.same([...man].sort(), pages.sort());
});
