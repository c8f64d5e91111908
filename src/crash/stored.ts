/** Reading a stored file again: for rows of an earlier server, which kept what clients said and never looked inside. */
import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../platform/blobs.ts';
import { type ByteSource, FormatError } from './formats/bytes.ts';
import type { Minidump } from './formats/minidump.ts';
import { inspectMinidump } from './inspect.ts';
import { keyOf } from './paths.ts';

/** What the stored dump says; null when its file is gone or cannot be parsed. */
export async function readStoredMinidump(blobs: BlobStore, filePath: string): Promise<Minidump | null> {
  const key = keyOf(filePath);
  const found = await blobs.stat(key);
  if (!found) return null;
  const source: ByteSource = {
    sizeBytes: found.sizeBytes,
    read: (offset, length) => buffer(blobs.open(key, offset, offset + length - 1)),
  };
  try {
    return (await inspectMinidump(source)).parsed;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
