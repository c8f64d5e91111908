/** Restores a backup: probes every target first, makes everything ready, and puts the databases in their places last. */
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { ChsError } from '../../platform/errors.ts';
import type { BackupWorker } from '../worker/protocol.ts';
import type { Watch } from './content.ts';
import { type RestoredFiles, restoreFiles } from './files.ts';
import { type MadeFolders, trackFolders } from './made-folders.ts';
import { type PostgresRestore, probeDump, restoreDump } from './postgres-dump.ts';
import type { RestoreSource } from './source.ts';
import { probeTarget, type StagedDatabase, stageSqlite } from './sqlite.ts';
import { chooseTargets, type DatabaseTarget, type Places, type RestoreTargets } from './targets.ts';

export interface RestoreOptions extends Watch {
  readonly source: RestoreSource;
  /** Names of databases; null for all. */
  readonly only: readonly string[] | null;
  /** A file, a folder or a `postgres://` URL; null for the places of `inPlace`. */
  readonly to: string | null;
  readonly inPlace: Places | null;
  /** With the stored files of chs; true when left out. */
  readonly files?: boolean;
  readonly worker: BackupWorker;
  readonly nowMs: number;
  readonly postgres?: PostgresRestore;
  /** Where what goes to a server is received; the folder of temporary files when left out. */
  readonly scratch?: string;
}

export interface RestoreReport {
  readonly source: string;
  readonly databases: readonly {
    readonly name: string;
    readonly kind: 'sqlite' | 'postgres';
    /** Null for a database on a server. */
    readonly path: string | null;
    /** Where what was there is kept. */
    readonly replaced: string | null;
  }[];
  readonly files: RestoredFiles | null;
  /** The folder for `CHS_DATA_DIR`, where one was made. */
  readonly dataFolder: string | null;
  readonly notes: readonly string[];
}

type RestoredDatabase = RestoreReport['databases'][number];

/**
 * Nothing is changed before every target was probed and every SQLite database lies checked beside its own. Then come
 * the stored files, which nobody knows yet, then dumps, and the SQLite databases last. Where it fails, the folders go
 * that it made and put nothing into.
 *
 * @throws ChsError RESTORE_REFUSED, NO_SUCH_DATABASE, USAGE, BACKUP_DAMAGED, STORAGE_FULL; errors of the source; the
 *   signal's reason
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const targets = await chooseTargets({ ...options, files: options.files ?? true });
  await probeAll(options, targets);
  const made = trackFolders();
  try {
    return await restoreTo(targets, { ...options, made });
  } catch (error) {
    await made.removeEmpty();
    throw error;
  }
}

type Restoring = RestoreOptions & { readonly made: MadeFolders };

async function restoreTo(targets: RestoreTargets, options: Restoring): Promise<RestoreReport> {
  const { source } = options;
  const inItsPlace = options.to === null;
  const staged: StagedDatabase[] = [];
  const restored = new Map<string, RestoredDatabase>();
  const notes = [...targets.notes];
  try {
    const sqlite = targets.databases.filter(({ entry }) => entry.kind === 'sqlite');
    for (const target of sqlite) staged.push(await stageSqlite({ ...options, ...target, inItsPlace }));
    const files = targets.files && (await restoreFiles({ ...options, ...targets.files }));
    for (const target of targets.databases) {
      if (target.entry.kind !== 'postgres') continue;
      const { path, replaced, note } = await dump(options, target);
      restored.set(target.entry.name, { name: target.entry.name, kind: 'postgres', path, replaced });
      notes.push(note);
    }
    for (const [index, { entry }] of sqlite.entries()) {
      const done = await staged[index]?.commit();
      if (done) restored.set(entry.name, { name: entry.name, kind: 'sqlite', ...done });
    }
    const databases = targets.databases.flatMap(({ entry }) => restored.get(entry.name) ?? []);
    if (files && files.missing.length > 0) {
      notes.push(`${files.missing.length} stored files were missing when the backup was made`);
    }
    return { source: source.label, databases, files, dataFolder: targets.dataFolder, notes };
  } finally {
    for (const one of staged) await one.discard();
  }
}

function dump(options: Restoring, target: DatabaseTarget): ReturnType<typeof restoreDump> {
  return restoreDump({
    ...options,
    ...target,
    scratch: options.scratch ?? tmpdir(),
    postgres: options.postgres ?? null,
  });
}

async function probeAll(options: RestoreOptions, { databases, files }: RestoreTargets): Promise<void> {
  for (const { entry, to } of databases) {
    if (entry.kind === 'sqlite') await probeTarget({ ...options, to, inItsPlace: options.to === null });
    else await probeDump(to, entry, options.postgres ?? null);
  }
  if (files === null) return;
  const found = await stat(files.to).catch(() => null);
  if (found && !found.isDirectory()) {
    throw new ChsError('RESTORE_REFUSED', { path: files.to, reason: 'it is not a folder' });
  }
}
