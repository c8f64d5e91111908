/** The books of a symbol store on the disk: read within bounds, written so that no line is ever half there. */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';
import { writeWhole } from '../whole-file.ts';
import {
  ADMIN_FOLDER,
  type Books,
  type Entry,
  folderParts,
  nextId,
  parseBooks,
  parseTransactionFile,
  placeOf,
  referenceLine,
  transactionFile,
  transactionLine,
  withLastLine,
  withLine,
} from './admin.ts';

/** A store of a million transactions has books of 100 MB. */
const BOOK_BYTES_MAX = 128 * 1024 * 1024;

export interface StoreBooks extends Books {
  /** Which transaction put a folder (`name\KEY`, lower case) there last. */
  readonly placedBy: ReadonlyMap<string, string>;
  /** Folders that only deleted transactions list. */
  readonly abandoned: ReadonlySet<string>;
}

/**
 * What is written of a store; nothing at all of one without books.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function readBooks(store: string): Promise<StoreBooks> {
  const folder = await adminFolder(store);
  const [server, history] = await Promise.all([
    text(join(folder, 'server.txt')),
    text(join(folder, 'history.txt')),
  ]);
  const books = parseBooks(server, history);
  const placedBy = new Map<string, string>();
  for (const id of [...books.live.keys()].sort())
    for (const place of parseTransactionFile(await text(join(folder, id)))) placedBy.set(place, id);
  const abandoned = new Set<string>();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, id = ''] = /^(\d{10})(?:\.deleted)?$/.exec(name) ?? [];
    if (id === '' || books.live.has(id) || !(books.deleted.has(id) || name.endsWith('.deleted'))) continue;
    for (const place of parseTransactionFile(await text(join(folder, name))))
      if (!placedBy.has(place)) abandoned.add(place);
  }
  return { ...books, placedBy, abandoned };
}

/**
 * Writes a transaction down when all its files are in their places. Whatever moment ends the process: the number is
 * taken first, and server.txt, by which a transaction counts, is the last but the history.
 *
 * @returns its ID
 * @throws ChsError LOCAL_FILE
 */
export async function writeTransaction(
  store: string,
  entries: readonly Entry[],
  said: {
    readonly isTwoTier: boolean;
    readonly product: string;
    readonly version: string;
    readonly comment: string;
  },
  at = new Date(),
): Promise<string> {
  const folder = await adminFolder(store);
  await mkdir(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  const id = nextId(await text(file('lastid.txt')), await readBooks(store));
  await writeWhole(file('lastid.txt'), id);
  await writeWhole(file(id), transactionFile(entries));
  for (const entry of entries) {
    const references = join(store, ...folderParts(entry, said.isTwoTier), 'refs.ptr');
    await writeWhole(references, withLastLine(await text(references), referenceLine(id, entry), '\n'));
  }
  const line = transactionLine({ id, ...said }, at);
  await writeWhole(file('server.txt'), withLine(await text(file('server.txt')), line));
  await writeWhole(file('history.txt'), withLastLine(await text(file('history.txt')), line));
  // Debuggers look at the time of this file alone.
  await writeWhole(join(store, 'pingme.txt'), '');
  return id;
}

export function isPlaced({ placedBy }: StoreBooks, entry: Pick<Entry, 'fileName' | 'key'>): boolean {
  return placedBy.has(placeOf(entry));
}

/** Whether the folders of the names lie in such of two letters: `index2.txt` says so to debuggers. */
export async function isTwoTierStore(store: string): Promise<boolean> {
  const names = await readdir(store).catch(() => []);
  return names.some((name) => name.toLowerCase() === 'index2.txt');
}

/** In the case in which the store has it: elsewhere than on Windows `000admin` is another folder. */
export async function adminFolder(store: string): Promise<string> {
  const names = await readdir(store).catch(() => []);
  return join(store, names.find((name) => name.toLowerCase() === '000admin') ?? ADMIN_FOLDER);
}

async function text(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > BOOK_BYTES_MAX)
      throw new ChsError('LOCAL_FILE', { path, reason: 'it is too large to be the book of a symbol store' });
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw localFileError(path, error);
  }
}
