/** A log file that begins anew each day (UTC, as its lines) and keeps the old ones for a while. */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { printable } from '../../src/platform/errors.ts';

const DAY_MS = 86_400_000;

export interface RotatingFile {
  /** Never throws: a log that cannot be written must not stop the service. */
  write(text: string): void;
  close(): void;
}

export interface RotatingFileOptions {
  /** Old files are kept so many days; 0 keeps all. */
  readonly retentionDays: number;
  readonly now?: () => number;
  /** Gets one warning when lines begin to be lost or misplaced, and another only after it worked in between. */
  readonly warn?: (warning: string) => void;
}

interface OpenFile {
  readonly descriptor: number;
  readonly device: number;
  readonly inode: number;
  readonly day: string;
}

/**
 * Yesterday's lines of `server.log` are in `server.log.2026-01-06`. Several processes may write:
 * the first of a new day renames, the others notice and open the new file. A file or folder that
 * was moved or removed is made again.
 */
export function openRotatingFile(
  path: string,
  { retentionDays, now = Date.now, warn = warnOnStderr }: RotatingFileOptions,
): RotatingFile {
  let file: OpenFile | null = null;
  let isFailing = false;

  /** Another file is in use when this returns, or, if it throws, still the one from before. */
  const reopen = (today: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    const isNewDay = setAsideYesterdays(path, today);
    const former = file;
    // The new one first: a number that is closed already may belong to a socket or a database by
    // the next write, so no closed one is ever kept.
    file = openToAppend(path, today);
    if (former) closeQuietly(former);
    if (isNewDay) removeOld(path, retentionDays, today);
  };

  return {
    write(text) {
      const today = new Date(now()).toISOString().slice(0, 10);
      let problem: string | null = null;
      try {
        if (file === null || file.day !== today || !isAt(path, file)) reopen(today);
      } catch (error) {
        // Of yesterday or moved away it may be, but better there than nowhere.
        const fate = file === null ? 'lines are lost until it can' : 'lines go on into the one before';
        problem = `the log file ${path} cannot be opened (${reasonOf(error)}); ${fate}`;
      }
      try {
        if (file !== null) writeAll(file.descriptor, text);
      } catch (error) {
        problem = `the log file ${path} cannot be written (${reasonOf(error)}); lines are lost until it can`;
      }
      if (problem !== null && !isFailing) warn(printable(problem));
      isFailing = problem !== null;
    },
    close() {
      if (file !== null) closeQuietly(file);
      file = null;
    },
  };
}

function openToAppend(path: string, day: string): OpenFile {
  const descriptor = openSync(path, 'a', 0o640);
  const { dev, ino } = fstatSync(descriptor);
  return { descriptor, device: dev, inode: ino, day };
}

function isAt(path: string, { device, inode }: OpenFile): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.dev === device && there.ino === inode;
}

/** A nearly full disk may take a part. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** What a file system says only when a file is closed (NFS) is of no use to anyone here. */
function closeQuietly({ descriptor }: OpenFile): void {
  try {
    closeSync(descriptor);
  } catch {
    // It is closed all the same.
  }
}

/** Whether the file held lines of another day and now has the name of that day. */
function setAsideYesterdays(path: string, today: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  if (!there?.isFile() || there.size === 0) return false;
  const day = there.mtime.toISOString().slice(0, 10);
  if (day >= today) return false;
  const aside = `${path}.${day}`;
  // Another process may have done it in this instant.
  if (!existsSync(aside)) renameSync(path, aside);
  return true;
}

function removeOld(path: string, retentionDays: number, today: string): void {
  if (retentionDays === 0) return;
  const oldest = new Date(Date.parse(today) - retentionDays * DAY_MS).toISOString().slice(0, 10);
  const name = basename(path);
  try {
    for (const file of readdirSync(dirname(path))) {
      const day = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : '';
      if (/^\d{4}-\d{2}-\d{2}$/.test(day) && day < oldest) unlinkSync(join(dirname(path), file));
    }
  } catch {
    // A file too many is no reason to lose a line; tomorrow is another day.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function warnOnStderr(warning: string): void {
  process.stderr.write(`warning: ${warning}\n`);
}
