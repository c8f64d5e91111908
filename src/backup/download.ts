/** Finished snapshots as one zip archive, made while it is read: nothing of it is kept, on disk or in memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import type { ZipArchive } from 'archiver';
import type { BytesReply, ReplyEnd } from '../operation.ts';
import { createCollector } from '../platform/collect.ts';
import { ChsError } from '../platform/errors.ts';
import { codeOf } from '../platform/system-error.ts';

const deflate = promisify(deflateRaw);

/** Pages of databases shrink to about the same at every level, and this one is by far the fastest. */
const DEFLATE_LEVEL = 1;

/** What does not get smaller than this is stored as it is. */
const WORTH_RATIO = 0.95;
const SAMPLES = 16;
const SAMPLE_BYTES = 64 * 1024;

/** So much of a file and of the archive waits for a slow reader, and is packed before others have their turn. */
const BUFFER_BYTES = 128 * 1024;

/** A file of the archive. It must not change while it is read. */
export interface ZipFile {
  /** In the archive: `main.db`. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface ZipDownload {
  /** In this order; the manifest comes last, when all of it has proved true. */
  readonly files: readonly ZipFile[];
  /** The text of manifest.json. */
  readonly manifest: string;
  readonly modifiedAtMs: number;
  readonly fileName: string;
  /** Called once, when nobody reads the files any more. */
  readonly release: (end: ReplyEnd) => Promise<void>;
}

/**
 * A zip archive (APPNOTE.TXT 6.3.10) of deflated entries whose sizes follow them, in zip64 where one needs it.
 *
 * @returns a reply whose bytes fail with ChsError BACKUP_FAILED where a file cannot be read, or is not as long as it was
 */
export function openZip(download: ZipDownload): BytesReply {
  const { fileName, modifiedAtMs, release } = download;
  return {
    sizeBytes: null,
    contentType: 'application/zip',
    sha256: null,
    fileName,
    modifiedAt: new Date(modifiedAtMs),
    open: () => zipped(download),
    release,
  };
}

/** What `openZip` says of an archive of that time, for a reply without the bytes. */
export function zipHead(atMs: number): BytesReply {
  const fileName = zipFileName(atMs);
  return openZip({ files: [], manifest: '', modifiedAtMs: atMs, fileName, release: async () => {} });
}

/** `backup-20251224T120000Z.zip` */
export function zipFileName(atMs: number): string {
  const [seconds = ''] = new Date(atMs).toISOString().replace(/[-:]/g, '').split('.');
  return `backup-${seconds}Z.zip`;
}

function zipped({ files, manifest, modifiedAtMs }: ZipDownload): Readable {
  const collect = createCollector();
  const out = new Transform({
    highWaterMark: BUFFER_BYTES,
    transform(piece: Uint8Array, _encoding, done) {
      collect(piece.length);
      done(null, piece);
    },
  });
  const over = new AbortController();
  // Whoever goes away, or breaks off, stops what reads and packs.
  finished(out, () => over.abort());
  const fill = async (): Promise<void> => {
    const { ZipArchive } = await import('archiver');
    const archive = new ZipArchive({
      zlib: { level: DEFLATE_LEVEL, chunkSize: BUFFER_BYTES },
      highWaterMark: BUFFER_BYTES,
    });
    const pack = async (): Promise<void> => {
      const date = new Date(modifiedAtMs);
      for (const file of files) await addFile(archive, file, date, over.signal);
      await add(archive, Buffer.from(manifest), { name: 'manifest.json', date });
      await archive.finalize();
    };
    await Promise.all([pipeline(archive, out, { signal: over.signal }), pack()]);
  };
  fill().catch((error: unknown) => {
    // The first failure ends everything; what is under way ends by the signal.
    out.destroy(failureOf(error));
  });
  return out;
}

/** One at a time, so that one file is open at a time. */
async function addFile(
  archive: ZipArchive,
  { name, path, sizeBytes }: ZipFile,
  date: Date,
  signal: AbortSignal,
): Promise<void> {
  const store = !(await isWorthPacking(path, sizeBytes));
  const source = createReadStream(path, { highWaterMark: BUFFER_BYTES, signal });
  await add(archive, source, { name, date, store });
  if (source.bytesRead !== sizeBytes)
    throw new ChsError('BACKUP_FAILED', { reason: `the snapshot of ${name} is not as long as it was` });
}

/** Whether some pieces of a file get smaller: pictures and what is encrypted do not, and would take most of the time. */
async function isWorthPacking(path: string, sizeBytes: number): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(SAMPLE_BYTES);
    let [before, after] = [0, 0];
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const at = Math.floor((sizeBytes * sample) / SAMPLES);
      const { bytesRead } = await file.read(piece, 0, SAMPLE_BYTES, at);
      before += bytesRead;
      after += (await deflate(piece.subarray(0, bytesRead), { level: DEFLATE_LEVEL })).length;
    }
    return after <= WORTH_RATIO * before;
  } finally {
    await file.close();
  }
}

/** Resolves when the entry has gone through; never, when the archive was destroyed before. */
function add(
  archive: ZipArchive,
  source: Readable | Buffer,
  data: { readonly name: string; readonly date: Date; readonly store?: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.once('entry', () => resolve());
    if (!Buffer.isBuffer(source)) source.once('error', reject);
    archive.append(source, data);
  });
}

function failureOf(error: unknown): Error {
  if (error instanceof ChsError || (error instanceof Error && error.name === 'AbortError')) return error;
  const reason = `a snapshot cannot be read (${codeOf(error) ?? 'unknown'})`;
  return new ChsError('BACKUP_FAILED', { reason }, { cause: error });
}
