/** What backups there are, in both places, and the files in them. */
import { Readable } from 'node:stream';
import type { BytesReply } from '../operation.ts';
import { ChsError } from '../platform/errors.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import type { BackupSummary } from './fields.ts';
import { FILE_LIST } from './file-list.ts';
import { parseSchedule } from './schedule.ts';
import type { BackupContext } from './settings.ts';
import { trySigner } from './signing.ts';
import { readState } from './state.ts';
import { lastVerified, mergeCatalogues } from './summaries.ts';
import type { BackupTarget } from './target.ts';

interface Place {
  readonly place: string;
  readonly problem: string | null;
  readonly catalogue: Catalogue | null;
}

/** @throws ChsError BACKUP_KEY; BACKUP_TARGET where none of the places can be looked into */
export async function listBackups(context: BackupContext, statePath: string, signal: AbortSignal) {
  const { first, copy, keyProblem } = await readPlaces(context, signal);
  const places = [first, ...(copy ? [copy] : [])];
  if (first.problem !== null && places.every(({ problem }) => problem !== null))
    throw new ChsError('BACKUP_TARGET', { place: first.place, reason: first.problem });
  const { backups, warnings } = mergeCatalogues(first.catalogue, copy?.catalogue ?? null);
  const catalogues = places.flatMap(({ catalogue }) => catalogue ?? []);
  const verified = lastVerified(catalogues, context.now());
  return {
    backups,
    places: places.map(({ place, problem }) => ({ place, problem })),
    last_verified: verified && { id: verified.id, timestamp: verified.timestamp },
    schedule: await scheduleState(context, statePath),
    warnings: keyProblem === null ? warnings : [keyProblem, ...warnings],
  };
}

/** @throws ChsError BACKUP_NOT_FOUND, BACKUP_DAMAGED, BACKUP_TARGET, BACKUP_KEY */
export async function findBackup(
  context: BackupContext,
  ref: string,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const { first, copy } = await readPlaces(context, signal);
  const { backups } = mergeCatalogues(first.catalogue, copy?.catalogue ?? null);
  const found = ref === 'latest' ? backups[0] : backups.find(({ id }) => id === ref);
  if (found) return found;
  const damaged = [first, copy]
    .flatMap((place) => place?.catalogue?.entries ?? [])
    .find(({ id }) => id === ref);
  if (damaged) throw new ChsError('BACKUP_DAMAGED', { id: ref, reason: damaged.problem ?? 'no manifest' });
  const unread = [first, copy].find((place) => place?.problem);
  if (unread?.problem) throw new ChsError('BACKUP_TARGET', { place: unread.place, reason: unread.problem });
  throw new ChsError('BACKUP_NOT_FOUND', { id: ref });
}

/** One that cannot be looked into does not hide the other. */
async function readPlaces(
  context: BackupContext,
  signal: AbortSignal,
): Promise<{ first: Place; copy: Place | null; keyProblem: string | null }> {
  const { signer, problem: keyProblem } = await trySigner(context.dataFolder);
  const read = async (open: () => Promise<BackupTarget | null>): Promise<Place | null> => {
    let target: BackupTarget | null = null;
    try {
      target = await open();
      if (!target) return null;
      const catalogue = await readCatalogue(target, signer?.publicKey ?? null, signal);
      return { place: target.place, problem: null, catalogue };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChsError)) throw error;
      const place = target?.place ?? String(error.params.place ?? '');
      return { place, problem: String(error.params.reason ?? error.message), catalogue: null };
    }
  };
  const [first, copy] = await Promise.all([read(context.openTarget), read(context.openCopy)]);
  if (!first) throw new Error('there is always a first place');
  return { first, copy, keyProblem };
}

async function scheduleState({ settings, now }: BackupContext, statePath: string) {
  const { last_run } = await readState(statePath);
  const next = settings.schedule === null ? null : nextRun(settings.schedule, settings.timeZone, now());
  return {
    cron: settings.schedule,
    timezone: settings.timeZone,
    next_run: next === null ? null : new Date(next).toISOString(),
    last_run,
  };
}

