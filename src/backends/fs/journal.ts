/** The journal of the file-system store: a folder for each process, and which of them are orphans. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../platform/durable.ts';
import { isDeadProcess, keepBeating, processName, stopBeats } from './process-folders.ts';
import { keepReserve, RESERVE } from './reserve.ts';

/** The journal's name below the storage root. */
export const JOURNAL = '.incoming';

export function journalFolder(root: string): string {
  return join(root, JOURNAL);
}

/** This process's folder in the journal of `root`. */
export function processFolder(root: string): string {
  return join(root, JOURNAL, processName());
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
  keepBeating(root, folder);
}

/** This process is done with `root`: its folder goes, unless something is still in it. */
export async function leaveJournal(root: string): Promise<void> {
  await stopBeats(root);
}

/**
 * The folders that dead processes left below `root`, as absolute paths.
 *
 * @param staleAfterMs see `isDeadProcess`
 */
export async function deadFolders(root: string, staleAfterMs: number): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(join(root, JOURNAL)).catch(() => [])) {
    if (name === RESERVE || name === `${processName()}.${RESERVE}`) continue;
    const folder = join(root, JOURNAL, name);
    if (await isDeadProcess(name, folder, staleAfterMs)) dead.push(folder);
  }
  return dead;
}
