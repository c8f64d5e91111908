/** Goes through the files of a symbol store: flat or in two tiers, plain, compressed, or pointers to elsewhere. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';
import { placeOf } from './admin.ts';
import type { StoreBooks } from './books.ts';

const POINTER_BYTES_MAX = 64 * 1024;

/** The file that a folder of a symbol store stands for. */
export interface StoreFile {
  /** `crashme.pdb`, as debuggers ask for it. */
  readonly fileName: string;
  readonly key: string;
  /** The file itself, its cabinet, or what a pointer leads to. */
  readonly path: string;
  /** Why there is none; LOCAL_FILE. */
  readonly problem: ChsError | null;
  /** The transaction that put it there; null in a store without books. */
  readonly transactionId: string | null;
}

export interface StoreWalk {
  readonly signal: AbortSignal;
  /** Told of each folder that only deleted transactions list. */
  readonly abandoned: (place: string) => void;
}

/**
 * The files of a store, by name and key.
 *
 * @throws ChsError LOCAL_FILE when the folder cannot be read
 */
export async function* storeFiles(
  store: string,
  books: StoreBooks,
  { signal, abandoned }: StoreWalk,
): AsyncGenerator<StoreFile> {
  const isTwoTier = (await namesIn(store, false)).some((name) => name.toLowerCase() === 'index2.txt');
  for (const nameFolder of await nameFolders(store, isTwoTier)) {
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
      const found = await fileIn(join(nameFolder, key), fileName);
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

/** The file, else its cabinet, else where the pointer leads: as debuggers look. Null for a folder of something else. */
async function fileIn(folder: string, fileName: string): Promise<Pick<StoreFile, 'path' | 'problem'> | null> {
  const names = await namesIn(folder, false);
  const cabinet = `${fileName.slice(0, -1)}_`;
  for (const wanted of [fileName, cabinet]) {
    const name = names.find((candidate) => candidate.toLowerCase() === wanted.toLowerCase());
    if (name !== undefined) return { path: join(folder, name), problem: null };
  }
  const pointer = names.find((name) => name.toLowerCase() === 'file.ptr');
  return pointer === undefined ? null : followed(join(folder, pointer));
}

/** `PATH:` and a path, a path alone (as the first versions wrote it), or `MSG:` and why there is none. */
async function followed(pointer: string): Promise<Pick<StoreFile, 'path' | 'problem'>> {
  const failed = (reason: string): Pick<StoreFile, 'path' | 'problem'> => ({
    path: pointer,
    problem: new ChsError('LOCAL_FILE', { path: pointer, reason }),
  });
  const found = await stat(pointer);
  if (found.size > POINTER_BYTES_MAX) return failed('it is too long to be a pointer');
  const [line = ''] = (await readFile(pointer, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
  const message = /^MSG:\s*(.*)$/i.exec(line)?.[1];
  if (message !== undefined)
    return failed(`it says that there is no file: ${message || 'no more than that'}`);
  const written = line.replace(/^PATH:\s*/i, '').trim();
  if (written === '') return failed('it is empty');
  const path = process.platform === 'win32' ? written : written.replaceAll('\\', '/');
  const target = isAbsolute(path) ? path : join(dirname(pointer), path);
  const there = await stat(target).catch(() => null);
  return there?.isFile()
    ? { path: target, problem: null }
    : failed(`it leads to ${written}, which is not there`);
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
