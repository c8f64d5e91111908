/** What a backup costs a daemon: memory of it and its children over what it had before, and how late it answers meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { percentile } from './measure.ts';

export interface DaemonCost {
  readonly ms: number;
  /** VmHWM of the daemon and its children together, over that of the daemon before; nobody asked for anything else. */
  readonly peakGrowthBytes: number;
  /** In a second run: of requests to /health/live, one after the other. */
  readonly answerP99Ms: number;
}

const LOOK_EVERY_MS = 50;
const WARM_UP_REQUESTS = 5000;
const program = fileURLToPath(new URL('../../dist/chs.cjs', import.meta.url));

/** What is asked of a daemon that has just started; it has one database. */
export type Asked = 'download' | 'backup';

/**
 * Asks a daemon for one backup of `database`, then another one while it answers other requests as well: each request
 * leaves something that V8 lets lie for a while, which is no memory of the backup.
 */
export async function daemonCost(asked: Asked, database: string, folder: string): Promise<DaemonCost> {
  const alone = await withDaemon(database, `${folder}-alone`, (daemon, url) => memoryOf(daemon, url, asked));
  const answerP99Ms = await withDaemon(database, folder, (_, url) => latencyOf(url, asked));
  return { ...alone, answerP99Ms };
}

/** Starts a daemon on `folder`, lets it answer some requests, and stops it in the end. */
async function withDaemon<T>(
  database: string,
  folder: string,
  work: (daemon: ChildProcess, url: string) => Promise<T>,
): Promise<T> {
  mkdirSync(folder);
  const daemon = spawn(process.execPath, [program, 'serve', '--port', '0', '--json'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      CHS_DATA_DIR: folder,
      CHS_BACKUP_DATABASES: JSON.stringify({ main: database }),
      CHS_SERVER_API_KEY: 'bench-key',
      CHS_BACKUP_GZIP_LEVEL: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(createInterface({ input: daemon.stdout }), 'line');
    const { url } = JSON.parse(String(line));
    await warmUp(url);
    return await work(daemon, url);
  } finally {
    daemon.kill('SIGTERM');
    await once(daemon, 'close');
  }
}

/** What an idle daemon has is what it has when it has been of use for a while: V8 makes room as requests come, not for a backup. */
async function warmUp(url: string): Promise<void> {
  for (let request = 0; request < WARM_UP_REQUESTS; request += 1)
    await (await fetch(`${url}/health/live`)).text();
  await sleep(1000);
}

async function memoryOf(
  { pid = 0 }: ChildProcess,
  url: string,
  asked: Asked,
): Promise<Omit<DaemonCost, 'answerP99Ms'>> {
  const idle = highWater(pid);
  let peak = 0;
  const timer = setInterval(() => {
    const all = [pid, ...childrenOf(pid)].map(highWater);
    peak = Math.max(
      peak,
      all.reduce((sum, bytes) => sum + bytes, 0),
    );
  }, LOOK_EVERY_MS);
  const startedMs = performance.now();
  await askFor(asked, url);
  const ms = performance.now() - startedMs;
  clearInterval(timer);
  return { ms, peakGrowthBytes: peak - idle };
}

async function latencyOf(url: string, asked: Asked): Promise<number> {
  const answers: number[] = [];
  const over = new AbortController();
  const asking = ask(url, answers, over.signal);
  await askFor(asked, url);
  over.abort();
  await asking;
  return percentile(answers, 0.99);
}

function askFor(asked: Asked, url: string): Promise<void> {
  return asked === 'download' ? download(url) : backup(url);
}

async function download(url: string): Promise<void> {
  const thread = new Worker(new URL('./backup-download.js', import.meta.url), { workerData: url });
  const [code] = await once(thread, 'exit');
  if (code !== 0) throw new Error('the download failed');
}

async function backup(url: string): Promise<void> {
  const headers = { 'x-api-key': 'bench-key', 'content-type': 'application/json' };
  const body = JSON.stringify({ names: ['main'] });
  const started = await fetch(`${url}/api/backups`, { method: 'POST', headers, body });
  const { data } = (await started.json()) as { data: { run: string } };
  const events = await (await fetch(`${url}/api/backups/runs/${data.run}/events`, { headers })).text();
  if (!events.includes('run.done')) throw new Error(`the backup failed: ${events.slice(-500)}`);
}

async function ask(url: string, answers: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const startedMs = performance.now();
    await (await fetch(`${url}/health/live`)).text();
    answers.push(performance.now() - startedMs);
    await sleep(10);
  }
}

/** VmHWM in bytes; nothing of a process that has just ended. */
function highWater(pid: number | string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): string[] {
  try {
    const task = `/proc/${pid}/task`;
    return readdirSync(task).flatMap((thread) =>
      readFileSync(join(task, thread, 'children'), 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean),
    );
  } catch {
    return [];
  }
}
