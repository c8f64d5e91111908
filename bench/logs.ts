/** Searches in large logs, warm, as a daemon does them, beside ripgrep on the same files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config/load.ts';
import { openEmbedded } from '../daemon/embedded.ts';
import { type Client, createClient } from '../src/connect.ts';
import { logOperations } from '../src/logs/operations.ts';
import { type LogFiles, SMALL_BYTES } from './log-files.ts';
import { RARE } from './log-text.ts';
import {
  alternate,
  type Figure,
  MEGABYTE,
  median,
  type Outcome,
  percentile,
  residentMemory,
  timed,
  type Wanted,
  withTemporaryFolder,
} from './measure.ts';

const ROUNDS = 7;
const EIGHT = [
  'reset by peer',
  'status 500',
  'out of memory',
  'deadlock',
  'timed out',
  'refused',
  'corrupt',
  'panic',
];
const NONE = ['errno 101', 'errno 103'];
const REGEX = `${RARE} \\(errno 10[0-6]\\) after \\d+ bytes`;
const SESSIONS = 20;
const FACT_HITS = 200;

type Logs = Client<typeof logOperations>;
type Query = Omit<Parameters<Logs['search']>[0], 'session_id'>;

export function measure(): Promise<Outcome> {
  return withTemporaryFolder(async (folder) => {
    const files = filesIn(folder);
    const config = await loadConfig({
      cwd: folder,
      home: folder,
      env: {},
      flags: {
        'storage.base_path': join(folder, 'storage'),
        'database.path': join(folder, 'data', 'chs.db'),
        'logging.file': join(folder, 'logs', 'server.log'),
        'logging.stdout': false,
        'search.max_scanned_bytes': 1e12,
      },
    });
    const embedded = await openEmbedded(config);
    const transport = { name: 'bench', send: embedded.send, close: () => embedded.close() };
    const logs = createClient(logOperations, { transport, apiKey: undefined, language: 'en' });
    try {
      return await measureWith(logs, files);
    } finally {
      await embedded.close();
    }
  });
}

/** Made in a process of its own, so that its memory is not taken for that of searches. */
function filesIn(folder: string): LogFiles {
  const maker = fileURLToPath(new URL('./log-files.js', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [maker, folder], { encoding: 'utf8' }));
}

async function measureWith(logs: Logs, files: LogFiles): Promise<Outcome> {
  const before = residentMemory().residentBytes;
  const compared = createComparison(logs);
  const figures: Figure[] = [
    ...(await compared('300 MB, one literal', files.small, { must: [RARE] }, ['-c', '-F', RARE])),
    ...(await compared(
      '300 MB, 8 any, 2 none',
      files.small,
      { any: EIGHT, none: NONE },
      ['-c', '-F', ...EIGHT.flatMap((term) => ['-e', term])],
      'fewer',
    )),
    ...(await compared('1 GB, literal and regex', files.large, { must: [RARE], regex: REGEX }, [
      '-c',
      REGEX,
    ])),
    ...(await compared(
      '300 MB, any case',
      files.small,
      { must: [RARE.toUpperCase()], case_sensitive: false },
      ['-c', '-i', '-F', RARE],
    )),
    ...(await compared('300 MB GBK', files.gbk, { must: [RARE] }, ['-c', '-F', '-E', 'gbk', RARE])),
    ...(await compared('300 MB GBK, Chinese', files.gbk, { must: ['会话', 'user_77'] }, [
      '-c',
      '-E',
      'gbk',
      '会话.*user_77',
    ])),
    ...(await compared('300 MB packed', files.packed, { must: [RARE] }, ['-c', '-z', '-F', RARE])),
    await windowFigure(logs, files),
    await factsFigure(logs, files),
    await sessionsFigure(logs, files),
  ];
  const { peakBytes, residentBytes } = residentMemory();
  figures.push({
    name: 'resident memory, all of it',
    unit: 'MB',
    chs: peakBytes / MEGABYTE,
    peer: { name: 'before', value: before / MEGABYTE },
    wanted: { of: 'chs', comparison: '<', bound: 200 },
  });
  return {
    figures,
    notes: [
      `Hits are counted (count) as ripgrep does with -c; ${ROUNDS} rounds, medians. After all: ${Math.round(residentBytes / MEGABYTE)} MB resident.`,
    ],
  };
}

