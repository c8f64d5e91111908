/** Downloads one file: checked before it appears, never half there, never over an existing one unasked. */
import { createHash, randomUUID } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
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

/** @throws ChsError LOCAL_FILE, SERVER_REPLY when the bytes are not those that were announced */
export async function downloadFile(
  run: Run,
  { open: openDownload, output, force, fallbackName }: DownloadOptions,
): Promise<void> {
  const toStdout = output === '-';
  const intoDirectory = output !== null && !toStdout && (await isDirectory(output));
  const named = output !== null && !intoDirectory ? output : null;
  // Before anything is asked for, as far as the name is known.
  if (named !== null && !toStdout && !force) await refuseExisting(named);
  const download = await openDownload();
  try {
    if (toStdout) {
      await receive(run, download, datum(download.fileName ?? fallbackName), process.stdout);
      return;
    }
    const name = safeFileName(download.fileName) ?? fallbackName;
    const target = named ?? (intoDirectory ? join(output, name) : name);
    if (named === null && !force) await refuseExisting(target);
    const sizeBytes = await receiveInto(run, download, target, force);
    if (run.out.json) run.out.value({ file: target, size_bytes: sizeBytes, sha256: download.sha256 });
    else run.out.line(target);
    run.out.note(
      `${shownBytes(sizeBytes)}, ${download.sha256 === null ? 'no checksum to compare' : 'SHA-256 verified'}`,
    );
  } finally {
    download.bytes.destroy();
  }
}

async function receiveInto(run: Run, download: Download, target: string, force: boolean): Promise<number> {
  // Beside the target, so that the rename stays on one file system.
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    const sizeBytes = await writePartial(run, download, target, partial);
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

/** The bytes are on the disk before this resolves. */
async function writePartial(run: Run, download: Download, target: string, partial: string): Promise<number> {
  // Opened here, so that nothing is still about to make the file when it is removed after a failure.
  const file = await open(partial, 'wx');
  const sizeBytes = await receive(run, download, datum(baseName(target)), file.createWriteStream());
  const written = await open(partial, 'r+');
  await written.sync().finally(() => written.close());
  return sizeBytes;
}

/** A link, unlike a rename, fails where a file came to be meanwhile; not every file system has links. */
async function appear(partial: string, target: string): Promise<void> {
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
): Promise<number> {
  const { sizeBytes, sha256 } = download;
  const hash = createHash('sha256');
  let receivedBytes = 0;
  const progress = createProgress({ label, sizeBytes, visible: run.out.interactive && !run.out.quiet });
  const check = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      receivedBytes += piece.length;
      done(null, piece);
    },
    flush(done) {
      const found = hash.digest('hex');
      const wrong =
        sizeBytes !== null && receivedBytes !== sizeBytes
          ? `${receivedBytes} of ${sizeBytes} bytes arrived`
          : sha256 !== null && sha256 !== found
            ? `the SHA-256 of what arrived is ${found}, not ${sha256}`
            : null;
      done(wrong === null ? null : new ChsError('SERVER_REPLY', { server: 'the server', reason: wrong }));
    },
  });
  try {
    await pipeline(download.bytes, progress.meter, check, to, {
      signal: run.signal,
      end: to !== process.stdout,
    });
    return receivedBytes;
  } finally {
    progress.clear();
  }
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found) return;
  const reason = found.isDirectory() ? 'it is a directory' : 'it exists already; --force overwrites it';
  throw new ChsError('LOCAL_FILE', { path, reason });
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ?? false;
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
