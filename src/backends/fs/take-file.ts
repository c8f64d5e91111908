/** Takes finished files into a place of backups, durable and compared with their hash, and reads them again. */
import { createHash } from 'node:crypto';
import { chmod, type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import type { LocalFile, TransferOptions } from '../../backup/target.ts';
import { createCollector, SAME_BUFFERS_EVERY_BYTES } from '../../platform/collect.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { targetError } from './target-errors.ts';

const PIECE_BYTES = 256 * 1024;
/** It is on another disk, or cannot be taken away from where it is. */
const COPY_INSTEAD = new Set(['EXDEV', 'EACCES', 'EPERM', 'EROFS', 'EBUSY']);

export const FILE_MODE = 0o640;

/**
 * Moves a file to `to`, where nothing is, or copies it from another disk; reads it back, and waits until it is on disk.
 *
 * @throws ChsError BACKUP_TARGET when other bytes are read back than `from` promises, and the file is gone then;
 *   errors of the system as they come; the signal's reason
 */
export async function takeFile(
  place: string,
  from: LocalFile,
  to: string,
  { signal, onBytes }: TransferOptions,
): Promise<void> {
  signal.throwIfAborted();
  // Progress is told of one pass: that of the copy, where there is one.
  let told = onBytes;
  try {
    if (!(await isMoved(from.path, to))) {
      await copy(from.path, to, { signal, ...(onBytes && { onBytes }) });
      told = undefined;
    }
    await chmod(to, FILE_MODE);
    const file = await open(to, 'r+');
    try {
      const hash = createHash('sha256');
      const sizeBytes = await eachPiece(file, async (piece) => {
        signal.throwIfAborted();
        hash.update(piece);
        told?.(piece.length);
      });
      if (sizeBytes !== from.sizeBytes || hash.digest('hex') !== from.sha256) {
        const reason = 'a file does not read back as it was written';
        throw new ChsError('BACKUP_TARGET', { place, reason });
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await unlink(to).catch(() => {});
    throw error;
  }
}

/** The bytes of a file, which is opened when the first is asked for. Errors are those of `targetErrors`. */
export async function* fileBytes(place: string, path: string): AsyncGenerator<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      for (let position = 0; ; ) {
        // A buffer of its own for each piece: whoever reads may keep some of them.
        const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw targetError(place, error);
  }
}

/** False when the file stayed where it was. */
async function isMoved(from: string, to: string): Promise<boolean> {
  const found = await lstat(from).catch((cause: unknown) => {
    // Not the place's fault: whoever made the file should have it.
    throw new Error('a file for a backup is gone', { cause });
  });
  // A link would be moved itself, and lead out of the backup.
  if (!found.isFile()) return false;
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (!COPY_INSTEAD.has(codeOf(error) ?? '')) throw error;
    return false;
  }
}

async function copy(from: string, to: string, { signal, onBytes }: TransferOptions): Promise<void> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'wx', FILE_MODE);
    try {
      await eachPiece(source, async (piece) => {
        signal.throwIfAborted();
        for (let at = 0; at < piece.length; ) at += (await target.write(piece, at)).bytesWritten;
        onBytes?.(piece.length);
      });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Gives the number of bytes. All pieces are in one buffer: each is good until the next. */
async function eachPiece(file: FileHandle, use: (piece: Buffer) => Promise<void>): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const collect = createCollector(SAME_BUFFERS_EVERY_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return position;
    position += bytesRead;
    collect(bytesRead);
    await use(buffer.subarray(0, bytesRead));
  }
}
