/** Windows of time over a file whose blocks are known give what they give when nothing is known. */
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type BlockTimesCache, createBlockTimesCache } from '../../../src/logs/search/block-times.ts';
import { createScanPool } from '../../../src/logs/search/pool.ts';
import { EVERY_LINE, type TimeWindow } from '../../../src/logs/search/query.ts';
import { runScan } from '../../../src/logs/search/scan.ts';
import { createPageSink, HITS_BEYOND_PAGE } from '../../../src/logs/search/sinks.ts';
import { inspectFile } from '../../../src/logs/source/inspect.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';
import { testFolder } from '../../fixtures/folder.ts';
import { searched } from './engine.ts';
import { randomOf } from './random-logs.ts';

const START_MS = Date.UTC(2026, 0, 6);
const LINES = 30_000;

/** Three runs one after the other, each a little out of order, with lines that have no time. */
function textOf(): string {
  const random = randomOf(11);
  const lines = Array.from({ length: LINES }, (_, line) => {
    const run = Math.floor(line / 10_000);
    const ms = START_MS + ((run * 7) % 3) * 3_600_000 + (line % 10_000) * 100 + Math.floor(random() * 5_000);
    const text = `worker ${line} did something that takes a whole line to tell, and then some more of it`;
    return random() < 0.1 ? `    at ${text}` : `${new Date(ms).toISOString()} INFO ${text}`;
  });
  return `${lines.join('\n')}\n`;
}

async function inspected(path: string): Promise<LogFile> {
  const { file } = await inspectFile(path, {
    rules: { allowRoots: null, denyPatterns: [] },
    zone: 'UTC',
    signal: new AbortController().signal,
  });
  if (!file) throw new Error('no log file');
  return file;
}

const pool = createScanPool(2);

async function numbersIn(
  file: LogFile,
  window: TimeWindow,
  times: BlockTimesCache | null,
  wholeEvents = false,
) {
  const sink = createPageSink({ hitsMax: LINES, charsMax: 1e9, lastGiven: null });
  const query = {
    must: [],
    any: [],
    none: [],
    regex: null,
    caseSensitive: true,
    wholeWord: false,
    json: null,
    window,
  };
  const options = {
    hitsMax: LINES + HITS_BEYOND_PAGE,
    charsMax: 1e9,
    contextLines: 1,
    wholeEvents,
    window,
    lineBytesMax: 1_048_576,
  };
  const { stats } = await runScan(
    {
      parts: [{ file, start: 0, startsLine: true, fileEnd: file.sizeBytes }],
      query,
      queryKey: JSON.stringify(window),
      collecting: { kind: 'hits', options },
      lineBytesMax: 1_048_576,
      regexTimeoutMs: 1000,
      scannedBytesMax: 1e12,
      deadlineMs: null,
      signal: new AbortController().signal,
      times,
    },
    pool,
    sink,
  );
  const hits = sink.hits.map(({ lines, offset, before, after }) => [lines, offset, before, after]);
  return { hits, bytes: stats.bytesScanned };
}

t.test('leaves out what lies outside, and nothing else', async (t) => {
  const path = join(testFolder(t), 'app.log');
  writeFileSync(path, textOf());
  const file = await inspected(path);
  const times = createBlockTimesCache();
  const all = { startMs: null, endMs: null };
  t.equal(
    (await numbersIn(file, all, times)).hits.length,
    LINES,
    'the first scan learns the times of all blocks',
  );
  const random = randomOf(5);
  for (let count = 0; count < 30; count += 1) {
    const startMs = START_MS - 600_000 + Math.floor(random() * 12_000_000);
    const window = {
      startMs: random() < 0.1 ? null : startMs,
      endMs: startMs + Math.floor(random() * 900_000),
    };
    const plain = await numbersIn(file, window, null);
    const skipping = await numbersIn(file, window, times);
    t.same(skipping.hits, plain.hits, `window ${JSON.stringify(window)}`);
    t.ok(skipping.bytes <= plain.bytes);
  }
  const narrow = { startMs: START_MS + 500_000, endMs: START_MS + 510_000 };
  t.ok((await numbersIn(file, narrow, times)).bytes < file.sizeBytes / 4, 'most of the file is not read');
});

t.test('learns the times of all lines, also from a search for whole events', async (t) => {
  const path = join(testFolder(t), 'app.log');
  const frames = `${'    at a frame of a stack trace that goes on for a while, as they do\n'.repeat(700)}`;
  const events = Array.from(
    { length: 60 },
    (_, event) => `${new Date(START_MS + event * 60_000).toISOString()} ERROR failed\n${frames}`,
  );
  writeFileSync(path, events.join(''));
  const file = await inspected(path);
  const times = createBlockTimesCache();
  await numbersIn(file, { startMs: START_MS, endMs: null }, times, true);
  for (let event = 0; event < events.length; event += 1) {
    const window = { startMs: START_MS + event * 60_000, endMs: START_MS + event * 60_000 };
    t.equal((await numbersIn(file, window, times)).hits.length, 701, `event ${event}`);
  }
});

t.test('knows the old part of a file that grows, and nothing of one that is written anew', async (t) => {
  const path = join(testFolder(t), 'app.log');
  const text = textOf();
  writeFileSync(path, text);
  const times = createBlockTimesCache();
  await numbersIn(await inspected(path), { startMs: null, endMs: null }, times);
  const window = { startMs: START_MS + 7_300_000, endMs: START_MS + 7_600_000 };
  appendFileSync(path, `${new Date(START_MS + 7_400_000).toISOString()} INFO late\n`);
  const grown = await inspected(path);
  t.same((await numbersIn(grown, window, times)).hits, (await numbersIn(grown, window, null)).hits);
  const changed = text.replaceAll('2026-01-06T00:1', '2026-01-06T02:0');
  writeFileSync(path, changed);
  const anew = await inspected(path);
  t.same((await numbersIn(anew, window, times)).hits, (await numbersIn(anew, window, null)).hits);
});

t.test('numbers lines truly when a page begins behind what was left out', async (t) => {
  const folder = testFolder(t);
  const spender = join(folder, 'a.log');
  const blocks = join(folder, 'b.log');
  writeFileSync(spender, `${new Date(START_MS).toISOString()} INFO spent\n`.repeat(10_000));
  writeFileSync(blocks, textOf());
  const times = createBlockTimesCache();
  const file = await inspected(blocks);
  await numbersIn(file, { startMs: null, endMs: null }, times);
  const window = { startMs: START_MS + 7 * 3_600_000, endMs: null };
  appendFileSync(blocks, `${new Date(window.startMs).toISOString()} INFO late\n`);
  const files = [await inspected(spender), await inspected(blocks)];
  const query = { ...EVERY_LINE, must: ['INFO'], window };
  const reading = { pageSize: 10, contextLines: 0, lineBytesMax: 1_048_576, blockBytes: 1_048_576 };
  const limits = { segmentBytes: 16_777_216, charsMax: 1e9 };
  // In one page, and in two: the first file spends what the first page may read.
  for (const scannedBytesMax of [1e12, statSync(spender).size]) {
    const found = await searched(files, query, { ...reading, ...limits, scannedBytesMax }, pool, times);
    t.same(
      found.map(({ number }) => number),
      [LINES + 1],
      `${scannedBytesMax} bytes`,
    );
  }
});
