/** `chs backup drill`: proves that a backup can be restored, by doing it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { DrillCheck, DrillReport } from '../../src/backup/restore/drill.ts';
import type { RestoreSource } from '../../src/backup/restore/source.ts';
import type { BackupWorker } from '../../src/backup/worker/protocol.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { addCommand, type CommandContext, completed, type Invocation } from '../define.ts';
import type { ExitCode, Run } from '../run.ts';
import { checkLines, nameAndTime } from '../views/backup.ts';
import { datum } from '../views/facts.ts';
import { openRestored } from './open-restored.ts';
import { openSource } from './source.ts';
import { type DrawnWatch, watching, withWorker } from './with-worker.ts';

export function drillCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'drill',
    summary: 'Restore a backup into a scratch folder, open it, and remove it again',
    description:
      'Of the copy where there is one. Databases are opened and checked whole; on the data of chs a chs is started, which has ' +
      'to be ready and to list its dumps; dumps of PostgreSQL are loaded into a database of its own on the configured ' +
      'server, which is dropped afterwards. Exit code 1 when something does not hold.',
    arguments: [
      {
        syntax: '[backup]',
        description: 'an ID, a file or a folder; without it the latest',
        complete: 'file',
      },
    ],
    options: () => [
      new Option('--copy', 'the copy, also where there is none: that fails'),
      new Option('--no-copy', 'the one in the first place'),
      completed(
        new Option(
          '--scratch <folder>',
          "where the scratch folder is made; else the machine's temporary one",
        ),
        'directory',
      ),
    ],
    examples: [
      'chs backup drill',
      'chs backup drill --no-copy --scratch /mnt/big',
      'chs backup drill backup.zip',
    ],
    action: runDrill,
  });
}

async function runDrill(run: Run, { args: [ref = 'latest'], options }: Invocation): Promise<ExitCode> {
  const { out } = run;
  const copy = typeof options.copy === 'boolean' ? options.copy : null;
  const source = await openSource(run, ref, copy);
  const scratch = typeof options.scratch === 'string' ? resolve(run.cwd, options.scratch) : tmpdir();
  const report = await withWorker((worker) =>
    watching(run, (watch) => drillAll(run, { source, scratch, worker, watch })),
  );
  if (out.json) out.value(report);
  else {
    for (const line of await checkLines(report.checks, out)) out.line(line);
    const result = report.ok ? out.style.green('ok') : out.style.red('FAILED');
    out.line(`${nameAndTime(report, Date.now())}: ${result} in ${(report.duration_ms / 1000).toFixed(1)} s`);
  }
  for (const note of report.notes) out.note(datum(note));
  return report.ok ? 0 : 1;
}

interface Drill {
  readonly source: RestoreSource;
  /** The folder in which a scratch folder is made. */
  readonly scratch: string;
  readonly worker: BackupWorker;
  readonly watch: DrawnWatch;
}

async function drillAll(run: Run, given: Drill): Promise<DrillReport> {
  const { drill } = await import('../../src/backup/restore/drill.ts');
  const { source, scratch, worker, watch } = given;
  const open = (folder: string, signal: AbortSignal) => openRestored(folder, run.language, signal);
  const report = await drill({ ...watch, source, worker, scratch, open, nowMs: Date.now() });
  const loaded = await loadDumps(run, given);
  return {
    ...report,
    ok: report.ok && loaded.every(({ ok }) => ok),
    checks: [...report.checks, ...loaded],
    duration_ms: report.duration_ms + loaded.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
    notes: report.notes.filter((note) => !loaded.some(({ name }) => note.startsWith(`${name}:`))),
  };
}

/** Each dump whose database is configured here goes into a new database on that server. */
async function loadDumps(run: Run, given: Drill): Promise<DrillCheck[]> {
  const { config } = await run.config();
  const checks: DrillCheck[] = [];
  for (const entry of given.source.manifest.databases) {
    const url = config.backup.databases[entry.name];
    if (entry.kind !== 'postgres' || url === undefined || !/^postgres/.test(url)) continue;
    const fromMs = performance.now();
    const result = await loadDump(given, entry, url);
    checks.push({ name: entry.name, ...result, duration_ms: Math.round(performance.now() - fromMs) });
  }
  return checks;
}

async function loadDump(
  { source, scratch, worker, watch }: Drill,
  entry: RestoreSource['manifest']['databases'][number],
  url: string,
): Promise<{ check: string; ok: boolean; detail: string }> {
  const check = 'load';
  const [{ receiveDatabase }, { drillPostgres }] = await Promise.all([
    import('../../src/backup/restore/content.ts'),
    import('../../src/backup/postgres/drill.ts'),
  ]);
  const folder = await mkdtemp(join(scratch, 'chs-drill-'));
  try {
    const file = await receiveDatabase({ ...watch, source, entry, folder, worker });
    watch.onStep('load', entry.name);
    const { tables, counted } = await drillPostgres({ file, url, signal: watch.signal, name: entry.name });
    const rows = counted.reduce((sum, one) => sum + one.rows, 0);
    return { check, ok: true, detail: `${tables} tables, ${rows} rows in the largest ${counted.length}` };
  } catch (error) {
    if (!(error instanceof ChsError) || watch.signal.aborted) throw error;
    return { check, ok: false, detail: error.message };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
