/** Puts the schedule into the machine's own scheduler, and takes it out again. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeFolder, syncDirectory } from '../../src/platform/durable.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { localFileError } from '../local-file.ts';
import type { Run } from '../run.ts';
import { withBlock, withoutBlock } from './crontab.ts';
import { MARK, SERVICE, TIMER } from './systemd.ts';

interface Ended {
  /** Null where there is no such program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function call(
  program: string,
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
    child.once('close', resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** @param block null takes it out
 * @returns whether anything changed
 * @throws ChsError LOCAL_FILE where there is no crontab program, or it says no
 */
export async function installCrontab({ signal }: Run, block: string | null): Promise<boolean> {
  const listed = await call('crontab', ['-l'], '', signal);
  if (listed.code === null) {
    throw new ChsError('LOCAL_FILE', { path: 'crontab', reason: 'there is no such program on this machine' });
  }
  // A user without a crontab is an error to it.
  const isNone = listed.code !== 0 && /no crontab/i.test(listed.stderr);
  if (listed.code !== 0 && !isNone) throw refused('crontab -l', listed);
  const before = isNone ? '' : listed.stdout;
  const after = block === null ? withoutBlock(before) : withBlock(before, block);
  if (after === before) return false;
  const written = await call('crontab', ['-'], after, signal);
  if (written.code !== 0) throw refused('crontab -', written);
  return true;
}

function refused(command: string, { code, stderr }: Ended): ChsError {
  const [line = ''] = stderr.trim().split('\n');
  return new ChsError('LOCAL_FILE', { path: command, reason: line || `it ended with ${code ?? 'a signal'}` });
}

export interface UnitPlace {
  readonly folder: string;
  /** Of the whole machine. */
  readonly system: boolean;
}

/** Units of root are those of the machine. */
export function unitPlace(env: NodeJS.ProcessEnv): UnitPlace {
  if (process.getuid?.() === 0) return { folder: '/etc/systemd/system', system: true };
  const config = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config');
  return { folder: join(config, 'systemd', 'user'), system: false };
}

/** @throws ChsError LOCAL_FILE for units of somebody else's of the same name */
export async function writeUnits(folder: string, units: Readonly<Record<string, string>>): Promise<string[]> {
  const paths = Object.keys(units).map((name) => join(folder, name));
  try {
    await makeFolder(folder, 0o755);
    for (const path of paths) await refuseForeign(path);
    for (const [name, content] of Object.entries(units)) {
      const partial = join(folder, `.${name}.${randomUUID().slice(0, 8)}.part`);
      try {
        await writeFile(partial, content, { flag: 'wx', mode: 0o644 });
        await rename(partial, join(folder, name));
      } finally {
        await rm(partial, { force: true });
      }
    }
    await syncDirectory(folder);
  } catch (error) {
    throw localFileError(folder, error);
  }
  return paths;
}

/** @returns those that were there */
export async function removeUnits(folder: string): Promise<string[]> {
  const removed: string[] = [];
  try {
    for (const path of [join(folder, TIMER), join(folder, SERVICE)]) {
      if (!(await refuseForeign(path))) continue;
      await rm(path);
      removed.push(path);
    }
  } catch (error) {
    throw localFileError(folder, error);
  }
  return removed;
}

/** @returns whether it is there, and ours */
async function refuseForeign(path: string): Promise<boolean> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw localFileError(path, error);
  });
  if (content !== null && !content.startsWith(MARK)) {
    throw new ChsError('LOCAL_FILE', { path, reason: 'somebody else wrote it' });
  }
  return content !== null;
}

/** @returns what systemctl said against it; null when all went well */
export async function systemctl(
  { signal }: Run,
  { system }: UnitPlace,
  calls: readonly (readonly string[])[],
): Promise<string | null> {
  for (const args of calls) {
    const { code, stderr } = await call('systemctl', [...(system ? [] : ['--user']), ...args], '', signal);
    if (code === null) return 'there is no systemctl';
    if (code !== 0) return stderr.trim().split('\n')[0] || `systemctl ${args[0]} ended with ${code}`;
  }
  return null;
}
