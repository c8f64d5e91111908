/** `chs backup create`: a snapshot of all databases, kept and read back. */
import { type Command, Option } from 'commander';
import type { LoadedConfig } from '../../config/load.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { addCommand, type CommandContext, completed, type Invocation } from '../define.ts';
import { usageError } from '../failure.ts';
import { optionsOf, readInput } from '../flags.ts';
import type { ExitCode, Run } from '../run.ts';
import { backupLine } from '../views/backup.ts';
import { datum } from '../views/facts.ts';
import { followRun } from './follow-run.ts';
import { said } from './said.ts';
import { isPlace, namedSources } from './sources.ts';

const operation = backupOperations.createBackup;

export function createCommand(parent: Command, context: CommandContext): void {
  addCommand(parent, context, {
    name: 'create',
    summary: operation.summary,
    description:
      'Without a name: all databases of the configuration and the data of chs. Databases are cut at one instant, while ' +
      'others go on writing to them. A path of a SQLite file or a postgres:// URL is backed up without being configured. ' +
      'One line on standard output when it is done and was read back; exit code 1 when that fails.',
    arguments: [
      {
        syntax: '[databases...]',
        description: 'names of the configuration, paths of SQLite files, postgres:// URLs',
        complete: 'file',
      },
    ],
    options: () => [
      completed(
        new Option('--to <place>', 'a folder or s3://BUCKET/PREFIX in place of backup.target and its copy'),
        'directory',
      ),
      ...optionsOf(operation, ['names', 'files']),
      new Option('--no-files', 'without the stored files that belong to the database of chs'),
    ],
    examples: [
      'chs backup create',
      'chs backup create main msg',
      'chs backup create /srv/app/app.db --to /mnt/backups',
      'chs backup create --quiet >> /var/log/backup.log',
    ],
    action: create,
  });
}

async function create(run: Run, invocation: Invocation): Promise<ExitCode> {
  const { args, options } = invocation;
  const { to } = options;
  const loaded = await run.config(typeof to === 'string' ? { 'backup.target': to } : {});
  const isRemote = (run.options.server ?? loaded.config.client.server) !== undefined;
  if (isRemote) refuseOwnPlaces(args, to);
  const names = isRemote ? args : placed(loaded, run, args);
  if (typeof to === 'string') loaded.config.backup.copy_to = undefined;
  const input = readInput(operation, invocation, names.length > 0 ? { names } : {});
  const connection = await run.connect('backup');
  const { run: id } = await connection.client(backupOperations).createBackup(input, { signal: run.signal });
  const { backup } = await followRun(run, connection, id);
  if (!backup) return 2;
  if (run.out.json) run.out.value(backup);
  else run.out.line(backupLine(backup));
  for (const warning of backup.warnings) run.out.warn(said(run, datum(warning)));
  return backup.copies.some(({ verified }) => verified?.ok === false) ? 1 : 0;
}

/** A server writes where its own configuration says, and reads what that names. */
function refuseOwnPlaces(args: readonly string[], to: unknown): void {
  if (to !== undefined) {
    throw usageError(
      '--to is for databases here; a server keeps backups where its own configuration says',
      'Leave --to or --server out.',
    );
  }
  const place = args.find(isPlace);
  if (place !== undefined) {
    throw usageError(
      `'${place}' is a database here; a server backs up what its own configuration names`,
      'Name a database of the server, or leave --server out.',
    );
  }
}

/** Databases of the command line stand beside the configured ones for this run. */
function placed(loaded: LoadedConfig, { cwd }: Run, args: readonly string[]): readonly string[] {
  const { backup, database } = loaded.config;
  const configured = backup.databases;
  const { names, added } = namedSources(args, configured, cwd);
  if (Object.keys(added).length === 0) return names;
  // Without configured ones, `main` is the database of chs; it stays so beside others.
  const isMainMeant = Object.keys(configured).length === 0 && args.includes('main');
  backup.databases = { ...configured, ...(isMainMeant ? { main: database.path } : {}), ...added };
  return names;
}
