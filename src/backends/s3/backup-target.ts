/** Backups in a bucket: what has a manifest is one, and the manifest comes last and goes first. */
import type { BackupTarget, PendingBackup } from '../../backup/target.ts';
import { ChsError } from '../../platform/errors.ts';
import {
  isBackupId,
  isDataFileName,
  isFileName,
  MANIFEST,
  noteName,
  POOL,
  SMALL_FILE_BYTES_MAX,
} from '../backup-names.ts';
import { openScratch } from '../fs/scratch.ts';
import { targetErrors } from '../fs/target-errors.ts';
import { openS3Pool, readableOf } from './backup-pool.ts';
import { connectToS3, isAbsent, type S3Settings } from './client.ts';
import { forAll, openObjects, type S3Objects } from './objects.ts';
import { openUploader, type Uploader } from './upload.ts';

/** What is older, and belongs to nothing, is of a process that is no more. */
const LEFTOVER_AFTER_MS = 24 * 3_600_000;

export interface S3Place {
  readonly bucket: string;
  /** Without `/` at its ends; may be empty. */
  readonly prefix: string;
}

/**
 * Reads `s3://BUCKET/PREFIX`.
 *
 * @throws ChsError BACKUP_TARGET when it is none
 */
export function parseS3Place(place: string): S3Place {
  const [, bucket, path = ''] =
    /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9])(\/.*)?$/.exec(place) ?? [];
  const segments = path.split('/').filter((segment) => segment !== '');
  // Dots alone are names to S3, but not to the URLs that it is asked with.
  if (bucket === undefined || segments.some((segment) => !/^(?!\.+$)[\w.!@=+,() -]{1,255}$/.test(segment))) {
    const reason = 'expected s3://BUCKET/PREFIX, of letters, digits, - . and _';
    throw new ChsError('BACKUP_TARGET', { place, reason });
  }
  return { bucket, prefix: segments.join('/') };
}

/**
 * Opens backups in a bucket, `PREFIX/ID/manifest.json` with their files beside it and `PREFIX/pool`. Nothing is asked of
 * the server yet.
 *
 * @param workRoot absolute path of a folder for what is on its way; made on first use
 */
export function openS3Target({
  bucket,
  prefix,
  settings,
  workRoot,
}: S3Place & { readonly settings: S3Settings; readonly workRoot: string }): BackupTarget {
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const connection = connectToS3(place, bucket, settings);
  const objects = openObjects(connection, prefix === '' ? '' : `${prefix}/`);
  const uploader = openUploader(objects);
  const scratch = openScratch(workRoot);
  const damaged = (id: string, reason: string): ChsError => new ChsError('BACKUP_DAMAGED', { id, reason });

  return {
    place,
    kind: 's3',
    workFolder: () => targetErrors(workRoot, () => scratch.newFolder()),
    freeBytes: () => targetErrors(workRoot, () => scratch.freeBytes()),
    list: () => listBackups(objects),

    async readManifest(id) {
      const bytes = isBackupId(id)
        ? await objects.readSmall(`${id}/${MANIFEST}`, SMALL_FILE_BYTES_MAX)
        : null;
      if (bytes === null) throw new ChsError('BACKUP_NOT_FOUND', { id });
      if (bytes === 'too big') throw damaged(id, 'its manifest is too big');
      return bytes;
    },

    begin: (id) => begin(objects, uploader, id),

    async fileSize(id, file) {
      await needBackup(objects, id);
      return isFileName(file) ? ((await objects.head(`${id}/${file}`))?.sizeBytes ?? null) : null;
    },

    async open(id, file) {
      await needBackup(objects, id);
      const missing = (): ChsError => damaged(id, `the file ${file} is missing`);
      if (!isFileName(file) || (await objects.head(`${id}/${file}`)) === null) throw missing();
      return readableOf(objects, `${id}/${file}`, missing);
    },

    async remove(id) {
      await needBackup(objects, id);
      await objects.remove(`${id}/${MANIFEST}`);
      await removeBelow(objects, `${id}/`);
    },

    async readNote(name) {
      const note = noteName(name);
      if (note === null) return null;
      if (note.id !== null) await needBackup(objects, note.id);
      const bytes = await objects.readSmall(name, SMALL_FILE_BYTES_MAX);
      if (bytes === 'too big') throw connection.refusal(`${name} is too big`);
      return bytes;
    },

    async writeNote(name, bytes) {
      const note = noteName(name);
      if (note === null) throw connection.refusal('that is no name of a note');
      if (bytes.length > SMALL_FILE_BYTES_MAX) throw connection.refusal(`${name} is too big`);
      if (note.id !== null) await needBackup(objects, note.id);
      await uploader.replace(name, bytes);
    },

    pool: openS3Pool(objects, uploader),

    async sweep() {
      const here = await targetErrors(workRoot, () => scratch.sweep());
      return here + (await sweepBackups(objects)) + (await sweepUploads(objects));
    },

    async close() {
      connection.close();
      await scratch.close();
    },
  };
}

