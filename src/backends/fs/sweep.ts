/** Finishes or undoes what dead processes left half-way. */
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobKey } from '../../platform/blobs.ts';
import { codeOf } from '../../platform/system-error.ts';
import { dataOf, isSameFile, markOf, readIntent, removeEntry } from './entry.ts';
import { deadFolders } from './journal.ts';
import { claimInto, linkInto, takeAway } from './place.ts';

/** Another process sweeps the same entry, or the disk refuses: there will be another start. */
const LEAVE_FOR_LATER = new Set(['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOTEMPTY', 'ENOSPC']);

export interface SweepContext {
  readonly root: string;
  readonly staleAfterMs: number;
  /** Null for a key that leads out of the root. */
  readonly pathOf: (key: BlobKey) => string | null;
  readonly isReferenced: (key: BlobKey) => Promise<boolean>;
}

/** @returns how many entries were dealt with */
export async function sweep(context: SweepContext): Promise<number> {
  let dealtWith = 0;
  for (const folder of await deadFolders(context.root, context.staleAfterMs)) {
    for (const name of await readdir(folder).catch(() => [])) {
      try {
        await settleEntry(join(folder, name), context);
        dealtWith += 1;
      } catch (error) {
        if (!LEAVE_FOR_LATER.has(codeOf(error) ?? '')) throw error;
      }
    }
    await rmdir(folder).catch(() => {});
  }
  return dealtWith;
}

async function settleEntry(entry: string, { root, pathOf, isReferenced }: SweepContext): Promise<void> {
  const intent = await readIntent(entry);
  const path = intent && pathOf(intent.key);
  if (intent && path) {
    const there = await markOf(path);
    if (await isReferenced(intent.key)) {
      const data = dataOf(entry);
      if (!there && (await markOf(data)) && (await linkInto(data, path, root)) === 'no-links')
        await claimInto(data, path, root);
    } else if (there) {
      // Only the very file of this entry goes; another upload may have the name by now.
      const isOurs = isSameFile(there, intent.mark) || (intent.claimed && there.sizeBytes === 0);
      if (isOurs) await takeAway(path, root);
    }
  }
  await removeEntry(entry);
}
