/** Finding log files: a walk through directories that follows links only inside what may be read. */
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import { type AccessRules, codeOf, isDeniedPath, resolveAllowed, unreadable } from './access.ts';
import { wantedBy } from './globs.ts';
import { type Notice, shortened } from './notice.ts';

export interface FindOptions {
  /** Only files whose path below the root or name matches one; empty: every file. */
  readonly globs: readonly string[];
  readonly rules: AccessRules;
  readonly signal?: AbortSignal | undefined;
  readonly filesMax?: number;
  readonly depthMax?: number;
}

export interface FoundFile {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly device: string;
  readonly inode: string;
  /** It is one of the roots. */
  readonly isNamed?: boolean;
}

const FILES_MAX = 100_000;
const DEPTH_MAX = 64;
/** A tree of folders without files ends, too. */
const ENTRIES_PER_FILE_MAX = 20;
const STATS_AT_ONCE = 32;

interface Folder {
  readonly real: string;
  /** Below its root, with `/`; empty for the root itself. */
  readonly relative: string;
  readonly depth: number;
}

interface Walk {
  readonly rules: AccessRules;
  /** What links may lead to. */
  readonly linkRules: AccessRules;
  readonly signal: AbortSignal | undefined;
  readonly isWanted: (relativePath: string) => boolean;
  readonly filesMax: number;
  readonly depthMax: number;
  readonly notices: Notice[];
  readonly found: Map<string, FoundFile>;
  readonly foldersSeen: Set<string>;
  /** Followed after all real folders, so that a file is known by its own place first. */
  readonly links: Folder[];
  entries: number;
  isFull: boolean;
}

/**
 * Finds the files of directories, or takes files that are named directly (whatever the globs say).
 *
 * Links are followed where they lead to what may be read; each real folder is walked once, each real file given once.
 *
 * @returns the files in the order of their paths, and what could not be looked at
 * @throws ChsError FILE_DENIED or IO_ERROR of a root
 */
export async function findFiles(
  roots: readonly string[],
  options: FindOptions,
): Promise<{ files: FoundFile[]; notices: Notice[] }> {
  const walk: Walk = {
    rules: options.rules,
    // Who may read everything still means the directory that they named, not what its links lead to.
    linkRules: options.rules.allowRoots === null ? { ...options.rules, allowRoots: roots } : options.rules,
    signal: options.signal,
    isWanted: wantedBy(options.globs),
    filesMax: options.filesMax ?? FILES_MAX,
    depthMax: options.depthMax ?? DEPTH_MAX,
    notices: [],
    found: new Map(),
    foldersSeen: new Set(),
    links: [],
    entries: 0,
    isFull: false,
  };
  const folders: Folder[] = [];
  for (const root of roots) {
    const real = await resolveAllowed(root, walk.rules);
    const stats = await lstat(real, { bigint: true }).catch((error) => {
      throw unreadable(root, error);
    });
    if (stats.isDirectory()) folders.push({ real, relative: '', depth: 0 });
    else if (stats.isFile()) await addFile(walk, real, true);
    else throw new ChsError('IO_ERROR', { path: root, reason: 'it is not a regular file' });
  }
  await walkFolders(walk, folders);
  for (let link = walk.links.shift(); link && !walk.isFull; link = walk.links.shift()) {
    await followLink(walk, link);
  }
  if (walk.isFull) {
    walk.notices.push({
      file: null,
      code: 'TOO_MANY_FILES',
      message: `only the first ${walk.found.size} files are taken; name a smaller directory or globs`,
    });
  }
  const files = [...walk.found.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { files, notices: shortened(walk.notices) };
}

async function walkFolders(walk: Walk, roots: readonly Folder[]): Promise<void> {
  const waiting = [...roots].reverse();
  for (let folder = waiting.pop(); folder && !walk.isFull; folder = waiting.pop()) {
    walk.signal?.throwIfAborted();
    if (walk.foldersSeen.has(folder.real)) continue;
    walk.foldersSeen.add(folder.real);
    // One by one: a call takes no 100,000 arguments.
    for (const inside of (await walkFolder(walk, folder)).reverse()) waiting.push(inside);
  }
}

/** Takes the files of one folder, and gives the folders in it, in the order of their names. */
async function walkFolder(walk: Walk, folder: Folder): Promise<Folder[]> {
  const entries = await entriesOf(walk, folder.real);
  const inside: Folder[] = [];
  const files: string[] = [];
  for (const entry of entries) {
    const real = join(folder.real, entry.name);
    const relative = folder.relative === '' ? entry.name : `${folder.relative}/${entry.name}`;
    const below = { real, relative, depth: folder.depth + 1 };
    if (entry.isDirectory()) {
      if (entry.name !== '.git') inside.push(below);
    } else if (entry.isSymbolicLink()) walk.links.push(below);
    else if (entry.isFile() && walk.isWanted(relative)) files.push(real);
  }
  // Cut here and not while they are looked at side by side, so that it is always the same ones.
  const room = walk.filesMax - walk.found.size;
  if (files.length > room) walk.isFull = true;
  files.length = Math.min(files.length, room);
  for (let from = 0; from < files.length; from += STATS_AT_ONCE) {
    walk.signal?.throwIfAborted();
    await Promise.all(files.slice(from, from + STATS_AT_ONCE).map((path) => addAllowed(walk, path)));
  }
  if (folder.depth < walk.depthMax) return allowedFolders(walk, inside);
  if (inside.length > 0) {
    walk.notices.push({
      file: folder.real,
      code: 'TOO_DEEP',
      message: `folders in more than ${walk.depthMax} others are left out`,
    });
  }
  return [];
}

async function entriesOf(walk: Walk, path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    walk.entries += entries.length;
    if (walk.entries > walk.filesMax * ENTRIES_PER_FILE_MAX) walk.isFull = true;
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    // What was deleted since its folder was read was never there.
    if (codeOf(error) !== 'ENOENT') {
      walk.notices.push({ file: path, code: 'UNREADABLE', message: unreadable(path, error).message });
    }
    return [];
  }
}

