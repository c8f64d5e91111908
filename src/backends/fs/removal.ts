/** Announces that a file is about to go, on a full disk as well: to remove files is how it gets room again. */
import { isFull } from './codes.ts';
import { type Intent, newEntry, removeEntry, writeIntent } from './entry.ts';
import { journalFolder, ownReserve } from './journal.ts';
import { returnReserve, writeReserve } from './reserve.ts';

/** An intent that is on disk until it is forgotten. */
export interface Announcement {
  forget(): Promise<void>;
}

export async function announceRemoval(root: string, intent: Intent): Promise<Announcement> {
  try {
    return await announceInEntry(root, intent);
  } catch (error) {
    if (!isFull(error)) throw error;
    const [journal, folder] = [journalFolder(root), ownReserve(root)];
    if (!(await writeReserve(journal, folder, JSON.stringify(intent)))) throw error;
    return { forget: () => returnReserve(journal, folder) };
  }
}

async function announceInEntry(root: string, intent: Intent): Promise<Announcement> {
  const entry = await newEntry(root);
  try {
    await writeIntent(entry, intent);
  } catch (error) {
    await removeEntry(entry);
    throw error;
  }
  return { forget: () => removeEntry(entry) };
}
