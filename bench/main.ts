/** Runs the benchmarks, each in a process of its own, and prints one table of ratios. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Figure, isAsWanted, type Outcome, ratioOf } from './measure.ts';

/** In the order in which they run and are shown. */
const benches: Readonly<Record<string, () => Promise<{ measure(): Promise<Outcome> }>>> = {
  startup: () => import('./startup.ts'),
  parsing: () => import('./parsing.ts'),
  list: () => import('./list.ts'),
  crashes: () => import('./crashes.ts'),
  uploads: () => import('./uploads.ts'),
  logs: () => import('./logs.ts'),
  backup: () => import('./backup.ts'),
};

const USAGE = `Usage: node build/bench/main.js [--json] [${Object.keys(benches).join(' | ')}]...`;

interface BenchResult {
  readonly bench: string;
  /** Null when it crashed. */
  readonly outcome: Outcome | null;
}

/** Exit code: 0 whatever the figures are, 2 when a benchmark could not be run to its end, 64 for wrong usage. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, only: { type: 'string' } },
    allowPositionals: true,
  });
  if (values.only !== undefined) {
    await runHere(values.only);
    return 0;
  }
  const unknown = positionals.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) {
    process.stderr.write(`There is no benchmark called ${unknown}.\n${USAGE}\n`);
    return 64;
  }
  const results: BenchResult[] = [];
  for (const bench of positionals.length > 0 ? positionals : Object.keys(benches)) {
    if (interrupted) break;
    process.stderr.write(`${bench} ...\n`);
    results.push({ bench, outcome: await runApart(bench) });
  }
  process.stdout.write(values.json ? `${JSON.stringify(results.map(toJson), null, 2)}\n` : table(results));
  return results.some(({ outcome }) => outcome === null) ? 2 : 0;
}

/** Ctrl-C goes to the whole group of processes: the benchmark under way cleans up, this one waits for it. */
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (process.send) process.exit(130);
    interrupted = true;
  });
}

/** In the process that was forked for it. */
async function runHere(bench: string): Promise<void> {
  // The one that forked this is gone: nobody waits for the figures.
  const abandoned = (): never => process.exit(130);
  process.once('disconnect', abandoned);
  const load = benches[bench];
  if (!load || !process.send) throw new Error(USAGE);
  const outcome = await (await load()).measure();
  const send = process.send.bind(process);
  await new Promise<void>((resolve) => send(outcome, undefined, undefined, () => resolve()));
  process.off('disconnect', abandoned);
  process.disconnect();
}

/** A process a benchmark: none starts with another's memory, compiled code or file descriptors. */
function runApart(bench: string): Promise<Outcome | null> {
  const child = fork(fileURLToPath(import.meta.url), ['--only', bench]);
  let outcome: Outcome | null = null;
  child.once('message', (message) => {
    outcome = message as Outcome;
  });
  if (interrupted) child.kill();
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0 ? outcome : null)));
}

function toJson({ bench, outcome }: BenchResult) {
  return {
    bench,
    crashed: outcome === null,
    notes: outcome?.notes ?? [],
    figures: (outcome?.figures ?? []).map((figure) => ({
      ...figure,
      ratio: ratioOf(figure),
      ok: isAsWanted(figure),
    })),
  };
}

function table(results: readonly BenchResult[]): string {
  const rows = [['figure', 'chs', 'peer', 'ratio', 'wanted', 'ok?']];
  for (const { bench, outcome } of results) {
    if (outcome === null) rows.push([`${bench}: crashed`, '', '', '', '', 'no']);
    for (const figure of outcome?.figures ?? []) rows.push(rowOf(bench, figure));
  }
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const notes = results.flatMap(({ bench, outcome }) =>
    (outcome?.notes ?? []).map((note) => `${bench}: ${note}`),
  );
  return `${[...lines, '', ...notes].join('\n')}\n`;
}

function rowOf(bench: string, figure: Figure): string[] {
  const { name, unit, chs, peer, wanted } = figure;
  const ratio = ratioOf(figure);
  const ok = isAsWanted(figure);
  return [
    `${bench}: ${name}`,
    `${rounded(chs)} ${unit}`,
    peer === null ? '' : `${rounded(peer.value)} ${unit} (${peer.name})`,
    ratio === null ? '' : `${ratio.toFixed(2)}x`,
    wanted === null ? '' : `${wanted.comparison} ${wanted.bound}${wanted.of === 'ratio' ? 'x' : ` ${unit}`}`,
    ok === null ? '' : ok ? 'yes' : 'no',
  ];
}

/** Three significant digits are more than a busy machine can promise. */
function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

process.exitCode = await main();
