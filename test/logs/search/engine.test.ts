/** The engine gives exactly what a naive search gives, on random logs, however they are read, split and paged. */
import { join } from 'node:path';
import t from 'tap';
import { createScanPool } from '../../../src/logs/search/pool.ts';
import type { LineQuery } from '../../../src/logs/search/query.ts';
import { testFolder } from '../../fixtures/folder.ts';
import { type Found, type Reading, randomReading, searched, writeLog } from './engine.ts';
import { pick, type RandomLog, randomLog, randomOf, randomQuery } from './random-logs.ts';
import { isHit, linesOf } from './reference.ts';

const CASES = Number(process.env.CHS_MUTATIONS ?? 150);
const FIRST_SEED = Number(process.env.CHS_SEED ?? 1);

function expected(log: RandomLog, query: LineQuery, { contextLines, lineBytesMax }: Reading): Found[] {
  const lines = linesOf(log.bytes, log.encoding, log.bomBytes, lineBytesMax);
  return lines.flatMap(({ offset, number, text, isTruncated }, index) => {
    if (!isHit(text, query)) return [];
    const before = lines.slice(Math.max(0, index - contextLines), index).map((line) => line.text);
    const after = lines.slice(index + 1, index + 1 + contextLines).map((line) => line.text);
    return { offset, number, text, before, after, isTruncated, epochMs: null };
  });
}

t.test(
  'gives what a naive search gives, whatever blocks, segments and pages it is read in',
  { timeout: 0 },
  async (t) => {
    const folder = testFolder(t);
    const inline = createScanPool(3);
    let hits = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed += 1) {
      const random = randomOf(seed);
      const logs = Array.from({ length: pick(random, [1, 1, 3]) }, () => randomLog(random));
      const packed = logs.map(() => random() < 0.2);
      const files = logs.map((log, index) =>
        writeLog(join(folder, `${index}.log`), log, packed[index] === true, random),
      );
      const query = randomQuery(random);
      const reading = randomReading(random);
      // What is written to a file goes to the first; its context would be what comes later, too.
      const steady = { ...reading, contextLines: reading.grows ? 0 : reading.contextLines };
      const given = await searched(files, query, steady, inline);
      const wanted = logs.flatMap((log) => expected(log, query, steady));
      hits += wanted.length;
      if (JSON.stringify(given) === JSON.stringify(wanted)) continue;
      const encodings = logs.map(({ encoding }) => encoding);
      t.same(given, wanted, `seed ${seed}: ${JSON.stringify({ query, reading, encodings, packed })}`);
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
    const query = randomQuery(random);
    const reading = { ...randomReading(random), segmentBytes: 256, scannedBytesMax: 1e12, grows: false };
    const file = writeLog(join(folder, `${seed}.log`), log, random() < 0.3, random);
    t.same(
      await searched([file], query, reading, threads),
      await searched([file], query, reading, inline),
      `seed ${seed}`,
    );
  }
});

t.test('gives what a naive search gives of many small files', async (t) => {
  const folder = testFolder(t);
  const threads = createScanPool(2, { inlineBytesMax: 0 });
  t.teardown(() => threads.close());
  const random = randomOf(4711);
  const logs = Array.from({ length: 700 }, () => randomLog(random));
  const files = logs.map((log, index) =>
    writeLog(join(folder, `${index}.log`), log, random() < 0.05, random),
  );
  const query: LineQuery = {
    ...{ must: ['a'], any: ['error', '错误'], none: ['disk'], regex: null },
    ...{ caseSensitive: false, wholeWord: false, json: null, window: null },
  };
  const reading = { ...randomReading(random), pageSize: 170, contextLines: 1, scannedBytesMax: 100_000 };
  const steady = { ...reading, grows: false, lineBytesMax: 1_048_576 };
  t.same(
    await searched(files, query, steady, threads),
    logs.flatMap((log) => expected(log, query, steady)),
  );
});
