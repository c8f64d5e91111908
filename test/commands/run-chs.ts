/** Runs the program as a user does, in a clean environment, and gives what it printed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../fixtures/shared.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Also the home, and where the data goes. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Whether even root must keep to the permissions of files. */
  readonly unprivileged?: boolean;
  /** Called with the process, to send signals to it. */
  readonly started?: (kill: (signal: NodeJS.Signals) => void, stdout: NodeJS.ReadableStream) => void;
}

/** The program as it is shipped: one bundle, which starts in a fraction of the time that its many modules take. */
export const program = join(projectRoot, 'dist', 'chs.cjs');

const HANG_MS = 60_000;

const root = process.getuid?.() === 0;
/** Runs the rest of its line as root that may not pass over the permissions of files (util-linux). */
const setpriv = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];

/** Why a test of permissions cannot run on this machine, or false. */
export function permissionsDoNotBind(): string | false {
  if (process.platform === 'win32') return 'Windows knows no permission bits';
  if (!root || spawnSync('setpriv', [...setpriv.slice(1), 'true']).status === 0) return false;
  return 'root passes over permissions, and setpriv cannot keep it from that';
}

/** The example crash that comes with the program. */
export function example(name: string): string {
  return join(projectRoot, 'examples', 'crashme', ...name.split('/'));
}

/** Nothing of the machine's own configuration or data is visible to the program. */
export function cleanEnvironment(home: string): Record<string, string> {
  const kept = ['PATH', 'Path', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'NODE_V8_COVERAGE', 'NODE_OPTIONS'];
  const own = Object.fromEntries(
    kept.map((name) => [name, process.env[name] ?? '']).filter(([, value]) => value !== ''),
  );
  return {
    ...own,
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: join(home, 'xdg-config'),
    XDG_DATA_HOME: join(home, 'xdg-data'),
    XDG_STATE_HOME: join(home, 'xdg-state'),
    APPDATA: join(home, 'xdg-config'),
    LOCALAPPDATA: join(home, 'xdg-data'),
    LANG: 'C',
    NODE_DISABLE_COMPILE_CACHE: '1',
  };
}

/** @throws Error when the program does not end */
export function runChs(
  args: readonly string[],
  { cwd, env = {}, input, unprivileged = false, started }: RunOptions,
): Promise<Finished> {
  if (!existsSync(program)) throw new Error(`${program} is missing: build first`);
  return new Promise((resolve, reject) => {
    const line = [...(unprivileged && root ? setpriv : []), process.execPath, program, ...args];
    const child = spawn(line[0] as string, line.slice(1), {
      cwd,
      env: { ...cleanEnvironment(cwd), ...env },
    });
    const hang = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => void stdout.push(piece));
    child.stderr.on('data', (piece: Buffer) => void stderr.push(piece));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(hang);
      if (signal === 'SIGKILL') reject(new Error(`chs ${args.join(' ')} did not end`));
      else
        resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    started?.((signal) => child.kill(signal), child.stdout);
    child.stdin.on('error', () => {});
    if (started && input === undefined) return;
    child.stdin.end(input ?? '');
  });
}

/** One JSON value a line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
