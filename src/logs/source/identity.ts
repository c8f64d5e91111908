/** Whether a file is still the one that was looked at. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FileIdentity, LogFile } from './log-file.ts';
import { readAt } from './reading.ts';

export const HEAD_BYTES_MAX = 4096;

/** What is there now under a file's name. */
export interface FileState {
  readonly sizeBytes: number;
  readonly identity: FileIdentity;
}

export type Change = 'same' | 'grew' | 'truncated' | 'replaced' | 'gone';

/** Reads what tells an open file from others: its place on the disk, and the hash of its first bytes. */
export async function identify(
  handle: FileHandle,
  stats: BigIntStats,
  headBytesMax = HEAD_BYTES_MAX,
): Promise<FileIdentity> {
  return identityOf(await readAt(handle, headBytesMax, 0), stats);
}

/** The same of a beginning that was read already; what is longer than 4,096 bytes is cut. */
export function identityOf(bytes: Buffer, stats: BigIntStats): FileIdentity {
  const head = bytes.subarray(0, HEAD_BYTES_MAX);
  return {
    device: String(stats.dev),
    inode: String(stats.ino),
    headHash: createHash('sha256').update(head).digest('hex'),
    headBytes: head.length,
  };
}

/**
 * What has become of a file.
 *
 * @param now null: there is none of that name; the hash is that of as many first bytes as the known one's
 * @returns 'replaced' also for a gzip file of another size: its old end is no place to go on from
 */
export function compareIdentity(known: LogFile, now: FileState | null): Change {
  if (now === null) return 'gone';
  const { device, inode, headHash, headBytes } = known.identity;
  if (now.identity.device !== device || now.identity.inode !== inode) return 'replaced';
  if (now.sizeBytes < known.sizeBytes) return known.compression === 'gzip' ? 'replaced' : 'truncated';
  if (now.identity.headBytes !== headBytes || now.identity.headHash !== headHash) return 'replaced';
  if (now.sizeBytes === known.sizeBytes) return 'same';
  return known.compression === 'gzip' ? 'replaced' : 'grew';
}
