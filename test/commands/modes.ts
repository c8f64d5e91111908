/** The two ways in which every command works: on the local data, and on a daemon. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { cleanEnvironment, program } from './run-chs.ts';

export interface Mode {
  readonly name: 'embedded' | 'remote';
  /** @returns the variables that make commands in `cwd` work in this mode */
  start(
    t: { teardown(work: () => Promise<void>): void },
    cwd: string,
  ): Promise<Readonly<Record<string, string>>>;
}

export const modes: readonly Mode[] = [
  { name: 'embedded', start: async () => ({}) },
  {
    name: 'remote',
    async start(t, cwd) {
      const env = { ...cleanEnvironment(cwd), CHS_LOGGING_STDOUT: 'false' };
      const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--json'], {
        cwd,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      t.teardown(async () => {
        child.kill();
        await ended;
      });
      for await (const line of createInterface({ input: child.stdout })) {
        const { url }: { url?: unknown } = JSON.parse(line);
        return { CHS_SERVER: String(url) };
      }
      throw new Error('chs serve ended before it listened');
    },
  },
];
