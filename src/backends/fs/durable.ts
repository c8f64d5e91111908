/** Makes files and directory entries survive a power cut. */
import { open } from 'node:fs/promises';

/** Writes a small file and waits until its bytes are on disk. */
export async function writeSynced(path: string, text: string, mode = 0o600): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until a directory's entries are on disk. Windows has no such call and needs none. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
