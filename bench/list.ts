/** Pages of a million minidumps over HTTP: p50 and p99 of each kind of question. */

import { mkdir } from 'node:fs/promises';
import { Agent } from 'node:http';
import { dirname, join } from 'node:path';
import { openDatabase } from '../src/backends/open.ts';
import { loadDriver } from '../src/backends/sqlite/driver.ts';
import { BENCH_KEY, startServer } from './child.ts';
import { get } from './client.ts';
import { type Figure, type Outcome, percentile, timed, withTemporaryFolder } from './measure.ts';

const ROWS = 1_000_000;
const VERSIONS = 50;
const GUIDS = 200;
const SAMPLES = 300;
const NEWEST_MS = Date.UTC(2026, 11, 31);
const YEAR_MS = 365 * 86_400_000;

/** Each gives the query of its `n`-th request; no two alike, so that no answer is a remembered one. */
const questions: Readonly<Record<string, (n: number) => Readonly<Record<string, string | number>>>> = {
  'first page': (n) => ({ page_size: 20 + (n % 5) }),
  'deep page': (n) => ({ page: 1000 + n * 163 }),
  version: (n) => ({ version: versionOf(n) }),
  guid: (n) => ({ guid: guidOf(n) }),
  'time range': (n) => timeRange(n),
  'version and time range': (n) => ({ version: versionOf(n), ...timeRange(n) }),
};

export async function measure(): Promise<Outcome> {
  return withTemporaryFolder(async (folder) => {
    const path = join(folder, 'data', 'crash_handler.db');
    await fill(path);
    const takeOverMs = await timed(async () => (await openDatabase({ path, busyTimeoutMs: 5000 })).close());
    const daemon = await startServer('daemon', folder);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string): Promise<number> => timed(() => get(`${daemon.url}${path}`, BENCH_KEY, agent));
    const pathOf = (name: string, n: number): string => {
      const query = Object.entries(questions[name]?.(n) ?? {}).map(
        ([key, value]) => `${key}=${encodeURIComponent(value)}`,
      );
      return `/list/minidumps?${query.join('&')}`;
    };

    const total = totalIn((await get(`${daemon.url}/list/minidumps`, BENCH_KEY, agent)).text);
    if (total !== ROWS) throw new Error(`the list counts ${total} rows in place of ${ROWS}`);
    const names = Object.keys(questions);
    const health: number[] = [];
    const spent = new Map<string, number[]>(names.map((name) => [name, []]));
    // Each round asks everything once, so that a busy moment of the machine meets all alike.
    for (let n = 0; n < SAMPLES; n += 1) {
      health.push(await ask('/health'));
      for (const name of names) spent.get(name)?.push(await ask(pathOf(name, n)));
    }
    agent.destroy();
    await daemon.stop();

    const healthP50 = percentile(health, 0.5);
    const figures = [...spent].flatMap(([name, samplesMs]): Figure[] => [
      {
        name: `${name}, p50`,
        unit: 'ms',
        chs: percentile(samplesMs, 0.5),
        peer: { name: 'GET /health, p50', value: healthP50 },
        wanted: null,
      },
      {
        name: `${name}, p99`,
        unit: 'ms',
        chs: percentile(samplesMs, 0.99),
        peer: { name: 'GET /health, p50', value: healthP50 },
        wanted: { of: 'chs', comparison: '<', bound: 20 },
      },
    ]);
    return {
      figures,
      notes: [
        `${ROWS} rows, ${VERSIONS} versions, ${GUIDS} GUIDs, one year; ${SAMPLES} requests of each kind, one at a time`,
        `for comparison, GET /health p99: ${percentile(health, 0.99).toFixed(1)} ms`,
        `taking over a database of that size, made from the documented tables: ${(takeOverMs / 1000).toFixed(0)} s`,
      ],
    };
  });
}

/** The table of the documents, as an earlier crash handler server has it. */
const DOCUMENTED_TABLE = `
  create table minidumps (
    id text primary key, timestamp text not null, exe_version text not null, exe_guid text not null,
    exe_age integer not null, pid integer not null, tid integer not null, exception_code text not null,
    exception_address text, file_path text not null, created_at text not null
  )`;

/**
 * A database as another program would have left it, in the documented columns alone. Times, versions
 * and GUIDs are spread by multiplication with primes: no order of insertion helps a query.
 */
async function fill(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const database = new (loadDriver())(path);
  database.pragma('journal_mode = off');
  const guid = `printf('%08X-1111-2222-3333-%012d', (n * 7919) % ${GUIDS}, (n * 7919) % ${GUIDS})`;
  const second = `${NEWEST_MS / 1000} - (n * 7368787) % ${YEAR_MS / 1000}`;
  const time = `strftime('%Y-%m-%dT%H:%M:%SZ', ${second}, 'unixepoch')`;
  database.exec(DOCUMENTED_TABLE);
  database.exec(`
    insert into minidumps
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${ROWS})
    select printf('%08x-bbbb-4ccc-8ddd-%012x', (n * 2654435761) % 4294967296, n), ${time},
      '1.' || ((n * 6007) % ${VERSIONS}) || '.0.0', ${guid}, 1, n % 65536, n % 9973,
      iif(n % 3 = 0, '0xC0000005', '0xE06D7363'), '0x00007FF6A0001000',
      './storage/minidumps/1.0.0.0/' || n || '.dmp', ${time}
    from numbers`);
  database.close();
}

function versionOf(n: number): string {
  return `1.${n % VERSIONS}.0.0`;
}

function guidOf(n: number): string {
  const serial = n % GUIDS;
  const hex = serial.toString(16).toUpperCase().padStart(8, '0');
  return `${hex}-1111-2222-3333-${String(serial).padStart(12, '0')}`;
}

/** From a day to three months, somewhere in the year. */
function timeRange(n: number): { start_time: string; end_time: string } {
  const endMs = NEWEST_MS - ((n * 37) % 270) * 86_400_000 - n * 61_000;
  const lengthMs = (1 + (n % 90)) * 86_400_000;
  return { start_time: new Date(endMs - lengthMs).toISOString(), end_time: new Date(endMs).toISOString() };
}

function totalIn(text: string): number {
  return (JSON.parse(text) as { data: { total: number } }).data.total;
}
