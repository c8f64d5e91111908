/** The backup worker's process: does one job after the other for its parent, and ends when the parent does. */
import type {
  CutOutput,
  WorkerJobs,
  WorkerProgress,
  WorkerRequest,
} from '../../../backup/worker/protocol.ts';
import { requests, send } from './channel.ts';
import { checkFile } from './check.ts';
import { failureOf } from './failure.ts';
import { probeFile } from './probe.ts';
import { queryFile } from './query.ts';
import { retire } from './retire.ts';
import { makeSnapshots } from './snapshot.ts';

const PROGRESS_EVERY_MS = 250;

type Report = (progress: WorkerProgress) => void;

type Output<J extends keyof WorkerJobs> = J extends 'snapshot' ? CutOutput : WorkerJobs[J]['output'];

const jobs: {
  readonly [J in keyof WorkerJobs]: (
    input: WorkerJobs[J]['input'],
    report: Report,
  ) => Output<J> | Promise<Output<J>>;
} = {
  snapshot: makeSnapshots,
  // Only these need zlib and a hash of their own.
  pack: async (input, report) => (await import('./gzip.ts')).packFile(input, report),
  unpack: async (input, report) => (await import('./gzip.ts')).unpackFile(input, report),
  async check(input) {
    const { schema, ...found } = checkFile(input);
    return { ...found, schemaSha256: (await import('./hash.ts')).hashText(schema) };
  },
  probe: probeFile,
  query: queryFile,
  retire,
};

async function run({ id, job, input }: WorkerRequest): Promise<void> {
  let reportedMs = 0;
  let last = '';
  const report: Report = (progress) => {
    const nowMs = performance.now();
    const step = `${progress.step} ${progress.name}`;
    // The beginning of a step is always told.
    if (step === last && nowMs - reportedMs < PROGRESS_EVERY_MS) return;
    reportedMs = nowMs;
    last = step;
    send({ id, type: 'progress', progress });
  };
  try {
    const work = jobs[job] as (input: unknown, report: Report) => unknown;
    send({ id, type: 'done', output: await work(input, report) });
  } catch (error) {
    send({ id, type: 'failed', ...failureOf(error, pathIn(input)) });
  }
}

async function serve(): Promise<void> {
  for (const request of requests()) await run(request);
  process.exit(0);
}

/** Where a job writes: that disk is the one that is full. */
function pathIn(input: WorkerRequest['input']): string {
  if ('folder' in input) return input.folder;
  return 'to' in input && input.to !== null ? input.to : '';
}

// A Ctrl-C goes to the whole group: whether a job ends is the parent's to decide.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
void serve();
