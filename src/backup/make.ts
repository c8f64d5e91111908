/** Makes one backup: snapshots, archives, read back, committed; all of it, or nothing that looks like one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isoSeconds } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import {
  type ArchiveOptions,
  archiveFiles,
  archiveSnapshot,
  type Destination,
  knownFiles,
} from './archive.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { nextLink } from './chain.ts';
import type { DatabaseEntry, FilesEntry, ManifestBody } from './manifest.ts';
import { encodeManifest, encodeVerification, newBackupId } from './manifest-codec.ts';
import { type Hold, holdFiles } from './own-files.ts';
import type { RunProgress } from './runs.ts';
import type { BackupContext, OwnData } from './settings.ts';
import { sha256Of } from './signed-record.ts';
import type { Signer } from './signing.ts';
import { type Snapshots, takeSnapshots } from './snapshot.ts';
import type { Source } from './sources.ts';
import type { BackupTarget } from './target.ts';
import type { BackupWorker } from './worker/protocol.ts';

export interface MakeOptions {
  readonly sources: readonly Source[];
  /** As the manifest says it: `all`, or the names. */
  readonly asked: string;
  readonly compact: boolean;
  readonly withFiles: boolean;
  readonly signer: Signer;
  readonly target: BackupTarget;
  readonly copy: BackupTarget | null;
  readonly worker: BackupWorker;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

export interface Made {
  readonly id: string;
  /** `2025-12-24T12:00:00Z` */
  readonly timestamp: string;
  readonly databases: readonly DatabaseEntry[];
  readonly files: FilesEntry | null;
  /** Why the copy is not there; null where it is, or where none was wanted. */
  readonly copyProblem: ChsError | null;
}

/**
 * Makes a backup in the target, and in the copy's place where there is one. What goes wrong with the copy does not undo
 * what stands in the target.
 *
 * @throws ChsError as `takeSnapshots`; BACKUP_TARGET, BACKUP_KEY
 */
