/** Progress of one transfer as one line on stderr, for a person who watches. */
import { Transform } from 'node:stream';
import { cut, measureFor } from './table.ts';

export interface Progress {
  /** Counts what passes through it. */
  readonly meter: Transform;
  /** Takes the line away. */
  clear(): void;
}

export interface ProgressOptions {
  readonly label: string;
  readonly sizeBytes: number | null;
  /** Draw at all: stderr is a terminal and nobody asked for quiet. */
  readonly visible: boolean;
}

const REDRAW_MS = 100;
/** A transfer shorter than this shows nothing: a line that flashes up says nothing. */
const PATIENCE_MS = 300;
const ERASE_LINE = '\r\u001B[K';

export function createProgress({ label, sizeBytes, visible }: ProgressOptions): Progress {
  const startedAt = Date.now();
  let drawnAt = startedAt + PATIENCE_MS - REDRAW_MS;
  let doneBytes = 0;
  let drawn = false;
  // Until the real measure is loaded, long before the first line, whatever is not ASCII counts as wide.
  let measure = (text: string): number => text.replace(/[^\x20-\x7e]/gu, '__').length;
  if (visible) void measureFor([[label]]).then((exact) => (measure = exact));
  const draw = (now: number): void => {
    drawnAt = now;
    drawn = true;
    const room = Math.max(20, (process.stderr.columns || 80) - 1);
    const figures = progressFigures(doneBytes, sizeBytes, now - startedAt);
    process.stderr.write(`${ERASE_LINE}${progressLine(label, figures, room, measure)}`);
  };
  const meter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      doneBytes += piece.length;
      const now = visible ? Date.now() : 0;
      if (visible && now - drawnAt >= REDRAW_MS) draw(now);
      done(null, piece);
    },
  });
  // Whoever reads from it reports its errors; one that comes after the last reader left is nobody's.
  meter.on('error', () => {});
  return {
    meter,
    clear() {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}

/**
 * `crash.dmp  42 %  42.0 MB of 100.0 MB  180.5 MB/s` on one line of the terminal: the label is cut first.
 *
 * @param room columns
 * @param measure counts the columns of a text
 */
export function progressLine(
  label: string,
  figures: string,
  room: number,
  measure: (text: string) => number,
): string {
  const shown = cut(label, room - figures.length - 2, measure);
  return (shown === '' ? figures : `${shown}  ${figures}`).slice(0, room);
}

/** `42 %  42.0 MB of 100.0 MB  180.5 MB/s` */
export function progressFigures(doneBytes: number, sizeBytes: number | null, elapsedMs: number): string {
  const rate = `${shownBytes((doneBytes * 1000) / Math.max(1, elapsedMs))}/s`;
  if (sizeBytes === null || sizeBytes === 0) return `${shownBytes(doneBytes)}  ${rate}`;
  const percent = Math.min(100, Math.floor((doneBytes * 100) / sizeBytes));
  return `${percent} %  ${shownBytes(doneBytes)} of ${shownBytes(sizeBytes)}  ${rate}`;
}

/** `512 B`, `1.5 KB`, `100.0 MB`: units of 1024, as the limits count. */
export function shownBytes(bytes: number): string {
  let value = bytes;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}
