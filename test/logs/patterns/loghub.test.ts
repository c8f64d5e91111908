/** Templates against the ground truth of public logs (loghub), for eight systems with one and the same setting. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createPatternMiner } from '../../../src/logs/patterns/miner.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';

const folder = sharedFixtures('logs');
const skip = folder === null && 'the shared log fixtures are not here';

/** Measured, and a little below: the share of lines whose group has exactly the lines of the truth's. */
const floors: Readonly<Record<string, number>> = {
  Android: 0.93,
  Apache: 0.99,
  BGL: 0.96,
  HDFS: 0.92,
  HPC: 0.92,
  Hadoop: 0.97,
  Linux: 0.92,
  Zookeeper: 0.97,
};
const MEAN_FLOOR = 0.95;

/** RFC 4180, as much as these files use of it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

function groupsOf(names: readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  names.forEach((name, line) => {
    const group = groups.get(name);
    if (group) group.push(line);
    else groups.set(name, [line]);
  });
  return groups;
}

t.test('groups lines as people did', { skip }, async (t) => {
  let sum = 0;
  for (const [system, floor] of Object.entries(floors)) {
    const file = join(folder ?? '', 'loghub', system, `${system}_2k.log_structured.csv`);
    const [header = [], ...rows] = parseCsv(readFileSync(file, 'utf8'));
    const [content, event] = [header.indexOf('Content'), header.indexOf('EventId')];
    t.equal(rows.length, 2000, `${system} is whole`);
    const miner = createPatternMiner({ patternsMax: 1000 });
    const numbers = rows.map((row, line) =>
      miner.add(row[content] ?? '', { epochMs: null, file: system, lineNumber: line + 1, byteOffset: line }),
    );
    const found = groupsOf(numbers.map((number) => miner.patternIdOf(number) ?? ''));
    const truth = groupsOf(rows.map((row) => row[event] ?? ''));
    let right = 0;
    for (const lines of found.values()) {
      const same = truth.get(rows[lines[0] ?? 0]?.[event] ?? '') ?? [];
      if (same.length === lines.length && same.every((line, at) => line === lines[at])) right += lines.length;
    }
    const accuracy = right / rows.length;
    sum += accuracy;
    t.ok(accuracy >= floor, `${system}: ${accuracy.toFixed(4)}, at least ${floor}`);
  }
  const mean = sum / Object.keys(floors).length;
  t.ok(mean >= MEAN_FLOOR, `on average ${mean.toFixed(4)}`);
});
