/** Reads the list of stored files of a backup, line by line, and lets nothing through that leads out of the storage folder. */
import { createReadStream } from 'node:fs';
import { damageOf, unpackedLines } from '../file-list.ts';
import type { FileLine, FilesEntry } from '../manifest.ts';
import { damaged, type RestoreSource } from './source.ts';

const KEY_BYTES_MAX = 4096;
/** What most disks take as one name. */
const SEGMENT_BYTES_MAX = 255;

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
  const lines = unpackedLines(createReadStream(path), entry.count);
  let [count, size] = [0, 0];
  try {
    for (;;) {
      const { value: line, done } = await lines.next().catch((error: unknown) => {
        const reason = damageOf(error);
        throw reason === null ? error : damaged(source, `${entry.list}: ${reason}`, error);
      });
      if (done) break;
      count += 1;
      size += line.size;
      if (!isSafeKey(line.key)) throw damaged(source, `${entry.list}: line ${count} leads elsewhere`);
      if (size > entry.size) break;
      yield line;
    }
  } finally {
    await lines.return(undefined);
  }
  if (size !== entry.size) throw damaged(source, `${entry.list} names other files than the manifest counts`);
}
