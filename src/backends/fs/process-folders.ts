/** Folders by process: whose half-done work is whose, and which processes are dead. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { rmdir, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';

/** A live process touches its folder this often, from its first entry on. */
const HEARTBEAT_MS = 20_000;
/** On the same machine, where the clock is the same, a process that missed this many beats is dead. */
const BEATS_MISSED_MAX = 6;

const plain = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 64);

const host = plain(hostname());
const space = processNumberSpace();
let name: string | null = null;

/** This process's name, made when it is first needed: most commands write nothing. */
export function processName(): string {
  name ??= [host, space, process.pid, randomBytes(4).toString('hex')].join('.');
  return name;
}

/** The heartbeats of this process, by who asked for them. */
const beating = new Map<unknown, { readonly folder: string; readonly timer: NodeJS.Timeout }>();

/**
 * Keeps telling other processes that this one, whose folder it is, is alive.
 *
 * @param holder ends it by `stopBeats`; a second call with the same one changes nothing
 */
export function keepBeating(holder: unknown, folder: string): void {
  if (beating.has(holder)) return;
  const beat = (): void => {
    const now = new Date();
    // A beat that fails is a beat missed; what is wrong with the disk, an upload will find out.
    utimes(folder, now, now).catch(() => {});
  };
  beating.set(holder, { folder, timer: setInterval(beat, HEARTBEAT_MS).unref() });
}

/** The holder is done with its folder, which goes, unless something is still in it, or another holder has it. */
export async function stopBeats(holder: unknown): Promise<void> {
  const beats = beating.get(holder);
  if (!beats) return;
  clearInterval(beats.timer);
  beating.delete(holder);
  if ([...beating.values()].some(({ folder }) => folder === beats.folder)) return;
  await rmdir(beats.folder).catch(() => {});
}

/**
 * Whether the process of this name, whose folder it is, is no more.
 *
 * @param staleAfterMs a process on another machine counts as dead after this silence, and so does
 *   one whose number was given to another since
 */
export async function isDeadProcess(
  processNamed: string,
  folder: string,
  staleAfterMs: number,
): Promise<boolean> {
  if (processNamed === processName()) return false;
  const [owner, ownerSpace, pid] = processNamed.split('.');
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
