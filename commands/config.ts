/** `chs config`: writing, showing and checking the configuration. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type Command, Option } from 'commander';
import type { ConfigProblem } from '../config/problem.ts';
import { ChsError } from '../src/platform/errors.ts';
import { unsafeListen } from '../src/platform/listen-safety.ts';
import { addCommand, addGroup, type CommandContext, type Invocation } from './define.ts';
import { usageError } from './failure.ts';
import { localFileError } from './local-file.ts';
import type { ExitCode, Run } from './run.ts';
import { datum } from './views/facts.ts';
import { renderTable } from './views/table.ts';

export function register(program: Command, context: CommandContext): void {
  const group = addGroup(program, {
    name: 'config',
    summary: 'Write, show and check the configuration',
    examples: ['chs config init', 'chs config show --origin', 'chs config check'],
  });
  addCommand(group, context, {
    name: 'init',
    summary: 'Write a configuration file with every key, its default and what it means',
    arguments: [
      { syntax: '[path]', description: 'where to (default: config/config.toml)', complete: 'file' },
    ],
    options: () => [new Option('-f, --force', 'overwrite a file that exists')],
    examples: ['chs config init', 'chs config init /etc/chs/config.toml --force'],
    action: initialise,
  });
  addCommand(group, context, {
    name: 'show',
    summary: 'Show the configuration as it is in force, secrets hidden',
    options: () => [
      new Option('-o, --origin', 'where each value comes from: file and line, variable, default'),
    ],
    examples: ['chs config show', 'chs config show --origin', 'chs config show --json'],
    action: show,
  });
  addCommand(group, context, {
    name: 'check',
    summary: 'Check the configuration and list every problem with its place',
    description: 'Exit code 2 when it cannot be used; warnings alone are 0.',
    examples: ['chs config check', 'chs config check --config staging.toml --json'],
    action: check,
  });
  addCommand(group, context, {
    name: 'schema',
    summary: 'List every key, what it takes and its default',
    description: 'With --json: the JSON Schema of the file, for editors.',
    examples: ['chs config schema', 'chs config schema --json > chs.schema.json'],
    action: schema,
  });
}

async function initialise(run: Run, { args: [given], options }: Invocation): Promise<ExitCode> {
  const { out } = run;
  const { renderSample } = await import('../config/sample.ts');
  const path = given ?? join('config', 'config.toml');
  // Other names are read as other formats, or not at all.
  if (!/\.toml$/i.test(path))
    throw usageError(`${path}: the configuration is written as TOML`, 'Give a name that ends in .toml.');
  const before = await fileInForce(run);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, renderSample(), { flag: options.force === true ? 'w' : 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new ChsError('LOCAL_FILE', { path, reason: 'it exists already; --force overwrites it' });
    }
    throw localFileError(path, error);
  }
  if (out.json) out.value({ file: path });
  else out.line(path);
  out.note('Every key is in it with its default. `chs config check` checks it after your changes.');
  await sayWhereItCounts(run, path, before);
  return 0;
}

/** The file that is used now, sound or not; null when there is none. */
async function fileInForce({ cwd, env, options }: Run): Promise<string | null> {
  const [{ loadConfig }, { ConfigError }] = await Promise.all([
    import('../config/load.ts'),
    import('../config/problem.ts'),
  ]);
  try {
    return (await loadConfig({ cwd, env, explicitPath: options.config })).file;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.file;
  }
}

/** A new file moves the data of whoever works below it, which nobody should find out by missing some. */
async function sayWhereItCounts({ out, cwd, env }: Run, path: string, before: string | null): Promise<void> {
  const { searchedPlace } = await import('../config/load.ts');
  const place = searchedPlace({ cwd, env }, path);
  if (place === null) {
    out.note('It is not where configuration is looked for: name it by --config or CHS_CONFIG.');
  } else if (before === null && !place.users) {
    const folders = `${join(place.root, 'data', sep)} and ${join(place.root, 'storage', sep)}`;
    out.note(`From now on commands that run in ${place.root} or below keep their data in ${folders}.`);
  }
}

