/** The key that a server without a configured one makes for itself: readable by its own user only. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'api_key';

/** The generated key in `dataFolder` (the database's), or null when there is none or it cannot be read. */
export function readGeneratedKey(dataFolder: string): string | null {
  try {
    const key = readFileSync(join(dataFolder, FILE), 'utf8').trim();
    return key === '' ? null : key;
  } catch {
    return null;
  }
}

/** The generated key, made now if need be. `created` says that nobody has seen it yet. */
export function ensureGeneratedKey(dataFolder: string): { key: string; path: string; created: boolean } {
  const path = join(dataFolder, FILE);
  const existing = readGeneratedKey(dataFolder);
  if (existing) return { key: existing, path, created: false };
  mkdirSync(dataFolder, { recursive: true });
  const key = randomBytes(32).toString('base64url');
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // A link fails where a file is: of two processes that start at once, one makes the key.
    linkSync(draft, path);
  } catch (error) {
    const theirs = readGeneratedKey(dataFolder);
    if (!theirs) throw error;
    return { key: theirs, path, created: false };
  } finally {
    unlinkSync(draft);
  }
  return { key, path, created: true };
}
