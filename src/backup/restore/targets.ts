/** Decides where each part of a backup goes, before anything is done. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import type { FilesEntry } from '../manifest.ts';
import type { RestoreSource, SourceDatabase } from './source.ts';
import { nameOf } from './source.ts';

/** Where the configuration has things. */
export interface Places {
  /** Paths of SQLite files and `postgres://` URLs by name. */
  readonly databases: Readonly<Record<string, string>>;
  /** The folder of stored files. */
  readonly storage: string | null;
}

export interface DatabaseTarget {
  readonly entry: SourceDatabase;
  /** A file; of PostgreSQL a URL, or the file that the dump becomes. */
  readonly to: string;
}

export interface RestoreTargets {
  readonly databases: readonly DatabaseTarget[];
  readonly files: { readonly entry: FilesEntry; readonly to: string } | null;
  /** The folder that holds everything of chs, as `CHS_DATA_DIR` names it; null where no such folder is made. */
  readonly dataFolder: string | null;
  /** What does not come back, and why: for people. */
  readonly notes: readonly string[];
}

export interface TargetOptions {
  readonly source: RestoreSource;
  /** Names of databases; null for all. */
  readonly only: readonly string[] | null;
  /** A file, a folder, a `postgres://` URL. */
  readonly to: string | null;
  /** Without `to`. */
  readonly inPlace: Places | null;
  /** With the stored files, where the backup has some. */
  readonly files: boolean;
}

/** Where chs looks below CHS_DATA_DIR as long as nothing else is configured. */
const dataLayout = { database: ['data', 'crash_handler.db'], storage: 'storage' } as const;

/**
 * One database alone goes to the file `to`, unless that is a folder or ends in a separator; several go into the folder
 * `to` as `NAME.db`. The data of chs, database and stored files, go into the folder `to` as chs finds them. Without
 * `to` everything goes where the configuration has it.
 *
 * @throws ChsError NO_SUCH_DATABASE, RESTORE_REFUSED, USAGE
 */
export async function chooseTargets(options: TargetOptions): Promise<RestoreTargets> {
  const chosen = chosenOf(options);
  const targets = options.to === null ? inPlace(options, chosen) : await below(options, chosen, options.to);
  const taken = new Set<string>();
  for (const { entry, to } of targets.databases) {
    if (taken.has(to))
      throw new ChsError('RESTORE_REFUSED', { path: to, reason: 'two databases would go there' });
    if (entry.kind === 'sqlite' && isUrl(to)) {
      throw new ChsError('RESTORE_REFUSED', {
        path: entry.name,
        reason: 'it is a SQLite database, and goes to a file',
      });
    }
    taken.add(to);
  }
  return targets;
}

function chosenOf({ source, only }: TargetOptions): readonly SourceDatabase[] {
  const { databases } = source.manifest;
  const known = databases.map((entry) => entry.name);
  for (const name of only ?? []) {
    if (!known.includes(name)) throw new ChsError('NO_SUCH_DATABASE', { name, known: known.join(', ') });
  }
  const chosen = only === null ? databases : databases.filter((entry) => only.includes(entry.name));
  if (chosen.length > 0) return chosen;
  throw new ChsError('BACKUP_DAMAGED', { id: nameOf(source), reason: 'it holds no database' });
}

/** The stored files go with the database that names them. */
function filesOf({ source, files }: TargetOptions, chosen: readonly SourceDatabase[]): FilesEntry | null {
  const entry = source.manifest.files;
  return files && entry && chosen.some(({ name }) => name === entry.database) ? entry : null;
}

function inPlace(options: TargetOptions, chosen: readonly SourceDatabase[]): RestoreTargets {
  const places = options.inPlace;
  if (places === null) throw new ChsError('USAGE', { reason: 'say where to restore to' });
  const databases = chosen.map((entry) => {
    const to = Object.hasOwn(places.databases, entry.name) ? places.databases[entry.name] : undefined;
    if (to === undefined) {
      const known = Object.keys(places.databases).join(', ');
      throw new ChsError('NO_SUCH_DATABASE', { name: entry.name, known });
    }
    return { entry, to: isUrl(to) ? to : resolve(to) };
  });
  const entry = filesOf(options, chosen);
  if (entry === null) return { databases, files: null, dataFolder: null, notes: [] };
  if (places.storage === null)
    throw new ChsError('USAGE', { reason: 'say where stored files are to be restored' });
  return { databases, files: { entry, to: resolve(places.storage) }, dataFolder: null, notes: [] };
}

async function below(
  options: TargetOptions,
  chosen: readonly SourceDatabase[],
  to: string,
): Promise<RestoreTargets> {
  const [first] = chosen;
  const files = filesOf(options, chosen);
  const isFolder =
    /[/\\]$/.test(to) ||
    (await stat(to).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (first && chosen.length === 1 && !isFolder) {
    const isFile =
      isUrl(to) ||
      looksLikeFile(to) ||
      (await stat(to).then(
        () => true,
        () => false,
      ));
    if (files === null || isFile) {
      const note = 'the stored files were left out: they go to a folder, not to a file';
      const databases = [{ entry: first, to: isUrl(to) ? to : resolve(to) }];
      return { databases, files: null, dataFolder: null, notes: files === null ? [] : [note] };
    }
  }
  if (isUrl(to))
    throw new ChsError('RESTORE_REFUSED', { path: 'the server', reason: 'several databases go to a folder' });
  const folder = resolve(to);
  const databases = chosen.map((entry) => ({
    entry,
    to:
      entry.name === files?.database
        ? join(folder, ...dataLayout.database)
        : join(folder, entry.kind === 'sqlite' ? `${entry.name}.db` : `${entry.name}.dump`),
  }));
  if (files === null) return { databases, files: null, dataFolder: null, notes: [] };
  return {
    databases,
    files: { entry: files, to: join(folder, dataLayout.storage) },
    dataFolder: folder,
    notes: [],
  };
}

function looksLikeFile(path: string): boolean {
  return /\.(?:db|db3|sqlite|sqlite3|dump)$/i.test(path);
}

export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}
