/** Takes one snapshot in a process that does nothing else, and says what it took: memory of the tree, the event loop. */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBackupWorker } from '../src/backup/worker/client.ts';

export interface SnapshotCost {
  readonly ms: number;
  /** VmHWM of this process and its child over VmHWM of this process before. */
  readonly peakGrowthBytes: number;
  /** The same of what is no mapped file (RssAnon), as far as looking every few milliseconds shows it. */
  readonly privateGrowthBytes: number;
  readonly loopP99Ms: number;
  /** Times that the copy went back to its beginning. */
  readonly restarts: number;
}

const [path = '', folder = '', entry = ''] = process.argv.slice(2);
const LOOK_EVERY_MS = 20;

function bytesIn(pid: number | string, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function childOf(): string {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
}

await sleep(200);
const idle = { peak: bytesIn('self', 'VmHWM'), anon: bytesIn('self', 'RssAnon') };
const most = { peak: 0, anon: 0 };
const look = (): void => {
  const child = childOf();
  if (child === '') return;
  try {
    most.peak = Math.max(most.peak, bytesIn('self', 'VmHWM') + bytesIn(child, 'VmHWM'));
    most.anon = Math.max(most.anon, bytesIn('self', 'RssAnon') + bytesIn(child, 'RssAnon'));
  } catch {
    // It has just ended.
  }
};
const timer = setInterval(look, LOOK_EVERY_MS);
const delay = monitorEventLoopDelay({ resolution: 1 });
const worker = createBackupWorker({ entry });
let restarts = 0;
let copied = 0;
delay.enable();
const startedMs = performance.now();
await worker.run(
  'snapshot',
  { sources: [{ name: 'main', path }], folder, compact: false, busyTimeoutMs: 5000 },
  {
    signal: new AbortController().signal,
    onProgress({ step, done }) {
      if (step !== 'copy') return;
      if (done < copied) restarts += 1;
      copied = done;
    },
  },
);
const ms = performance.now() - startedMs;
delay.disable();
look();
clearInterval(timer);
await worker.close();
const cost: SnapshotCost = {
  ms,
  peakGrowthBytes: most.peak - idle.peak,
  privateGrowthBytes: most.anon - idle.anon,
  // The histogram counts its own resolution as delay.
  loopP99Ms: delay.percentile(99) / 1e6 - 1,
  restarts,
};
process.stdout.write(JSON.stringify(cost));
