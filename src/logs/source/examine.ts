/** What an open file is: its encoding, whether its lines are JSON, how they write their times. */
import { isAscii } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { needsAnchors } from '../time/anchors.ts';
import { createStamper } from '../time/stamper.ts';
import type { FileTimes, SampleLine } from '../time/times.ts';
import { findAnchors } from './anchor-samples.ts';
import { othersTurn } from './concurrent.ts';
import { codecFor, detectEncoding, type FoundEncoding, markOf } from './encoding.ts';
import { identityOf } from './identity.ts';
import { linesOf } from './lines.ts';
import type { LogFile } from './log-file.ts';
import type { Notice } from './notice.ts';
import { readHead, readSamples, type TextHead, type TextPart } from './text-parts.ts';
import { formatsOf } from './time-formats.ts';

export interface ExamineOptions {
  /** IANA name, for times that name no zone. */
  readonly zone: string;
  /** As normaliseEncoding gives it; absent: found out. */
  readonly encoding?: string | undefined;
  /** JSON path of the time; absent: found out. */
  readonly timeField?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Somebody named this very file: it is searched whatever it looks like. */
  readonly isNamed?: boolean | undefined;
}

/** Of the beginning, so many lines one after the other, and so many spread over the rest of it. */
const FIRST_LINES = 64;
const SPREAD_LINES = 64;
const LINES_OF_A_SAMPLE = 8;
const HEAD_LINES_MAX = 4096;

/**
 * Looks at an open file. It is left open.
 *
 * @param path real, absolute
 * @returns null for a file that is no text and was not named, and what should be known besides
 * @throws the system's errors of reading, and the signal's reason
 */
export async function examine(
  handle: FileHandle,
  path: string,
  options: ExamineOptions,
): Promise<{ file: LogFile | null; notices: Notice[] }> {
  const stats = await handle.stat({ bigint: true });
  const sizeBytes = Number(stats.size);
  const head = await readHead(handle, sizeBytes, options.signal);
  const samples =
    head.compression === 'none' && !head.isWhole
      ? await readSamples(handle, sizeBytes, head.bytes.length)
      : [];
  const notices = problemsOf(path, head);
  // Telling the encoding and the times takes some milliseconds each, and there may be thousands of files.
  await othersTurn();
  const found = findEncoding(head, samples, options.encoding);
  await othersTurn();
  if (found.isBinary && !options.isNamed) {
    return { file: null, notices: [{ file: path, code: 'BINARY', message: 'it is no text' }] };
  }
  if (found.isBinary) {
    const message = `it looks like no text; it was named, so it is searched all the same, as ${found.encoding}`;
    notices.push({ file: path, code: 'BINARY', message });
  }
  if (found.isGuess) {
    notices.push({
      file: path,
      code: 'ENCODING_GUESSED',
      message: `taken for ${found.encoding}; other encodings fit, too`,
    });
  }
  const file = await describe(handle, path, stats, { head, samples, found, options });
  return { file, notices };
}

function problemsOf(path: string, { problem }: TextHead): Notice[] {
  if (problem === null) return [];
  const what = problem.code === 'TRUNCATED_GZIP' ? 'it is cut off' : 'it is damaged';
  return [{ file: path, code: problem.code, message: `${what} after ${problem.atByte} bytes of text` }];
}

function findEncoding(
  head: TextHead,
  samples: readonly TextPart[],
  wanted: string | undefined,
): FoundEncoding {
  // A hole at the beginning tells nothing.
  const isHole = head.bytes.length > 0 && head.bytes.every((byte) => byte === 0);
  const told = isHole ? samples.find(({ bytes }) => bytes.some((byte) => byte !== 0)) : undefined;
  const first = detectEncoding(told?.bytes ?? head.bytes, head.isWhole && !told);
  if (wanted !== undefined) {
    const mark = markOf(head.bytes);
    const isSameFamily = mark !== null && mark.encoding.slice(0, 6) === wanted.slice(0, 6);
    return { encoding: wanted, bomBytes: 0, ...(isSameFamily ? mark : {}), isBinary: false, isGuess: false };
  }
  // The beginning may be in ASCII alone, which is all of them.
  const isOpen = first.encoding === 'utf-8' && first.bomBytes === 0 && !first.isBinary;
  if (!isOpen || samples.length === 0 || hasHighBytes(head.bytes)) return first;
  const rest = Buffer.concat(samples.map(({ bytes }) => bytes.subarray(bytes.indexOf(0x0a) + 1)));
  if (!hasHighBytes(rest)) return first;
  const later = detectEncoding(rest, false);
  return later.isBinary || later.encoding.startsWith('utf-16') || later.encoding.startsWith('utf-32')
    ? first
    : { ...later, bomBytes: 0 };
}

