/** Whether the places of backups can be reached, and which verified backup each has: within a time, all at once. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import type { BackupSummary } from '../../src/backup/fields.ts';
import { codeOf } from '../../src/platform/system-error.ts';
import { connectEmbedded } from '../connect.ts';
import { localFileError } from '../local-file.ts';
import { counted, isDamaged } from '../views/backup.ts';
import { type Check, reasonOf } from './check.ts';

interface Bounds {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

export interface VerifiedBackup {
  readonly id: string;
  readonly timestamp: string;
  /** Names. */
  readonly databases: readonly string[];
}

export interface PlaceReport {
  readonly check: Check;
  readonly isRead: boolean;
  /** The newest verified backup of everything that it has. */
  readonly verified: VerifiedBackup | null;
  /** Of all backups that it has. */
  readonly ids: readonly string[];
}

const NOTHING = { verified: null, ids: [] } as const;

/** @throws the signal's reason */
export async function placeReports(loaded: LoadedConfig, bounds: Bounds): Promise<PlaceReport[]> {
  const { target, copy_to: copy } = loaded.config.backup;
  return Promise.all([
    report(loaded, { key: 'backup.target', place: target }, bounds),
    ...(copy === undefined ? [] : [report(loaded, { key: 'backup.copy_to', place: copy }, bounds)]),
  ]);
}

async function report(
  loaded: LoadedConfig,
  { key, place }: { readonly key: string; readonly place: string },
  bounds: Bounds,
): Promise<PlaceReport> {
  try {
    const isThere = place.startsWith('s3://') || (await within(bounds, () => isFolderThere(place)));
    if (!isThere) {
      const detail = `${place} is not there yet; the first backup makes it`;
      return { check: { name: key, status: 'ok', detail, advice: null }, ...NOTHING, isRead: true };
    }
    const { backups, last_verified: last } = await list(loaded, place, bounds);
    const verified = backups.find(({ id }) => id === last?.id);
    const databases = verified?.databases.map(({ name }) => name) ?? [];
    return {
      check: contentsCheck(key, place, backups),
      isRead: true,
      verified: last && { ...last, databases },
      ids: backups.map(({ id }) => id),
    };
  } catch (error) {
    bounds.signal.throwIfAborted();
    const reason = reasonOf(error);
    const detail = reason.includes(place) ? reason : `${place}: ${reason}`;
    const advice = place.startsWith('s3://')
      ? `Check the network and backup.s3, or name another place: ${key}.`
      : `Check the folder, its owner and its disk, or name another place: ${key}.`;
    return { check: { name: key, status: 'failed', detail, advice }, ...NOTHING, isRead: false };
  }
}

function contentsCheck(name: string, place: string, backups: readonly BackupSummary[]): Check {
  const detail = `${place}, ${counted(backups.length, 'backup')}`;
  const damaged = backups.filter(({ copies }) => isDamaged(copies));
  const [newest] = damaged;
  if (!newest) return { name, status: 'ok', detail, advice: null };
  const advice = `\`chs backup verify ${newest.id}\` says what is wrong, \`chs backup create\` makes another one.`;
  const which = damaged.length === 1 ? newest.id : `the newest of them ${newest.id}`;
  return { name, status: 'warning', detail: `${detail}, ${damaged.length} damaged: ${which}`, advice };
}

/**
 * Whether a folder that backups can be written to is there; false where it can be made.
 *
 * @throws ChsError LOCAL_FILE where it is neither
 */
async function isFolderThere(place: string): Promise<boolean> {
  let folder = place;
  try {
    while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
    await access(folder, constants.W_OK);
    return folder === place;
  } catch (error) {
    throw localFileError(folder, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)) !== null;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** As if this were the only place: a list of both says of two that fail what one of them did. */
async function list(loaded: LoadedConfig, place: string, bounds: Bounds) {
  const backup = { ...loaded.config.backup, target: place, copy_to: undefined };
  const alone = { ...loaded, config: { ...loaded.config, backup } };
  const [connection, { backupOperations }] = await Promise.all([
    connectEmbedded(alone, 'en', 'backup'),
    import('../../src/backup/operations.ts'),
  ]);
  const client = connection.client(backupOperations);
  try {
    return await within(bounds, (signal) => client.listBackups({}, { signal }));
  } finally {
    await connection.close();
  }
}

/** What is not done in time goes on unheard: no signal ends a request to a disk that does not answer. */
async function within<T>(
  { signal, timeoutMs }: Bounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`it did not answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const either = AbortSignal.any([signal, late.signal]);
  const ended = new Promise<never>((_, reject) => {
    either.addEventListener('abort', () => reject(either.reason), { once: true });
  });
  try {
    either.throwIfAborted();
    return await Promise.race([work(either), ended]);
  } finally {
    clearTimeout(timer);
  }
}
