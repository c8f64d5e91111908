/** A stored file's three names: the blob's key, the path in the database, the path in replies. */
import type { BlobKey } from '../platform/blobs.ts';

/** The path that goes into the database; `./storage` stands for the root, wherever that is. */
export function filePathOf(key: BlobKey): string {
  return `./storage/${key}`;
}

/**
 * The blob's key of a path in the database. Rows of an earlier server may have other roots, absolute
 * ones too, and backslashes.
 */
export function keyOf(filePath: string): BlobKey {
  const path = filePath.replaceAll('\\', '/');
  const key = /(?:^|\/)((?:minidumps|pdbs|exes)\/[^/]+\/.+)$/.exec(path)?.[1];
  return key ?? path.replace(/^\.\/[^/]+\//, '');
}

/** The path in replies: relative to the parent of the storage root, as documented. */
export function shownPath(filePath: string, rootName: string): string {
  return `./${rootName}/${keyOf(filePath)}`;
}
