/** Gives files, pipes and what is inside of cabinets to readers of binary formats, which read at positions. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteSource, FormatError, parseSource } from '../src/crash/formats/bytes.ts';
import { pdbMagic } from '../src/crash/formats/pdb.ts';
import { ChsError } from '../src/platform/errors.ts';
import { readableSize } from '../src/platform/size.ts';
import { localFileError, openLocalFile } from './local-file.ts';
import { type OpenFile, openFileOf } from './positioned-file.ts';
import type { Run } from './run.ts';

/** What may come through a pipe or out of a cabinet: as much as an upload may have by default. */
const MINIDUMP_BYTES_MAX = 104_857_600;
const SYMBOLS_BYTES_MAX = 524_288_000;

/** What Ctrl-C ends. */
type Interruptible = Pick<Run, 'signal'>;

type Inspect<T> = (source: ByteSource) => Promise<T>;

/**
 * @param path a file or a pipe; `-` is standard input
 * @throws ChsError LOCAL_FILE, also when it is not what the reader expects
 */
export function inspectLocalMinidump<T>(run: Interruptible, path: string, inspect: Inspect<T>): Promise<T> {
  return inspectWith(path, inspect, () => openPositioned(run, path, MINIDUMP_BYTES_MAX));
}

/**
 * The same for a PDB, an EXE or a DLL, which symbol stores keep in cabinets (`.pd_`, `.ex_`, `.dl_`).
 *
 * @throws ChsError LOCAL_FILE, also when it is not what the reader expects
 */
export function inspectLocalSymbols<T>(run: Interruptible, path: string, inspect: Inspect<T>): Promise<T> {
  return inspectWith(path, inspect, async () => {
    const file = await openPositioned(run, path, SYMBOLS_BYTES_MAX);
    if (!(await isCabinet(file.source))) return file;
    try {
      return await unpacked(run, path, file.source);
    } finally {
      await file.close();
    }
  });
}

async function inspectWith<T>(
  path: string,
  inspect: Inspect<T>,
  openFile: () => Promise<OpenFile>,
): Promise<T> {
  let file: OpenFile | null = null;
  try {
    file = await openFile();
    return await inspect(file.source);
  } catch (error) {
    if (error instanceof FormatError)
      throw new ChsError('LOCAL_FILE', { path, reason: error.message }, { cause: error });
    throw localFileError(path, error);
  } finally {
    await file?.close();
  }
}

async function openPositioned(run: Interruptible, path: string, sizeBytesMax: number): Promise<OpenFile> {
  const { readSpecialFile, standardInput } = await import('./special-file.ts');
  if (path === '-') return spooled(run, path, standardInput(path), sizeBytesMax);
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) {
    const { handle, sizeBytes } = await openLocalFile(path);
    return openFileOf(handle, sizeBytes);
  }
  return spooled(run, path, await readSpecialFile(path, found), sizeBytesMax);
}

/**
 * Keeps what comes once in a temporary file. The file has no name from the start, so that nothing is left of it
 * however the process ends.
 *
 * @throws ChsError LOCAL_FILE for nothing at all, and for more than `sizeBytesMax`
 */
async function spooled(
  { signal }: Interruptible,
  path: string,
  bytes: Readable | AsyncIterable<Uint8Array>,
  sizeBytesMax: number,
): Promise<OpenFile> {
  const handle = await openTemporary();
  let sizeBytes = 0;
  const keep = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of pieces) {
      sizeBytes += piece.length;
      if (sizeBytes > sizeBytesMax) throw tooMuch(path, sizeBytesMax);
      await handle.writeFile(piece).catch((error: unknown) => {
        throw localFileError(tmpdir(), error);
      });
    }
  };
  try {
    await pipeline(bytes, keep, { signal });
    if (sizeBytes === 0) throw new ChsError('LOCAL_FILE', { path, reason: 'the file is empty' });
    return openFileOf(handle, sizeBytes);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openTemporary(): Promise<FileHandle> {
  const path = join(tmpdir(), `chs-${randomUUID()}`);
  try {
    const handle = await open(path, 'wx+', 0o600);
    await rm(path, { force: true });
    return handle;
  } catch (error) {
    throw localFileError(path, error);
  }
}

async function isCabinet({ sizeBytes, read }: ByteSource): Promise<boolean> {
  return sizeBytes >= 4 && Buffer.from(await read(0, 4)).toString('latin1') === 'MSCF';
}

/** The one file inside of a cabinet. */
async function unpacked(run: Interruptible, path: string, source: ByteSource): Promise<OpenFile> {
  const { parseCabinet, unpackCabinet } = await import('../src/crash/formats/cab.ts');
  const cabinet = await parseSource(source, parseCabinet(source.sizeBytes));
  const [file, ...others] = cabinet.files;
  if (!file || others.length > 0) {
    const reason = `a cabinet of one file is needed, not of ${cabinet.files.length}`;
    throw new ChsError('LOCAL_FILE', { path, reason });
  }
  // What lies before the file in its folder has to be unpacked with it.
  if (file.offsetInFolder + file.sizeBytes > SYMBOLS_BYTES_MAX) throw tooMuch(path, SYMBOLS_BYTES_MAX);
  return spooled(run, path, asFarAsItMatters(unpackCabinet(source, cabinet, file)), SYMBOLS_BYTES_MAX);
}

/** Of what begins as no symbol file no more than the beginning, which is enough to say so. */
async function* asFarAsItMatters(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const block of blocks) {
    yield block;
    const isImage = block[0] === 0x4d && block[1] === 0x5a;
    if (isFirst && !isImage && pdbMagic(block) === null) return;
    isFirst = false;
  }
}

function tooMuch(path: string, sizeBytesMax: number): ChsError {
  const reason = `it holds more than the ${readableSize(sizeBytesMax)} that are read of a pipe or a cabinet`;
  return new ChsError('LOCAL_FILE', { path, reason });
}
