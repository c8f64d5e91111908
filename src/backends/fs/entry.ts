/** One entry of the journal: the bytes, if any, and which file at which key the entry answers for. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobKey } from '../../platform/blobs.ts';
import { syncDirectory, writeSynced } from '../../platform/durable.ts';
import { isMissing } from './codes.ts';
import { joinJournal, processFolder } from './journal.ts';

/**
 * Knows one file again. A device number would not survive a restart; where inode numbers do not
 * either (FAT), a leftover stays rather than that a wrong file goes.
 */
export interface FileMark {
  readonly inode: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** What an entry is about to do, written down before it does it. */
export interface Intent {
  readonly key: BlobKey;
  /** Of the file that is at `key` if the entry got so far. */
  readonly mark: FileMark;
  /** The key may be taken by an empty file that waits for the bytes (see `claimInto`). */
  readonly claimed: boolean;
}

export const dataOf = (entry: string): string => join(entry, 'data');

/** A new folder in this process's part of the journal, as an absolute path. */
export async function newEntry(root: string): Promise<string> {
  const entry = join(processFolder(root), randomUUID());
  await joinJournal(root);
  await mkdir(entry, { mode: 0o700 });
  return entry;
}

/** The intent is on disk when this returns, so that no crash leaves a file that nobody knows of. */
export async function writeIntent(entry: string, intent: Intent): Promise<void> {
  await writeSynced(join(entry, 'intent'), JSON.stringify(intent));
  await syncDirectory(entry);
  await syncDirectory(join(entry, '..'));
}

/** Null when the entry did not get so far. */
export async function readIntent(entry: string): Promise<Intent | null> {
  try {
    return JSON.parse(await readFile(join(entry, 'intent'), 'utf8')) as Intent;
  } catch (error) {
    // Half-written: what it announces has not been done yet.
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function removeEntry(entry: string): Promise<void> {
  // On Windows a virus scanner may hold a new file for a moment.
  await rm(entry, { recursive: true, force: true, maxRetries: 5 });
}

/** Null when there is no such file. */
export async function markOf(path: string): Promise<FileMark | null> {
  try {
    const found = await stat(path, { bigint: true });
    return {
      inode: String(found.ino),
      sizeBytes: Number(found.size),
      modifiedMs: Number(found.mtimeMs),
    };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export function isSameFile(one: FileMark, other: FileMark): boolean {
  return (
    one.inode === other.inode && one.sizeBytes === other.sizeBytes && one.modifiedMs === other.modifiedMs
  );
}
