/** Where the last whole line of a growing file ends. */
import { closeSync } from 'node:fs';
import { codecFor } from '../source/encoding.ts';
import type { LogFile } from '../source/log-file.ts';
import { aligned } from '../source/text-parts.ts';
import { lineEndsOf } from './newlines.ts';
import { openPlain, readPlain, UnreadableFile } from './window.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * @param lineBytesMax a line that is longer than this counts as a whole one
 * @returns an offset; the file's size where it cannot be read, or is packed
 */
export function wholeLinesEnd(file: LogFile, lineBytesMax: number): number {
  const { sizeBytes, compression, encoding } = file;
  if (compression === 'gzip') return sizeBytes;
  const { unitBytes, bigEndian } = codecFor(encoding);
  const ends = lineEndsOf(unitBytes, bigEndian);
  let descriptor: number | null = null;
  try {
    descriptor = openPlain(file);
    // A piece begins where a unit of any encoding can begin, which may be a little further back.
    const piece = Buffer.alloc(PIECE_BYTES + 4);
    for (let end = sizeBytes; end > 0 && sizeBytes - end <= lineBytesMax; ) {
      const start = aligned(Math.max(0, end - PIECE_BYTES));
      const count = readPlain(descriptor, piece, 0, end - start, start);
      const found = ends.previous(piece, 0, count);
      if (found >= 0) return start + found + ends.bytes;
      end = start;
    }
    return sizeBytes > lineBytesMax ? sizeBytes : 0;
  } catch (error) {
    // Whoever reads the file next finds out what is wrong with it.
    if (error instanceof UnreadableFile) return sizeBytes;
    throw error;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
