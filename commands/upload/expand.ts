/** Makes the list of files to upload of what was named: files, `-`, folders and patterns, each file once. */
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError, refuseTwoInputs } from '../local-file.ts';
import { isPattern, matching, takesAnything } from './glob.ts';
import { type Found, type WalkOptions, walk } from './walk.ts';

/** As many as a batch remembers what became of. */
export const BATCH_FILES_MAX = 100_000;

/** A file that was meant, or why something that was named gives none. */
export interface Named {
  /** As the user would write it; `-` is standard input. */
  readonly path: string;
  /** The part below the folder or the pattern's base, with `/`; the whole path of a file that was named itself. */
  readonly relative: string;
  /** LOCAL_FILE; null when it can be tried. */
  readonly problem: unknown;
}

/** Which of the files in folders are meant. */
export interface Wanted {
  /** For messages: `PDBs`. */
  readonly many: string;
  test(found: { readonly path: string; readonly relative: string }): Promise<boolean>;
}

export interface Expanded {
  /** In the order of the arguments, and by path below each. */
  readonly files: readonly Named[];
  /** Files in folders that are of another kind. */
  readonly passedOver: number;
}

/** What is gathered so far. */
interface Listing {
  readonly wanted: Wanted;
  readonly options: WalkOptions;
  readonly files: Named[];
  /** Real paths of the files that can be tried. */
  readonly known: Set<string>;
  passedOver: number;
}

/**
 * Files that are named themselves are taken whatever they are; so is what a pattern matches, unless it ends in
 * `*` or `**` and so says nothing of what files are meant.
 *
 * @throws ChsError USAGE when standard input is named twice
 * @throws ChsError LOCAL_FILE for more than 100,000 files
 */
export async function expand(
  args: readonly string[],
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Expanded> {
  refuseTwoInputs(args);
  const listing: Listing = {
    wanted,
    options: { signal, unreadable: (path, error) => push(listing, { path, relative: path, problem: error }) },
    files: [],
    known: new Set(),
    passedOver: 0,
  };
  for (const argument of args) {
    try {
      await add(listing, argument);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChsError) || isFull(listing)) throw error;
      push(listing, { path: argument, relative: argument, problem: error });
    }
  }
  return listing;
}

async function add(listing: Listing, argument: string): Promise<void> {
  const found = argument === '-' ? null : await stat(argument).catch(() => null);
  if (found?.isDirectory()) return addFolder(listing, argument);
  if (!found && argument !== '-' && isPattern(argument)) return addMatches(listing, argument);
  // What is not there is found out when it is opened, with the words for it.
  const identity = found ? await realpath(argument) : argument;
  take(listing, { path: argument, relative: argument, identity });
}

async function addFolder(listing: Listing, folder: string): Promise<void> {
  const before = listing.files.length;
  let there = 0;
  for await (const found of walk(folder, listing.options)) {
    there += 1;
    await takeIfWanted(listing, found);
  }
  if (listing.files.length > before || (await givesKnown(listing, folder))) return;
  const others = there === 1 ? 'one other file' : `${there} other files`;
  const reason = there === 0 ? 'it is empty' : `it holds no ${listing.wanted.many}, only ${others}`;
  throw new ChsError('LOCAL_FILE', { path: folder, reason });
}

/** Whether files below a folder were named before it: then it is no mistake that it gives no new ones. */
async function givesKnown({ known }: Listing, folder: string): Promise<boolean> {
  const real = `${await realpath(folder)}${sep}`;
  return [...known].some((identity) => identity.startsWith(real));
}

async function addMatches(listing: Listing, pattern: string): Promise<void> {
  const { files, known, options } = listing;
  const [filesBefore, anything] = [files.length, takesAnything(pattern)];
  let matched = false;
  try {
    for await (const found of matching(pattern, options)) {
      if (found.isFolder) await addFolder(listing, found.path);
      else if (anything) await takeIfWanted(listing, found);
      else take(listing, found);
      matched ||= found.isFolder || known.has(found.identity);
    }
  } catch (error) {
    // The folder that the pattern begins with is not there, or one that it matches holds nothing of use.
    if (!(error instanceof ChsError) || isFull(listing)) throw error;
    options.signal.throwIfAborted();
  }
  if (!matched && files.length === filesBefore)
    throw new ChsError('LOCAL_FILE', { path: pattern, reason: 'nothing matches this pattern' });
}

async function takeIfWanted(listing: Listing, found: Found): Promise<void> {
  let isWanted = false;
  try {
    isWanted = await listing.wanted.test(found);
  } catch (error) {
    push(listing, { path: found.path, relative: found.relative, problem: localFileError(found.path, error) });
    return;
  }
  if (isWanted) take(listing, found);
  else listing.passedOver += 1;
}

function take(
  listing: Listing,
  {
    path,
    relative,
    identity,
  }: { readonly path: string; readonly relative: string; readonly identity: string },
): void {
  if (listing.known.has(identity)) return;
  listing.known.add(identity);
  push(listing, { path, relative, problem: null });
}

function push(listing: Listing, named: Named): void {
  listing.files.push(named);
  if (!isFull(listing)) return;
  const reason = `it brings the batch over ${BATCH_FILES_MAX} files; name a smaller directory`;
  throw new ChsError('LOCAL_FILE', { path: named.path, reason });
}

function isFull({ files }: Listing): boolean {
  return files.length > BATCH_FILES_MAX;
}
