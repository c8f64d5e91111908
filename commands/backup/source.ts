/** Where a backup comes from: a file or folder here, or those that are kept, here or by a server. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BackupSummary } from '../../src/backup/fields.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import type { RestoreSource } from '../../src/backup/restore/source.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { readInput } from '../flags.ts';
import type { Run } from '../run.ts';
import { refuseCopy } from './check-file.ts';
import { said } from './said.ts';

/** An ID, or `latest`. */
const REF = /^(?:latest|\d{8}T\d{6}Z-[0-9a-f]{6})$/;
const FILE_LIKE = /[/\\]|\.(?:zip|db|db3|sqlite3?|gz|dump)$/i;

/** Whether an argument means a file or folder here, and not a backup that is kept. */
export function isLocalBackup(argument: string): boolean {
  return !REF.test(argument) && (FILE_LIKE.test(argument) || existsSync(argument));
}

/**
 * @param ref an ID, `latest`, a path
 * @param copy true: from the second place; null: from there if the backup is there
 * @throws ChsError USAGE, LOCAL_FILE, BACKUP_NOT_FOUND, BACKUP_DAMAGED, whatever the connection gives
 */
export async function openSource(run: Run, ref: string, copy: boolean | null): Promise<RestoreSource> {
  if (isLocalBackup(ref)) {
    refuseCopy(copy, ref);
    const { openFileSource } = await import('../../src/backup/restore/open-file.ts');
    return openFileSource(resolve(run.cwd, ref));
  }
  const { signal } = run;
  const input = readInput(backupOperations.getBackup, { options: {} }, { id: ref });
  const client = (await run.connect('backup')).client(backupOperations);
  const backup = await client.getBackup(input, { signal });
  warnOfSignature(run, backup);
  if (copy === null) await warnOfCopy(run, backup);
  const isCopy = copy ?? backup.copies.length > 1;
  const { remoteSource } = await import('../../src/backup/restore/source.ts');
  return remoteSource({
    backup,
    open: async (file) =>
      (await client.readBackupFile({ id: backup.id, file, copy: isCopy }, { signal })).bytes,
    openPool: async (sha256) => {
      const stored = client.readPoolFile({ sha256, copy: isCopy }, { signal });
      return (await stored.catch((error) => throwMissing(error, backup.id, sha256))).bytes;
    },
  });
}

/** A stored file is asked for because the backup names it: where it is unknown, the backup is damaged. */
function throwMissing(error: unknown, id: string, sha256: string): never {
  if (error instanceof ChsError && error.code === 'BACKUP_FILE_NOT_FOUND')
    throw new ChsError(
      'BACKUP_DAMAGED',
      { id, reason: `the stored file ${sha256} is missing` },
      { cause: error },
    );
  throw error;
}

/** Whoever changed a manifest may have changed what it says of its files. */
function warnOfSignature(run: Run, { id, signature }: BackupSummary): void {
  if (signature === 'invalid') run.out.warn(said(run, `${id}: its manifest was changed after it was signed`));
  if (signature === 'other')
    run.out.warn(said(run, `${id}: it was signed by the key of another installation`));
}

/** Whoever tries the copy should know when it is not the copy that is tried. */
async function warnOfCopy(run: Run, { id, copies }: BackupSummary): Promise<void> {
  const { out, signal } = run;
  const { places } = await (await run.connect('backup')).client(backupOperations).listBackups({}, { signal });
  for (const { place, problem } of places) {
    if (copies.some((copy) => copy.place === place)) continue;
    out.warn(said(run, `${place}: ${problem ?? `it has no copy of ${id}`}; another place is used`));
  }
}
