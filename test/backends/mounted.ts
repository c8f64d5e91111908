/** Small and read-only file systems for tests, where this machine lets us mount some. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/**
 * A file system of `sizeBytes` in memory; null where mounting takes rights that this process lacks.
 *
 * @param filesMax so many files and folders fit on it
 */
export function smallDisk(t: Test, sizeBytes: number, filesMax = 10_000): string | null {
  return mounted(t, [['-t', 'tmpfs', '-o', `size=${sizeBytes},nr_inodes=${filesMax}`, 'tmpfs']]);
}

/** The same folder at another path, for reading only; null as above. */
export function readOnlyView(t: Test, folder: string): string | null {
  return mounted(t, [
    ['--bind', folder],
    ['-o', 'remount,ro,bind'],
  ]);
}

/** The mount point is outside of the test's own folder, which goes before teardowns run. */
function mounted(t: Test, mounts: readonly (readonly string[])[]): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  const place = mkdtempSync(join(tmpdir(), 'chs-test-'));
  t.teardown(() => {
    spawnSync('umount', ['--lazy', place]);
    rmdirSync(place);
  });
  const isMounted = mounts.every((options) => spawnSync('mount', [...options, place]).status === 0);
  return isMounted ? place : null;
}
