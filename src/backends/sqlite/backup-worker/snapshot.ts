/** Makes snapshots of live databases: cut, copied through the reader that holds the cut, checked, durable. */
import { closeSync, fdatasync, fsyncSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import type {
  CheckedCopy,
  CutOutput,
  SnapshotInput,
  SnapshotSource,
  WorkerProgress,
} from '../../../backup/worker/protocol.ts';
import { checkFile } from './check.ts';
import { failed, failureOf, sourceFailure } from './failure.ts';
import { oneByOne, pinAll } from './fence.ts';
import { syncFolder } from './files.ts';
import { FORMAT_VERSIONS_AT, foretellFirstPage, isFirstPageOf, readFirstPage } from './first-page.ts';
import { openReader, type Reader } from './reader.ts';
import { prepareSmallCache } from './small-cache.ts';

/** Copied without a look at the event loop. */
const STEP_BYTES = 32 * 1024 * 1024;
const HEADER_MAGIC = 'SQLite format 3\0';
/**
 * What was copied so long ago is in the file: SQLite writes the pages of a copy in their order, as its cache is full, and
 * that holds 16 MB at most. Whoever hashes the copy looks for pages that are missing nevertheless.
 */
const HELD_BACK_BYTES = 64 * 1024 * 1024;
/** Smaller copies are hashed when they are finished: there is little to be won. */
const HASHED_EARLY_BYTES_MIN = 2 * HELD_BACK_BYTES;

/** A longer one is hashed here: this much is no message to wait for. */
const SCHEMA_SENT_MAX = 128 * 1024;

type Report = (progress: WorkerProgress) => void;

/**
 * All files are first copied, so that no read transaction lasts longer than it must, then checked one by one.
 *
 * @throws SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_BUSY, SOURCE_DAMAGED, STORAGE_FULL
 */
export async function makeSnapshots(input: SnapshotInput, report: Report): Promise<CutOutput> {
  const { sources, folder, compact, busyTimeoutMs } = input;
  refuseNames(sources);
  // Before this process has a connection to any of them, as two may be one file.
  const firstPages = sources.map(({ path }) => (compact ? null : readFirstPage(path)));
  const readers: Reader[] = [];
  const foretold = new Map<Reader, Buffer | null>();
  try {
    for (const source of sources) readers.push(openReader(source, busyTimeoutMs));
    report({ step: 'cut', name: null, done: 0, total: 0 });
    // VACUUM begins a transaction of its own, and runs in no other.
    const cut = compact
      ? oneByOne(readers.length < 2 ? null : 'compact copies are cut one after the other')
      : pinAll(readers, busyTimeoutMs);
    // Where there is no WAL, a reader keeps writers from committing: such go first, to be done with.
    const order = [...readers].sort((a, b) => rank(a) - rank(b));
    for (const reader of order) {
      const part = partOf(folder, reader.source);
      const firstPage = firstPages[readers.indexOf(reader)] ?? null;
      foretold.set(reader, await copy(reader, { part, firstPage, compact, busyTimeoutMs, report }));
      reader.database.close();
    }
    const databases: CheckedCopy[] = [];
    for (const reader of readers)
      databases.push(await finish(reader.source, folder, foretold.get(reader) ?? null, report));
    syncFolder(folder);
    return { ...cut, databases };
  } catch (error) {
    for (const { source } of readers) removeParts(partOf(folder, source));
    throw error;
  } finally {
    for (const { database } of readers) if (database.open) database.close();
  }
}

function refuseNames(sources: readonly SnapshotSource[]): void {
  const names = new Set(sources.map(({ name }) => name));
  const isPlain = (name: string): boolean => name !== '' && name !== '..' && basename(name) === name;
  if (names.size === sources.length && [...names].every(isPlain)) return;
  throw failed({ code: null, params: {}, reason: 'names of databases must be different names of files' });
}

function partOf(folder: string, { name }: SnapshotSource): string {
  return join(folder, `${name}.db.part`);
}

function removeParts(part: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${part}${suffix}`, { force: true });
}

function rank({ database }: Reader): number {
  return database.inTransaction && database.pragma('journal_mode', { simple: true }) !== 'wal' ? 0 : 1;
}

interface CopyOptions {
  readonly part: string;
  /** Of the source, from before the cut. */
  readonly firstPage: Buffer | null;
  readonly compact: boolean;
  readonly busyTimeoutMs: number;
  readonly report: Report;
}

/**
 * Through the connection that holds the read transaction: whatever is written meanwhile, it never begins again.
 *
 * @returns the first page that the copy should have; null where none was foretold
 */
async function copy(reader: Reader, options: CopyOptions): Promise<Buffer | null> {
  const { source, database, pin } = reader;
  const { part, compact, busyTimeoutMs, report } = options;
  try {
    if (!database.inTransaction) pin();
    if (!compact) return await copyPages(reader, options);
    // What is missing, foreign or locked was found out in the same way as without `compact`.
    database.exec('rollback');
    database.pragma(`busy_timeout = ${Math.trunc(busyTimeoutMs)}`);
    report({ step: 'copy', name: source.name, done: 0, total: 0 });
    database.prepare('vacuum into ?').run(part);
    return null;
  } catch (error) {
    const known = failureOf(error, part);
    throw known.code === null ? sourceFailure(source, error) : failed(known, error);
  }
}

async function copyPages(
  { source: { name }, database }: Reader,
  { part, firstPage, report }: CopyOptions,
): Promise<Buffer | null> {
  const pageSizeBytes = Number(database.pragma('page_size', { simple: true }));
  const pages = Number(database.pragma('page_count', { simple: true }));
  const stepPages = Math.max(1, Math.floor(STEP_BYTES / pageSizeBytes));
  prepareSmallCache(part, pageSizeBytes);
  const isHashedEarly = firstPage !== null && pages * pageSizeBytes >= HASHED_EARLY_BYTES_MIN;
  const foretold = isHashedEarly ? foretellFirstPage(firstPage, database) : null;
  if (foretold !== null) {
    const copy = { state: 'begun', path: part, firstPage: foretold.toString('base64') } as const;
    report({ step: 'copy', name, done: 0, total: pages * pageSizeBytes, copy });
  }
  const writeback = startWriteback(part);
  try {
    await database.backup(part, {
      progress({ totalPages, remainingPages }) {
        const done = (totalPages - remainingPages) * pageSizeBytes;
        const copy = { state: 'growing', settledBytes: Math.max(0, done - HELD_BACK_BYTES) } as const;
        report({ step: 'copy', name, done, total: totalPages * pageSizeBytes, copy });
        writeback.push();
        return stepPages;
      },
    });
  } finally {
    await writeback.end();
  }
  return foretold;
}

/**
 * Has what was written so far go to the disk while the rest is copied, so that the commit at the end waits for little.
 * Nobody but this process has the copy open, and its locks are of no use to anybody.
 */
function startWriteback(part: string): { push(): void; end(): Promise<void> } {
  const file = openSync(part, 'r+');
  let underway: Promise<void> | null = null;
  return {
    push() {
      underway ??= new Promise<void>((resolve) => {
        // What cannot be written, the commit will find out.
        fdatasync(file, () => resolve());
      }).finally(() => {
        underway = null;
      });
    },
    async end() {
      await underway;
      closeSync(file);
    },
  };
}

/** Says of the copy that it is ready, so that it is hashed elsewhere while it is checked here. */
async function finish(
  source: SnapshotSource,
  folder: string,
  foretold: Buffer | null,
  report: Report,
): Promise<CheckedCopy> {
  const { name, path } = source;
  const part = partOf(folder, source);
  const file = join(folder, `${name}.db`);
  makeDurable(part);
  const isAsForetold = foretold !== null && isFirstPageOf(part, foretold);
  report({ step: 'check', name, done: 0, total: 0, copy: { state: 'whole', path: part, isAsForetold } });
  const { problems, pages, pageSizeBytes, schema, foreignKeyViolations } = checkFile({
    path: part,
    depth: 'quick',
  });
  const [reason] = problems;
  if (reason !== undefined) throw failed({ code: 'SOURCE_DAMAGED', params: { name, path, reason }, reason });
  const sizeBytes = statSync(part).size;
  return {
    ...{ name, part, file, sizeBytes, pages, pageSizeBytes, foreignKeyViolations },
    schema:
      schema.length <= SCHEMA_SENT_MAX
        ? { text: schema }
        : { sha256: (await import('./hash.ts')).hashText(schema) },
  };
}

/** The copy has no WAL, but a header that says so where the source has one: whoever read it would make one beside it. */
function makeDurable(part: string): void {
  const file = openSync(part, 'r+');
  try {
    const header = Buffer.alloc(HEADER_MAGIC.length);
    readSync(file, header, 0, header.length, 0);
    if (header.toString('latin1') === HEADER_MAGIC)
      writeSync(file, Uint8Array.of(1, 1), 0, 2, FORMAT_VERSIONS_AT);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
