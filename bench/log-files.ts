/** The files that searches are measured on; run as a program, it makes them in a folder and prints where they are. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import iconv from 'iconv-lite';
import { type LogText, writeLog } from './log-text.ts';
import { MEGABYTE } from './measure.ts';

export const SMALL_BYTES = 300 * MEGABYTE;
const LARGE_BYTES = 1000 * MEGABYTE;

export interface LogFiles {
  readonly small: string;
  readonly large: string;
  readonly gbk: string;
  /** `small`, packed. */
  readonly packed: string;
  /** What is in `large`. */
  readonly text: LogText;
}

async function writeFiles(folder: string): Promise<LogFiles> {
  const place = (name: string): string => join(folder, name);
  const files = {
    small: place('small.log'),
    large: place('large.log'),
    gbk: place('gbk.log'),
    packed: place('small.log.gz'),
  };
  writeLog(files.small, SMALL_BYTES);
  const text = writeLog(files.large, LARGE_BYTES);
  writeLog(files.gbk, SMALL_BYTES, (piece) =>
    iconv.encode(piece.replaceAll('session of', '会话：'), 'gb18030'),
  );
  await pipeline(createReadStream(files.small), createGzip({ level: 6 }), createWriteStream(files.packed));
  return { ...files, text };
}

const [, program, folder] = process.argv;
if (program === fileURLToPath(import.meta.url) && folder !== undefined)
  process.stdout.write(JSON.stringify(await writeFiles(folder)));
