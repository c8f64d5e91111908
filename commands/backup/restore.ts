/** `chs backup restore`: databases out of a backup, beside what is there or in its place. */
import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Config } from '../../config/schema.ts';
import type { RestoreReport } from '../../src/backup/restore/restore.ts';
import type { RestoreSource } from '../../src/backup/restore/source.ts';
import type { Places, RestoreTargets } from '../../src/backup/restore/targets.ts';
import { confirmed } from '../crash-files.ts';
import { addCommand, type CommandContext, completed, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { counted } from '../views/backup.ts';
import { datum } from '../views/facts.ts';
import { shownBytes } from '../views/progress.ts';
import { shownPlace } from './places.ts';
import { openSource } from './source.ts';
import { watching, withWorker } from './with-worker.ts';

export function restoreCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'restore',
    summary: 'Restore databases out of a backup',
    description:
      'From a backup that is kept, here or by a server, or from a file or folder. Everything is made ready beside its place ' +
      'and checked before anything is replaced; what is replaced stays beside it under another name. A database that ' +
      'somebody has open is not replaced. --to PATH: a file for one database, a folder for several; the data of chs become a ' +
      'folder for CHS_DATA_DIR. --in-place: where the configuration of this machine has them.',
    arguments: [{ syntax: '<backup>', description: 'an ID, latest, a file or a folder', complete: 'file' }],
    options: () => [
      completed(new Option('--to <path>', 'a file, a folder, or a postgres:// URL'), 'file'),
      new Option('--in-place', 'where the configuration has the databases, in place of what is there'),
      new Option('--only <names...>', 'these databases alone'),
      new Option('--copy', 'from the copy, not from the first place'),
      new Option('--no-files', 'without the stored files that belong to the database of chs'),
      new Option('-y, --yes', 'do not ask'),
    ],
    examples: [
      'chs backup restore latest --to /tmp/restored',
      'chs backup restore backup.zip --to app.db --only app',
      'chs backup restore 20251224T120000Z-a1b2c3 --in-place --only main',
    ],
    action: restore,
  });
}

async function restore(run: Run, { args: [ref = 'latest'], options }: Invocation): Promise<ExitCode> {
  const { out } = run;
  const to = typeof options.to === 'string' ? options.to : null;
  if ((to === null) === (options.inPlace !== true)) {
    throw usageError(
      to === null ? 'where to is not said' : '--to and --in-place exclude each other',
      'Give --to PATH, or --in-place to replace what the configuration names.',
    );
  }
  refusePassword(to);
  const { config } = await run.config();
  const source = await openSource(run, ref, options.copy === true);
  const names = Array.isArray(options.only) ? options.only.map(String) : null;
  const choice = {
    source,
    only: names,
    to,
    inPlace: to === null ? placesOf(config, source) : null,
    files: options.files !== false,
  };
  const { chooseTargets } = await import('../../src/backup/restore/targets.ts');
  if (!(await agreed(run, await chooseTargets(choice), to === null && options.yes !== true))) return 1;
  const report = await withWorker((worker) =>
    watching(run, async (watch) => {
      const { restoreBackup } = await import('../../src/backup/restore/restore.ts');
      return restoreBackup({ ...choice, ...watch, worker, nowMs: Date.now(), postgres: toServer });
    }),
  );
  if (out.json) out.value(withoutPasswords(report));
  else print(run, report);
  return 0;
}

/** Other users can read command lines. */
function refusePassword(to: string | null): void {
  if (to === null || !/^[a-z][a-z0-9+.-]+:\/\//i.test(to)) return;
  if (!/^postgres(?:ql)?:\/\//i.test(to) || !URL.canParse(to))
    throw usageError('--to: this is not a postgres:// URL');
  const { password, searchParams } = new URL(to);
  if (password === '' && !searchParams.has('password')) return;
  throw usageError(
    'a URL with a password in it is refused, as other users can read command lines',
    'Put it into the configuration, under backup.databases, or the password into ~/.pgpass.',
  );
}

/** As backups name them: with nothing configured `main` is the database of chs, beside others it is `chs`. */
function placesOf({ backup, database, storage }: Config, { manifest }: RestoreSource): Places {
  const configured = backup.databases;
  const isAlone = Object.keys(configured).length === 0;
  const own = manifest.files?.database ?? (isAlone ? 'main' : 'chs');
  const ownPlace = { [own]: database.path };
  return { databases: { ...ownPlace, ...configured }, storage: storage.base_path };
}

/** Says what will be replaced; asks where that was not said before. */
async function agreed(run: Run, { databases, files }: RestoreTargets, isToAsk: boolean): Promise<boolean> {
  const { out } = run;
  const replaced: string[] = [];
  for (const { entry, to } of databases) {
    const found = await stat(to).catch(() => null);
    const isServer = /^postgres/.test(to);
    if (!found && !isServer) continue;
    const what = isServer ? 'if it is there' : shownBytes(found?.size ?? 0);
    replaced.push(
      `${datum(entry.name)} replaces ${shownPlace(to)} (${what}), which is kept under another name`,
    );
  }
  for (const line of replaced) out.note(line);
  if (files) out.note(`the stored files (${files.entry.count}) go to ${datum(files.to)}`);
  if (!isToAsk) return true;
  const question = `Restore ${counted(databases.length, 'database')} in place?`;
  if (await confirmed(run, question, 'replaces databases')) return true;
  out.note('Nothing was restored.');
  return false;
}

async function toServer({
  file,
  entry,
  url,
  signal,
}: {
  readonly file: string;
  readonly entry: { readonly name: string };
  readonly url: string;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { restorePostgres } = await import('../../src/backup/postgres/restore.ts');
  const done = await restorePostgres({ file, to: url, name: entry.name, keepReplaced: true, signal });
  const old = done.replaced === null ? '' : `; the old one is ${done.replaced}`;
  const owners = done.withoutOwners === null ? '' : `; without owners and rights: ${done.withoutOwners}`;
  return `${entry.name}: ${counted(done.tables, 'table')} in the database ${done.database}${old}${owners}`;
}

function withoutPasswords(report: RestoreReport): RestoreReport {
  const databases = report.databases.map((one) => ({ ...one, path: one.path && shownPlace(one.path) }));
  return { ...report, databases };
}

function print({ out }: Run, { databases, files, dataFolder, notes }: RestoreReport): void {
  for (const { name, path, replaced } of databases) {
    if (path === null) continue;
    out.line(`restored ${datum(name)} to ${shownPlace(path)}`);
    if (replaced !== null) out.line(`  what was there is ${datum(replaced)}`);
  }
  if (files) {
    out.line(
      `restored ${counted(files.written, 'stored file')} (${shownBytes(files.bytes)}) to ${datum(files.folder)}; there already: ${files.same}`,
    );
    for (const { path, keptAs } of files.kept) out.line(`  what was in ${datum(path)} is ${datum(keptAs)}`);
  }
  for (const note of notes) out.line(datum(note));
  if (dataFolder !== null) out.note(`\`CHS_DATA_DIR=${datum(dataFolder)} chs serve\` works on it.`);
}
