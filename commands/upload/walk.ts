/** Goes through a folder and all below it: in order, within bounds, and through each folder once. */
import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';

/** Whoever names a whole disk should name less. */
const ENTRIES_MAX = 1_000_000;
/** No build nests as deep; links that lead ever deeper do. */
const DEPTH_MAX = 64;

/** Something below the folder. */
export interface Found {
  /** As the user would write it: the folder as it was named, and what is below. */
  readonly path: string;
  /** The part below the folder, with `/` on any system. */
  readonly relative: string;
  /** What two names of one file have in common. */
  readonly identity: string;
  readonly isFolder: boolean;
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** Told of a folder below that cannot be read; the walk goes on. */
  readonly unreadable: (path: string, error: unknown) => void;
  /** Folders below the named one that may be entered; 0 for none. */
  readonly depthMax?: number;
  /** Whether folders themselves are told of, before what is in them. */
  readonly folders?: boolean;
}

interface Place {
  readonly path: string;
  readonly real: string;
  readonly relative: string;
  readonly depth: number;
}

/**
 * The files below a folder, names in the order of their code points. Links to files and folders are followed;
 * a folder that several lead to (itself, in a circle) is gone through once.
 *
 * @throws ChsError LOCAL_FILE when the folder itself cannot be read, and when there is too much in it
 */
export async function* walk(folder: string, options: WalkOptions): AsyncGenerator<Found> {
  const depthMax = Math.min(options.depthMax ?? DEPTH_MAX, DEPTH_MAX);
  const entered = new Set<string>();
  let entries = 0;

  async function* below({ path, real, relative, depth }: Place): AsyncGenerator<Found> {
    for (const entry of await listed(path, depth, options)) {
      options.signal.throwIfAborted();
      entries += 1;
      if (entries > ENTRIES_MAX) {
        const reason = `there are more than ${ENTRIES_MAX} entries below it; name a smaller directory`;
        throw new ChsError('LOCAL_FILE', { path: folder, reason });
      }
      const inside = {
        path: join(path, entry.name),
        relative: relative === '' ? entry.name : `${relative}/${entry.name}`,
        depth: depth + 1,
      };
      const led = await follow(entry, inside.path, join(real, entry.name));
      if (!led) continue;
      if (!led.isFolder || options.folders === true)
        yield { path: inside.path, relative: inside.relative, identity: led.real, isFolder: led.isFolder };
      if (!led.isFolder || depth >= depthMax || entered.has(led.real)) continue;
      entered.add(led.real);
      yield* below({ ...inside, real: led.real });
    }
  }

  const real = await realpath(folder).catch((error: unknown) => {
    throw localFileError(folder, error);
  });
  entered.add(real);
  yield* below({ path: folder, real, relative: '', depth: 0 });
}

async function listed(path: string, depth: number, { unreadable }: WalkOptions): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } catch (error) {
    const failure = localFileError(path, error);
    if (depth === 0 || !(failure instanceof ChsError)) throw failure;
    unreadable(path, failure);
    return [];
  }
}

/** What an entry is in the end; null for what is neither file nor folder, and for a link that leads nowhere. */
async function follow(
  entry: Dirent,
  path: string,
  real: string,
): Promise<{ real: string; isFolder: boolean } | null> {
  if (entry.isFile()) return { real, isFolder: false };
  if (entry.isDirectory()) return { real, isFolder: true };
  if (!entry.isSymbolicLink()) return null;
  const found: Stats | null = await stat(path).catch(() => null);
  if (!found || !(found.isFile() || found.isDirectory())) return null;
  return { real: await realpath(path), isFolder: found.isDirectory() };
}
