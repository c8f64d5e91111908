/** Files of a pool that no backup of its place needs any more. */
import { type CatalogueEntry, reasonOf } from './catalogue.ts';
import { readFileList } from './file-list.ts';
import type { BackupTarget } from './target.ts';

/** A backup in the making has put files there that nothing lists yet. */
const YOUNG_MS = 24 * 3_600_000;

export interface PoolGarbage {
  /** SHA-256 of the content, and the bytes that it takes. */
  readonly files: ReadonlyMap<string, number>;
  /** Why nothing may be removed; null where it may. */
  readonly problem: string | null;
}

const nothing: ReadonlyMap<string, number> = new Map();

/**
 * What can go from the pool when of its place these backups are left. A single manifest or list that cannot be read
 * or trusted keeps everything: nobody knows what it needs.
 *
 * @param remaining is asked after the pool was listed, so that backups that are finished meanwhile are among them
 * @throws ChsError BACKUP_TARGET where the pool cannot be listed; the signal's reason
 */
export async function findPoolGarbage(
  target: BackupTarget,
  remaining: () => Promise<readonly CatalogueEntry[]>,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<PoolGarbage> {
  const files = new Map<string, number>();
  for await (const { sha256, putAtMs, sizeBytes } of target.pool.list()) {
    signal.throwIfAborted();
    if (nowMs - putAtMs > YOUNG_MS) files.set(sha256, sizeBytes);
  }
  if (files.size === 0) return { files, problem: null };
  for (const { id, manifest, signature } of await remaining()) {
    const without = (reason: string): PoolGarbage => ({
      files: nothing,
      problem: `shared files are kept: nobody knows which ones ${id} needs: ${reason}`,
    });
    if (!manifest) return without('its manifest cannot be read');
    if (signature === 'invalid') return without('its manifest was changed');
    if (!manifest.files) continue;
    try {
      for await (const { sha256 } of readFileList(target, id, manifest.files, signal)) files.delete(sha256);
    } catch (error) {
      signal.throwIfAborted();
      return without(`the list of its files cannot be read: ${reasonOf(error)}`);
    }
  }
  return { files, problem: null };
}
