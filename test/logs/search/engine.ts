/** The engine as tests run it: any files, blocks, segments and pages, all pages put together. */
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { BlockTimesCache } from '../../../src/logs/search/block-times.ts';
import type { ScanPart } from '../../../src/logs/search/plan.ts';
import type { ScanPool } from '../../../src/logs/search/pool.ts';
import type { LineQuery } from '../../../src/logs/search/query.ts';
import { runScan } from '../../../src/logs/search/scan.ts';
import { createPageSink, HITS_BEYOND_PAGE } from '../../../src/logs/search/sinks.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';
import { pick, type Random, type RandomLog } from './random-logs.ts';

export interface Found {
  readonly offset: number;
  readonly number: number;
  readonly text: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly isTruncated: boolean;
  readonly epochMs: number | null;
}

export interface Reading {
  readonly pageSize: number;
  readonly contextLines: number;
  readonly lineBytesMax: number;
  readonly blockBytes: number;
  readonly segmentBytes: number;
  /** A page ends with so many characters. */
  readonly charsMax: number;
  readonly scannedBytesMax: number;
  readonly wholeEvents?: boolean;
  /** Bytes are written to the end of the files before each page but the first. */
  readonly grows?: boolean;
}

export function randomReading(random: Random): Reading {
  return {
    pageSize: pick(random, [1, 3, 20, 1000]),
    contextLines: pick(random, [0, 0, 1, 3]),
    lineBytesMax: pick(random, [1_048_576, 1_048_576, 64]),
    blockBytes: pick(random, [16, 64, 1024, 1_048_576]),
    charsMax: pick(random, [1e9, 1e9, 300]),
    segmentBytes: pick(random, [64, 1024, 16_777_216]),
    scannedBytesMax: pick(random, [300, 5000, 1e12, 1e12, 1 + Math.floor(random() * 20_000)]),
    grows: random() < 0.3,
  };
}

/** A file without times, described without looking at it. */
export function plainFile(path: string, { encoding, bomBytes }: Omit<RandomLog, 'bytes'>): LogFile {
  const { dev, ino, size, mtimeMs } = statSync(path, { bigint: true });
  return {
    path,
    sizeBytes: Number(size),
    mtimeMs: Number(mtimeMs),
    identity: { device: String(dev), inode: String(ino), headHash: '', headBytes: 0 },
    compression: 'none',
    encoding,
    bomBytes,
    needsConvert: false,
    familyId: null,
    sequence: 0,
    mode: 'text',
    times: { formats: [], zone: 'UTC', anchors: [], timeField: null },
    timestampExamples: [],
    jsonTimeFieldConfidence: 0,
    firstEvent: null,
    zoneSource: null,
  };
}

/** Writes a log, packed or not; packed ones have up to three members. */
export function writeLog(path: string, log: RandomLog, isPacked: boolean, random: Random): LogFile {
  if (!isPacked) {
    writeFileSync(path, log.bytes);
    return plainFile(path, log);
  }
  const cuts = [random(), random()]
    .map((share) => Math.floor(share * log.bytes.length))
    .sort((a, b) => a - b);
  const [first = 0, second = 0] = cuts;
  const members = [
    log.bytes.subarray(0, first),
    log.bytes.subarray(first, second),
    log.bytes.subarray(second),
  ];
  writeFileSync(path, Buffer.concat(members.map((member) => gzipSync(member))));
  return { ...plainFile(path, log), compression: 'gzip' };
}

/** Every page of a search, put together. */
export async function searched(
  files: readonly LogFile[],
  query: LineQuery,
  reading: Reading,
  pool: ScanPool,
  times: BlockTimesCache | null = null,
): Promise<Found[]> {
  const found: Found[] = [];
  let parts: ScanPart[] = files.map((file) => ({
    file,
    start: 0,
    startsLine: true,
    fileEnd: file.sizeBytes,
  }));
  let lines = 0;
  let lastGiven: { part: number; offset: number } | null = null;
  for (let page = 0; ; page += 1) {
    if (page > 100_000) throw new Error('the pages have no end');
    if (page > 0 && reading.grows) grow(files);
    const sink = createPageSink({ hitsMax: reading.pageSize, charsMax: reading.charsMax, lastGiven });
    const { next, notices } = await runScan(
      {
        ...reading,
        parts,
        query,
        queryKey: JSON.stringify(query),
        collecting: {
          kind: 'hits',
          options: {
            hitsMax: reading.pageSize + HITS_BEYOND_PAGE,
            charsMax: reading.charsMax,
            contextLines: reading.contextLines,
            wholeEvents: reading.wholeEvents ?? false,
            window: query.window,
            lineBytesMax: reading.lineBytesMax,
          },
        },
        regexTimeoutMs: 1000,
        deadlineMs: null,
        signal: new AbortController().signal,
        times,
      },
      pool,
      sink,
    );
    if (notices[0]) throw new Error(`${notices[0].code}: ${notices[0].message}`);
    for (const hit of sink.hits) {
      const number = hit.lines + 1 + (hit.part === 0 ? lines : 0);
      const { offset, content: text, before, after, isTruncated, epochMs } = hit;
      found.push({ offset, number, text, before, after, isTruncated, epochMs });
    }
    if (!next) return found;
    lines = next.lines + (next.part === 0 ? lines : 0);
    const last = sink.hits.at(-1);
    if (last) lastGiven = last.part === next.part ? { part: 0, offset: last.offset } : null;
    else if (next.part > 0) lastGiven = null;
    parts = parts
      .slice(next.part)
      .map((part, index) =>
        index === 0 ? { ...part, start: next.offset, startsLine: next.startsLine } : part,
      );
  }
}

function grow(files: readonly LogFile[]): void {
  const [file] = files;
  if (file?.compression === 'none') appendFileSync(file.path, 'error a\nab disk\nuser x=1 \n');
}
