/** Parts of a log file's text: its beginning, spaced samples, whole stretches; unpacked where the file is packed. */
import type { FileHandle } from 'node:fs/promises';
import { type GzipProblem, isGzip, unpack } from './gzip.ts';
import { readAt } from './reading.ts';

export interface TextPart {
  /** In the (unpacked) text. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface TextHead {
  readonly compression: 'none' | 'gzip';
  /** The file's own first bytes. */
  readonly raw: Buffer;
  /** The text's first bytes. */
  readonly bytes: Buffer;
  /** Whether that is all of the text. */
  readonly isWhole: boolean;
  readonly problem: GzipProblem | null;
}

export const HEAD_BYTES = 64 * 1024;
/** A file whose first line is longer shows so much. */
const LONG_HEAD_BYTES = 1024 * 1024;
const SAMPLES = 16;
const SAMPLE_BYTES = 16 * 1024;

/** Reads the beginning of a file: 64 KiB of text, up to 1 MiB where no line ends in that. */
export async function readHead(
  handle: FileHandle,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<TextHead> {
  const raw = await readAt(handle, Math.min(HEAD_BYTES, sizeBytes), 0);
  if (!isGzip(raw)) {
    const isLong = raw.length < sizeBytes && !raw.includes(0x0a) && raw.some((byte) => byte !== 0);
    const bytes = isLong ? await readAt(handle, Math.min(LONG_HEAD_BYTES, sizeBytes), 0) : raw;
    return { compression: 'none', raw, bytes, isWhole: bytes.length >= sizeBytes, problem: null };
  }
  const text = unpack(handle, { signal, keepsOpen: true, chunkBytes: HEAD_BYTES });
  const chunks: Buffer[] = [];
  let length = 0;
  let hasLine = false;
  let isWhole = true;
  for await (const chunk of text) {
    if (length >= (hasLine ? HEAD_BYTES : LONG_HEAD_BYTES)) {
      isWhole = false;
      break;
    }
    hasLine ||= chunk.includes(0x0a);
    chunks.push(chunk);
    length += chunk.length;
  }
  return { compression: 'gzip', raw, bytes: Buffer.concat(chunks), isWhole, problem: text.problem };
}

/** 16 KiB from each of up to 16 places behind the head of a file that is not packed. */
export async function readSamples(
  handle: FileHandle,
  sizeBytes: number,
  headBytes: number,
): Promise<TextPart[]> {
  const parts: TextPart[] = [];
  const step = Math.max(SAMPLE_BYTES, Math.floor((sizeBytes - headBytes) / SAMPLES));
  for (let offset = headBytes; offset < sizeBytes && parts.length < SAMPLES; offset += step) {
    // The last one reaches to the end, so that the last lines are always among them.
    const isLast = parts.length === SAMPLES - 1 || offset + step >= sizeBytes;
    const from = aligned(isLast ? Math.max(offset, sizeBytes - SAMPLE_BYTES) : offset);
    parts.push({ offset: from, bytes: await readAt(handle, SAMPLE_BYTES, from) });
  }
  return parts;
}

/** Down to where a character of any encoding can begin. */
export const aligned = (offset: number) => offset - (offset % 4);
