/** Brings the dump of a PostgreSQL database back: to a server, by a function that is handed in, or to a file. */
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import type { BackupWorker } from '../worker/protocol.ts';
import { receiveDatabase, roomFor, type Watch } from './content.ts';
import type { MadeFolders } from './made-folders.ts';
import type { RestoreSource, SourceDatabase } from './source.ts';
import { makeStaging, moveNew, nameBefore, needRoom, onDisk, sweepStaging } from './staging.ts';
import { isUrl } from './targets.ts';

/** Restores a dump, a file of `pg_dump -Fc`, into the database of a URL; gives a word for people. */
export type PostgresRestore = (input: {
  readonly file: string;
  readonly entry: SourceDatabase;
  /** With its password: for no log, no error, no argument of a process. */
  readonly url: string;
  readonly signal: AbortSignal;
}) => Promise<string>;

export interface RestoreDumpOptions extends Watch {
  readonly source: RestoreSource;
  readonly entry: SourceDatabase;
  readonly to: string;
  /** On this machine: where a dump is received on its way to a server. */
  readonly scratch: string;
  readonly made: MadeFolders;
  readonly worker: BackupWorker;
  readonly nowMs: number;
  readonly postgres: PostgresRestore | null;
}

/** @throws ChsError RESTORE_REFUSED */
export async function probeDump(
  to: string,
  entry: SourceDatabase,
  postgres: PostgresRestore | null,
): Promise<void> {
  if (isUrl(to)) {
    if (postgres) return;
    const reason = 'restoring to a PostgreSQL server is not possible here';
    throw new ChsError('RESTORE_REFUSED', { path: entry.name, reason });
  }
  const found = await stat(to).catch(() => null);
  if (found && !found.isFile())
    throw new ChsError('RESTORE_REFUSED', { path: to, reason: 'it is not a file' });
}

/**
 * Receives a dump, compared with the manifest, and restores it; or keeps it as a file, never over another one.
 *
 * @throws ChsError BACKUP_DAMAGED, STORAGE_FULL; errors of the source and of `postgres`; the signal's reason
 */
export async function restoreDump(
  options: RestoreDumpOptions,
): Promise<{ path: string | null; replaced: string | null; note: string }> {
  const { entry, to, postgres, signal } = options;
  const target = isUrl(to) ? join(options.scratch, `${entry.name}.dump`) : to;
  await sweepStaging(target);
  const staging = await makeStaging(target, options.made.make);
  try {
    await needRoom(staging.folder, roomFor(entry));
    const file = await onDisk(target, () => receiveDatabase({ ...options, folder: staging.folder }));
    if (isUrl(to)) {
      if (!postgres) throw new Error('probeDump comes first');
      options.onStep?.('replace', entry.name);
      return { path: null, replaced: null, note: await postgres({ file, entry, url: to, signal }) };
    }
    return await onDisk(target, async () => {
      await chmod(file, 0o640);
      const replaced = (await stat(to).catch(() => null)) ? await nameBefore(to, options.nowMs) : null;
      const kept = replaced === null ? null : await moveNew(to, replaced);
      const path = await moveNew(file, to);
      const version = entry.server_version === null ? '' : ` of PostgreSQL ${entry.server_version}`;
      const note = `${path} is a dump${version}: pg_restore --clean --if-exists --no-owner -d DATABASE ${path}`;
      return { path, replaced: kept, note };
    });
  } finally {
    await staging.discard();
  }
}
