/** Goes through the files of a symbol store: flat or in two tiers, plain, compressed, or pointers to elsewhere. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';
import { placeOf } from './admin.ts';
import { isTwoTierStore, type StoreBooks } from './books.ts';

const POINTER_BYTES_MAX = 64 * 1024;

/** The file that a folder of a symbol store stands for. */
export interface StoreFile {
  /** `crashme.pdb`, as debuggers ask for it. */
  readonly fileName: string;
  readonly key: string;
  /** The file itself, its cabinet, or what a pointer leads to. */
  readonly path: string;
  /** Why there is none; LOCAL_FILE. */
  readonly problem: unknown;
  /** The transaction that put it there; null in a store without books. */
  readonly transactionId: string | null;
}

export interface StoreWalk {
  readonly signal: AbortSignal;
  /** Told of each folder that only deleted transactions list. */
  readonly abandoned: (place: string) => void;
  /** Take what lies outside of the store, too: whoever wrote a pointer chose which file of this machine it names. */
  readonly followPointers: boolean;
  /** Told of each pointer and link that leads out of the store and is not followed. */
  readonly refused: (path: string, target: string) => void;
}

type Found = Pick<StoreFile, 'path' | 'problem'>;

/**
 * The files of a store, by name and key.
 *
 * @throws ChsError LOCAL_FILE when the folder cannot be read
 */
export async function* storeFiles(
  store: string,
  books: StoreBooks,
  walk: StoreWalk,
): AsyncGenerator<StoreFile> {
  const { signal, abandoned } = walk;
  for (const nameFolder of await nameFolders(store, await isTwoTierStore(store))) {
    const fileName = nameFolder.slice(
      Math.max(nameFolder.lastIndexOf('/'), nameFolder.lastIndexOf('\\')) + 1,
    );
    for (const key of await namesIn(nameFolder, true)) {
      signal.throwIfAborted();
      const place = placeOf({ fileName, key });
      const transactionId = books.placedBy.get(place) ?? null;
      if (transactionId === null && books.abandoned.has(place)) {
        abandoned(join(nameFolder, key));
        continue;
      }
      const found = await fileIn(join(nameFolder, key), fileName, store, walk);
      if (found) yield { fileName, key, transactionId, ...found };
    }
  }
}

async function nameFolders(store: string, isTwoTier: boolean): Promise<string[]> {
  const folders = (await namesIn(store, true))
    .filter((name) => name.toLowerCase() !== '000admin')
    .map((name) => join(store, name));
  if (!isTwoTier) return folders;
  const inside = await Promise.all(
    folders.map(async (folder) => (await namesIn(folder, true)).map((name) => join(folder, name))),
  );
  return inside.flat();
}

/**
 * The file, else its cabinet, else where the pointer leads: as debuggers look. Null for a folder of something else,
 * and for what leads out of the store.
 */
async function fileIn(
  folder: string,
  fileName: string,
  store: string,
  walk: StoreWalk,
): Promise<Found | null> {
  const names = await namesIn(folder, false);
  const cabinet = `${fileName.slice(0, -1)}_`;
  for (const wanted of [fileName, cabinet]) {
    const name = names.find((candidate) => candidate.toLowerCase() === wanted.toLowerCase());
    if (name !== undefined) return staying(join(folder, name), join(folder, name), store, walk);
  }
  const pointer = names.find((name) => name.toLowerCase() === 'file.ptr');
  if (pointer === undefined) return null;
  const path = join(folder, pointer);
  const { written, target, problem } = await readPointer(path);
  if (target === null) return { path, problem };
  // Decided by the text alone: to look at `\\host\share` is to call on that host, with this user's credentials.
  if (!walk.followPointers && !isBelow(resolve(store), target)) {
    walk.refused(path, written);
    return null;
  }
  const there = await stat(target).catch(() => null);
  if (!there?.isFile()) {
    const reason = `it leads to ${written}, which is not there`;
    return { path, problem: new ChsError('LOCAL_FILE', { path, reason }) };
  }
  return staying(path, target, store, walk);
}

/** Symbolic links lead elsewhere as pointers do. */
async function staying(path: string, target: string, store: string, walk: StoreWalk): Promise<Found | null> {
  if (walk.followPointers) return { path: target, problem: null };
  try {
    const real = await realpath(target);
    if (isBelow(await realpath(store), real)) return { path: target, problem: null };
    walk.refused(path, real);
    return null;
  } catch (error) {
    return { path: target, problem: localFileError(target, error) };
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** `PATH:` and a path, a path alone (as the first versions wrote it), or `MSG:` and why there is none. */
async function readPointer(
  pointer: string,
): Promise<{ readonly written: string; readonly target: string | null; readonly problem: ChsError | null }> {
  const without = (reason: string) => ({
    written: '',
    target: null,
    problem: new ChsError('LOCAL_FILE', { path: pointer, reason }),
  });
  const found = await stat(pointer);
  if (found.size > POINTER_BYTES_MAX) return without('it is too long to be a pointer');
  const [line = ''] = (await readFile(pointer, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
  const message = /^MSG:\s*(.*)$/i.exec(line)?.[1];
  if (message !== undefined)
    return without(`it says that there is no file: ${message || 'no more than that'}`);
  const written = line.replace(/^PATH:\s*/i, '').trim();
  if (written === '') return without('it is empty');
  const path = process.platform === 'win32' ? written : written.replaceAll('\\', '/');
  return { written, target: resolve(dirname(pointer), path), problem: null };
}

async function namesIn(folder: string, folders: boolean): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names: string[] = [];
    for (const entry of entries) {
      const isFolder = entry.isSymbolicLink()
        ? ((await stat(join(folder, entry.name)).catch(() => null))?.isDirectory() ?? false)
        : entry.isDirectory();
      if (isFolder === folders) names.push(entry.name);
    }
    return names.sort();
  } catch (error) {
    throw localFileError(folder, error);
  }
}
