/** Real logs: windows give exactly the lines whose true time lies in them; encodings of one text give the same hits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createScanPool } from '../../../src/logs/search/pool.ts';
import type { LineQuery } from '../../../src/logs/search/query.ts';
import { inspectFile } from '../../../src/logs/source/inspect.ts';
import { createStamper } from '../../../src/logs/time/stamper.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';
import { searched } from './engine.ts';
import { randomOf } from './random-logs.ts';

const folder = sharedFixtures('logs');
const skip = folder === null ? 'needs the shared fixtures of logs' : false;
const reading = {
  ...{ pageSize: 700, contextLines: 0, lineBytesMax: 1_048_576, blockBytes: 4096 },
  ...{ charsMax: 1e9, segmentBytes: 65_536, scannedBytesMax: 1e12 },
};
const everything: LineQuery = {
  ...{ must: [], any: [], none: [], regex: null, caseSensitive: true, wholeWord: false, json: null },
  window: null,
};

async function look(path: string) {
  const { file } = await inspectFile(path, { zone: 'UTC', rules: { allowRoots: null, denyPatterns: [] } });
  if (!file) throw new Error(`${path} is no text`);
  return file;
}

/** What search gives in windows has to be what all its lines say of themselves, in order or not. */
t.test('keeps to windows in logs that are out of order', { skip }, async (t) => {
  const pool = createScanPool(2);
  const loghub = join(folder ?? '', 'loghub');
  for (const system of readdirSync(loghub)) {
    const path = join(loghub, system, `${system}_2k.log`);
    if (!existsSync(path)) continue;
    const file = await look(path);
    const stamper = createStamper(file.times);
    const lines = await searched([file], everything, reading, pool);
    t.equal(lines.length, 2000, system);
    t.same(
      lines.filter(({ text, offset, epochMs }) => {
        const own = stamper.stamp(text, offset);
        return own !== null && own.epochMs !== epochMs;
      }),
      [],
    );
    const random = randomOf(system.length);
    const times = lines.flatMap(({ epochMs }) => epochMs ?? []);
    t.ok(times.length >= 1990, `${system}: ${times.length} times`);
    for (let turn = 0; turn < 12; turn += 1) {
      const [one = 0, other = 0] = [random(), random()].map(
        (share) => times[Math.floor(share * times.length)] ?? 0,
      );
      const window = { startMs: Math.min(one, other) - 3000, endMs: Math.max(one, other) + 3000 };
      const found = await searched([file], { ...everything, window }, reading, pool);
      const wanted = lines.filter(
        ({ epochMs }) => epochMs !== null && epochMs >= window.startMs && epochMs <= window.endMs,
      );
      t.same(
        found.map(({ number }) => number),
        wanted.map(({ number }) => number),
        `${system} ${turn}`,
      );
    }
  }
});

t.test('finds the same in every encoding of a Chinese log', { skip }, async (t) => {
  const pool = createScanPool(2);
  const names = ['utf8.log', 'gbk.log', 'gb18030.log', 'gbk.log.gz', 'utf16le_bom.log'];
  for (const must of [['信息'], ['严重'], ['下午', '12'], ['org.apache'], ['务']]) {
    const all: unknown[][] = [];
    for (const name of names) {
      const path = join(folder ?? '', 'zh', `tomcat_zh.${name}`);
      const found = await searched(
        [await look(path)],
        { ...everything, must },
        { ...reading, contextLines: 2 },
        pool,
      );
      all.push(
        found.map(({ number, text, before, after, epochMs }) => [number, text, before, after, epochMs]),
      );
    }
    const text = readFileSync(join(folder ?? '', 'zh', 'tomcat_zh.utf8.log'), 'utf8');
    const count = text.split('\n').filter((line) => must.every((term) => line.includes(term))).length;
    t.equal(all[0]?.length, count, must.join());
    for (const [index, found] of all.entries()) t.same(found, all[0], `${must} in ${names[index]}`);
  }
});
