/** Which files may be read: only below the allowed roots once all links are followed, and never what is denied. */
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { ChsError } from '../../platform/errors.ts';
import { deniedBy } from './globs.ts';

export interface AccessRules {
  /** Null: everything, as on the person's own machine. */
  readonly allowRoots: readonly string[] | null;
  readonly denyPatterns: readonly string[];
}

interface Guard {
  /** The allowed roots with their links resolved; null: everything. */
  readonly roots: readonly string[] | null;
  readonly isDenied: (absolutePath: string) => boolean;
}

/** As many links as Linux follows. */
const LINKS_MAX = 40;
/** A root that is a link is looked up again after this time; a folder of 10,000 files asks once. */
const GUARD_AGE_MS = 1000;

const guards = new WeakMap<AccessRules, { readonly guard: Promise<Guard>; readonly madeAtMs: number }>();

/**
 * Follows all links of a path, and checks that what it leads to may be read.
 *
 * @returns the real absolute path
 * @throws ChsError FILE_DENIED outside of the roots, whether or not there is anything, and where a pattern denies it;
 *   IO_ERROR within the roots where there is nothing, or what is there cannot be reached
 */
export async function resolveAllowed(path: string, rules: AccessRules): Promise<string> {
  const guard = await guardOf(rules);
  const given = resolve(path);
  if (path.includes('\0')) throw denied(path, OUTSIDE);
  if (guard.isDenied(given)) throw denied(path, 'a pattern denies it');
  let real: string;
  try {
    real = await realpath(given);
  } catch (error) {
    // What is missing outside must look like what is there outside.
    if (guard.roots !== null && !(await isPlacedWithin(given, guard.roots))) throw denied(path, OUTSIDE);
    throw unreadable(path, error);
  }
  checkPlace(path, real, guard);
  return real;
}

/** Whether a pattern denies a real path as it is written; links are not looked at. */
export async function isDeniedPath(realPath: string, rules: AccessRules): Promise<boolean> {
  return rules.denyPatterns.length > 0 && (await guardOf(rules)).isDenied(realPath);
}

/**
 * Opens a regular file for reading, if it may be read. FIFOs and devices are never waited for.
 *
 * @throws ChsError FILE_DENIED and IO_ERROR as `resolveAllowed`; FILE_DENIED where a link took its place meanwhile;
 *   IO_ERROR where it is no regular file
 */
export async function openAllowed(path: string, rules: AccessRules): Promise<FileHandle> {
  const real = await resolveAllowed(path, rules);
  // Windows has neither of the two.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
  let handle: FileHandle;
  try {
    handle = await open(real, flags);
  } catch (error) {
    if (codeOf(error) === 'ELOOP') throw denied(path, 'a link took its place');
    throw unreadable(path, error);
  }
  try {
    const opened = await handle.stat();
    if (!opened.isFile()) throw new ChsError('IO_ERROR', { path, reason: 'it is not a regular file' });
    await checkPlaceOfOpened(path, real, handle, rules);
    return handle;
  } catch (error) {
    await handle.close();
    throw error instanceof ChsError ? error : unreadable(path, error);
  }
}

/** Between the check and the opening, a folder of the path may have become a link. */
async function checkPlaceOfOpened(path: string, real: string, handle: FileHandle, rules: AccessRules) {
  if (rules.allowRoots === null && rules.denyPatterns.length === 0) return;
  const place = await openedPlace(real, handle);
  // It may have been renamed since, as logs are: that is as good, as long as its new place may be read.
  if (place === null) throw denied(path, 'a link took its place');
  if (place !== real) checkPlace(path, place, await guardOf(rules));
}

/** Where an open file lies now; null where that is not what was opened. */
async function openedPlace(real: string, handle: FileHandle): Promise<string | null> {
  if (process.platform === 'linux') {
    const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
    if (place !== null) return place.endsWith(' (deleted)') ? place.slice(0, -' (deleted)'.length) : place;
  }
  const [now, opened, there] = await Promise.all([
    realpath(real),
    handle.stat({ bigint: true }),
    stat(real, { bigint: true }),
  ]);
  return now === real && opened.ino === there.ino && opened.dev === there.dev ? real : null;
}

const OUTSIDE = 'it lies outside of the allowed directories';

function checkPlace(path: string, real: string, guard: Guard): void {
  if (!isWithin(real, guard.roots)) throw denied(path, OUTSIDE);
  if (guard.isDenied(real)) throw denied(path, 'a pattern denies it');
}

function guardOf(rules: AccessRules): Promise<Guard> {
  const known = guards.get(rules);
  const nowMs = performance.now();
  if (known && nowMs - known.madeAtMs < GUARD_AGE_MS) return known.guard;
  const guard = makeGuard(rules);
  guards.set(rules, { guard, madeAtMs: nowMs });
  return guard;
}

async function makeGuard(rules: AccessRules): Promise<Guard> {
  const isDenied = deniedBy(rules.denyPatterns);
  if (rules.allowRoots === null) return { roots: null, isDenied };
  const roots = await Promise.all(
    rules.allowRoots.map((root) => realpath(resolve(root)).catch(() => resolve(root))),
  );
  return { roots, isDenied };
}

function isWithin(place: string, roots: readonly string[] | null): boolean {
  if (roots === null) return true;
  const inCase = (text: string) => (process.platform === 'win32' ? text.toLowerCase() : text);
  const wanted = inCase(place);
  return roots.some((root) => {
    const from = inCase(root);
    return wanted === from || wanted.startsWith(from.endsWith(sep) ? from : from + sep);
  });
}

/**
 * Whether something would be within the roots that is not there, links followed as far as they lead. Of links that
 * lead in a circle, each has to lie within.
 */
async function isPlacedWithin(path: string, roots: readonly string[]): Promise<boolean> {
  let here = path;
  let areAllWithin = true;
  for (let links = 0; links < LINKS_MAX; ) {
    const { folder, rest } = await deepestFolder(here);
    const [name, ...below] = rest;
    if (name === undefined) return isWithin(folder, roots);
    const target = await readlink(join(folder, name)).catch(() => null);
    if (target === null) return isWithin(join(folder, ...rest), roots);
    areAllWithin &&= isWithin(join(folder, name), roots);
    here = resolve(folder, target, ...below);
    links += 1;
  }
  return areAllWithin;
}

/** The real path of the deepest folder above that can be resolved, and the names below it. */
async function deepestFolder(path: string): Promise<{ folder: string; rest: string[] }> {
  const rest: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    const real = await realpath(folder).catch(() => null);
    if (real !== null) return { folder: real, rest };
    if (folder === dirname(folder)) return { folder, rest };
    rest.unshift(folder.slice(dirname(folder).length).replace(/^[/\\]/, ''));
  }
}

function denied(path: string, reason: string): ChsError {
  return new ChsError('FILE_DENIED', { path, reason });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EISDIR: 'it is a directory',
  ENXIO: 'it is not a regular file',
};

/** The error of the system's code, such as ENOENT; empty for others. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** IO_ERROR with a reason in words; its cause is the system's error. */
export function unreadable(path: string, error: unknown): ChsError {
  const code = codeOf(error);
  const reason = REASONS[code] ?? (code || 'it cannot be read');
  return new ChsError('IO_ERROR', { path, reason }, { cause: error });
}
