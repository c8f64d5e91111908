/** Makes what the backup worker wrote durable. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { codeOf } from '../../../platform/system-error.ts';

/** Like `syncDirectory`, without the promises of node:fs, which take memory. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    closeSync(folder);
  }
}
