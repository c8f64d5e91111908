/** The engine gives exactly what a naive search gives, on random logs, however they are read, split and paged. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ScanPart } from '../../../src/logs/search/plan.ts';
import { createScanPool, type ScanPool } from '../../../src/logs/search/pool.ts';
import type { LineQuery } from '../../../src/logs/search/query.ts';
import { createPageSink, HITS_BEYOND_PAGE, runScan } from '../../../src/logs/search/scan.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';
import { testFolder } from '../../fixtures/folder.ts';
import { pick, type Random, type RandomLog, randomLog, randomOf, randomQuery } from './random-logs.ts';
import { isHit, linesOf } from './reference.ts';

const CASES = Number(process.env.CHS_MUTATIONS ?? 250);

interface Found {
  readonly offset: number;
  readonly number: number;
  readonly text: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly isTruncated: boolean;
}

interface Reading {
  readonly pageSize: number;
  readonly contextLines: number;
  readonly lineBytesMax: number;
  readonly blockBytes: number;
  readonly segmentBytes: number;
  readonly scannedBytesMax: number;
}

function logFile(path: string, { encoding, bomBytes }: RandomLog): LogFile {
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

/** Every page of a search, put together. */
async function searched(
  files: readonly LogFile[],
  query: LineQuery,
  reading: Reading,
  pool: ScanPool,
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
    const sink = createPageSink({ hitsMax: reading.pageSize, charsMax: 1e9, lastGiven });
    const { next } = await runScan(
      {
        ...reading,
        parts,
        query,
        queryKey: JSON.stringify(query),
        collecting: {
          kind: 'hits',
          options: {
            hitsMax: reading.pageSize + HITS_BEYOND_PAGE,
            charsMax: 1e9,
            contextLines: reading.contextLines,
            wholeEvents: false,
            window: null,
            lineBytesMax: reading.lineBytesMax,
          },
        },
        regexTimeoutMs: 1000,
        deadlineMs: null,
        signal: new AbortController().signal,
        times: null,
      },
      pool,
      sink,
    );
    for (const hit of sink.hits) {
      const number = hit.lines + 1 + (hit.part === 0 ? lines : 0);
      const { offset, content: text, before, after, isTruncated } = hit;
      found.push({ offset, number, text, before, after, isTruncated });
    }
    if (!next) return found;
    lines = next.lines + (next.part === 0 ? lines : 0);
    const last = sink.hits.at(-1);
    lastGiven = last && last.part === next.part ? { part: 0, offset: last.offset } : null;
    parts = parts
      .slice(next.part)
      .map((part, index) =>
        index === 0 ? { ...part, start: next.offset, startsLine: next.startsLine } : part,
      );
  }
}

function expected(log: RandomLog, query: LineQuery, { contextLines, lineBytesMax }: Reading): Found[] {
  const lines = linesOf(log.bytes, log.encoding, log.bomBytes, lineBytesMax);
  return lines.flatMap(({ offset, number, text, isTruncated }, index) => {
    if (!isHit(text, query)) return [];
    const before = lines.slice(Math.max(0, index - contextLines), index).map((line) => line.text);
    const after = lines.slice(index + 1, index + 1 + contextLines).map((line) => line.text);
    return { offset, number, text, before, after, isTruncated };
  });
}

function randomReading(random: Random): Reading {
  return {
    pageSize: pick(random, [1, 3, 20, 1000]),
    contextLines: pick(random, [0, 0, 1, 3]),
    lineBytesMax: pick(random, [1_048_576, 1_048_576, 64]),
    blockBytes: pick(random, [16, 64, 1024, 1_048_576]),
    segmentBytes: pick(random, [64, 1024, 16_777_216]),
    scannedBytesMax: pick(random, [300, 5000, 1e12, 1e12]),
  };
}

t.test(
  'gives what a naive search gives, whatever blocks, segments and pages it is read in',
  { timeout: 0 },
  async (t) => {
    const folder = testFolder(t);
    const inline = createScanPool(3);
    let hits = 0;
    for (let seed = 1; seed <= CASES; seed += 1) {
      const random = randomOf(seed);
      const logs = Array.from({ length: pick(random, [1, 1, 3]) }, () => randomLog(random));
      const files = logs.map((log, index) => {
        const path = join(folder, `${index}.log`);
        writeFileSync(path, log.bytes);
        return logFile(path, log);
      });
      const query = randomQuery(random);
      const reading = randomReading(random);
      const given = await searched(files, query, reading, inline);
      const wanted = logs.flatMap((log) => expected(log, query, reading));
      hits += wanted.length;
      if (JSON.stringify(given) === JSON.stringify(wanted)) continue;
      t.same(
        given,
        wanted,
        `seed ${seed}: ${JSON.stringify({ query, reading, logs: logs.map((log) => log.encoding) })}`,
      );
      break;
    }
    t.ok(hits > CASES, `${hits} hits in ${CASES} cases`);
  },
);

t.test('gives the same from one thread and from several', async (t) => {
  const folder = testFolder(t);
  const inline = createScanPool(1);
  const threads = createScanPool(3, { inlineBytesMax: 0 });
  t.teardown(() => threads.close());
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = randomOf(seed * 7919);
    const log = randomLog(random);
    const path = join(folder, `${seed}.log`);
    writeFileSync(path, log.bytes);
    const query = randomQuery(random);
    const reading = { ...randomReading(random), segmentBytes: 256, scannedBytesMax: 1e12 };
    const file = logFile(path, log);
    t.same(
      await searched([file], query, reading, threads),
      await searched([file], query, reading, inline),
      `seed ${seed}`,
    );
  }
});
