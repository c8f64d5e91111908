/** Backups in a folder: each a folder of its own, which appears by one rename and goes by another. */
import { chmod, lstat, open, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { BackupTarget, PendingBackup } from '../../backup/target.ts';
import { syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import {
  isBackupId,
  isDataFileName,
  isFileName,
  MANIFEST,
  noteName,
  SMALL_FILE_BYTES_MAX,
} from '../backup-names.ts';
import { fileSizeAt, openFolderPool } from './backup-pool.ts';
import { isFull, isMissing } from './codes.ts';
import { namesIn, openScratch, removeWhole, type Scratch } from './scratch.ts';
import { FILE_MODE, fileBytes, takeFile } from './take-file.ts';
import { targetErrors } from './target-errors.ts';

/** The manifest's name in a backup that is being removed on a disk without room for anything else. */
const REMOVING = 'manifest.removing';

/**
 * Opens a folder of backups: `FOLDER/ID/manifest.json` with its files beside it, `FOLDER/pool`, and `FOLDER/.partial`
 * for what is half made. Anything else in it is not touched. Several processes may have it open.
 *
 * @param folder absolute path; made on the first write
 */
export function openFolderTarget({ folder }: { readonly folder: string }): BackupTarget {
  const root = resolve(folder);
  const scratch = openScratch(root);
  const checked = <T>(work: () => Promise<T>): Promise<T> => targetErrors(root, work);
  const backup = (id: string): Promise<string> => backupFolder(root, id);

  return {
    place: root,
    kind: 'folder',
    workFolder: () => checked(() => scratch.newFolder()),
    freeBytes: () => checked(() => scratch.freeBytes()),

    list: () =>
      checked(async () => {
        const ids: string[] = [];
        for (const name of await namesIn(root)) {
          if (isBackupId(name) && (await hasManifest(join(root, name)))) ids.push(name);
        }
        return ids.sort();
      }),

    readManifest: (id) =>
      checked(async () => {
        const bytes = await readSmall(join(await backup(id), MANIFEST));
        if (bytes === null) throw new ChsError('BACKUP_NOT_FOUND', { id });
        if (bytes === 'too big') throw damaged(id, 'its manifest is too big');
        return bytes;
      }),

    begin: (id) => checked(() => begin(root, scratch, id)),

    fileSize: (id, file) =>
      checked(async () => {
        const at = await backup(id);
        return isFileName(file) ? fileSizeAt(join(at, file)) : null;
      }),

    open: (id, file) =>
      checked(async () => {
        const path = join(await backup(id), isFileName(file) ? file : MANIFEST);
        if (!isFileName(file) || (await fileSizeAt(path)) === null) {
          throw damaged(id, `the file ${file} is missing`);
        }
        return Readable.from(fileBytes(root, path), { objectMode: false });
      }),

    remove: (id) => checked(async () => removeBackup(root, scratch, id, await backup(id))),

    readNote: (name) =>
      checked(async () => {
        const note = noteName(name);
        if (note === null) return null;
        const bytes = await readSmall(join(note.id === null ? root : await backup(note.id), note.file));
        if (bytes !== 'too big') return bytes;
        throw new ChsError('BACKUP_TARGET', { place: root, reason: `${name} is too big` });
      }),

    writeNote: (name, bytes) => checked(() => writeNote(root, scratch, name, bytes)),
    pool: openFolderPool(root, scratch),

    sweep: () =>
      checked(async () => {
        let gone = await scratch.sweep();
        for (const name of await namesIn(root)) {
          if (!isBackupId(name) || (await fileSizeAt(join(root, name, REMOVING))) === null) continue;
          await removeWhole(join(root, name));
          gone += 1;
        }
        return gone;
      }),

    close: () => scratch.close(),
  };
}

/**
 * Makes a backup where nobody looks.
 *
 * @throws ChsError BACKUP_TARGET when there is one of this ID, or one is being made
 */
async function begin(root: string, scratch: Scratch, id: string): Promise<PendingBackup> {
  const refused = (reason: string): ChsError => new ChsError('BACKUP_TARGET', { place: root, reason });
  if (!isBackupId(id)) throw refused('that is no ID of a backup');
  const final = join(root, id);
  const isTaken = (): Promise<boolean> => lstat(final).then(() => true, falseIfMissing);
  if (await isTaken()) throw refused(`it has something of the name ${id} already`);
  const pending = await scratch.newFolder(id);
  let state: 'pending' | 'visible' | 'durable' = 'pending';

  return {
    put: (name, from, options) =>
      targetErrors(root, async () => {
        const to = join(pending, name);
        if (!isDataFileName(name)) throw refused('that is no name of a file of a backup');
        if ((await fileSizeAt(to)) !== null) throw refused(`the backup has a file ${name} already`);
        await takeFile(root, from, to, options);
      }),

    commit: (manifest) =>
      targetErrors(root, async () => {
        if (manifest.length > SMALL_FILE_BYTES_MAX) throw refused('the manifest is too big');
        await writeNew(join(pending, MANIFEST), manifest);
        await chmod(pending, 0o750);
        await syncDirectory(pending);
        // An empty folder would be renamed over.
        if (await isTaken()) throw refused(`it has something of the name ${id} already`);
        await rename(pending, final);
        state = 'visible';
        await syncDirectory(root);
        state = 'durable';
      }),

    discard: () =>
      targetErrors(root, async () => {
        if (state === 'pending') await removeWhole(pending);
        else if (state === 'visible') await removeBackup(root, scratch, id, final);
      }),
  };
}

/** The whole backup goes out of sight by one rename, and is deleted then. */
async function removeBackup(root: string, scratch: Scratch, id: string, folder: string): Promise<void> {
  let doomed = folder;
  try {
    doomed = await scratch.newPath(`removing-${id}`);
    await rename(folder, doomed);
  } catch (error) {
    if (isMissing(error)) throw new ChsError('BACKUP_NOT_FOUND', { id });
    if (!isFull(error)) throw error;
    // To remove backups is how a full disk gets room again, and this needs none.
    doomed = folder;
    await rename(join(folder, MANIFEST), join(folder, REMOVING));
    await syncDirectory(folder);
  }
  await syncDirectory(root);
  await removeWhole(doomed);
}

async function writeNote(root: string, scratch: Scratch, name: string, bytes: Uint8Array): Promise<void> {
  const note = noteName(name);
  if (note === null || bytes.length > SMALL_FILE_BYTES_MAX) {
    const reason = note === null ? 'that is no name of a note' : `${name} is too big`;
    throw new ChsError('BACKUP_TARGET', { place: root, reason });
  }
  const folder = note.id === null ? root : await backupFolder(root, note.id);
  const draft = await scratch.newPath('note');
  try {
    await writeNew(draft, bytes);
    await rename(draft, join(folder, note.file));
    await syncDirectory(folder);
  } catch (error) {
    await removeWhole(draft);
    // Its backup was removed meanwhile.
    if (note.id !== null && isMissing(error)) throw new ChsError('BACKUP_NOT_FOUND', { id: note.id });
    throw error;
  }
}

/** @throws ChsError BACKUP_NOT_FOUND */
async function backupFolder(root: string, id: string): Promise<string> {
  const folder = join(root, id);
  if (!isBackupId(id) || !(await hasManifest(folder))) throw new ChsError('BACKUP_NOT_FOUND', { id });
  return folder;
}

async function hasManifest(folder: string): Promise<boolean> {
  return (await fileSizeAt(join(folder, MANIFEST))) !== null;
}

function falseIfMissing(error: unknown): false {
  if (isMissing(error)) return false;
  throw error;
}

function damaged(id: string, reason: string): ChsError {
  return new ChsError('BACKUP_DAMAGED', { id, reason });
}

/** A small file, whole; null where there is none. */
async function readSmall(path: string): Promise<Uint8Array | 'too big' | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      return size > SMALL_FILE_BYTES_MAX ? 'too big' : await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** A new file, durable; its name is so when its folder is synced. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.chmod(FILE_MODE);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
