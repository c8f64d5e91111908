/** The stored files that belong to a snapshot of the database of chs: held by links, so that nothing of it can go meanwhile. */
import { link, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../platform/system-error.ts';
import { isSafeKey } from './restore/file-list.ts';
import type { OwnData } from './settings.ts';

/** Below the storage folder, as links stay on one disk. Only whoever has the lock of runs has one. */
const HOLD = '.backup';

/** Files are read where they are then: what is deleted meanwhile will be missed. */
const LINKLESS = new Set(['EPERM', 'EACCES', 'EROFS', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'ENOSPC', 'EDQUOT']);

/** A file that the snapshot may refer to. */
export interface HeldFile {
  /** Below the storage folder, `/` between. */
  readonly key: string;
  /** Where its bytes are until `release`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly inode: string;
}

export interface Hold {
  /**
   * Holds every stored file that it does not hold yet. Called before the database is cut and once more after: what the
   * snapshot refers to was there at that instant, so it is in one of the two looks, unless it came and went between them.
   */
  look(signal: AbortSignal): Promise<void>;
  /** Sorted by key. */
  files(): readonly HeldFile[];
  release(): Promise<void>;
}

/** Makes a hold; what an earlier run left of its own goes. */
export async function holdFiles({ storage }: OwnData): Promise<Hold> {
  const root = join(storage, HOLD);
  const files = new Map<string, HeldFile>();
  await rm(root, { recursive: true, force: true });
  let canHold: boolean | null = null;

  const hold = async (key: string): Promise<void> => {
    const path = join(storage, ...key.split('/'));
    const found = await lstat(path, { bigint: true }).catch(nothingIfMissing);
    if (!found?.isFile()) return;
    canHold ??= (await mkdir(root, { mode: 0o700 }).then(() => true, whyNot)) === true;
    const held = join(root, String(files.size));
    const isLinked = canHold && (await link(path, held).then(() => true, whyNot));
    if (isLinked === null) return;
    files.set(key, {
      key,
      path: isLinked ? held : path,
      sizeBytes: Number(found.size),
      modifiedMs: Number(found.mtimeMs),
      inode: String(found.ino),
    });
  };

  return {
    async look(signal) {
      for await (const key of keysBelow(storage, signal)) if (!files.has(key)) await hold(key);
    },
    files: () => [...files.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    release: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What begins with a dot is not a stored file: the journal of uploads, and the hold itself. */
async function* keysBelow(storage: string, signal: AbortSignal): AsyncGenerator<string> {
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const path = join(storage, ...folder.split('/'));
    const entries = await readdir(path, { withFileTypes: true }).catch(nothingIfMissing);
    for (const entry of entries ?? []) {
      if (folder === '' && entry.name.startsWith('.')) continue;
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(key);
      else if (entry.isFile() && isSafeKey(key)) yield key;
    }
  }
}

function nothingIfMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
  throw error;
}

/** Null where the file is gone; false where the file system has no links, and the file is read where it is. */
function whyNot(error: unknown): false | null {
  const code = codeOf(error);
  if (code === 'ENOENT') return null;
  if (code !== undefined && LINKLESS.has(code)) return false;
  throw error;
}
