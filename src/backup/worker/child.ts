/** The backup worker's process, and the lines of JSON that go to and fro: requests on stdin, messages on stdout. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { WorkerMessage, WorkerRequest } from './protocol.ts';

const STDERR_CHARACTERS_MAX = 4096;
/** Hashing, zlib and SQLite are compiled already: what compiles JavaScript would only take memory. */
const MEMORY_FLAGS = ['--jitless', '--no-expose-wasm', '--max-semi-space-size=1', '--expose-gc'];
/** Nothing else of the environment is the worker's business, secrets least of all. */
const ENVIRONMENT = ['PATH', 'Path', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'LANG', 'TZ'];

export interface Child {
  readonly process: ChildProcess;
  /** Settles with how it ended. */
  readonly ended: Promise<string>;
  send(request: WorkerRequest): void;
  /** Who gets what it says from here on. */
  listen(onMessage: (message: WorkerMessage) => void): void;
  /** An idle worker keeps its parent from nothing: it sees that the parent is gone, and follows. */
  hold(isHeld: boolean): void;
}

/**
 * Starts it. Plain pipes, and no IPC channel: the code that reads one would take three megabytes of the worker's memory.
 *
 * @param entry its main file
 */
export function startChild(entry: string): Child {
  const env = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child: ChildProcess = spawn(process.execPath, [...MEMORY_FLAGS, entry], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  // None of them where no file can be opened any more: then it was not started either, as is said below.
  const pipes = [child.stdin, child.stdout, child.stderr].filter((pipe) => !!pipe);
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-STDERR_CHARACTERS_MAX);
  });
  // What is wrong with a pipe is that the process is ending, and that is waited for.
  for (const pipe of pipes) pipe.on('error', () => {});
  let onMessage: (message: WorkerMessage) => void = () => {};
  child.stdout?.setEncoding('utf8').on(
    'data',
    linesTo((line) => {
      const message = parsed(line);
      if (message !== null) onMessage(message);
    }),
  );
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`the worker could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const said = lastError(words);
      resolve(`the worker ended (${how})${said ? `: ${said}` : ''}`);
    });
  });
  return {
    process: child,
    ended,
    send: (request) => void child.stdin?.write(`${JSON.stringify(request)}\n`),
    listen(listener) {
      onMessage = listener;
    },
    hold(isHeld) {
      for (const part of [child, ...(pipes as unknown as Socket[])]) {
        if (isHeld) part.ref();
        else part.unref();
      }
    },
  };
}

/** Lines end with a line feed alone: node:readline also ends them at U+2028 from Node.js 24 on, which JSON has in strings. */
function linesTo(take: (line: string) => void): (text: string) => void {
  let rest: string[] = [];
  return (text) => {
    const [first = '', ...others] = text.split('\n');
    rest.push(first);
    for (const next of others) {
      take(rest.join(''));
      rest = [next];
    }
  };
}

/** Null of a line that was cut short by the process's death. */
function parsed(line: string): WorkerMessage | null {
  try {
    return JSON.parse(line) as WorkerMessage;
  } catch {
    return null;
  }
}

/** Of what a dying Node.js writes, the line that says why; its last one says which version it was. */
function lastError(words: string): string | undefined {
  const lines = words.trim().split('\n');
  return (lines.findLast((line) => /\bError\b.*:|FATAL/.test(line)) ?? lines.at(-1))?.trim().slice(0, 300);
}
