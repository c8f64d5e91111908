/**
 * Makes the file that a backup is written into such that SQLite keeps one megabyte of it in memory, not sixteen.
 *
 * The connection that a backup writes through is the driver's own, and its cache cannot be set: 16,000 KiB
 * (SQLITE_DEFAULT_CACHE_SIZE), filled before the first page is written. SQLite counts a cache in pages, and when a
 * database turns out to have another page size than its file's header said, it keeps that number (sqlite3PcacheSetPageSize
 * computes it before it takes the new size). So the file begins as an empty database of 64 KiB pages, beside it a
 * rollback journal whose only page says what the size really is: SQLite opens the file, counts 249 pages of 64 KiB,
 * rolls the journal back, as after a power cut, and goes on with 249 pages of the source's size. Without the file, a
 * source of 64 KiB pages would get the number of pages that was right for 4 KiB: 250 MB.
 *
 * Formats: https://www.sqlite.org/fileformat2.html, "The Database Header" and "The Rollback Journal". Should another
 * version of SQLite count otherwise, the copy is as good and takes more memory: the bench has that figure.
 */
import { writeFileSync } from 'node:fs';

const LARGEST_PAGE_BYTES = 65536;
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
/** The journal's header fills one sector. */
const SECTOR_BYTES = 512;
/** Every so many bytes of a page, from its end, go into its checksum. */
const CHECKSUM_STRIDE = 200;

/** @param path a file that is not there yet */
export function prepareSmallCache(path: string, pageSizeBytes: number): void {
  writeFileSync(`${path}-journal`, journalOf(emptyDatabase(pageSizeBytes)), { flag: 'wx', mode: 0o600 });
  writeFileSync(path, emptyDatabase(LARGEST_PAGE_BYTES), { flag: 'wx', mode: 0o600 });
}

/** One page: the header, and the root of an empty table. */
function emptyDatabase(pageSizeBytes: number): Buffer {
  const page = Buffer.alloc(pageSizeBytes);
  page.write('SQLite format 3\0', 'latin1');
  // 65536 does not fit, and is written as 1.
  page.writeUInt16BE(pageSizeBytes === LARGEST_PAGE_BYTES ? 1 : pageSizeBytes, 16);
  // Versions for writing and reading: a rollback journal. Then the fractions of a page that cells may take.
  page.set([1, 1, 0, 64, 32, 32], 18);
  const numbers = { 24: 1, 28: 1, 44: 4, 56: 1, 92: 1 };
  for (const [offset, value] of Object.entries(numbers)) page.writeUInt32BE(value, Number(offset));
  // A leaf of a table without cells, whose content begins at the page's end; 65536 is written as 0.
  page[100] = 0x0d;
  page.writeUInt16BE(pageSizeBytes === LARGEST_PAGE_BYTES ? 0 : pageSizeBytes, 105);
  return page;
}

/** A journal with one record: page 1 as it was. */
function journalOf(page: Buffer): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES);
  header.set(JOURNAL_MAGIC);
  // Records, nonce, pages of the database before, sector, page.
  for (const [index, value] of [1, 0, 1, SECTOR_BYTES, page.length].entries())
    header.writeUInt32BE(value, 8 + index * 4);
  let sum = 0;
  for (let at = page.length - CHECKSUM_STRIDE; at > 0; at -= CHECKSUM_STRIDE) sum += page[at] ?? 0;
  const number = Buffer.alloc(4);
  const checksum = Buffer.alloc(4);
  number.writeUInt32BE(1);
  checksum.writeUInt32BE(sum >>> 0);
  return Buffer.concat([header, number, page, checksum]);
}
