/** The half of a snapshot that is done by whoever asked: each copy is hashed while the worker checks it, then gets its name. */
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import type { Job } from './client.ts';
import { type Hashed, hashCopy } from './hash-copy.ts';
import type { CheckedCopy, CutOutput, SnapshotFile, SnapshotOutput } from './protocol.ts';

/** @param run has the worker do its half */
export async function snapshotHashed(job: Job, run: (job: Job) => Promise<unknown>): Promise<SnapshotOutput> {
  const hashes = new Map<string | null, Promise<Hashed>>();
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  try {
    const output = (await run({
      ...job,
      onProgress(progress) {
        job.onProgress?.(progress);
        if (progress.copy === undefined) return;
        const hashing = hashCopy(progress.copy, signal);
        // It is waited for below, or nobody wants it any more.
        hashing.catch(() => {});
        hashes.set(progress.name, hashing);
      },
    })) as CutOutput;
    const databases: SnapshotFile[] = [];
    for (const copy of output.databases) databases.push(await named(copy, hashes.get(copy.name)));
    for (const folder of new Set(databases.map(({ file }) => dirname(file)))) await syncDirectory(folder);
    return { ...output, databases };
  } finally {
    stop.abort();
    // A file that is still open cannot be removed on every system.
    await Promise.allSettled(hashes.values());
  }
}

/** Last, when it was checked and hashed. */
async function named(
  { part, ...file }: CheckedCopy,
  hashing: Promise<Hashed> | undefined,
): Promise<SnapshotFile> {
  const found = await hashing?.catch((cause: unknown) => {
    if (codeOf(cause) === undefined) throw cause;
    const reason = `the copy of ${file.name} cannot be read (${codeOf(cause)})`;
    throw new ChsError('BACKUP_FAILED', { reason }, { cause });
  });
  if (found?.sizeBytes !== file.sizeBytes) {
    const reason = `the copy of ${file.name} changed while it was read`;
    throw new ChsError('BACKUP_FAILED', { reason });
  }
  await rename(part, file.file);
  return { ...file, sha256: found.sha256 };
}
