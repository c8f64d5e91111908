/** The folders that a restore makes on its way, so that one that fails can take them back. */
import { rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../platform/durable.ts';

export interface MadeFolders {
  /** Makes a folder with all above it that is missing, each of them durable. @throws a system error */
  readonly make: (path: string, mode: number) => Promise<void>;
  /** Removes those of them that are empty. What is in the others somebody has put there. */
  readonly removeEmpty: () => Promise<void>;
}

export function trackFolders(): MadeFolders {
  const made: string[] = [];
  return {
    async make(path, mode) {
      // One by one: when the third cannot be made, the first two are known.
      for (const folder of await missingOf(path)) {
        await makeFolder(folder, mode, () => void made.push(folder));
      }
    },
    async removeEmpty() {
      // What is in another one has the longer name. One that cannot be removed is no failure of its own.
      for (const folder of made.sort((a, b) => b.length - a.length)) await rmdir(folder).catch(() => {});
    },
  };
}

/** The highest first. */
async function missingOf(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; at !== dirname(at) && !(await stat(at).catch(() => null)); at = dirname(at))
    missing.unshift(at);
  return missing;
}
