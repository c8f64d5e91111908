/** A stored file as a reply. */
import type { BytesReply } from '../operation.ts';
import type { BlobStat, BlobStore } from '../platform/blobs.ts';
import { keyOf } from './paths.ts';
import type { FileRow } from './store.ts';

/** @param found what the blob store says of the row's file */
export function fileReply(blobs: BlobStore, row: FileRow, found: BlobStat, fileName: string): BytesReply {
  const key = keyOf(row.file_path);
  return {
    sizeBytes: found.sizeBytes,
    sha256: row.sha256,
    fileName,
    modifiedAt: found.modifiedAt,
    open: (start, end) => blobs.open(key, start, end),
  };
}
