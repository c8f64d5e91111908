/** Snapshots of a large database that another process writes to, beside SQLite's own ways to copy one. */
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadDriver } from '../src/backends/sqlite/driver.ts';
import { type Asked, type DaemonCost, daemonCost } from './backup-daemon.ts';
import type { SnapshotCost } from './backup-memory.ts';
import {
  alternate,
  type Figure,
  MEGABYTE,
  median,
  type Outcome,
  percentile,
  timed,
  withTemporaryFolder,
} from './measure.ts';

const SIZE_MB = Number(process.env.CHS_BENCH_MB ?? 1000);
const ROUNDS = 3;
const WRITES_PER_SECOND = 100;
const ALONE_MS = 6000;
const ROW_BYTES = 1000;
/** With a writer, `.backup` begins again at each write, and may never come to its end. */
const GIVE_UP_MS = 20_000;
/** Without one it comes to its end, however slow the disk is. */
const IDLE_COPY_MS = 300_000;

const entry = fileURLToPath(new URL('../../dist/backup-worker.cjs', import.meta.url));

export function measure(): Promise<Outcome> {
  if (process.platform !== 'linux' || spawnSync('sqlite3', ['-version']).error)
    return Promise.resolve({ figures: [], notes: ['left out: it needs Linux and sqlite3'] });
  return withTemporaryFolder(measureIn);
}

async function measureIn(folder: string): Promise<Outcome> {
  const path = join(folder, 'live.db');
  makeDatabase(path);
  const out = join(folder, 'out.db');
  const costs: SnapshotCost[] = [];
  const writer = startWriter(path);
  await sleep(ALONE_MS);
  const alone = await writer.take();
  const during: number[] = [];
  const chs = async (): Promise<number> => {
    await writer.take();
    const cost = snapshot(path, join(folder, 'snapshots'));
    during.push(...(await writer.take()).samples);
    costs.push(cost);
    return cost.ms;
  };
  const sqlite = (command: string, timeout = IDLE_COPY_MS): Promise<number> => {
    rmSync(out, { force: true });
    return timed(() => execFileSync('sqlite3', [path, command], { timeout, stdio: 'ignore' }));
  };
  const whileWritten = await sqlite(`.backup ${out}`, GIVE_UP_MS).catch(() => null);
  const written = await alternate(ROUNDS, { chs, vacuum: () => sqlite(`vacuum into '${out}'`) });
  const { failures } = await writer.take();
  await writer.stop();
  const times = await alternate(ROUNDS, {
    backup: () => sqlite(`.backup ${out}`),
    chs: () => snapshot(path, join(folder, 'snapshots')).ms,
    vacuum: () => sqlite(`vacuum into '${out}'`),
  });
  rmSync(out, { force: true });
  const daemons = {
    download: await daemonCost('download', path, join(folder, 'daemon-1')),
    backup: await daemonCost('backup', path, join(folder, 'daemon-2')),
  };
  return {
    figures: figuresOf(costs, { written, ...times }, { alone: alone.samples, during }, daemons),
    notes: [
      `${SIZE_MB} MB, ${WRITES_PER_SECOND} writes a second, ${ROUNDS} rounds, medians; chs checks, hashes and syncs its copy, sqlite3 does not check or hash.`,
      `Copies that began again: ${costs.reduce((sum, { restarts }) => sum + restarts, 0)}. Writes that failed (no busy timeout): ${alone.failures + failures}.`,
      whileWritten === null
        ? `sqlite3 .backup with the same writer: given up after ${GIVE_UP_MS / 1000} s.`
        : `sqlite3 .backup with the same writer, once: ${Math.round(whileWritten)} ms.`,
      `Memory of daemon and worker: VmHWM of both together over that of the daemon when idle; it counts the text of Node.js, which both map, once for each. Private is RssAnon.`,
    ],
  };
}

interface Times {
  readonly written: { readonly chs: number[]; readonly vacuum: number[] };
  readonly chs: number[];
  readonly backup: number[];
  readonly vacuum: number[];
}

