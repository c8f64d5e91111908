/** The pool of a bucket of backups: files that several of them share, by the SHA-256 of their content. */
import { Readable } from 'node:stream';
import type { FilePool } from '../../backup/target.ts';
import { ChsError } from '../../platform/errors.ts';
import { POOL, poolFileHash, poolKey } from '../backup-names.ts';
import { isAbsent } from './client.ts';
import type { S3Objects } from './objects.ts';
import type { Uploader } from './upload.ts';

export function openS3Pool(objects: S3Objects, uploader: Uploader): FilePool {
  const keyOf = (sha256: string): string | null => {
    const key = poolKey(sha256);
    return key === null ? null : `${POOL}/${key}`;
  };
  const missing = (sha256: string): ChsError =>
    new ChsError('BACKUP_DAMAGED', { id: POOL, reason: `the file ${sha256} is missing` });

  return {
    async size(sha256) {
      const key = keyOf(sha256);
      return key === null ? null : ((await objects.head(key))?.sizeBytes ?? null);
    },

    async put(sha256, from, options) {
      const key = keyOf(sha256);
      if (key === null) throw new Error(`${JSON.stringify(sha256)} is no SHA-256`);
      if ((await objects.head(key, options.signal)) !== null) return;
      // Taken: another process was faster, with the same content, maybe in other compressed bytes.
      await uploader.putFile(key, from, options);
    },

    async open(sha256) {
      const key = keyOf(sha256);
      if (key === null || (await objects.head(key)) === null) throw missing(sha256);
      return readableOf(objects, key, () => missing(sha256));
    },

    async *list() {
      for await (const { key, modifiedMs, sizeBytes } of objects.list(`${POOL}/`)) {
        const sha256 = poolFileHash(key.slice(key.lastIndexOf('/') + 1));
        if (sha256 !== null && keyOf(sha256) === key) yield { sha256, putAtMs: modifiedMs, sizeBytes };
      }
    },

    async remove(sha256) {
      const key = keyOf(sha256);
      if (key !== null) await objects.remove(key);
    },
  };
}

/** A stream of an object's bytes, asked for when it is read. */
export function readableOf(objects: S3Objects, key: string, missing: () => Error): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* objects.read(key);
    } catch (error) {
      throw isAbsent(error) ? missing() : error;
    }
  }
  return Readable.from(bytes(), { objectMode: false });
}
