/** Whose half-done work is whose: the journal's folders by process, and which of them are orphans. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rmdir, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../platform/durable.ts';
import { keepReserve, RESERVE } from './reserve.ts';

/** The journal's name below the storage root. */
export const JOURNAL = '.incoming';

/** A live process touches its folder this often, from its first entry on. */
const HEARTBEAT_MS = 20_000;
/** On the same machine, where the clock is the same, a process that missed this many beats is dead. */
const BEATS_MISSED_MAX = 6;

const plain = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 64);

const host = plain(hostname());
const space = processNumberSpace();
let name: string | null = null;

/** This process's name, made when it is first needed: most commands write nothing. */
function self(): string {
  name ??= [host, space, process.pid, randomBytes(4).toString('hex')].join('.');
  return name;
}

/** The heartbeats of this process, by storage root. */
const beating = new Map<string, NodeJS.Timeout>();

export function journalFolder(root: string): string {
  return join(root, JOURNAL);
}

/** This process's folder in the journal of `root`. */
export function processFolder(root: string): string {
  return join(root, JOURNAL, self());
}

/** The reserve of `root` while this process has it. */
export function ownReserve(root: string): string {
  return `${processFolder(root)}.${RESERVE}`;
}

/** Makes this process's folder and keeps telling the others that it is alive. */
export async function joinJournal(root: string): Promise<void> {
  const folder = processFolder(root);
  await makeFolder(root, 0o750);
  await makeFolder(folder, 0o700);
  await keepReserve(journalFolder(root), folder);
  if (beating.has(root)) return;
  const beat = (): void => {
    const now = new Date();
    // A beat that fails is a beat missed; what is wrong with the disk, an upload will find out.
    utimes(folder, now, now).catch(() => {});
  };
  beating.set(root, setInterval(beat, HEARTBEAT_MS).unref());
}

/** This process is done with `root`: its folder goes, unless something is still in it. */
export async function leaveJournal(root: string): Promise<void> {
  if (!beating.has(root)) return;
  clearInterval(beating.get(root));
  beating.delete(root);
  await rmdir(processFolder(root)).catch(() => {});
}

/**
 * The folders that dead processes left below `root`, as absolute paths.
 *
 * @param staleAfterMs a process on another machine counts as dead after this silence, and so does
 *   one whose number was given to another since
 */
export async function deadFolders(root: string, staleAfterMs: number): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(join(root, JOURNAL)).catch(() => [])) {
    const folder = join(root, JOURNAL, name);
    if (await isDead(name, folder, staleAfterMs)) dead.push(folder);
  }
  return dead;
}

async function isDead(name: string, folder: string, staleAfterMs: number): Promise<boolean> {
  if (name === RESERVE || name === self() || name === `${self()}.${RESERVE}`) return false;
  const [owner, ownerSpace, pid] = name.split('.');
  const silentMs = await stat(folder).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
  if (silentMs > staleAfterMs) return true;
  if (owner !== host) return false;
  // Two containers may have one host name, and both a process 1: numbers say nothing then.
  if (ownerSpace !== space) return silentMs > BEATS_MISSED_MAX * HEARTBEAT_MS;
  // The same number as ours is an earlier life of ours.
  return Number(pid) === process.pid || !isRunning(Number(pid));
}

/** Where process numbers are unique: the PID namespace on Linux, elsewhere the machine. */
function processNumberSpace(): string {
  try {
    return plain(readlinkSync('/proc/self/ns/pid'));
  } catch {
    return 'machine';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
