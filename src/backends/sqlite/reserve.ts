/** Room that a full disk still has for the database: a file beside it, given up so that rows can be deleted. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, rmSync, statSync, truncateSync } from 'node:fs';

/** The shared index of the WAL, and the pages that the deletion of one row touches, several times over. */
const SIZE_BYTES = 512 * 1024;
/** The shared index of a small WAL takes half of it. */
const INDEX_BYTES = 64 * 1024;

export interface Reserve {
  /** Makes it, or what is missing of it, as far as there is room. */
  keep(): void;
  /** Gives up enough of it to open the database; false when there is none. */
  releaseSome(): boolean;
  /** Gives up all that there is of it. */
  release(): void;
}

export function reserveBeside(databasePath: string): Reserve {
  const path = `${databasePath}-reserve`;
  return {
    keep() {
      try {
        // Looked at each time, as other processes give it up, too.
        const kept = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
        if (kept >= SIZE_BYTES) return;
        // Not zeros: file systems that compress would set nothing aside for them.
        appendFileSync(path, randomBytes(SIZE_BYTES - kept), { mode: 0o600 });
      } catch {
        // As much as there was room for is better than nothing.
      }
    },
    releaseSome() {
      try {
        const { size } = statSync(path);
        truncateSync(path, Math.max(0, size - INDEX_BYTES));
        return size > 0;
      } catch {
        return false;
      }
    },
    release() {
      rmSync(path, { force: true });
    },
  };
}
