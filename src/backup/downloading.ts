/** `/backupdb`: snapshots of the databases as one zip archive, which begins to arrive when all of them are whole. */
import { rm } from 'node:fs/promises';
import type { BytesReply, Call, ReplyEnd } from '../operation.ts';
import { isoSeconds } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import { lockRuns, withPlace } from './creating.ts';
import { openZip, zipFileName, zipHead } from './download.ts';
import { documentedManifest } from './manifest-codec.ts';
import type { BackupContext } from './settings.ts';
import { type Snapshots, takeSnapshots } from './snapshot.ts';
import { checkReadable, configuredSources, namedSources, type Source } from './sources.ts';

/** Downloads at once: each keeps a snapshot on the disk for as long as its reader takes. */
const DOWNLOADS_MAX = 4;
const RETRY_AFTER_MS = 10_000;

let downloads = 0;

/**
 * HEAD takes no snapshot, and never waits for one or keeps another from being taken: whoever watches this address asks
 * often, and reads nothing.
 *
 * @param db a name, or `all`
 * @throws ChsError NO_SUCH_DATABASE, BACKUP_RUNNING, BACKUP_TARGET, CALLER_GONE, and as `takeSnapshots`; for HEAD
 *   NO_SUCH_DATABASE, SOURCE_MISSING, SOURCE_UNREADABLE
 */
export async function downloadDatabases(context: BackupContext, db: string, call: Call): Promise<BytesReply> {
  const startedMs = performance.now();
  const stage = { name: 'request' };
  try {
    const known = configuredSources(context);
    const sources = db === 'all' ? known : namedSources(known, [db]);
    if (call.headOnly) {
      await checkReadable(sources);
      return zipHead(context.now());
    }
    const leave = enter();
    const taken = await snapshotsFor(context, sources, call, stage).catch((error: unknown) => {
      leave();
      throw error;
    });
    const { folder, snapshots } = taken;
    const sizes = snapshots.snapshots.map(({ entry }) => `${entry.name}:${entry.size}`).join(',');
    call.log.info('Backup taken for download', {
      db,
      databases: sizes,
      ms: Math.round(performance.now() - startedMs),
      address: call.address,
      key: call.principal.name,
    });
    return zipOf(snapshots, db, async (end) => {
      leave();
      tellEnd(end, call, db, performance.now() - startedMs);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    });
  } catch (error) {
    const known = call.signal.aborted ? new ChsError('CALLER_GONE', {}, { cause: error }) : withPlace(error);
    tellFailure(known, call, db, stage.name);
    throw known;
  }
}

/**
 * Gives what makes room for another one. It is counted before there is anything to keep: many may wait at once.
 *
 * @throws ChsError BACKUP_RUNNING
 */
function enter(): () => void {
  if (downloads >= DOWNLOADS_MAX) throw new ChsError('BACKUP_RUNNING', {}, { retryAfterMs: RETRY_AFTER_MS });
  downloads += 1;
  return () => {
    downloads -= 1;
  };
}

/** Only while the databases are read nobody else may: the archive takes as long as its reader does. */
async function snapshotsFor(
  context: BackupContext,
  sources: readonly Source[],
  { signal, log }: Call,
  stage: { name: string },
): Promise<{ folder: string; snapshots: Snapshots }> {
  const lock = await lockRuns(context);
  const worker = context.createWorker();
  let folder: string | null = null;
  try {
    stage.name = 'folder';
    const target = await context.openTarget();
    await target.sweep();
    folder = await target.workFolder();
    stage.name = 'snapshot';
    const snapshots = await takeSnapshots({
      sources,
      folder,
      compact: false,
      busyTimeoutMs: context.settings.busyTimeoutMs,
      freeBytes: await target.freeBytes(),
      worker,
      now: context.now,
      progress: {
        step(name, database) {
          stage.name = name;
          log.debug('Backup step', { step: name, name: database });
        },
        progress() {},
      },
      signal,
    });
    return { folder, snapshots };
  } catch (error) {
    if (folder !== null) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  } finally {
    await worker.close();
    await lock.release();
  }
}

function zipOf(
  { cutAtMs, isOneInstant, reason, snapshots }: Snapshots,
  db: string,
  release: (end: ReplyEnd) => Promise<void>,
) {
  const timestamp = isoSeconds(cutAtMs);
  const databases = snapshots.map(({ entry }) => ({ ...entry, file: fileOf(entry) }));
  const manifest = documentedManifest({
    timestamp,
    databases,
    db,
    more: { one_instant: isOneInstant, one_instant_reason: reason },
  });
  return openZip({
    files: snapshots.map(({ entry, path }) => ({ name: fileOf(entry), path, sizeBytes: entry.size })),
    manifest,
    modifiedAtMs: cutAtMs,
    fileName: zipFileName(cutAtMs),
    release,
  });
}

function fileOf({ name, kind }: { readonly name: string; readonly kind: string }): string {
  return kind === 'postgres' ? `${name}.dump` : `${name}.db`;
}

/** A download that did not arrive whole is a backup that is not there, whoever broke it off. */
function tellEnd(end: ReplyEnd, { log, address, principal }: Call, db: string, milliseconds: number): void {
  const facts = { db, ms: Math.round(milliseconds), address, key: principal.name };
  if (end === 'sent') log.info('Backup downloaded', facts);
  if (end === 'cut_off' || end === 'failed')
    log.error('Backup for download did not arrive', { stage: 'send', end, ...facts });
}

/** A refusal is logged as an error, too: whoever looks for a backup that is not there looks in the log. */
function tellFailure(error: unknown, { log, address, principal }: Call, db: string, stage: string): void {
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof ChsError ? error.code : 'INTERNAL';
  log.error(`Backup for download failed: ${reason}`, { code, stage, db, address, key: principal.name });
}
