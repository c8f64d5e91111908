/** The key that a server without a configured one makes for itself: readable by its own user only. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChsError } from './errors.ts';

const FILE = 'api_key';
/** Longer than every key; nobody reads a disk image by mistake. */
const FILE_BYTES_MAX = 4096;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'a file stands where a folder should be',
  ENOTDIR: 'a file stands where a folder should be',
};

export interface GeneratedKey {
  readonly key: string;
  readonly path: string;
  /** Nobody has seen it yet. */
  readonly created: boolean;
  /** Other users of this machine can read the file. */
  readonly exposed: boolean;
}

/** The generated key in `dataFolder` (the database's), or null when there is none or it cannot be read. */
export function readGeneratedKey(dataFolder: string): string | null {
  try {
    return load(join(dataFolder, FILE))?.key ?? null;
  } catch {
    return null;
  }
}

/**
 * The generated key, made now if need be.
 *
 * @throws ChsError KEY_UNUSABLE for a file that holds no key, KEY_UNWRITABLE
 */
export function ensureGeneratedKey(dataFolder: string): GeneratedKey {
  const path = join(dataFolder, FILE);
  return load(path) ?? make(dataFolder, path);
}

/**
 * Null when there is no such file.
 *
 * @throws ChsError KEY_UNUSABLE
 */
function load(path: string): GeneratedKey | null {
  const unusable = (reason: string, cause?: unknown): ChsError =>
    new ChsError('KEY_UNUSABLE', { path, reason }, { cause });
  try {
    const found = statSync(path);
    if (!found.isFile()) throw unusable('it is not a file');
    if (found.size > FILE_BYTES_MAX) throw unusable('the file is too large');
    const key = readFileSync(path, 'utf8').trim();
    if (key === '') throw unusable('the file is empty');
    // What travels in an HTTP header, as for keys of the configuration.
    if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
      throw unusable('a key is 1 to 512 visible ASCII characters, without spaces');
    }
    // Windows has no such modes, and says 666 of everything.
    const exposed = process.platform !== 'win32' && (found.mode & 0o077) !== 0;
    return { key, path, created: false, exposed };
  } catch (error) {
    if (error instanceof ChsError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unusable(`it cannot be read (${code})`, error);
  }
}

/** @throws ChsError KEY_UNWRITABLE, KEY_UNUSABLE */
function make(dataFolder: string, path: string): GeneratedKey {
  const key = randomBytes(32).toString('base64url');
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dataFolder, { recursive: true });
    try {
      writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: 'wx' });
      // A link fails where a file is: of two processes that start at once, one makes the key.
      linkSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (error) {
    const theirs = codeOf(error) === 'EEXIST' ? load(path) : null;
    if (theirs) return theirs;
    throw new ChsError(
      'KEY_UNWRITABLE',
      { path: dataFolder, reason: REASONS[codeOf(error)] ?? codeOf(error) },
      { cause: error },
    );
  }
  return { key, path, created: true, exposed: false };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