/** Leaves out what a pattern denies; links stand in no real path, so nothing else can be outside. */
async function allowedFolders(walk: Walk, folders: Folder[]): Promise<Folder[]> {
  if (walk.rules.denyPatterns.length === 0) return folders;
  const allowed: Folder[] = [];
  for (const folder of folders) if (!(await isDeniedPath(folder.real, walk.rules))) allowed.push(folder);
  return allowed;
}

async function addAllowed(walk: Walk, path: string): Promise<void> {
  if (path.includes('\ufffd') && (await lstat(path).catch(() => null)) === null) {
    // A name that is no UTF-8 is read with replacement characters, under which nothing can be opened.
    walk.notices.push({ file: path, code: 'UNREADABLE', message: 'its name is not valid UTF-8' });
    return;
  }
  // No link stands in it, so nothing but its name can be against it.
  if (await isDeniedPath(path, walk.rules)) return;
  await addFile(walk, path);
}

async function followLink(walk: Walk, link: Folder): Promise<void> {
  walk.signal?.throwIfAborted();
  let real: string;
  try {
    real = await resolveAllowed(link.real, walk.linkRules);
  } catch (error) {
    if (error instanceof ChsError && codeOf(error.cause) === 'ELOOP') {
      walk.notices.push({ file: link.real, code: 'UNREADABLE', message: `${error.params.reason}` });
    }
    // A link to what is gone is as good as none.
    if (error instanceof ChsError && error.code === 'FILE_DENIED') {
      walk.notices.push({
        file: link.real,
        code: 'LINK_OUTSIDE',
        message: `not followed: ${error.params.reason}`,
      });
    }
    return;
  }
  const stats = await lstat(real).catch(() => null);
  if (stats?.isDirectory() && basename(real) !== '.git' && link.depth <= walk.depthMax) {
    await walkFolders(walk, [{ ...link, real }]);
  } else if (stats?.isFile() && walk.isWanted(link.relative)) await addFile(walk, real);
}

async function addFile(walk: Walk, path: string, isNamed = false): Promise<void> {
  if (walk.found.has(path)) return;
  if (walk.found.size >= walk.filesMax) {
    walk.isFull = true;
    return;
  }
  const stats = await lstat(path, { bigint: true }).catch(() => null);
  if (!stats?.isFile()) return;
  walk.found.set(path, {
    path,
    sizeBytes: Number(stats.size),
    mtimeMs: Number(stats.mtimeNs / 1_000_000n),
    device: String(stats.dev),
    inode: String(stats.ino),
    ...(isNamed ? { isNamed } : {}),
  });
}