const TIE: Wanted = { of: 'ratio', comparison: '<=', bound: 1 };

/** @param hits 'fewer' where rg cannot leave out what the query leaves out */
type Compare = (
  name: string,
  file: string,
  query: Query,
  rg: readonly string[],
  hits?: 'same' | 'fewer',
) => Promise<Figure[]>;

function createComparison(logs: Logs): Compare {
  return async (name, file, query, rg, hits = 'same') => {
    const { session_id } = await logs.openDirectory({ paths: [file] });
    const expected = Number(runRg([...rg, file]));
    const counted: number[] = [];
    const times = await alternate(ROUNDS, {
      chs: () => timed(async () => counted.push((await logs.countHits({ session_id, ...query })).total)),
      rg: () => timed(() => runRg([...rg, file])),
    });
    const wrong = counted.find((total) => total !== (hits === 'fewer' ? counted[0] : expected));
    if (wrong !== undefined || (counted[0] ?? 0) > expected)
      throw new Error(`${name}: ${wrong ?? counted[0]} hits, and ${expected} of rg`);
    return [
      {
        name,
        unit: 'ms',
        chs: median(times.chs),
        peer: { name: 'rg', value: median(times.rg) },
        wanted: TIE,
      },
      { name: `${name}, P95`, unit: 'ms', chs: percentile(times.chs, 0.95), peer: null, wanted: null },
    ];
  };
}

function runRg(args: readonly string[]): string {
  const { stdout, status, stderr } = spawnSync('rg', ['--no-config', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`rg ${args.join(' ')}: ${stderr || 'no hits, or it is not installed'}`);
  return stdout;
}

/** Five minutes in the middle against the whole. */
async function windowFigure(logs: Logs, { large, text }: LogFiles): Promise<Figure> {
  const { session_id } = await logs.openDirectory({ paths: [large] });
  const middle = (text.startMs + text.endMs) / 2;
  const window = {
    time_start: new Date(middle - 150_000).toISOString(),
    time_end: new Date(middle + 150_000).toISOString(),
  };
  const whole = { time_start: new Date(text.startMs).toISOString() };
  const times = await alternate(3, {
    whole: () => timed(() => logs.countHits({ session_id, ...whole })),
    window: () => timed(() => logs.countHits({ session_id, ...window })),
  });
  return {
    name: '1 GB, 5 minutes in the middle',
    unit: 'ms',
    chs: median(times.window),
    peer: { name: 'all of it', value: median(times.whole) },
    wanted: { of: 'ratio', comparison: '<=', bound: 0.05 },
  };
}

async function factsFigure(logs: Logs, { small }: LogFiles): Promise<Figure> {
  const { session_id } = await logs.startSession({});
  await logs.addDirectory({ session_id, path: small });
  await logs.search({ session_id, must: ['ERROR'], page_size: FACT_HITS, max_hits: FACT_HITS });
  const ms = await timed(() => logs.extractFacts({ session_id }));
  return {
    name: `facts of ${FACT_HITS} hits`,
    unit: 'ms',
    chs: ms,
    peer: null,
    wanted: { of: 'chs', comparison: '<', bound: 500 },
  };
}

/** As much work from one session after the other, and from all at the same time. */
async function sessionsFigure(logs: Logs, { small }: LogFiles): Promise<Figure> {
  const ids: string[] = [];
  for (let count = 0; count < SESSIONS; count += 1) {
    const { session_id } = await logs.startSession({});
    await logs.addDirectory({ session_id, path: small });
    ids.push(session_id);
  }
  const one = (session_id: string) => logs.countHits({ session_id, must: [RARE] });
  const alone = await timed(async () => {
    for (const id of ids) await one(id);
  });
  const together = await timed(() => Promise.all(ids.map(one)));
  return {
    name: `${SESSIONS} sessions at once, throughput`,
    unit: 'MB/s',
    chs: (SESSIONS * SMALL_BYTES) / MEGABYTE / (together / 1000),
    peer: { name: 'one by one', value: (SESSIONS * SMALL_BYTES) / MEGABYTE / (alone / 1000) },
    wanted: { of: 'ratio', comparison: '>=', bound: 0.9 },
  };
}
