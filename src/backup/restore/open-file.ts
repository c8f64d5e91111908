/** Opens what lies on this machine as a source of a restore: a download, a bare database, a folder of a backup. */
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { manifestBytesMax, readManifest } from './read-manifest.ts';
import type { RestoreSource, SourceDatabase } from './source.ts';
import { openZipSource } from './zip-source.ts';

/** The first 16 bytes of every SQLite file: https://www.sqlite.org/fileformat2.html#magic_header_string */
const SQLITE = Buffer.from('SQLite format 3\0', 'latin1');
/** The size of a page and their number stand in here. */
const SQLITE_HEADER_BYTES = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Recognises by content: a zip of GET /backupdb, a SQLite file, one in gzip, a dump of PostgreSQL; a folder by its
 * `manifest.json`, whose files lie beside it and whose pool lies beside the folder.
 *
 * @throws ChsError LOCAL_FILE (it is not there, it is none of these, it is in use), BACKUP_DAMAGED
 */
export async function openFileSource(path: string): Promise<RestoreSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw new ChsError('LOCAL_FILE', { path, reason: reasonOf(error) }, { cause: error });
  });
  if (found.isDirectory()) return openFolderSource(path);
  if (!found.isFile()) throw new ChsError('LOCAL_FILE', { path, reason: 'it is not a file' });
  await refuseLive(path);
  const head = await headOf(path);
  if (head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'))) return openZipSource(path);
  if (head.subarray(0, 16).equals(SQLITE)) return bareSource(path, bare(path, 'sqlite', head, found.size));
  if (head.subarray(0, 5).toString('latin1') === 'PGDMP') {
    return bareSource(path, { ...bare(path, 'postgres', head, found.size), size: found.size });
  }
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const inside = await headOfGzip(path);
    if (inside.subarray(0, 16).equals(SQLITE)) {
      return bareSource(path, { ...bare(path, 'sqlite', inside, found.size), packed: true });
    }
  }
  throw new ChsError('LOCAL_FILE', {
    path,
    reason: 'it is no backup: expected a zip, a SQLite database, plain or in gzip, or a dump of PostgreSQL',
  });
}

/**
 * What has a WAL or a journal beside it is not whole by itself, and somebody may have it open: opening it here, and
 * closing it again, would take the locks of SQLite from a connection of this process.
 */
async function refuseLive(path: string): Promise<void> {
  for (const suffix of ['-wal', '-shm', '-journal']) {
    const beside = await stat(`${path}${suffix}`).catch(() => null);
    if (beside) {
      const reason = `it is in use, or was not closed (${basename(path)}${suffix} is beside it)`;
      throw new ChsError('LOCAL_FILE', { path, reason });
    }
  }
}

async function headOf(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(SQLITE_HEADER_BYTES);
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new ChsError('LOCAL_FILE', { path, reason: reasonOf(error) }, { cause: error });
  }
}

/** The first bytes inside; fewer where it is damaged. */
async function headOfGzip(path: string): Promise<Buffer> {
  const file = createReadStream(path, { highWaterMark: 16 * 1024 });
  const gunzip = createGunzip();
  file.on('error', (error) => gunzip.destroy(error));
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of file.pipe(gunzip)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= SQLITE_HEADER_BYTES) break;
    }
  } catch {
    // Too damaged to tell what it is: what came so far decides.
  } finally {
    file.destroy();
    gunzip.destroy();
  }
  return Buffer.concat(pieces).subarray(0, SQLITE_HEADER_BYTES);
}

function bare(path: string, kind: 'sqlite' | 'postgres', head: Buffer, fileSize: number): SourceDatabase {
  const file = basename(path);
  const stem = file.replace(/\.gz$/i, '');
  const name = stem
    .slice(0, stem.length - extname(stem).length)
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, 64);
  return {
    name: NAME.test(name) ? name : 'database',
    path,
    kind,
    size: kind === 'sqlite' ? declaredSize(head) : null,
    sha256: null,
    pages: null,
    page_size: null,
    schema_sha256: null,
    foreign_key_violations: null,
    server_version: null,
    file,
    file_size: fileSize,
    file_sha256: null,
    packed: false,
  };
}

/**
 * Bytes of a SQLite file by its own header: pages (offset 28) of the page size (offset 16, 1 stands for 65536). The
 * number of pages counts where offset 92 equals the change counter at 24; null where it does not, or is not all there.
 */
function declaredSize(head: Buffer): number | null {
  if (head.length < SQLITE_HEADER_BYTES) return null;
  const pageSize = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16);
  const pages = head.readUInt32BE(28);
  return pages > 0 && head.readUInt32BE(92) === head.readUInt32BE(24) ? pages * pageSize : null;
}

function bareSource(path: string, entry: SourceDatabase): RestoreSource {
  return {
    label: path,
    manifest: { id: null, timestamp: null, databases: [entry], files: null },
    manifestBytes: null,
    open: async (file) => {
      if (file !== entry.file) throw missing(path, file);
      await refuseLive(path);
      return opened(path, path, file);
    },
    openPool: async (sha256) => {
      throw missing(path, sha256);
    },
  };
}

async function openFolderSource(folder: string): Promise<RestoreSource> {
  const manifestPath = join(folder, 'manifest.json');
  const found = await stat(manifestPath).catch(() => null);
  if (!found?.isFile()) {
    throw new ChsError('LOCAL_FILE', { path: folder, reason: 'it is no backup: there is no manifest.json' });
  }
  if (found.size > manifestBytesMax) {
    throw new ChsError('BACKUP_DAMAGED', { id: folder, reason: 'manifest.json is too large' });
  }
  const manifestBytes = await readFile(manifestPath);
  const manifest = readManifest(folder, manifestBytes, (name, kind) =>
    kind === 'sqlite' ? `${name}.db.gz` : `${name}.dump`,
  );
  const known = new Set(manifest.databases.map((entry) => entry.file));
  if (manifest.files) known.add(manifest.files.list);
  const pool = join(dirname(resolve(folder)), 'pool');
  return {
    label: folder,
    manifest,
    manifestBytes,
    open: async (file) => {
      if (!known.has(file)) throw missing(folder, file);
      return opened(join(folder, file), folder, file);
    },
    openPool: async (sha256) => {
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw missing(folder, sha256);
      return opened(
        join(pool, sha256.slice(0, 2), `${sha256}.gz`),
        folder,
        `pool/${sha256.slice(0, 2)}/${sha256}.gz`,
      );
    },
  };
}

async function opened(path: string, label: string, file: string): Promise<Readable> {
  try {
    const handle = await open(path, 'r');
    return handle.createReadStream({ highWaterMark: 256 * 1024 });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw missing(label, file);
    throw new ChsError('LOCAL_FILE', { path, reason: reasonOf(error) }, { cause: error });
  }
}

function missing(label: string, file: string): ChsError {
  return new ChsError('BACKUP_DAMAGED', { id: label, reason: `${file} is missing` });
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return 'there is no such file';
  if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') return 'it may not be read';
  return codeOf(error) ?? 'it cannot be read';
}
