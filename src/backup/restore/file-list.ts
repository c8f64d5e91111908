/** Reads the list of stored files of a backup, line by line, and lets nothing through that leads out of the storage folder. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import type { FileLine, FilesEntry } from '../manifest.ts';
import { damaged, type RestoreSource } from './source.ts';

const LINE_BYTES_MAX = 64 * 1024;
const KEY_BYTES_MAX = 4096;
/** What most disks take as one name. */
const SEGMENT_BYTES_MAX = 255;

const fileLine = z.object({
  key: z.string(),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  modified_ms: z.number().min(-8.64e15).max(8.64e15),
  inode: z.string().max(40),
});

/**
 * Whether a key names a file below the storage folder, on any system: relative, `/` between, no way up, no drive, no
 * stream of NTFS, nothing hidden at the top, where chs and restores have their own folders.
 */
export function isSafeKey(key: string): boolean {
  if (key.length === 0 || Buffer.byteLength(key) > KEY_BYTES_MAX) return false;
  // biome's noControlCharactersInRegex is why this is a property escape.
  if (/[\\:]|\p{Cc}/u.test(key) || key.startsWith('.')) return false;
  return key
    .split('/')
    .every(
      (segment) =>
        segment !== '' && !/^\.+$/.test(segment) && Buffer.byteLength(segment) <= SEGMENT_BYTES_MAX,
    );
}

/**
 * The lines of a list that was received already; as many, with as many bytes together, as the manifest says.
 *
 * @param path the list, compressed
 * @throws ChsError BACKUP_DAMAGED
 */
export async function* fileLines(
  source: RestoreSource,
  entry: FilesEntry,
  path: string,
): AsyncGenerator<FileLine> {
  let [count, size] = [0, 0];
  for await (const text of textLines(source, entry, path)) {
    const line = parsed(text);
    if (line === null) throw damaged(source, `${entry.list}: line ${count + 1} is none of a list of files`);
    if (!isSafeKey(line.key)) throw damaged(source, `${entry.list}: line ${count + 1} leads elsewhere`);
    count += 1;
    size += line.size;
    if (count > entry.count || size > entry.size) break;
    yield line;
  }
  if (count !== entry.count || size !== entry.size) {
    throw damaged(source, `${entry.list} names other files than the manifest counts`);
  }
}

async function* textLines(source: RestoreSource, entry: FilesEntry, path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const gunzip = createGunzip();
  // Its error comes out of the loop below.
  pipeline(file, gunzip, () => {});
  let rest = Buffer.alloc(0);
  try {
    for await (const piece of gunzip as AsyncIterable<Buffer>) {
      let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10)) {
        if (end > LINE_BYTES_MAX) break;
        yield bytes.toString('utf8', 0, end);
        bytes = bytes.subarray(end + 1);
      }
      rest = Buffer.from(bytes);
      if (rest.length > LINE_BYTES_MAX) throw damaged(source, `${entry.list} has a line that is too long`);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw damaged(source, `${entry.list} cannot be unpacked: ${error.message}`, error);
    }
    throw error;
  } finally {
    gunzip.destroy();
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

function parsed(text: string): FileLine | null {
  try {
    return fileLine.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
