/** Downloads one file: checked before it appears, never half there, never over an existing one unasked. */
import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../src/connect.ts';
import { baseName } from '../src/crash/names.ts';
import { ChsError } from '../src/platform/errors.ts';
import { localFileError } from './local-file.ts';
import type { Run } from './run.ts';
import { datum } from './views/facts.ts';
import { createProgress, shownBytes } from './views/progress.ts';

interface DownloadOptions {
  open(): Promise<Download>;
  /** A file, a directory, `-` for stdout; null is the reply's name in the current directory. */
  readonly output: string | null;
  readonly force: boolean;
  readonly fallbackName: string;
}

/** What arrived; the hash in hex. */
interface Received {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** @throws ChsError LOCAL_FILE, DOWNLOAD_DAMAGED when the bytes are not those that were announced */
export async function downloadFile(
  run: Run,
  { open: openDownload, output, force, fallbackName }: DownloadOptions,
): Promise<void> {
  const found = output === null ? null : await existing(output);
  const stream = output === null ? null : await streamInto(run, output, found, force);
  const intoDirectory = output !== null && found?.isDirectory() === true;
  const named = intoDirectory ? null : output;
  // Before anything is asked for, as far as the name is known.
  if (named !== null && !stream && !force) await refuseExisting(named);
  const download = await openDownload().catch((error: unknown) => {
    if (stream !== process.stdout) stream?.destroy();
    throw error;
  });
  try {
    if (stream) {
      await receive(run, download, datum(download.fileName ?? fallbackName), stream).catch(
        (error: unknown) => {
          throw localFileError(output ?? '-', error);
        },
      );
      return;
    }
    const name = safeFileName(download.fileName) ?? fallbackName;
    const target = named ?? (intoDirectory ? join(output, name) : name);
    if (named === null) await (force ? refuseIrreplaceable(target) : refuseExisting(target));
    const sizeBytes = await receiveInto(run, download, force ? await linkedFile(target) : target, force);
    if (run.out.json) run.out.value({ file: target, size_bytes: sizeBytes, sha256: download.sha256 });
    else run.out.line(target);
    run.out.note(
      `${shownBytes(sizeBytes)}, ${download.sha256 === null ? 'no checksum to compare' : 'SHA-256 verified'}`,
    );
  } finally {
    download.bytes.destroy();
  }
}

/**
 * What the bytes are written to as they come: standard output, a pipe, a device. Such a name is never given to a
 * file of ours, which would take the place of `/dev/null` for the whole machine. Null for anything else.
 *
 * @throws ChsError LOCAL_FILE
 */
async function streamInto(
  { signal }: Run,
  output: string,
  found: Stats | null,
  force: boolean,
): Promise<Writable | null> {
  if (output === '-') return process.stdout;
  if (!found || found.isDirectory()) return null;
  const { isStandard, writeSpecialFile } = await import('./special-file.ts');
  // `-o /dev/stdout` with standard output in a file leads to that file, which is open already.
  if (found.isFile()) return isStandard(1, found) ? process.stdout : null;
  // A disk holds data as files do.
  if (found.isBlockDevice() && !force) throw existsAlready(output);
  return writeSpecialFile(output, found, signal);
}

/**
 * The file at the end of symbolic links, which is what gets replaced: who linked it wants it to stay a link.
 *
 * @throws ChsError LOCAL_FILE for links in a circle
 */
async function linkedFile(path: string): Promise<string> {
  return realpath(path).catch(async (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ELOOP') throw localFileError(path, error);
    // What it leads to may not be there yet.
    const next = code === 'ENOENT' ? await readlink(path).catch(() => null) : null;
    return next === null ? path : linkedFile(resolve(dirname(path), next));
  });
}

async function receiveInto(run: Run, download: Download, target: string, force: boolean): Promise<number> {
  // Beside the target, so that the rename stays on one file system.
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    const { sizeBytes } = await writePartial(run, download, target, partial);
    if (force) await rename(partial, target);
    else await appear(partial, target);
    return sizeBytes;
  } catch (error) {
    throw localFileError(target, error);
  } finally {
    // Windows may hold on to a file for a moment after it was closed.
    await rm(partial, { force: true, maxRetries: 3 });
  }
}

