/** Where the last whole line of a growing file ends. */
import { closeSync, openSync, readSync } from 'node:fs';
import { codecFor } from '../source/encoding.ts';
import type { LogFile } from '../source/log-file.ts';
import { aligned } from '../source/text-parts.ts';
import { lineEndsOf } from './newlines.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * @param lineBytesMax a line that is longer than this counts as a whole one
 * @returns an offset; the file's size where it cannot be read, or is packed
 */
export function wholeLinesEnd(
  { path, sizeBytes, compression, encoding }: LogFile,
  lineBytesMax: number,
): number {
  if (compression === 'gzip') return sizeBytes;
  const { unitBytes, bigEndian } = codecFor(encoding);
  const ends = lineEndsOf(unitBytes, bigEndian);
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    // Whoever reads the file next finds out what is wrong with it.
    return sizeBytes;
  }
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let end = sizeBytes; end > 0 && sizeBytes - end <= lineBytesMax; ) {
      const start = aligned(Math.max(0, end - PIECE_BYTES));
      const count = readSync(descriptor, piece, 0, end - start, start);
      const found = ends.previous(piece, 0, count);
      if (found >= 0) return start + found + ends.bytes;
      end = start;
    }
    return sizeBytes > lineBytesMax ? sizeBytes : 0;
  } finally {
    closeSync(descriptor);
  }
}
