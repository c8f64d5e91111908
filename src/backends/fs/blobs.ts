/** Blobs as files below one root: staged beside them, made durable, then linked into place. */
import { createReadStream } from 'node:fs';
import { access, constants, open, rename, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { BlobKey, BlobStat, BlobStore, Removal, StagedBlob } from '../../platform/blobs.ts';
import { numberedKey } from '../../platform/blobs.ts';
import { makeFolder } from '../../platform/durable.ts';
import { codeOf } from '../../platform/system-error.ts';
import { storageErrors } from './codes.ts';
import { dataOf, markOf, newEntry, removeEntry, writeIntent } from './entry.ts';
import { JOURNAL, leaveJournal } from './journal.ts';
import { claimInto, linkInto, takeAway } from './place.ts';
import { receive } from './receive.ts';
import { announceRemoval } from './removal.ts';
import { sweep } from './sweep.ts';

const SAME_NAME_MAX = 10_000;
const READ_BYTES = 256 * 1024;

/**
 * Opens the file-system store.
 *
 * Every change goes through an entry of the journal: a folder with the bytes (`data`) and, before
 * anything is done to the destination, what is about to be done (`intent`). Publishing hard-links
 * `data` to the destination, which fails where something is there already, so nothing is ever
 * overwritten. An entry is removed last; one that survived its process says exactly what has to be
 * checked (see `sweep`). A removal needs no room on the disk (see `reserve`).
 *
 * @param folder absolute path of the root; made on first use
 * @param staleAfterMs see `deadFolders`
 */
export function openFileBlobs(folder: string, staleAfterMs: number): BlobStore {
  const root = resolve(folder);
  const pathOf = (key: BlobKey): string => {
    const path = pathInside(root, key);
    if (path === null) throw new Error(`the key ${JSON.stringify(key)} leads out of the storage root`);
    return path;
  };

  return {
    async stage(bytes, options) {
      const entry = await storageErrors(root, () => newEntry(root));
      try {
        const received = await storageErrors(root, () => receive(bytes, dataOf(entry), options));
        return stagedBlob(entry, received, pathOf, root);
      } catch (error) {
        await removeEntry(entry);
        throw error;
      }
    },

    async stat(key): Promise<BlobStat | null> {
      const path = pathInside(root, key);
      if (path === null) return null;
      try {
        const found = await stat(path);
        return found.isFile() ? { sizeBytes: found.size, modifiedAt: found.mtime } : null;
      } catch (error) {
        if (isAbsent(error)) return null;
        throw error;
      }
    },

    open(key, start, end) {
      const path = pathOf(key);
      // What ends before it starts is nothing, not an error: a file without bytes has no last one.
      if (end < start) return Readable.from([]);
      return createReadStream(path, { start, end, highWaterMark: READ_BYTES });
    },

    async remove(key): Promise<Removal> {
      const path = pathInside(root, key);
      const mark = path === null ? null : await markOf(path).catch(nothingIfAbsent);
      if (path === null || mark === null) return { settle: async () => {}, abandon: async () => {} };
      const announced = await storageErrors(root, () => announceRemoval(root, { key, mark, claimed: false }));
      return {
        async settle() {
          await takeAway(path, root);
          await announced.forget();
        },
        abandon: () => announced.forget(),
      };
    },

    sweep: (isReferenced) =>
      sweep({ root, staleAfterMs, pathOf: (key) => pathInside(root, key), isReferenced }),

    async check() {
      await storageErrors(root, async () => {
        await makeFolder(root, 0o750);
        await access(root, constants.R_OK | constants.W_OK);
      });
    },

    close: () => leaveJournal(root),
  };
}

/** The file of a key; null when it would not be inside the root, or inside the journal. */
function pathInside(root: string, key: BlobKey): string | null {
  const segments = key.split('/');
  const isPlain = (segment: string): boolean =>
    segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\0');
  if (!segments.every(isPlain)) return null;
  const path = join(root, ...segments);
  // Again as a path: on Windows a segment may hold separators of another kind, or a drive.
  const [first] = relative(root, path).split(sep);
  return first === '' || first === '..' || first === JOURNAL || !path.startsWith(root) ? null : path;
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
  const data = dataOf(entry);
  let published: string | null = null;

  const put = async (key: BlobKey): Promise<BlobKey> => {
    if (published) await takeBack(published, data, root);
    published = null;
    const mark = await markOf(data);
    if (mark === null) throw new Error('published after it was settled or discarded');
    for (let attempt = 1; attempt <= SAME_NAME_MAX; attempt += 1) {
      const candidate = numberedKey(key, attempt);
      const path = pathOf(candidate);
      await writeIntent(entry, { key: candidate, mark, claimed: false });
      let placed = await linkInto(data, path, root);
      if (placed === 'no-links') {
        await writeIntent(entry, { key: candidate, mark, claimed: true });
        placed = await claimInto(data, path, root);
      }
      if (placed === 'placed') {
        published = path;
        return candidate;
      }
    }
    throw new Error(`${SAME_NAME_MAX} files have the name ${key}`);
  };

  return {
    ...received,
    async read(offset, length) {
      const file = await open(published ?? data, 'r');
      try {
        const bytes = Buffer.allocUnsafe(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        if (bytesRead !== length) throw new Error(`only ${bytesRead} of ${length} bytes at ${offset}`);
        return bytes;
      } finally {
        await file.close();
      }
    },
    publish: (key) => storageErrors(root, () => put(key)),
    settle: () => removeEntry(entry),
    async discard() {
      if (published) await takeAway(published, root);
      published = null;
      await removeEntry(entry);
    },
  };
}

/** Undoes a publication, with the bytes back in the entry (see `claimInto`). */
async function takeBack(path: string, data: string, root: string): Promise<void> {
  if ((await markOf(data)) === null) await rename(path, data);
  await takeAway(path, root);
}

/** A file where a folder should be is as absent as no file at all; so is a name that no disk can have. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(codeOf(error) ?? '');
}

function nothingIfAbsent(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}