/**
 * Writes a file that is not there yet. The bytes are compared with what was announced, and on the disk, before
 * this resolves.
 *
 * @param target whose name the progress shows
 * @throws ChsError DOWNLOAD_DAMAGED
 */
export async function writePartial(
  run: Run,
  download: Download,
  target: string,
  partial: string,
): Promise<Received> {
  // Opened here, so that nothing is still about to make the file when it is removed after a failure.
  const file = await open(partial, 'wx');
  const received = await receive(run, download, datum(baseName(target)), file.createWriteStream());
  const written = await open(partial, 'r+');
  await written.sync().finally(() => written.close());
  return received;
}

/** A link, unlike a rename, fails where a file came to be meanwhile; not every file system has links. */
export async function appear(partial: string, target: string): Promise<void> {
  try {
    await link(partial, target);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw error;
    await refuseExisting(target);
    await rename(partial, target);
  }
}

/** Streams the bytes and compares them with what was announced. Stdout stays open. */
async function receive(
  run: Run,
  download: Download,
  label: string,
  to: NodeJS.WritableStream,
): Promise<Received> {
  const progress = createProgress({
    label,
    sizeBytes: download.sizeBytes,
    visible: run.out.interactive && !run.out.quiet,
  });
  const { check, received } = checking(download);
  try {
    await pipeline(download.bytes, progress.meter, check, to, {
      signal: run.signal,
      end: to !== process.stdout,
    });
    return received();
  } finally {
    progress.clear();
  }
}

/**
 * What the bytes of a download pass through: counted, and in the end compared with what was announced.
 *
 * @returns a stream that fails with DOWNLOAD_DAMAGED, and what has passed
 */
export function checking({ sizeBytes, sha256 }: Download): { check: Transform; received: () => Received } {
  const hash = createHash('sha256');
  let receivedBytes = 0;
  let found = '';
  const check = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      receivedBytes += piece.length;
      done(null, piece);
    },
    flush(done) {
      found = hash.digest('hex');
      const wrong =
        sizeBytes !== null && receivedBytes !== sizeBytes
          ? `${receivedBytes} of ${sizeBytes} bytes arrived`
          : sha256 !== null && sha256 !== found
            ? `the SHA-256 of what arrived is ${found}, not ${sha256}`
            : null;
      done(wrong === null ? null : new ChsError('DOWNLOAD_DAMAGED', { reason: wrong }));
    },
  });
  return { check, received: () => ({ sizeBytes: receivedBytes, sha256: found }) };
}

async function refuseExisting(path: string): Promise<void> {
  const found = await existing(path);
  if (found?.isDirectory()) throw new ChsError('LOCAL_FILE', { path, reason: 'it is a directory' });
  if (found) throw existsAlready(path);
}

/** Under the name that the server gives, nobody asked for a pipe or a device. */
async function refuseIrreplaceable(path: string): Promise<void> {
  const found = await existing(path);
  if (!found || found.isFile()) return;
  const reason = found.isDirectory() ? 'it is a directory' : 'it is not a regular file';
  throw new ChsError('LOCAL_FILE', { path, reason });
}

function existsAlready(path: string): ChsError {
  return new ChsError('LOCAL_FILE', { path, reason: 'it exists already; --force overwrites it' });
}

/** Null where there is nothing, or nothing that can be looked at: writing says why. */
async function existing(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}

/** A name from a server as a name in a directory, on any system; null when nothing is left of it. */
export function safeFileName(name: string | null): string | null {
  if (name === null) return null;
  const safe = baseName(name)
    .replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, '_')
    .replace(/[. ]+$/, '')
    .slice(0, 200);
  const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(safe);
  return safe === '' || device || /^\.+$/.test(safe) ? null : safe;
}