/** Null for a pattern that means nothing, too: the backups that there are can be listed all the same. */
function nextRun(pattern: string, timeZone: string, nowMs: number): number | null {
  try {
    return parseSchedule(pattern, timeZone).next(nowMs);
  } catch {
    return null;
  }
}

interface FileInput {
  readonly id: string;
  readonly file: string;
  readonly copy: boolean;
}

/**
 * A file of a backup, from the first place that has it.
 *
 * @throws ChsError BACKUP_NOT_FOUND; BACKUP_FILE_NOT_FOUND where the manifest names no such file; BACKUP_DAMAGED where
 * it does, and no place has it; BACKUP_TARGET, BACKUP_KEY
 */
export async function readBackupFile(
  context: BackupContext,
  { id: ref, file, copy }: FileInput,
  signal: AbortSignal,
): Promise<BytesReply> {
  const backup = await findBackup(context, ref, signal);
  const { id, databases, files } = backup;
  const known = [
    ...databases.map((entry) => ({ file: entry.file, sha256: entry.file_sha256 })),
    ...(files ? [{ file: FILE_LIST, sha256: files.list_sha256 }] : []),
  ];
  const sha256 = known.find((candidate) => candidate.file === file)?.sha256;
  if (sha256 === undefined && file !== 'manifest.json')
    throw new ChsError('BACKUP_FILE_NOT_FOUND', { id, file });
  for (const target of await places(context, copy)) {
    const sizeBytes = await target.fileSize(id, file).catch(absent);
    if (sizeBytes === null) continue;
    return reply(file, sizeBytes, sha256 ?? null, () => target.open(id, file));
  }
  throw new ChsError('BACKUP_DAMAGED', { id, reason: `${file} is missing` });
}

/** @throws ChsError BACKUP_FILE_NOT_FOUND: the pool does not know who names a file; BACKUP_DAMAGED, BACKUP_TARGET */
export async function readPoolFile(
  context: BackupContext,
  { sha256, copy }: { readonly sha256: string; readonly copy: boolean },
): Promise<BytesReply> {
  for (const target of await places(context, copy)) {
    const sizeBytes = await target.pool.size(sha256);
    if (sizeBytes === null) continue;
    return reply(`${sha256}.gz`, sizeBytes, null, () => target.pool.open(sha256));
  }
  throw new ChsError('BACKUP_FILE_NOT_FOUND', { id: 'pool', file: sha256 });
}

/** In the order in which they are asked. */
async function places({ openTarget, openCopy }: BackupContext, copyAlone: boolean): Promise<BackupTarget[]> {
  const copy = await openCopy();
  if (copyAlone) {
    if (!copy)
      throw new ChsError('BACKUP_TARGET', { place: 'backup.copy_to', reason: 'there is no second place' });
    return [copy];
  }
  return [await openTarget(), ...(copy ? [copy] : [])];
}

function absent(error: unknown): null {
  if (error instanceof ChsError && error.code === 'BACKUP_NOT_FOUND') return null;
  throw error;
}

function reply(
  fileName: string,
  sizeBytes: number,
  sha256: string | null,
  open: () => Promise<Readable>,
): BytesReply {
  return {
    sizeBytes,
    sha256,
    fileName,
    modifiedAt: null,
    open: (start, end) => Readable.from(part(open, start, end), { objectMode: false }),
  };
}

/** Places give whole files; what stands before the part is read and dropped. */
async function* part(open: () => Promise<Readable>, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of await open()) {
    const bytes: Uint8Array = piece;
    const from = Math.max(0, start - at);
    const to = Math.min(bytes.length, end + 1 - at);
    if (from < to) yield bytes.subarray(from, to);
    at += bytes.length;
    if (at > end) return;
  }
}
