/** Room that a full disk still has for the database: a file beside it, given up so that rows can be deleted. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';

/** The shared index of the WAL, and the pages that the deletion of one row touches, several times over. */
const SIZE_BYTES = 512 * 1024;
/** The shared index of a small WAL takes half of it. */
const INDEX_BYTES = 64 * 1024;

export interface Reserve {
  /** Makes it where it is not there; without room for it nothing happens. */
  keep(): void;
  /** Gives up enough of it to open the database; false when there is none. */
  releaseSome(): boolean;
  /** Gives up all that there is of it. */
  release(): void;
}

export function reserveBeside(databasePath: string): Reserve {
  const path = `${databasePath}-reserve`;
  let isKept = false;
  return {
    keep() {
      if (isKept) return;
      isKept = true;
      if (existsSync(path)) return;
      try {
        // Not zeros: file systems that compress would set nothing aside for them.
        writeFileSync(path, randomBytes(SIZE_BYTES), { flag: 'wx', mode: 0o600 });
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
        isKept = false;
        rmSync(path, { force: true });
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
      isKept = false;
      rmSync(path, { force: true });
    },
  };
}
