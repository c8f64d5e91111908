/** Cuts several databases at one instant: all writers are held off for the moment in which the readers begin. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { codeOf } from '../../../platform/system-error.ts';
import { type Database, openExisting } from './database.ts';
import { isBusy } from './failure.ts';
import type { Reader } from './reader.ts';
import { LOOK_EVERY_MS, pause } from './waiting.ts';

export interface Cut {
  readonly isOneInstant: boolean;
  /** Why not. */
  readonly reason: string | null;
  /** Epoch milliseconds. */
  readonly cutAtMs: number;
}

/** While one database is held, another is waited for no longer than this: its writers must not notice. */
const HELD_WAIT_MS = 15;
/** After a lock was taken and given back, chance lets two that do the same miss each other. */
const GIVE_WAY_MS_MAX = 20;

/**
 * Starts the read transaction of every reader at one instant where that is possible. Where it is not, of none: with a
 * rollback journal, whoever holds one file and waits for another keeps a writer of both from ever finishing.
 *
 * A transaction over several attached databases commits them one by one, so two readers that begin one after the other
 * may see it in one file and not in the other. Whoever holds the write locks of all files knows that no commit is
 * under way. They are taken in one order, that of the canonical paths, and given back when any cannot be had at once:
 * so two processes that do the same never wait for each other, nor does a writer for long.
 *
 * In WAL mode readers and writers go on side by side. With a rollback journal, a writer that wants to commit waits
 * until the read transaction is over, which is when its database is copied.
 *
 * @param waitMs how long is tried in all
 * @throws SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_BUSY of a reader
 */
export function pinAll(readers: readonly Reader[], waitMs: number): Cut {
  if (readers.length < 2) return pinEach(readers);
  const fences: Database[] = [];
  try {
    for (const path of pathsInOrder(readers)) {
      refuseReadOnly(path);
      fences.push(openExisting(path, { readonly: false, timeoutMs: 0 }));
    }
    return holdAll(fences, waitMs)
      ? pinEach(readers)
      : oneByOne('a database was locked by another process for too long');
  } catch (error) {
    if (!isFenceFailure(error)) throw error;
    return oneByOne(`not every database could be held: ${error.message}`);
  } finally {
    release(fences);
    for (const fence of fences) fence.close();
  }
}

function pinEach(readers: readonly Reader[]): Cut {
  for (const reader of readers) reader.pin();
  return { isOneInstant: true, reason: null, cutAtMs: Date.now() };
}

/** Each is cut when its turn to be copied comes. */
export function oneByOne(reason: string | null): Cut {
  return { isOneInstant: reason === null, reason, cutAtMs: Date.now() };
}

/** SQLite opens such a file all the same, for reading only, and BEGIN IMMEDIATE then succeeds and locks nobody out. */
function refuseReadOnly(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw Object.assign(new Error('one cannot be written by this process'), { code: codeOf(error) ?? '' });
  }
}

/** One path a file, however many names lead to it. */
function pathsInOrder(readers: readonly Reader[]): string[] {
  const paths = new Map<string, string>();
  for (const { identity, source } of readers) {
    const path = realpathSync(source.path);
    const other = paths.get(identity);
    if (other === undefined || path < other) paths.set(identity, path);
  }
  return [...paths.values()].sort();
}

/** @returns whether all are held */
function holdAll(fences: readonly Database[], waitMs: number): boolean {
  const deadlineMs = performance.now() + waitMs;
  const [first, ...others] = fences;
  for (;;) {
    const isFirstHeld = first === undefined || hold(first, 0);
    if (isFirstHeld && others.every((fence) => hold(fence, HELD_WAIT_MS))) return true;
    release(fences);
    if (performance.now() >= deadlineMs) return false;
    pause(LOOK_EVERY_MS + (isFirstHeld ? Math.random() * GIVE_WAY_MS_MAX : 0));
  }
}

function hold(fence: Database, waitMs: number): boolean {
  try {
    fence.pragma(`busy_timeout = ${waitMs}`);
    fence.exec('begin immediate');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** Nothing was written through them: this only gives the locks back. */
function release(fences: readonly Database[]): void {
  for (const fence of fences) if (fence.open && fence.inTransaction) fence.exec('rollback');
}

/** A file or file system that cannot be written, for one: what SQLite itself says of a fence, not what a reader met. */
function isFenceFailure(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(SQLITE_|E[A-Z]+$)/.test(String(error.code));
}
