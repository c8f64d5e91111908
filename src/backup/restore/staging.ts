/** The private folder beside a target where a restored database is made ready, and what killed restores left in theirs. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';

const MARK = '.restoring-';
/** The folder inside that holds what is replaced, by the name under which it will be kept. */
const HELD = 'held';
/** Where a process of another machine, or of another container, cannot be asked. */
const STALE_AFTER_MS = 24 * 3_600_000;
/** Names have 255 bytes at most on most disks; the rest is for who and what. */
const NAME_LENGTH_MAX = 60;
/** The disk is used by others, too. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** The folders of this process, by the last part of their names: another one with its number is of an earlier life. */
const own = new Set<string>();

const plain = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 64);

export interface Staging {
  /** 0700, on the disk of the target. */
  readonly folder: string;
  readonly held: string;
  /** Removes it with all that is in it, but for what was replaced and has not got its name yet. */
  discard(): Promise<void>;
}

/**
 * Makes it, with the folder of the target where that is missing.
 *
 * @param make what makes that folder
 * @throws ChsError STORAGE_FULL, RESTORE_REFUSED
 */
export async function makeStaging(
  target: string,
  make: (path: string, mode: number) => Promise<unknown> = makeFolder,
): Promise<Staging> {
  return onDisk(target, async () => {
    const parent = dirname(target);
    await make(parent, 0o750);
    const random = randomBytes(4).toString('hex');
    own.add(random);
    const owner = [plain(hostname()), processSpace(), process.pid, random].join('.');
    const folder = join(parent, `${prefixOf(target)}${owner}`);
    await mkdir(folder, { mode: 0o700 });
    await mkdir(join(folder, HELD), { mode: 0o700 });
    await syncDirectory(parent);
    return {
      folder,
      held: join(folder, HELD),
      discard: async () => {
        await clear(folder, target);
        own.delete(random);
      },
    };
  });
}

/**
 * Removes what dead processes left beside `target`. What they were just replacing when they died is kept: it gets
 * the name that it should have had.
 */
export async function sweepStaging(target: string): Promise<void> {
  const parent = dirname(target);
  const prefix = prefixOf(target);
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(parent, name);
    if (await isDead(name.slice(prefix.length), folder)) await clear(folder, target);
  }
}

async function clear(folder: string, target: string): Promise<void> {
  // First what would be moved over the target: the worker of a dead process may live a moment longer.
  for (const inside of await readdir(folder).catch(() => [])) {
    if (inside !== HELD) await rm(join(folder, inside), { recursive: true, force: true });
  }
  await saveHeld(join(folder, HELD), dirname(target), target);
  await rm(folder, { recursive: true, force: true });
}

async function saveHeld(held: string, parent: string, target: string): Promise<void> {
  const current = await stat(target, { bigint: true }).catch(() => null);
  for (const name of await readdir(held).catch(() => [])) {
    const file = join(held, name);
    const found = await stat(file, { bigint: true }).catch(() => null);
    if (found === null) continue;
    // The same file still: it was not replaced yet, and this is its second name.
    if (current && found.ino === current.ino && found.dev === current.dev) continue;
    // A copy, where there are no links, is of what the target still is, or was: worth keeping in doubt.
    await moveNew(file, join(parent, name));
  }
  await syncDirectory(parent);
}

/** Moves a file to a name that nothing has, with a number where it is taken. Gives the path that it got. */
export async function moveNew(from: string, to: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const path = numbered(to, attempt);
    try {
      await link(from, path);
      await unlink(from);
      return path;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      if (!isLinkless(error)) throw error;
      if (await stat(path).catch(() => null)) continue;
      await rename(from, path);
      return path;
    }
  }
}

/** A name beside `target` that nothing has: `main.before-20261130T020000Z.db`. */
export async function nameBefore(target: string, nowMs: number): Promise<string> {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = basename(target);
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let attempt = 1; ; attempt += 1) {
    const path = numbered(join(dirname(target), `${stem}.before-${stamp}${ending}`), attempt);
    if (!(await stat(path).catch(() => null))) return path;
  }
}

function numbered(path: string, attempt: number): string {
  if (attempt === 1) return path;
  const dot = path.lastIndexOf('.');
  return dot > path.length - basename(path).length
    ? `${path.slice(0, dot)}-${attempt}${path.slice(dot)}`
    : `${path}-${attempt}`;
}

/** Whether the disk of a staging folder has hard links. */
export async function hasLinks(staging: Staging): Promise<boolean> {
  const [one, other] = [join(staging.folder, 'link-1'), join(staging.folder, 'link-2')];
  await writeFile(one, '', { mode: 0o600 });
  try {
    await link(one, other);
    return true;
  } catch (error) {
    if (isLinkless(error)) return false;
    throw error;
  } finally {
    await rm(one, { force: true });
    await rm(other, { force: true });
  }
}

export function isLinkless(error: unknown): boolean {
  return ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK'].includes(codeOf(error) ?? '');
}

/** @throws ChsError STORAGE_FULL where the disk of `folder` has no room for so many bytes */
export async function needRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes + SPARE_BYTES) throw new ChsError('STORAGE_FULL', { path: folder });
}

/** Runs what writes around `path`. @throws ChsError STORAGE_FULL, RESTORE_REFUSED; anything else as it came */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = codeOf(cause) ?? '';
    if (['ENOSPC', 'EDQUOT'].includes(code)) throw new ChsError('STORAGE_FULL', { path }, { cause });
    if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EXDEV', 'ENAMETOOLONG'].includes(code)) {
      throw new ChsError('RESTORE_REFUSED', { path, reason: `the disk says ${code}` }, { cause });
    }
    throw cause;
  }
}

function prefixOf(target: string): string {
  return `.${basename(target).slice(0, NAME_LENGTH_MAX)}${MARK}`;
}

async function isDead(owner: string, folder: string): Promise<boolean> {
  const [host, space, pid, random = ''] = owner.split('.');
  const silentMs = await stat(folder).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
  if (host !== plain(hostname()) || space !== processSpace()) return silentMs > STALE_AFTER_MS;
  if (Number(pid) === process.pid) return !own.has(random);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Where numbers of processes are unique: the PID namespace on Linux, elsewhere the machine. */
function processSpace(): string {
  try {
    return plain(readlinkSync('/proc/self/ns/pid'));
  } catch {
    return 'machine';
  }
}
