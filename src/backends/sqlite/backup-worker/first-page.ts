/**
 * Foretells the first page of a copy, so that the copy can be hashed while it is made.
 *
 * SQLite writes the first page last, and a hash begins with it. Almost all of it is known before: it is the source's,
 * with what the reader's transaction says of sizes and what SQLite always writes into a copy. What is left (the schema's
 * root changed in a WAL, a list of free pages that begins elsewhere) makes the foretold page a wrong one; `isFirstPageOf`
 * tells, and the copy is hashed once more. Offsets: https://www.sqlite.org/fileformat2.html, "The Database Header".
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Database } from './database.ts';

const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const PAGE_BYTES_MAX = 65536;
/** One page of 64 KiB is written as 1. */
const PAGE_SIZE_AT = 16;
/** For writing and for reading: 2 where there is a WAL, else 1. */
export const FORMAT_VERSIONS_AT = 18;
const PAGES_AT = 28;
const FREE_TRUNK_AT = 32;
const FREE_PAGES_AT = 36;
/** The three that a copy gets from the file that it is written into (see `prepareSmallCache`), counted up by one commit. */
const COPY_COUNTS = { changes: 24, schema: 40, changesOfVersion: 92 };
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;
const SQLITE_VERSION_AT = 96;

/**
 * The first page as it is in the file; null where it is none of a database.
 *
 * For files that this process has no connection to: to close one of them would drop SQLite's locks.
 */
export function readFirstPage(path: string): Buffer | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  try {
    const file = openSync(path, 'r');
    try {
      const start = Buffer.alloc(PAGE_BYTES_MAX);
      const length = readSync(file, start, 0, start.length, 0);
      const written = start.readUInt16BE(PAGE_SIZE_AT);
      const pageSizeBytes = written === 1 ? PAGE_BYTES_MAX : written;
      const isPage = start.subarray(0, MAGIC.length).equals(MAGIC) && pageSizeBytes >= 512;
      return isPage && length >= pageSizeBytes ? Buffer.from(start.subarray(0, pageSizeBytes)) : null;
    } finally {
      closeSync(file);
    }
  } catch {
    // Why it cannot be read, SQLite will say.
    return null;
  }
}

/**
 * What the first page of a copy will be.
 *
 * @param page of the source, from `readFirstPage`
 * @param database in the read transaction that the copy is made of
 */
export function foretellFirstPage(page: Buffer, database: Database): Buffer | null {
  const number = (pragma: string): number => Number(database.pragma(pragma, { simple: true }));
  if (number('page_size') !== page.length) return null;
  const foretold = Buffer.from(page);
  foretold.set([1, 1], FORMAT_VERSIONS_AT);
  foretold.writeUInt32BE(number('page_count'), PAGES_AT);
  const freePages = number('freelist_count');
  foretold.writeUInt32BE(freePages, FREE_PAGES_AT);
  if (freePages === 0) foretold.writeUInt32BE(0, FREE_TRUNK_AT);
  foretold.writeInt32BE(number('user_version'), USER_VERSION_AT);
  foretold.writeInt32BE(number('application_id'), APPLICATION_ID_AT);
  foretold.writeUInt32BE(2, COPY_COUNTS.changes);
  foretold.writeUInt32BE(1, COPY_COUNTS.schema);
  foretold.writeUInt32BE(2, COPY_COUNTS.changesOfVersion);
  foretold.writeUInt32BE(versionOf(database), SQLITE_VERSION_AT);
  return foretold;
}

/** 3.45.1 is 3045001. */
function versionOf(database: Database): number {
  const text = String(database.prepare('select sqlite_version()').pluck().get());
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return major * 1_000_000 + minor * 1000 + patch;
}

/** Whether the finished copy begins with this page. */
export function isFirstPageOf(path: string, page: Buffer): boolean {
  const found = Buffer.alloc(page.length);
  const file = openSync(path, 'r');
  try {
    return readSync(file, found, 0, found.length, 0) === found.length && found.equals(page);
  } finally {
    closeSync(file);
  }
}
