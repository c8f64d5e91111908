/** Dumps a PostgreSQL database into an archive: one snapshot, checked, durable before it has its name. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../platform/durable.ts';
import { ChsError } from '../../platform/errors.ts';
import { codeOf } from '../../platform/system-error.ts';
import { contents } from './list.ts';
import { reasonOf, runTool, saysDiskIsFull } from './process.ts';
import { databaseArgument, type PostgresTools, toolsOf } from './tools.ts';
import { libpqEnvironment, type PostgresPlace, parsePostgresUrl, shownPlace } from './url.ts';

const PROGRESS_MS = 250;
const READ_BYTES = 256 * 1024;

export interface DumpInput {
  /** Of the database, for errors. */
  readonly name: string;
  readonly url: string;
  /** The archive: a new file in a private folder. */
  readonly to: string;
  readonly signal: AbortSignal;
  /** Called with the size of the growing archive a few times a second, and at the end. */
  readonly onProgress?: (sizeBytes: number) => void;
  /** Where to look for the programs, in place of the usual folders. */
  readonly folders?: readonly string[];
}

export interface DumpOutput {
  readonly sizeBytes: number;
  /** Of the archive, in hex. */
  readonly sha256: string;
  /** `15.14` */
  readonly serverVersion: string;
  readonly clientVersion: string;
  /** Lines of its table of contents. */
  readonly entries: number;
}

/**
 * Runs `pg_dump -Fc`, which reads everything in one transaction, so that the archive is of one instant. It is made as
 * `TO.part` and gets its name when it was read back and is on disk; after a failure nothing is left.
 *
 * @throws ChsError DATABASE_SERVER, DATABASE_TOOL, STORAGE_FULL, STORAGE_UNWRITABLE, BACKUP_FAILED; the signal's reason
 */
export async function dumpPostgres(input: DumpInput): Promise<DumpOutput> {
  const { name, to, signal } = input;
  const place = parsePostgresUrl(input.url, name);
  const { server, tools } = await toolsOf(place, signal, name, input.folders);
  const part = `${to}.part`;
  try {
    // Made here so that nobody else may read it; pg_dump has no say in that.
    await (await open(part, 'w', 0o600)).close();
    await writeArchive(input, tools, place, part);
    const listed = await contents(tools, part, signal);
    if (typeof listed === 'string') {
      throw new ChsError('BACKUP_FAILED', { reason: `the dump of ${name} cannot be read back: ${listed}` });
    }
    const { sizeBytes, sha256 } = await settle(part, signal);
    await rename(part, to);
    await syncDirectory(dirname(to));
    input.onProgress?.(sizeBytes);
    return {
      sizeBytes,
      sha256,
      serverVersion: server.version,
      clientVersion: tools.version,
      entries: listed.entries,
    };
  } catch (error) {
    await rm(part, { force: true });
    throw storageError(error);
  }
}

async function writeArchive(
  { name, signal, onProgress }: DumpInput,
  tools: PostgresTools,
  place: PostgresPlace,
  part: string,
): Promise<void> {
  const timer = setInterval(() => {
    stat(part)
      .then(({ size }) => onProgress?.(size))
      .catch(() => {});
  }, PROGRESS_MS);
  try {
    const result = await runTool({
      file: tools.pgDump,
      args: ['--format=custom', '--no-password', ...databaseArgument(place), '--file', part],
      env: libpqEnvironment(place),
      signal,
      output: 'discard',
    });
    if (result.exitCode === 0) return;
    if (saysDiskIsFull(result.stderr)) throw new ChsError('STORAGE_FULL');
    const reason = reasonOf(result, place.password);
    throw new ChsError('DATABASE_SERVER', { name, path: shownPlace(place), reason });
  } finally {
    clearInterval(timer);
  }
}

/** Hashes the archive and waits until it is on disk. */
async function settle(path: string, signal: AbortSignal): Promise<{ sizeBytes: number; sha256: string }> {
  // For writing too: Windows syncs no file that is open for reading only.
  const file = await open(path, 'r+');
  try {
    const hashed = await hashOf(file, signal);
    await file.sync();
    return hashed;
  } finally {
    await file.close();
  }
}

async function hashOf(file: FileHandle, signal: AbortSignal): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let sizeBytes = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, sizeBytes);
    if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
}

function storageError(error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof ChsError || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ChsError('STORAGE_FULL', {}, { cause: error });
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new ChsError('STORAGE_UNWRITABLE', { reason: code }, { cause: error });
}
