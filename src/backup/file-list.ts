/** The list of the files of a backup, `files.ndjson.gz`: written and read as a stream, and held against its manifest. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { addAbortSignal, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { codeOf } from '../platform/system-error.ts';
import type { FileLine, FilesEntry } from './manifest.ts';
import type { BackupTarget } from './target.ts';

/** The name of the list in a backup. */
export const FILE_LIST = 'files.ndjson.gz';

/** A key is at most a path of the system. */
const LINE_BYTES_MAX = 64 * 1024;
const NEWLINE = 10;

const lineSchema = z.object({
  key: z.string(),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  modified_ms: z.number().min(-8.64e15).max(8.64e15),
  inode: z.string().max(64),
  packed_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/** Makes a new file at `path`, not compressed yet. */
export async function writeFileList(path: string, lines: Iterable<FileLine>): Promise<void> {
  await pipeline(
    (function* texts() {
      for (const line of lines) yield `${JSON.stringify(line)}\n`;
    })(),
    createWriteStream(path, { mode: 0o600, flags: 'wx' }),
  );
}

/**
 * The files that a backup names, one after the other. Only when it ends without an error was the list whole: size,
 * hash and count are those of the manifest.
 *
 * @throws Error with a reason for a list that is damaged; ChsError BACKUP_DAMAGED, BACKUP_TARGET; the signal's reason
 */
export async function* readFileList(
  target: BackupTarget,
  id: string,
  files: FilesEntry,
  signal: AbortSignal,
): AsyncGenerator<FileLine> {
  signal.throwIfAborted();
  const source = await target.open(id, files.list);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > files.list_size) return done(new Error('it is longer than its manifest says'));
      hash.update(chunk);
      done(null, chunk);
    },
  });
  source.on('error', (error) => measured.destroy(error));
  try {
    yield* unpackedLines(source.pipe(measured), files.count, signal);
    if (sizeBytes !== files.list_size || hash.digest('hex') !== files.list_sha256) {
      throw new Error('its checksum is not that of the manifest');
    }
  } finally {
    for (const stream of [source, measured]) stream.destroy();
  }
}

/**
 * The files of a compressed list, as many as `count` says.
 *
 * @param packed destroyed in the end
 * @throws Error with a reason for a list that is damaged (see `damageOf`); errors of the stream; the signal's reason
 */
export async function* unpackedLines(
  packed: Readable,
  count: number,
  signal?: AbortSignal,
): AsyncGenerator<FileLine> {
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error));
  if (signal) addAbortSignal(signal, gunzip);
  try {
    let found = 0;
    for await (const line of linesOf(packed.pipe(gunzip))) {
      found += 1;
      if (found > count) throw new Error('it names more files than its manifest says');
      yield lineFrom(line);
    }
    if (found !== count) throw new Error('it names fewer files than its manifest says');
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    for (const stream of [packed, gunzip]) stream.destroy();
  }
}

/** What is wrong with the list itself; null for an error of the disk, of the place or of who reads. */
export function damageOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'Error') return null;
  const code = codeOf(error);
  if (code === undefined) return error.message;
  return code.startsWith('Z_') ? `it cannot be unpacked: ${error.message}` : null;
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      if (end > LINE_BYTES_MAX) throw new Error('it has a line that is too long');
      yield bytes.toString('utf8', 0, end);
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > LINE_BYTES_MAX) throw new Error('it has a line that is too long');
    rest = bytes;
  }
  if (rest.length > 0) throw new Error('its last line is not whole');
}

function lineFrom(text: string): FileLine {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Error('it has a line that is not JSON');
  }
  const checked = lineSchema.safeParse(raw);
  if (!checked.success) throw new Error('it has a line that names no file');
  return checked.data;
}
