/** Progress of many transfers as one line on stderr: files done, bytes, rate. One transfer has a line of its own. */
import { Transform } from 'node:stream';
import { createProgress, shownBytes } from './progress.ts';

const REDRAW_MS = 100;
const PATIENCE_MS = 300;
const ERASE_LINE = '\r\u001B[K';

/** Counts the bytes of one file, as often as they are read. */
export interface Meter {
  /** What the bytes of one reading pass through. */
  stream(): Transform;
  /** The file is done with. */
  end(): void;
}

export interface BatchProgress {
  /** @param sizeBytes null when it is not known */
  open(label: string, sizeBytes: number | null): Meter;
  /** Takes the line away, for whatever is to be written; it comes back by itself. */
  clear(): void;
}

/** @param visible draw at all: stderr is a terminal and nobody asked for quiet */
export function createBatchProgress(fileCount: number, visible: boolean): BatchProgress {
  return fileCount === 1 ? forOne(visible) : forMany(fileCount, visible);
}

function forOne(visible: boolean): BatchProgress {
  let clear = (): void => {};
  return {
    open: (label, sizeBytes) => ({
      stream() {
        clear();
        const progress = createProgress({ label, sizeBytes, visible });
        clear = progress.clear;
        return progress.meter;
      },
      end: () => clear(),
    }),
    clear: () => clear(),
  };
}

function forMany(fileCount: number, visible: boolean): BatchProgress {
  const startedAt = Date.now();
  let drawnAt = startedAt + PATIENCE_MS - REDRAW_MS;
  let drawn = false;
  let files = 0;
  let bytes = 0;
  const draw = (): void => {
    const now = Date.now();
    if (!visible || now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    drawn = true;
    const line = batchLine(files, fileCount, bytes, now - startedAt);
    process.stderr.write(`${ERASE_LINE}${line.slice(0, Math.max(20, (process.stderr.columns || 80) - 1))}`);
  };
  return {
    open: () => ({
      stream() {
        const meter = new Transform({
          transform(piece: Buffer, _encoding, done) {
            bytes += piece.length;
            draw();
            done(null, piece);
          },
        });
        // Whoever reads from it reports its errors.
        meter.on('error', () => {});
        return meter;
      },
      end() {
        files += 1;
        draw();
      },
    }),
    clear() {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}

/** `12 of 57 files  340.2 MB  45.0 MB/s` */
function batchLine(files: number, fileCount: number, bytes: number, elapsedMs: number): string {
  const rate = shownBytes((bytes * 1000) / Math.max(1, elapsedMs));
  return `${files} of ${fileCount} files  ${shownBytes(bytes)}  ${rate}/s`;
}
