/** Blobs as files below one root: staged beside them, made durable, then linked into place. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, link, mkdir, open, readFile, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { BlobKey, BlobStat, BlobStore, Removal, StagedBlob } from '../../platform/blobs.ts';
import { numberedKey } from '../../platform/blobs.ts';
import { ChsError } from '../../platform/errors.ts';
import { syncDirectory, writeSynced } from './durable.ts';
import {
  JOURNAL,
  journalEntries,
  leaveJournal,
  processFolder,
  removeDeadFolders,
  touchProcessFolder,
} from './journal.ts';
import { receive } from './receive.ts';

const SAME_NAME_MAX = 10_000;

/**
 * Opens the file-system store.
 *
 * Every change goes through an entry of the journal: a folder with the bytes (`data`) and, once the
 * destination is known, its key (`target`). Publishing hard-links `data` to the destination, which
 * fails where something is there already, so nothing is ever overwritten. An entry is removed last;
 * one that survived its process says exactly what has to be checked (see `sweep`).
 *
 * @param root absolute folder; made on first use
 * @param staleAfterMs see `journalEntries`
 */
export function openFileBlobs(root: string, staleAfterMs: number): BlobStore {
  const pathOf = (key: BlobKey): string => {
    const path = join(root, ...key.split('/'));
    const inside = relative(root, path);
    if (inside === '' || inside.startsWith('..') || inside.startsWith(JOURNAL)) {
      throw new Error(`the key ${JSON.stringify(key)} leads out of the storage root`);
    }
    return path;
  };

  return {
    async stage(bytes, options) {
      const entry = await storageErrors(root, () => newEntry(root));
      try {
        const inspect = (piece: Uint8Array, receivedBytes: number): void => {
          // A slow upload may last longer than the silence after which a process counts as dead.
          void touchProcessFolder(root).catch(() => {});
          options.inspect(piece, receivedBytes);
        };
        const received = await storageErrors(root, () =>
          receive(bytes, join(entry, 'data'), { ...options, inspect }),
        );
        return stagedBlob(entry, received, pathOf, root);
      } catch (error) {
        await removeEntry(entry);
        throw error;
      }
    },

    async stat(key): Promise<BlobStat | null> {
      try {
        const found = await stat(pathOf(key));
        return found.isFile() ? { sizeBytes: found.size, modifiedAt: found.mtime } : null;
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },

    open(key, start, end) {
      return createReadStream(pathOf(key), { start, end, highWaterMark: 256 * 1024 });
    },

    async remove(key): Promise<Removal> {
      const path = pathOf(key);
      const entry = await storageErrors(root, () => newEntry(root));
      await writeSynced(join(entry, 'target'), key);
      try {
        await link(path, join(entry, 'data'));
      } catch (error) {
        await removeEntry(entry);
        if (!isMissing(error)) throw error;
        return { settle: async () => {} };
      }
      await syncDirectory(entry);
      return {
        async settle() {
          await unlink(path).catch(ignoreMissing);
          await removeEmptyParents(dirname(path), root);
          await removeEntry(entry);
        },
      };
    },

    sweep: (isReferenced) => sweep({ root, staleAfterMs, pathOf, isReferenced }),

    async check() {
      await storageErrors(root, async () => {
        await mkdir(root, { recursive: true });
        await access(root, constants.R_OK | constants.W_OK);
      });
    },

    close: () => leaveJournal(root),
  };
}

interface Received {
  readonly sizeBytes: number;
  readonly sha256: string;
}

function stagedBlob(
  entry: string,
  received: Received,
  pathOf: (key: BlobKey) => string,
  root: string,
): StagedBlob {
  const data = join(entry, 'data');
  let published: string | null = null;
  return {
    ...received,
    async read(offset, length) {
      const file = await open(data, 'r');
      try {
        const bytes = Buffer.allocUnsafe(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        if (bytesRead !== length) throw new Error(`only ${bytesRead} of ${length} bytes at ${offset}`);
        return bytes;
      } finally {
        await file.close();
      }
    },
    async publish(key) {
      return storageErrors(root, async () => {
        for (let attempt = 1; attempt <= SAME_NAME_MAX; attempt += 1) {
          const candidate = numberedKey(key, attempt);
          const path = pathOf(candidate);
          // The key is on disk before the link is, so that no crash leaves a link that nobody knows of.
          await writeSynced(join(entry, 'target'), candidate);
          if (await linkInto(data, path, root)) {
            published = path;
            return candidate;
          }
        }
        throw new Error(`${SAME_NAME_MAX} files have the name ${key}`);
      });
    },
    settle: () => removeEntry(entry),
    async discard() {
      if (published) {
        await unlink(published).catch(ignoreMissing);
        await removeEmptyParents(dirname(published), root);
      }
      await removeEntry(entry);
    },
  };
}

/** Links `data` to `path` and makes the link durable; false when something is there already. */
async function linkInto(data: string, path: string, root: string): Promise<boolean> {
  const folder = dirname(path);
  // Another process may remove the folder as empty between mkdir and link: then make it again.
  for (let attempt = 0; ; attempt += 1) {
    const firstMade = await mkdir(folder, { recursive: true });
    try {
      await link(data, path);
      for (let made = folder; made !== root; made = dirname(made)) {
        await syncDirectory(made);
        if (firstMade === undefined) break;
      }
      if (firstMade !== undefined) await syncDirectory(root);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      if (!isMissing(error) || attempt >= 5) throw error;
    }
  }
}

interface SweepContext {
  readonly root: string;
  readonly staleAfterMs: number;
  readonly pathOf: (key: BlobKey) => string;
  readonly isReferenced: (key: BlobKey) => Promise<boolean>;
}

async function sweep({ root, staleAfterMs, pathOf, isReferenced }: SweepContext): Promise<number> {
  let dealtWith = 0;
  for (const entry of await journalEntries(root, staleAfterMs)) {
    const key = await readFile(join(entry, 'target'), 'utf8').catch(() => null);
    if (key) {
      const path = pathOf(key);
      const data = await stat(join(entry, 'data')).catch(() => null);
      const there = await stat(path).catch(() => null);
      if (await isReferenced(key)) {
        if (data && !there) await linkInto(join(entry, 'data'), path, root);
      } else if (data && there && data.ino === there.ino && data.dev === there.dev) {
        // Only the very file of this entry goes; another upload may hold the name by now.
        await unlink(path).catch(ignoreMissing);
        await removeEmptyParents(dirname(path), root);
      }
    }
    await removeEntry(entry);
    dealtWith += 1;
  }
  await removeDeadFolders(root, staleAfterMs);
  return dealtWith;
}

async function newEntry(root: string): Promise<string> {
  const entry = join(processFolder(root), randomUUID());
  await mkdir(entry, { recursive: true, mode: 0o700 });
  await touchProcessFolder(root);
  return entry;
}

async function removeEntry(entry: string): Promise<void> {
  await rm(entry, { recursive: true, force: true });
}

/** Removes folders that a deletion left empty, up to but not including `minidumps`, `pdbs`, `exes`. */
async function removeEmptyParents(folder: string, root: string): Promise<void> {
  for (let at = folder; relative(root, at).split(sep).length > 1; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}

/** Names what the disk refused in the table's terms. */
async function storageErrors<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new ChsError('STORAGE_FULL', { path: root }, { cause: error });
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
      throw new ChsError('STORAGE_UNWRITABLE', { path: root, reason: code }, { cause: error });
    }
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