async function show(run: Run, { options }: Invocation): Promise<ExitCode> {
  const { out } = run;
  const loaded = await run.config();
  const { describeConfig } = await import('../config/redact.ts');
  const rows = describeConfig(loaded);
  if (out.json) {
    const keys = rows.map((row) => ({ ...row, value: jsonValue(row.value) }));
    out.value({ file: loaded.file, root: loaded.root, keys });
    return 0;
  }
  out.note(
    loaded.file === null ? `No configuration file; data is in ${loaded.root}.` : `From ${loaded.file}.`,
  );
  const withOrigin = options.origin === true;
  const columns = [
    { title: 'KEY' },
    { title: 'VALUE', shrinkTo: 20 },
    ...(withOrigin ? [{ title: 'ORIGIN', shrinkTo: 16 }] : []),
  ];
  const cells = rows.map(({ key, value, origin }) => [
    key,
    datum(value),
    ...(withOrigin ? [datum(origin)] : []),
  ]);
  for (const line of await renderTable(columns, cells, out.columns ?? Number.POSITIVE_INFINITY, out.style))
    out.line(line);
  return 0;
}

/** The value itself of what is shown as JSON text; null for what is not set, `[set]` for a secret that is. */
function jsonValue(shown: string): unknown {
  if (shown === '[not set]') return null;
  return shown === '[set]' ? shown : JSON.parse(shown);
}

async function check({ out, cwd, env, options }: Run): Promise<ExitCode> {
  const [{ inertKeysSet, loadConfig }, { atPlace, ConfigError }] = await Promise.all([
    import('../config/load.ts'),
    import('../config/problem.ts'),
  ]);
  let file: string | null = null;
  let warnings: readonly string[] = [];
  let problems: readonly ConfigProblem[] = [];
  try {
    const loaded = await loadConfig({ cwd, env, explicitPath: options.config });
    const inert = inertKeysSet(loaded).map(inertWarning);
    file = loaded.file;
    const refusal = unsafeListen(loaded.config);
    const unsafe = refusal ? [`\`chs serve\` will not start: ${refusal.message}`] : [];
    warnings = [...loaded.warnings, ...unsafe, ...inert];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    ({ problems, file, warnings } = error);
    warnings = [...warnings, ...error.inertKeys.map(inertWarning)];
  }
  if (out.json) {
    out.value({ valid: problems.length === 0, file, problems, warnings });
    return problems.length > 0 ? 2 : 0;
  }
  const { style } = out;
  for (const problem of problems)
    out.line(`${style.red('wrong')}    ${datum(atPlace(problem.file, problem.line, problem.message))}`);
  for (const warning of warnings) out.line(`${style.yellow('warning')}  ${datum(warning)}`);
  if (problems.length > 0) {
    out.note(
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}. \`chs config schema\` says what each key takes.`,
    );
    return 2;
  }
  out.line(
    `${style.green('ok')}       ${file === null ? 'there is no file; the defaults are in force' : datum(file)}`,
  );
  return 0;
}

function inertWarning(key: string): string {
  return `${key} is accepted, but this version does not use it`;
}

async function schema({ out }: Run): Promise<ExitCode> {
  const { configJsonSchema, renderConfigReference } = await import('../config/sample.ts');
  if (out.json) {
    out.value(configJsonSchema());
    return 0;
  }
  const columns = [
    { title: 'KEY' },
    { title: 'DEFAULT', shrinkTo: 9 },
    { title: 'TAKES', shrinkTo: 12, dropOrder: 2 },
    { title: 'DESCRIPTION', shrinkTo: 20 },
    { title: 'VARIABLE', dropOrder: 3 },
  ];
  const rows = renderConfigReference().map(({ key, default: value, type, description, env, inert }) => [
    key,
    value === '' ? '-' : value,
    type,
    inert ? `${description} (not used by this version)` : description,
    env,
  ]);
  for (const line of await renderTable(columns, rows, out.columns ?? Number.POSITIVE_INFINITY, out.style))
    out.line(line);
  return 0;
}
