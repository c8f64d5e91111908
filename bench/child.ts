/** The processes that a benchmark measures or measures with: the daemon, the bare server, the one that polls. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config/load.ts';
import { startDaemon } from '../daemon/serve.ts';
import { get } from './client.ts';
import { type Memory, residentMemory } from './measure.ts';

export const BENCH_KEY = 'bench-key-0123456789';

const roles = { daemon: runDaemon, bare: runBareServer, poll: runPoll };
type Role = keyof typeof roles;

/** What a child answers by name; each question gets one answer. */
type Answers = Readonly<Record<string, () => unknown>>;

/** A child process that answers questions. */
export interface Child {
  ask<T>(question: string): Promise<T>;
  stop(): Promise<void>;
}

export interface ServerChild extends Child {
  readonly url: string;
  memory(): Promise<Memory>;
}

/** Starts a server on a free port: the real daemon, or a bare `node:http` one, with its files below `folder`. */
export async function startServer(role: 'daemon' | 'bare', folder: string): Promise<ServerChild> {
  const child = startChild(role, [folder]);
  const url = await child.ask<string>('url');
  return { ...child, url, memory: () => child.ask<Memory>('memory') };
}

/** Starts asking for `url` every `pauseMs`; `ask('samples')` gives the milliseconds of each and begins anew. */
export function startPoll(url: string, pauseMs: number): Child {
  return startChild('poll', [url, String(pauseMs)]);
}

function startChild(role: Role, args: readonly string[]): Child {
  const forked: ChildProcess = fork(fileURLToPath(import.meta.url), [role, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => forked.once('exit', () => resolve()));
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const lost = (): void => reject(new Error(`the ${role} process ended before it answered`));
        forked.once('exit', lost);
        forked.once('message', (answer) => {
          forked.off('exit', lost);
          resolve(answer as never);
        });
        forked.send(question);
      }),
    async stop() {
      if (forked.connected) forked.disconnect();
      await exited;
    },
  };
}

async function runDaemon([folder = '']: readonly string[]): Promise<Answers> {
  const daemon = await startDaemon(
    await loadConfig({
      cwd: folder,
      home: folder,
      env: {},
      flags: {
        'server.port': 0,
        'server.api_key': BENCH_KEY,
        'storage.base_path': join(folder, 'storage'),
        'database.path': join(folder, 'data', 'crash_handler.db'),
        'logging.file': join(folder, 'logs', 'server.log'),
        'logging.stdout': false,
      },
    }),
  );
  process.once('disconnect', () => void daemon.stop('the benchmark is over').then(() => process.exit(0)));
  return { url: () => daemon.url, memory: residentMemory };
}

/**
 * The least that a server can do with an upload: pipe it through SHA-256 to a file, one fsync at the
 * end. It takes the same multipart bytes, and does not look into them.
 */
async function runBareServer([folder = '']: readonly string[]): Promise<Answers> {
  await mkdir(folder, { recursive: true });
  const server = createServer(async (incoming, outgoing) => {
    const path = join(folder, randomUUID());
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(piece: Uint8Array, _encoding, done) {
        hash.update(piece);
        done(null, piece);
      },
    });
    await pipeline(incoming, hashing, createWriteStream(path, { flags: 'wx', flush: true }));
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ data: { minidump_id: hash.digest('hex') } }));
    // After the reply: the daemon's files are deleted outside of the measured time, too.
    await rm(path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.once('disconnect', () => process.exit(0));
  return { url: () => `http://127.0.0.1:${port}`, memory: residentMemory };
}

/** One request at a time, on one connection, in a process that does nothing else: what it waits is the server's. */
async function runPoll([url = '', pauseMs = '']: readonly string[]): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let samples: number[] = [];
  const poll = async (): Promise<never> => {
    for (;;) {
      const startedMs = performance.now();
      await get(url, BENCH_KEY, agent);
      samples.push(performance.now() - startedMs);
      await sleep(Number(pauseMs));
    }
  };
  void poll();
  process.once('disconnect', () => process.exit(0));
  return {
    samples() {
      const taken = samples;
      samples = [];
      return taken;
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [role = '', ...args] = process.argv.slice(2);
  if (!Object.hasOwn(roles, role)) throw new Error(`there is no role ${role}`);
  // Ctrl-C reaches every process of the group; the one that measures says when it is over.
  process.on('SIGINT', () => {});
  const questions: string[] = [];
  const early = (question: unknown): void => void questions.push(String(question));
  process.on('message', early);
  const answers = await roles[role as Role](args);
  process.off('message', early);
  const answer = (question: unknown): void => void process.send?.(answers[String(question)]?.());
  for (const question of questions) answer(question);
  process.on('message', answer);
}
