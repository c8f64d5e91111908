/** Reading a stored file again: for what its row does not say, as with those of an earlier server, which never looked inside. */
import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../platform/blobs.ts';
import { type ByteSource, FormatError } from './formats/bytes.ts';
import type { Minidump } from './formats/minidump.ts';
import type { Pe } from './formats/pe.ts';
import { inspectExe, inspectMinidump } from './inspect.ts';
import { keyOf } from './paths.ts';

/** What the stored dump says; null when its file is gone or cannot be parsed. */
export async function readStoredMinidump(blobs: BlobStore, filePath: string): Promise<Minidump | null> {
  return readStored(blobs, filePath, async (source) => (await inspectMinidump(source)).parsed);
}

/** What the stored image says; null when its file is gone or cannot be parsed. */
export async function readStoredImage(blobs: BlobStore, filePath: string): Promise<Pe | null> {
  return readStored(blobs, filePath, async (source) => (await inspectExe(source)).parsed);
}

async function readStored<T>(
  blobs: BlobStore,
  filePath: string,
  inspect: (source: ByteSource) => Promise<T>,
): Promise<T | null> {
  const key = keyOf(filePath);
  const found = await blobs.stat(key);
  if (!found) return null;
  const source: ByteSource = {
    sizeBytes: found.sizeBytes,
    read: (offset, length) => buffer(blobs.open(key, offset, offset + length - 1)),
  };
  try {
    return await inspect(source);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
