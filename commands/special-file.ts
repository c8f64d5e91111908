/** Pipes and devices that the user names: opened and read so that waiting for their other end never outlasts Ctrl-C. */
import { constants, fstatSync, openSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChsError } from '../src/platform/errors.ts';
import { usageError } from './failure.ts';
import { localFileError } from './local-file.ts';

/** How often a pipe without a reader is asked whether it has one by now. */
const ASK_AGAIN_MS = 50;

/** Windows knows no such way to open, and has no pipes among its files. */
const { O_NONBLOCK = 0 } = constants;

/** Whether `found` is what this process has under a descriptor: `/dev/stdout`, say, or the file that it leads to. */
export function isStandard(descriptor: 0 | 1, found: Stats): boolean {
  try {
    const own = fstatSync(descriptor);
    return own.ino !== 0 && own.ino === found.ino && own.dev === found.dev;
  } catch {
    // It was closed before we started.
    return false;
  }
}

/**
 * What comes out of a pipe or a device. A pipe that nobody writes to gives nothing until somebody does; destroying
 * the stream ends the wait.
 *
 * @param found what `stat` says of the path: no regular file, no directory
 * @throws ChsError LOCAL_FILE, USAGE for a terminal
 */
export async function readSpecialFile(path: string, found: Stats): Promise<Readable> {
  if (isStandard(0, found)) return standardInput(path);
  try {
    if (found.isFIFO()) return await pipeEnd(openSync(path, constants.O_RDONLY | O_NONBLOCK), 'read');
    const handle = await open(path, constants.O_RDONLY | O_NONBLOCK);
    const { isatty } = await import('node:tty');
    if (!isatty(handle.fd)) return handle.createReadStream();
    await handle.close();
  } catch (error) {
    throw localFileError(path, error);
  }
  throw terminalError(path);
}

/** @throws ChsError USAGE when it is a terminal, where nobody would know what is waited for */
export function standardInput(name: string): Readable {
  if (process.stdin.isTTY) throw terminalError(name);
  return process.stdin;
}

/**
 * Where what goes into a pipe or a device is written. A pipe waits for its reader, as a shell's `>` would.
 *
 * @param found what `stat` says of the path: no regular file, no directory
 * @throws ChsError LOCAL_FILE, INTERRUPTED
 */
export async function writeSpecialFile(path: string, found: Stats, signal: AbortSignal): Promise<Writable> {
  if (isStandard(1, found)) return process.stdout;
  try {
    if (!found.isFIFO()) return (await open(path, constants.O_WRONLY)).createWriteStream();
    return await pipeEnd(await openForReader(path, signal), 'write');
  } catch (error) {
    throw localFileError(path, error);
  }
}

/** Opened plainly, a pipe without a reader would hold a thread for good, and the process with it. */
async function openForReader(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return openSync(path, constants.O_WRONLY | O_NONBLOCK);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENXIO')) throw error;
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

/** A socket is what waits for a pipe without holding a thread. It closes the descriptor. */
async function pipeEnd(descriptor: number, side: 'read' | 'write'): Promise<Socket> {
  const { Socket } = await import('node:net');
  return new Socket({ fd: descriptor, readable: side === 'read', writable: side === 'write' });
}

function terminalError(name: string): ChsError {
  return usageError(`${name} reads standard input, which is a terminal here`);
}
