/** A log file that begins anew each day (UTC, as its lines) and keeps the old ones for a while. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const DAY_MS = 86_400_000;

export interface RotatingFile {
  write(text: string): void;
  close(): void;
}

/**
 * Yesterday's lines of `server.log` are in `server.log.2026-01-06`. Several processes may write:
 * the first of a new day renames, the others notice and open the new file.
 *
 * @param retentionDays 0 keeps all
 */
export function openRotatingFile(
  path: string,
  retentionDays: number,
  now: () => number = Date.now,
): RotatingFile {
  let descriptor: number | null = null;
  let day = '';

  const open = (today: string): number => {
    if (descriptor !== null) closeSync(descriptor);
    mkdirSync(dirname(path), { recursive: true });
    const written = lastWrittenDay(path);
    if (written !== null && written < today) {
      setAside(path, written);
      removeOld(path, retentionDays, today);
    }
    day = today;
    return openSync(path, 'a', 0o640);
  };

  return {
    write(text) {
      const today = new Date(now()).toISOString().slice(0, 10);
      try {
        if (descriptor === null || day !== today) descriptor = open(today);
        writeSync(descriptor, text);
      } catch {
        // A full disk or a read-only folder must not stop the service; the lines still go to stdout.
      }
    },
    close() {
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}

function lastWrittenDay(path: string): string | null {
  try {
    const { mtime, size } = statSync(path);
    return size === 0 ? null : mtime.toISOString().slice(0, 10);
  } catch {
    return null;
  }
}

/** Renames, unless another process has done it in this instant. */
function setAside(path: string, day: string): void {
  const aside = `${path}.${day}`;
  if (!existsSync(aside)) renameSync(path, aside);
}

function removeOld(path: string, retentionDays: number, today: string): void {
  if (retentionDays === 0) return;
  const oldest = new Date(Date.parse(today) - retentionDays * DAY_MS).toISOString().slice(0, 10);
  const name = basename(path);
  for (const file of readdirSync(dirname(path))) {
    const day = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : '';
    if (/^\d{4}-\d{2}-\d{2}$/.test(day) && day < oldest) unlinkSync(join(dirname(path), file));
  }
}
