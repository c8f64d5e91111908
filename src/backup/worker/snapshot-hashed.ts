/** The half of a snapshot that is done by whoever asked: each copy is hashed while the worker makes it and checks it, then gets its name. */
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import type { Job } from './client.ts';
import { type CopyHash, type Hashed, startHash } from './hash-copy.ts';
import type { CheckedCopy, CopyNews, CutOutput, SnapshotFile, SnapshotOutput } from './protocol.ts';

/** @param run has the worker do its half */
export async function snapshotHashed(job: Job, run: (job: Job) => Promise<unknown>): Promise<SnapshotOutput> {
  const stop = new AbortController();
  const hashes = hashesOf(AbortSignal.any([job.signal, stop.signal]));
  try {
    const output = (await run({
      ...job,
      onProgress({ copy, ...progress }) {
        job.onProgress?.(progress);
        if (copy !== undefined && progress.name !== null) hashes.tell(progress.name, copy);
      },
    })) as CutOutput;
    const databases: SnapshotFile[] = [];
    for (const copy of output.databases) databases.push(await named(copy, hashes.of(copy.name), job.signal));
    for (const folder of new Set(databases.map(({ file }) => dirname(file)))) await syncDirectory(folder);
    return { ...output, databases };
  } finally {
    stop.abort();
    // A file that is still open cannot be removed on every system.
    await hashes.ended();
  }
}

interface Hashes {
  tell(name: string, news: CopyNews): void;
  of(name: string): Promise<Hashed | null> | undefined;
  /** Resolves when no file is open any more. */
  ended(): Promise<unknown>;
}

function hashesOf(signal: AbortSignal): Hashes {
  const begun = new Map<string, CopyHash>();
  const results = new Map<string, Promise<Hashed | null>>();
  const finished = (hash: CopyHash): Promise<Hashed | null> => {
    hash.finish();
    return hash.result;
  };
  const whole = async (name: string, path: string, isAsForetold: boolean): Promise<Hashed | null> => {
    const early = begun.get(name);
    if (!isAsForetold) await early?.abandon();
    const found = isAsForetold && early ? await finished(early) : null;
    return found ?? finished(startHash(path, null, signal));
  };
  return {
    tell(name, news) {
      if (news.state === 'begun')
        begun.set(name, startHash(news.path, Buffer.from(news.firstPage, 'base64'), signal));
      else if (news.state === 'growing') begun.get(name)?.settle(news.settledBytes);
      else {
        const result = whole(name, news.path, news.isAsForetold);
        // It is waited for when the copy was checked, or nobody wants it any more.
        result.catch(() => {});
        results.set(name, result);
      }
    },
    of: (name) => results.get(name),
    ended: () =>
      Promise.allSettled([...[...begun.values()].map((early) => early.abandon()), ...results.values()]),
  };
}

/** Last, when it was checked and hashed. */
async function named(
  { part, schema, ...file }: CheckedCopy,
  hashing: Promise<Hashed | null> | undefined,
  signal: AbortSignal,
): Promise<SnapshotFile> {
  const found = await hashing?.catch((cause: unknown) => {
    // Its reason may have a code as well.
    signal.throwIfAborted();
    if (codeOf(cause) === undefined) throw cause;
    const reason = `the copy of ${file.name} cannot be read (${codeOf(cause)})`;
    throw new ChsError('BACKUP_FAILED', { reason }, { cause });
  });
  if (found?.sizeBytes !== file.sizeBytes) {
    const reason = `the copy of ${file.name} changed while it was read`;
    throw new ChsError('BACKUP_FAILED', { reason });
  }
  await rename(part, file.file);
  const schemaSha256 =
    'sha256' in schema ? schema.sha256 : createHash('sha256').update(schema.text).digest('hex');
  return { ...file, sha256: found.sha256, schemaSha256 };
}
