/** Databases, backups and processes for the tests of restores. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ZipArchive } from 'archiver';
import type BetterSqlite3 from 'better-sqlite3';
import type { Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import type { DatabaseEntry, FileLine, FilesEntry } from '../../src/backup/manifest.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';
import type { BackupWorker } from '../../src/backup/worker/protocol.ts';

export type Database = BetterSqlite3.Database;

export const ID = '20261130T020000Z-abc123';
export const nowMs = Date.UTC(2026, 10, 30, 2, 0, 5);
export const never = new AbortController().signal;

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function testWorker(t: Test): BackupWorker {
  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  return worker;
}

export function openDatabase(path: string): Database {
  const Driver = loadDriver();
  return new Driver(path);
}

/** A database with so many rows, each of them telling whose it is; closed, and without a WAL. */
export function makeDatabase(path: string, mark: string, rows = 50): void {
  const db = openDatabase(path);
  db.exec('create table item (id integer primary key, mark text not null, body blob not null)');
  addRows(db, mark, rows);
  db.close();
}

export function addRows(db: Database, mark: string, rows: number): void {
  const insert = db.prepare('insert into item (mark, body) values (?, randomblob(700))');
  db.transaction(() => {
    for (let n = 0; n < rows; n += 1) insert.run(mark);
  })();
}

/** Rows by mark, after SQLite's own check; the file is as it was. */
export function rowsOf(path: string): Record<string, number> {
  const db = openDatabase(path);
  try {
    const said = db.pragma('integrity_check', { simple: true });
    if (said !== 'ok') throw new Error(`${path}: ${said}`);
    const rows = db.prepare('select mark, count(*) as n from item group by mark').all() as {
      mark: string;
      n: number;
    }[];
    return Object.fromEntries(rows.map(({ mark, n }) => [mark, n]));
  } finally {
    db.close();
  }
}

export interface MadeBackup {
  readonly folder: string;
  readonly manifest: { databases: DatabaseEntry[]; files: FilesEntry | null };
  /** Writes the manifest as it is now. */
  write(): void;
}

/** A backup in a folder, as a target keeps it, without a signature. */
export async function makeBackup(
  worker: BackupWorker,
  top: string,
  databases: Readonly<Record<string, string>>,
  files?: { readonly database: string; readonly content: Readonly<Record<string, string | Buffer>> },
): Promise<MadeBackup> {
  const folder = join(top, ID);
  mkdirSync(folder, { recursive: true });
  const entries: DatabaseEntry[] = [];
  for (const [name, path] of Object.entries(databases)) {
    const bytes = readFileSync(path);
    const packed = gzipSync(bytes);
    writeFileSync(join(folder, `${name}.db.gz`), packed);
    const checked = await worker.run('check', { path, depth: 'full' }, { signal: never });
    entries.push({
      name,
      path,
      size: bytes.length,
      sha256: sha256(bytes),
      pages: checked.pages,
      page_size: checked.pageSizeBytes,
      schema_sha256: checked.schemaSha256,
      foreign_key_violations: checked.foreignKeyViolations,
      kind: 'sqlite',
      server_version: null,
      file: `${name}.db.gz`,
      file_size: packed.length,
      file_sha256: sha256(packed),
    });
  }
  const manifest = { databases: entries, files: files ? makeFiles(top, folder, files) : null };
  const write = (): void => {
    const text = JSON.stringify({ id: ID, timestamp: '2026-11-30T02:00:00Z', ...manifest });
    writeFileSync(join(folder, 'manifest.json'), text);
  };
  write();
  return { folder, manifest, write };
}

function makeFiles(
  top: string,
  folder: string,
  { database, content }: { database: string; content: Readonly<Record<string, string | Buffer>> },
): FilesEntry {
  const lines: FileLine[] = Object.entries(content).map(([key, text]) => {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    const hash = sha256(bytes);
    mkdirSync(join(top, 'pool', hash.slice(0, 2)), { recursive: true });
    writeFileSync(poolPath(top, hash), gzipSync(bytes));
    return { key, size: bytes.length, sha256: hash, modified_ms: Date.UTC(2025, 4, 6), inode: '7' };
  });
  return { database, path: '/data/storage', missing: [], ...writeList(folder, lines) };
}

export function poolPath(top: string, hash: string): string {
  return join(top, 'pool', hash.slice(0, 2), `${hash}.gz`);
}

/** Writes a list, and gives what the manifest says of it. */
export function writeList(
  folder: string,
  lines: readonly FileLine[],
): Pick<FilesEntry, 'count' | 'size' | 'list' | 'list_size' | 'list_sha256'> {
  const packed = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  writeFileSync(join(folder, 'files.ndjson.gz'), packed);
  return {
    count: lines.length,
    size: lines.reduce((sum, line) => sum + line.size, 0),
    list: 'files.ndjson.gz',
    list_size: packed.length,
    list_sha256: sha256(packed),
  };
}

/** A zip as GET /backupdb gives it. */
export async function makeZip(path: string, entries: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const archive = new ZipArchive();
  const written = pipeline(archive, createWriteStream(path));
  for (const [name, bytes] of Object.entries(entries)) archive.append(Buffer.from(bytes), { name });
  await archive.finalize();
  await written;
}

/**
 * Starts a script of this folder; resolves once it says `ready`.
 *
 * @param detached it leads a group of processes, which can be killed at once
 */
export async function started(
  t: Test,
  script: string,
  args: readonly string[],
  detached = false,
): Promise<ChildProcess> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'], detached });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text) => String(text).includes('ready') && resolve());
    child.once('exit', () => reject(new Error(`${script} ended too early`)));
  });
  return child;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** All files and folders below a folder, `/` between, each with its bytes, so that two can be compared. */
export function treeOf(folder: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
    const path = join(folder, name);
    tree[name] = statSync(path).isDirectory() ? 'folder' : sha256(readFileSync(path));
  }
  return tree;
}
