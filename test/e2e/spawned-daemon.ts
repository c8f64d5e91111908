/** Starts a daemon in another process, to be ended in all the ways that processes end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { Settings } from '../fixtures/chs.ts';

const script = fileURLToPath(new URL('./daemon-process.js', import.meta.url));

export interface SpawnedDaemon {
  readonly url: string;
  readonly process: ChildProcess;
  /** The exit code and signal, once it has ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

/** Gives the daemon once it listens; it is killed when the test ends, if it still runs then. */
export async function spawnDaemon(t: Test, folder: string, settings: Settings = {}): Promise<SpawnedDaemon> {
  const child = spawn(process.execPath, [script, folder, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const lines = createInterface({ input: child.stdout });
  const started = once(lines, 'line').then(([line]) => String(line));
  const failed = ended.then(({ code, signal }) => {
    throw new Error(`the daemon ended before it listened: ${code ?? signal}`);
  });
  // Whichever comes second is nobody's business here.
  failed.catch(() => {});
  return { url: await Promise.race([started, failed]), process: child, ended };
}