const hasHighBytes = (bytes: Buffer) => !isAscii(bytes);

interface Findings {
  readonly head: TextHead;
  readonly samples: readonly TextPart[];
  readonly found: FoundEncoding;
  readonly options: ExamineOptions;
}

async function describe(
  handle: FileHandle,
  path: string,
  stats: BigIntStats,
  { head, samples, found, options }: Findings,
): Promise<LogFile> {
  const { encoding, bomBytes } = found;
  const codec = codecFor(encoding);
  const mtimeMs = Number(stats.mtimeNs / 1_000_000n);
  const headLines = firstLines(
    linesOf(head.bytes.subarray(bomBytes), codec, { offset: bomBytes, endsInside: !head.isWhole }),
    HEAD_LINES_MAX,
  );
  // A first line longer than the head is better than none.
  if (headLines.length === 0) {
    headLines.push(...linesOf(head.bytes.subarray(bomBytes), codec, { offset: bomBytes }));
  }
  const texts = [...spread(headLines), ...samples.flatMap((part) => linesInside(part, codec))].map(
    (line) => line.text,
  );
  const { zone, timeField = null } = options;
  const detected = formatsOf(texts, zone, timeField);
  const bare: FileTimes = { formats: detected.formats, zone, anchors: [], timeField: detected.jsonTimeField };
  const times = needsAnchors(bare.formats)
    ? {
        ...bare,
        anchors: await findAnchors({
          handle,
          sizeBytes: Number(stats.size),
          compression: head.compression,
          codec,
          bomBytes,
          formats: bare.formats,
          context: { mtimeMs, path, zone, timeField: bare.timeField },
          headChars: createStamper(bare).headChars,
          signal: options.signal,
        }),
      }
    : bare;
  return {
    path,
    sizeBytes: Number(stats.size),
    mtimeMs,
    identity: identityOf(head.raw, stats),
    compression: head.compression,
    encoding,
    bomBytes,
    needsConvert: codec.isStateful,
    familyId: null,
    sequence: 0,
    mode: areObjects(texts) ? 'json' : 'text',
    times,
    timestampExamples: detected.examples,
    jsonTimeFieldConfidence: detected.jsonTimeFieldConfidence,
    ...firstEventOf(headLines, times),
    ...(options.isNamed ? { isNamed: true } : {}),
  };
}

function firstLines(lines: Iterable<SampleLine>, count: number): SampleLine[] {
  const first: SampleLine[] = [];
  for (const line of lines) {
    first.push(line);
    if (first.length === count) break;
  }
  return first;
}

function linesInside({ offset, bytes }: TextPart, codec: ReturnType<typeof codecFor>): SampleLine[] {
  return firstLines(
    linesOf(bytes, codec, { offset, beginsInside: true, endsInside: true }),
    LINES_OF_A_SAMPLE,
  );
}

function spread(lines: readonly SampleLine[]): SampleLine[] {
  const later = lines.slice(FIRST_LINES);
  const step = Math.max(1, Math.floor(later.length / SPREAD_LINES));
  return [...lines.slice(0, FIRST_LINES), ...later.filter((_, index) => index % step === 0)];
}

/** Whether most lines are JSON objects. */
function areObjects(texts: readonly string[]): boolean {
  const filled = texts.filter((text) => text.trim() !== '');
  return filled.length > 0 && filled.filter(isObject).length * 2 > filled.length;
}

function isObject(text: string): boolean {
  const bare = text.trim();
  if (!bare.startsWith('{') || !bare.endsWith('}')) return false;
  try {
    JSON.parse(bare);
    return true;
  } catch {
    return false;
  }
}

function firstEventOf(
  lines: readonly SampleLine[],
  times: FileTimes,
): Pick<LogFile, 'firstEvent' | 'zoneSource'> {
  if (times.formats.length === 0) return { firstEvent: null, zoneSource: null };
  const stamper = createStamper(times);
  for (const { text, offset } of lines) {
    const stamp = stamper.stamp(text.slice(0, stamper.headChars), offset);
    if (stamp) return { firstEvent: { offset, epochMs: stamp.epochMs }, zoneSource: stamp.zone };
  }
  return { firstEvent: null, zoneSource: null };
}
