/** Writes the list of the stored files of a backup, one line of JSON each, and reads lines that a worker wrote. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { FileLine } from './manifest.ts';

/** The name of the list in a backup. */
export const FILE_LIST = 'files.ndjson.gz';

/** Makes a new file at `path`. */
export async function writeFileList(path: string, lines: Iterable<FileLine>): Promise<void> {
  await pipeline(
    (function* texts() {
      for (const line of lines) yield `${JSON.stringify(line)}\n`;
    })(),
    createWriteStream(path, { mode: 0o600, flags: 'wx' }),
  );
}

/** The lines of a file of ours. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
}