function figuresOf(
  costs: readonly SnapshotCost[],
  { written, chs, backup, vacuum }: Times,
  { alone, during }: { readonly alone: number[]; readonly during: number[] },
  daemons: Readonly<Record<Asked, DaemonCost>>,
): Figure[] {
  const peer = { name: '.backup, idle', value: median(backup) };
  const of = (field: keyof SnapshotCost): number => median(costs.map((cost) => cost[field]));
  return [
    {
      name: 'verified snapshot, idle',
      unit: 'ms',
      chs: median(chs),
      peer,
      wanted: { of: 'ratio', comparison: '<=', bound: 1.3 },
    },
    {
      name: 'verified snapshot, with a writer',
      unit: 'ms',
      chs: median(written.chs),
      // It reads one state as well. `.backup` begins again at each write.
      peer: { name: 'VACUUM INTO, with the writer', value: median(written.vacuum) },
      wanted: { of: 'ratio', comparison: '<=', bound: 1.3 },
    },
    {
      name: 'verified snapshot, idle',
      unit: 'ms',
      chs: median(chs),
      peer: { name: 'VACUUM INTO', value: median(vacuum) },
      wanted: null,
    },
    {
      name: 'a write, P99',
      unit: 'ms',
      chs: percentile(during, 0.99),
      peer: { name: 'alone', value: percentile(alone, 0.99) },
      wanted: null,
    },
    {
      name: 'a write, the longest',
      unit: 'ms',
      chs: Math.max(...during),
      peer: { name: 'alone', value: Math.max(...alone) },
      wanted: null,
    },
    {
      name: 'snapshot, private memory of all processes, growth',
      unit: 'MB',
      chs: of('privateGrowthBytes') / MEGABYTE,
      peer: null,
      wanted: null,
    },
    ...daemonFigures('GET /backupdb', daemons.download, 30_000),
    ...daemonFigures('a backup, packed and read back', daemons.backup, 60_000),
  ];
}

function daemonFigures(name: string, cost: DaemonCost, msMax: number): Figure[] {
  return [
    {
      name,
      unit: 'ms',
      chs: cost.ms,
      peer: null,
      wanted: { of: 'chs', comparison: '<', bound: msMax },
    },
    {
      name: `${name}: memory of daemon and worker, growth`,
      unit: 'MB',
      chs: cost.peakGrowthBytes / MEGABYTE,
      peer: null,
      wanted: { of: 'chs', comparison: '<', bound: 50 },
    },
    {
      name: `${name}: the daemon answers, P99`,
      unit: 'ms',
      chs: cost.answerP99Ms,
      peer: null,
      wanted: { of: 'chs', comparison: '<', bound: 10 },
    },
  ];
}

function makeDatabase(path: string): void {
  const database = new (loadDriver())(path);
  database.pragma('journal_mode = wal');
  database.exec(`create table rows (id integer primary key, name text, bytes blob);
    create index by_name on rows (name); create table written (id integer primary key, bytes blob)`);
  const rows = (SIZE_MB * MEGABYTE) / (ROW_BYTES + 100);
  const insert =
    database.prepare(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
    insert into rows (name, bytes) select hex(randomblob(16)), randomblob(${ROW_BYTES}) from n`);
  for (let part = 0; part < 20; part += 1) insert.run(Math.ceil(rows / 20));
  database.pragma('wal_checkpoint(truncate)');
  database.close();
}

/** In a process of its own, as memory is counted from its start. */
function snapshot(path: string, folder: string): SnapshotCost {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const program = fileURLToPath(new URL('./backup-memory.js', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [program, path, folder, entry], { encoding: 'utf8' }));
}

interface Taken {
  readonly samples: number[];
  readonly failures: number;
}

function startWriter(path: string) {
  const program = fileURLToPath(new URL('./backup-writer.js', import.meta.url));
  const child = fork(program, [path, String(WRITES_PER_SECOND)]);
  return {
    take: () =>
      new Promise<Taken>((resolve) => {
        child.once('message', (taken) => resolve(taken as Taken));
        child.send('take');
      }),
    /** Resolves when it writes no more: what blocks this process would keep the word from reaching it. */
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}
