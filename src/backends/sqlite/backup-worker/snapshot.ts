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
import { openReader, type Reader } from './reader.ts';
import { prepareSmallCache } from './small-cache.ts';

/** Copied without a look at the event loop. */
const STEP_BYTES = 32 * 1024 * 1024;
const HEADER_MAGIC = 'SQLite format 3\0';
/** Where the header says for writing and for reading whether there is a WAL: 2, or 1 for none. */
const FORMAT_VERSIONS_AT = 18;

type Report = (progress: WorkerProgress) => void;

/**
 * All files are first copied, so that no read transaction lasts longer than it must, then checked one by one.
 *
 * @throws SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_BUSY, SOURCE_DAMAGED, STORAGE_FULL
 */
export async function makeSnapshots(input: SnapshotInput, report: Report): Promise<CutOutput> {
  const { sources, folder, compact, busyTimeoutMs } = input;
  refuseNames(sources);
  const readers: Reader[] = [];
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
      await copy(reader, { part: partOf(folder, reader.source), compact, busyTimeoutMs, report });
      reader.database.close();
    }
    const databases = readers.map(({ source }) => finish(source, folder, report));
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
  readonly compact: boolean;
  readonly busyTimeoutMs: number;
  readonly report: Report;
}

/** Through the connection that holds the read transaction: whatever is written meanwhile, it never begins again. */
async function copy(
  { source, database, pin }: Reader,
  { part, compact, busyTimeoutMs, report }: CopyOptions,
): Promise<void> {
  try {
    if (!database.inTransaction) pin();
    if (compact) {
      // What is missing, foreign or locked was found out in the same way as without `compact`.
      database.exec('rollback');
      database.pragma(`busy_timeout = ${Math.trunc(busyTimeoutMs)}`);
      report({ step: 'copy', name: source.name, done: 0, total: 0 });
      database.prepare('vacuum into ?').run(part);
      return;
    }
    const pageSizeBytes = Number(database.pragma('page_size', { simple: true }));
    const stepPages = Math.max(1, Math.floor(STEP_BYTES / pageSizeBytes));
    prepareSmallCache(part, pageSizeBytes);
    const writeback = startWriteback(part);
    try {
      await database.backup(part, {
        progress({ totalPages, remainingPages }) {
          const done = (totalPages - remainingPages) * pageSizeBytes;
          report({ step: 'copy', name: source.name, done, total: totalPages * pageSizeBytes });
          writeback.push();
          return stepPages;
        },
      });
    } finally {
      await writeback.end();
    }
  } catch (error) {
    const known = failureOf(error, part);
    throw known.code === null ? sourceFailure(source, error) : failed(known, error);
  }
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
function finish(source: SnapshotSource, folder: string, report: Report): CheckedCopy {
  const { name, path } = source;
  const part = partOf(folder, source);
  const file = join(folder, `${name}.db`);
  makeDurable(part);
  report({ step: 'check', name, done: 0, total: 0, copy: part });
  const { problems, pages, pageSizeBytes, schemaSha256, foreignKeyViolations } = checkFile({
    path: part,
    depth: 'quick',
  });
  const [reason] = problems;
  if (reason !== undefined) throw failed({ code: 'SOURCE_DAMAGED', params: { name, path, reason }, reason });
  const sizeBytes = statSync(part).size;
  return { name, part, file, sizeBytes, pages, pageSizeBytes, schemaSha256, foreignKeyViolations };
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
