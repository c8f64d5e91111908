/** Whose half-done work is whose: the journal's folders by process, and which of them are orphans. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rmdir, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The journal's folder below the storage root. */
export const JOURNAL = '.incoming';

/** A live process touches its folder at least this often while it works. */
const HEARTBEAT_MS = 60_000;
const host = hostname()
  .replace(/[^A-Za-z0-9-]/g, '_')
  .slice(0, 64);
const self = `${host}.${process.pid}.${randomBytes(4).toString('hex')}`;

const lastTouch = new Map<string, number>();

/** This process's folder in the journal of `root`. */
export function processFolder(root: string): string {
  return join(root, JOURNAL, self);
}

/** Says that this process is alive, at most once a minute. */
export async function touchProcessFolder(root: string): Promise<void> {
  const now = Date.now();
  if (now - (lastTouch.get(root) ?? 0) < HEARTBEAT_MS) return;
  lastTouch.set(root, now);
  const folder = processFolder(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await utimes(folder, now / 1000, now / 1000);
}

/**
 * The entries that dead processes left below `root`, as absolute paths.
 *
 * @param staleAfterMs a process on another machine, or one whose number was given to another since,
 *   counts as dead after this silence
 */
export async function journalEntries(root: string, staleAfterMs: number): Promise<string[]> {
  const entries: string[] = [];
  for (const folder of await deadFolders(root, staleAfterMs)) {
    const inside = await readdir(folder).catch(() => []);
    entries.push(...inside.map((entry) => join(folder, entry)));
  }
  return entries;
}

/** Removes the folders of dead processes, once they are empty. */
export async function removeDeadFolders(root: string, staleAfterMs: number): Promise<void> {
  for (const folder of await deadFolders(root, staleAfterMs)) await rmdir(folder).catch(() => {});
}

/** This process is done with `root`: its folder goes, unless something is still in it. */
export async function leaveJournal(root: string): Promise<void> {
  lastTouch.delete(root);
  await rmdir(processFolder(root)).catch(() => {});
}

async function deadFolders(root: string, staleAfterMs: number): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(join(root, JOURNAL)).catch(() => [])) {
    const folder = join(root, JOURNAL, name);
    if (await isDead(name, folder, staleAfterMs)) dead.push(folder);
  }
  return dead;
}

async function isDead(name: string, folder: string, staleAfterMs: number): Promise<boolean> {
  if (name === self) return false;
  const [owner, pid] = name.split('.');
  const silent = await stat(folder).then(
    (found) => Date.now() - found.mtimeMs > staleAfterMs,
    () => false,
  );
  if (owner !== host) return silent;
  // The same number as ours is an earlier life of ours, as in a container that was restarted.
  if (Number(pid) === process.pid) return true;
  return silent || !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