export async function makeBackup(context: BackupContext, options: MakeOptions): Promise<Made> {
  const { target, progress, worker, signal } = options;
  const own = options.withFiles ? ownAmong(options.sources) : null;
  const folder = await target.workFolder();
  let hold: Hold | null = null;
  try {
    hold = own ? await holdFiles(own.own) : null;
    await hold?.look(signal);
    const snapshots = await takeSnapshots({
      sources: options.sources,
      folder,
      compact: options.compact,
      busyTimeoutMs: context.settings.busyTimeoutMs,
      freeBytes: await target.freeBytes(),
      worker,
      now: context.now,
      progress,
      signal,
    });
    await hold?.look(signal);
    return await archive(context, options, { folder, snapshots, hold, own });
  } finally {
    await hold?.release();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

type OwnSource = { readonly name: string; readonly own: OwnData };

function ownAmong(sources: readonly Source[]): OwnSource | null {
  for (const source of sources)
    if (source.kind === 'sqlite' && source.own) return { name: source.name, own: source.own };
  return null;
}

interface Taken {
  readonly folder: string;
  readonly snapshots: Snapshots;
  readonly hold: Hold | null;
  readonly own: OwnSource | null;
}

/** The copy comes first: the target may take the files themselves. It is committed last. */
async function archive(context: BackupContext, options: MakeOptions, taken: Taken): Promise<Made> {
  const { target, copy, signal } = options;
  const id = newBackupId(context.now());
  const catalogue = await readCatalogue(target, options.signer.publicKey, signal);
  const first = await begin(target, id);
  let second: Destination | null = null;
  let copyProblem: ChsError | null = null;
  try {
    try {
      second = copy && (await begin(copy, id));
    } catch (error) {
      copyProblem = copyError(error, signal);
    }
    const destinations = second
      ? [forgiving(second, (error) => (copyProblem ??= copyError(error, signal))), first]
      : [first];
    const body = await archiveAll(context, options, { ...taken, id, catalogue, destinations });
    const manifest = encodeManifest(body, options.signer);
    const committed = { id, manifest, signer: options.signer, nowMs: context.now() };
    await commit(first, committed);
    if (second && copyProblem === null)
      await commit(second, committed).catch((error: unknown) => {
        copyProblem = copyError(error, signal);
      });
    return { id, timestamp: body.timestamp, databases: body.databases, files: body.files, copyProblem };
  } finally {
    await first.pending.discard();
    await second?.pending.discard().catch(() => {});
  }
}

async function begin(target: BackupTarget, id: string): Promise<Destination> {
  return { target, pending: await target.begin(id) };
}

/** A copy that fails once is left alone from then on, and the backup goes on without it. */
function forgiving({ target, pending }: Destination, onProblem: (error: unknown) => void): Destination {
  let isBroken = false;
  const tryTo = async (work: () => Promise<void>): Promise<void> => {
    if (isBroken) return;
    await work().catch((error: unknown) => {
      onProblem(error);
      isBroken = true;
    });
  };
  const pool = {
    ...target.pool,
    async *list() {
      try {
        yield* target.pool.list();
      } catch (error) {
        onProblem(error);
        isBroken = true;
      }
    },
    put: (...args: Parameters<typeof target.pool.put>) => tryTo(() => target.pool.put(...args)),
  };
  return {
    target: { ...target, pool },
    pending: { ...pending, put: (...args) => tryTo(() => pending.put(...args)) },
  };
}

/** Throws what is the whole run's: its end. */
function copyError(error: unknown, signal: AbortSignal): ChsError {
  signal.throwIfAborted();
  if (error instanceof ChsError) return error;
  throw error;
}

interface Archiving extends Taken {
  readonly id: string;
  readonly catalogue: Catalogue;
  readonly destinations: readonly Destination[];
}

async function archiveAll(
  context: BackupContext,
  { worker, progress, signal, asked, compact, target }: MakeOptions,
  { id, folder, snapshots, hold, own, catalogue, destinations }: Archiving,
): Promise<ManifestBody> {
  const options: ArchiveOptions = {
    destinations,
    folder,
    gzipLevel: context.settings.gzipLevel,
    worker,
    progress,
    signal,
  };
  let files: FilesEntry | null = null;
  if (hold && own) {
    const snapshot = snapshots.snapshots.find(({ entry }) => entry.name === own.name);
    const referencesPath = snapshot ? await references(own.own, snapshot.path, folder, worker, signal) : null;
    const before = catalogue.entries.find(({ manifest }) => manifest?.files?.path === own.own.storage);
    const known = before?.manifest ? await knownFiles(target, before.manifest, signal) : new Map();
    const held = hold.files();
    files = await archiveFiles({ own: own.own, database: own.name, held, referencesPath, known }, options);
  }
  const databases: DatabaseEntry[] = [];
  for (const snapshot of snapshots.snapshots) databases.push(await archiveSnapshot(snapshot, options));
  return {
    timestamp: isoSeconds(snapshots.cutAtMs),
    databases,
    options: { db: asked, compact },
    id,
    version: 1,
    one_instant: snapshots.isOneInstant,
    one_instant_reason: snapshots.reason,
    files,
    made_by: { chs: context.version(), host: context.host },
    ...nextLink(catalogue.entries, catalogue.removed),
  };
}

/** The paths of stored files in a snapshot; null where it has no such tables. */
async function references(
  { referenceQueries }: OwnData,
  path: string,
  folder: string,
  worker: BackupWorker,
  signal: AbortSignal,
): Promise<string | null> {
  const to = join(folder, 'references');
  try {
    await worker.run('query', { path, queries: referenceQueries, to }, { signal });
    return to;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ChsError && error.code === 'STORAGE_FULL') throw error;
    return null;
  }
}

interface Committed {
  readonly id: string;
  readonly manifest: Uint8Array;
  readonly signer: Signer;
  readonly nowMs: number;
}

/** Everything was read back while it was archived; that is written down beside it. */
async function commit(
  { target, pending }: Destination,
  { id, manifest, signer, nowMs }: Committed,
): Promise<void> {
  await pending.commit(manifest);
  const verification = encodeVerification(
    {
      id,
      manifest_sha256: sha256Of(manifest),
      verified_at: isoSeconds(nowMs),
      depth: 'made',
      ok: true,
      problems: [],
    },
    signer,
  );
  await target.writeNote(`${id}/verified.json`, verification);
}
