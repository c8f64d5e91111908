/** A zip of GET /backupdb as a source of a restore: `NAME.db` and `manifest.json`, nothing trusted that it says of itself. */
import { Transform } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { ChsError } from '../../platform/errors.ts';
import { databasesMax, manifestBytesMax, readManifest } from './read-manifest.ts';
import type { RestoreSource } from './source.ts';

/** The databases, their manifest, and room for what a later version may add. */
const ENTRIES_MAX = databasesMax + 24;
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/**
 * Reads the zip's directory and its manifest; entries are read when they are asked for, never beyond the size that
 * the manifest says, and compared with their CRC. Format: PKWARE's APPNOTE.TXT 6.3.
 *
 * @throws ChsError BACKUP_DAMAGED
 */
export async function openZipSource(path: string): Promise<RestoreSource> {
  const entries = await withZip(path, directoryOf);
  const listed = entries.get('manifest.json');
  if (!listed) throw refused(path, 'there is no manifest.json in it');
  const manifestBytes = await wholeEntry(path, listed, manifestBytesMax);
  const manifest = readManifest(path, manifestBytes, (name, kind) =>
    kind === 'sqlite' ? `${name}.db` : `${name}.dump`,
  );
  const sizes = new Map<string, number>();
  for (const database of manifest.databases) {
    const entry = entries.get(database.file);
    if (!entry) throw refused(path, `${database.file} is missing`);
    if (database.size === null)
      throw refused(path, `manifest.json does not say the size of ${database.name}`);
    if (entry.uncompressedSize !== (database.file_size ?? database.size)) {
      throw refused(path, `${database.file} has not the size that manifest.json says`);
    }
    sizes.set(database.file, entry.uncompressedSize);
  }
  return {
    label: path,
    // A download carries no stored files, whatever it says.
    manifest: { ...manifest, files: null },
    manifestBytes,
    open: async (file) => {
      const [entry, size] = [entries.get(file), sizes.get(file)];
      if (!entry || size === undefined) throw refused(path, `${file} is missing`);
      return entryStream(path, entry, size);
    },
    openPool: async (sha256) => {
      throw refused(path, `${sha256} is missing`);
    },
  };
}

async function withZip<T>(path: string, work: (zip: ZipFile) => Promise<T>): Promise<T> {
  const zip = await opened(path);
  try {
    return await work(zip);
  } catch (error) {
    throw error instanceof ChsError ? error : refused(path, reasonOf(error), error);
  } finally {
    zip.close();
  }
}

async function opened(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, { autoClose: false, strictFileNames: true });
  } catch (error) {
    throw refused(path, reasonOf(error), error);
  }
}

async function directoryOf(zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > ENTRIES_MAX) throw new Error('it holds too many files');
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (!PLAIN.test(entry.fileName)) throw new Error('it holds a file whose name is no plain one');
    if (entries.has(entry.fileName)) throw new Error(`it holds ${entry.fileName} twice`);
    if (entry.isEncrypted()) throw new Error('it is encrypted');
    entries.set(entry.fileName, entry);
  }
  return entries;
}

async function wholeEntry(path: string, entry: Entry, bytesMax: number): Promise<Buffer> {
  if (entry.uncompressedSize > bytesMax) throw refused(path, `${entry.fileName} is too large`);
  const pieces: Buffer[] = [];
  for await (const piece of await entryStream(path, entry, entry.uncompressedSize)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The bytes of an entry; fails at its end where they are fewer, more or others than the directory says. */
async function entryStream(path: string, entry: Entry, sizeBytes: number): Promise<Transform> {
  const zip = await opened(path);
  try {
    const header = await zip.readLocalFileHeaderPromise(entry);
    if (!header.fileName.equals(entry.fileNameRaw) || header.compressionMethod !== entry.compressionMethod) {
      throw new Error(`${entry.fileName} contradicts the directory`);
    }
    const bytes = await zip.openReadStreamPromise(entry);
    const checked = checkedStream(path, entry, sizeBytes);
    checked.once('close', () => {
      bytes.destroy();
      zip.close();
    });
    bytes.once('error', (error) => checked.destroy(refused(path, reasonOf(error), error)));
    bytes.pipe(checked);
    return checked;
  } catch (error) {
    zip.close();
    throw refused(path, reasonOf(error), error);
  }
}

function checkedStream(path: string, entry: Entry, sizeBytes: number): Transform {
  let bytes = 0;
  let sum = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes > sizeBytes) return done(refused(path, `${entry.fileName} is larger than announced`));
      sum = crc32(piece, sum);
      done(null, piece);
    },
    flush(done) {
      if (bytes !== sizeBytes) done(refused(path, `${entry.fileName} is smaller than announced`));
      else if (sum !== entry.crc32) done(refused(path, `${entry.fileName} has another checksum (CRC)`));
      else done();
    },
  });
}

function refused(id: string, reason: string, cause?: unknown): ChsError {
  return new ChsError('BACKUP_DAMAGED', { id, reason }, { cause });
}

/** The library's own words, as a phrase inside a message. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