async function listBackups(objects: S3Objects): Promise<string[]> {
  const found: string[] = [];
  const folders: string[] = [];
  for await (const name of objects.listFolders()) if (isBackupId(name)) folders.push(name);
  await forAll(folders, async (id) => {
    if ((await objects.head(`${id}/${MANIFEST}`)) !== null) found.push(id);
  });
  return found.sort();
}

/** @throws ChsError BACKUP_NOT_FOUND */
async function needBackup(objects: S3Objects, id: string): Promise<void> {
  if (!isBackupId(id) || (await objects.head(`${id}/${MANIFEST}`)) === null) {
    throw new ChsError('BACKUP_NOT_FOUND', { id });
  }
}

async function removeBelow(objects: S3Objects, below: string): Promise<number> {
  const keys: string[] = [];
  for await (const { key } of objects.list(below)) keys.push(key);
  await forAll(keys, (key) => objects.remove(key));
  return keys.length;
}

/** Files are put under the backup's ID at once: without a manifest they are no backup. */
async function begin(objects: S3Objects, uploader: Uploader, id: string): Promise<PendingBackup> {
  const { refusal } = objects.connection;
  if (!isBackupId(id)) throw refusal('that is no ID of a backup');
  const isTaken = async (): Promise<boolean> => (await objects.head(`${id}/${MANIFEST}`)) !== null;
  if (await isTaken()) throw refusal(`it has a backup ${id} already`);
  let state: 'pending' | 'committing' | 'done' = 'pending';
  const files: string[] = [];

  return {
    async put(name, from, options) {
      if (!isDataFileName(name)) throw refusal('that is no name of a file of a backup');
      if ((await uploader.putFile(`${id}/${name}`, from, options)) === 'taken') {
        throw refusal(`the backup has a file ${name} already`);
      }
      files.push(name);
    },

    async commit(manifest) {
      if (manifest.length > SMALL_FILE_BYTES_MAX) throw refusal('the manifest is too big');
      // Another machine may have taken them for leftovers, where one backup takes more than a day.
      await forAll(files, async (name) => {
        if ((await objects.head(`${id}/${name}`)) === null)
          throw refusal(`the file ${name} was removed meanwhile`);
      });
      state = 'committing';
      const put = await uploader.putBytes(`${id}/${MANIFEST}`, manifest);
      state = 'done';
      // Nothing of a backup that others made may be taken back then.
      if (put === 'taken') throw refusal(`it has a backup ${id} already`);
    },

    async discard() {
      if (state === 'done') return;
      if (state === 'committing') await objects.remove(`${id}/${MANIFEST}`);
      // One that is there now was made by others under the same ID.
      else if (await isTaken()) return;
      await removeBelow(objects, `${id}/`);
      for await (const upload of objects.listUploads()) {
        if (upload.key.startsWith(`${id}/`)) await objects.abortUpload(upload);
      }
      state = 'done';
    },
  };
}

/** Files without a manifest, when none of them is new: a backup that is being made goes on getting some. */
async function sweepBackups(objects: S3Objects): Promise<number> {
  let gone = 0;
  const before = Date.now() - LEFTOVER_AFTER_MS;
  const folders: string[] = [];
  for await (const name of objects.listFolders()) if (isBackupId(name)) folders.push(name);
  await forAll(folders, async (id) => {
    if ((await objects.head(`${id}/${MANIFEST}`)) !== null) return;
    for await (const { modifiedMs } of objects.list(`${id}/`)) if (modifiedMs > before) return;
    const removed = await removeBelow(objects, `${id}/`);
    gone += removed;
  });
  return gone;
}

async function sweepUploads(objects: S3Objects): Promise<number> {
  let gone = 0;
  for await (const upload of objects.listUploads()) {
    const [first = ''] = upload.key.split('/');
    const isOurs = isBackupId(first) || first === POOL;
    if (!isOurs || upload.startedMs > Date.now() - LEFTOVER_AFTER_MS) continue;
    try {
      await objects.abortUpload(upload);
      gone += 1;
    } catch (error) {
      // Another process sweeps as well.
      if (!isAbsent(error)) throw error;
    }
  }
  return gone;
}
