/**
 * Room for one removal's intent on a full disk: a folder of the journal with blocks that are on disk
 * already and are only written over. Whoever renames the folder has it, until it is renamed back.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncDirectory, writeSynced } from '../../platform/durable.ts';

/** The folder while nobody has it; the owner's name with this ending while somebody does. */
export const RESERVE = 'reserve';

/** One block of most file systems, and far more than the longest key takes. */
const SIZE_BYTES = 4096;
/** What JSON.parse refuses, as it does a text of which only a part was written. */
const BLANK = ' '.repeat(SIZE_BYTES);

const RETRY_PAUSE_MS = 20;
const RETRIES_MAX = 250;

const entryIn = (folder: string): string => join(folder, 'entry');
const intentIn = (folder: string): string => join(entryIn(folder), 'intent');

/**
 * Makes the reserve where there is none. On a disk that is full already there will be none, which is
 * no reason to refuse what is about to be done.
 *
 * @param scratch a folder of this process's own, where what is half made is swept
 */
export async function keepReserve(journal: string, scratch: string): Promise<void> {
  const draft = join(scratch, randomUUID());
  try {
    const names = await readdir(journal);
    if (names.some((name) => name === RESERVE || name.endsWith(`.${RESERVE}`))) return;
    await mkdir(entryIn(draft), { recursive: true, mode: 0o700 });
    await writeSynced(intentIn(draft), BLANK);
    await syncDirectory(entryIn(draft));
    await syncDirectory(draft);
    await rename(draft, join(journal, RESERVE));
    await syncDirectory(journal);
  } catch {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Writes an intent without a new block on the disk.
 *
 * @param folder the name that the reserve gets in the journal while it is ours
 * @returns false when there is no reserve, or others have it for too long
 */
export async function writeReserve(journal: string, folder: string, intent: string): Promise<boolean> {
  if (Buffer.byteLength(intent) > SIZE_BYTES) return false;
  for (let attempt = 0; attempt < RETRIES_MAX; attempt += 1) {
    if (await take(journal, folder)) {
      try {
        await overwrite(folder, Buffer.from(intent));
        return true;
      } catch (error) {
        // Not every file system writes over blocks in place (btrfs, ZFS).
        await rename(folder, join(journal, RESERVE));
        throw error;
      }
    }
    const names = await readdir(journal).catch(() => []);
    if (!names.some((name) => name === RESERVE || name.endsWith(`.${RESERVE}`))) return false;
    await sleep(RETRY_PAUSE_MS);
  }
  return false;
}

/** The intent is done with: the next one may have the reserve. */
export async function returnReserve(journal: string, folder: string): Promise<void> {
  try {
    await overwrite(folder, Buffer.from(BLANK));
    await rename(folder, join(journal, RESERVE));
  } catch {
    // Somebody may have made another meanwhile, and one is enough; or the file system has no room to write
    // over it. What was intended is done in either case.
    await rm(folder, { recursive: true, force: true });
  }
}

async function take(journal: string, folder: string): Promise<boolean> {
  const reserve = join(journal, RESERVE);
  const now = new Date();
  try {
    // A folder that nobody touched for long counts as a dead process's.
    await utimes(reserve, now, now);
    await rename(reserve, folder);
  } catch {
    // Gone, or, on Windows, open in another process: in either case it is not ours now.
    return false;
  }
  // Before the intent: under its common name nobody would look into it after a crash.
  await syncDirectory(journal);
  return true;
}

/** In place: to cut the file off first would give its blocks away. */
async function overwrite(folder: string, bytes: Uint8Array): Promise<void> {
  const file = await open(intentIn(folder), 'r+');
  try {
    await file.write(bytes, 0, bytes.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}
