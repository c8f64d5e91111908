/** Runs a program of PostgreSQL to its end: bounded output, killed when nobody wants it any more. */
import { spawn } from 'node:child_process';

const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
const STDERR_BYTES_MAX = 64 * 1024;
/** How long a program may take to end by itself. */
const PATIENCE_MS = 3000;

export interface ToolRun {
  readonly file: string;
  /** Never a secret: everybody on the machine can read them. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Given to it on its standard input. */
  readonly input?: string;
  /** `collect` up to 4 MiB, give each piece to a function, or let the system discard it. */
  readonly output: 'collect' | 'discard' | ((piece: Buffer) => void);
}

export interface ToolResult {
  /** Null where it was ended by a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** Its first 64 KiB. */
  readonly stderr: string;
}

/**
 * Waits for the end of the program, whatever it is; after an abort it is asked to end, and killed where it does not.
 *
 * @throws the signal's reason; the system's own error where the program cannot be started
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  run.signal.throwIfAborted();
  const result = await new Promise<ToolResult>((resolve, reject) => {
    const child = spawn(run.file, run.args, {
      env: run.env,
      stdio: [
        run.input === undefined ? 'ignore' : 'pipe',
        run.output === 'discard' ? 'ignore' : 'pipe',
        'pipe',
      ],
      windowsHide: true,
    });
    let killer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killer ??= setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    };
    run.signal.addEventListener('abort', stop, { once: true });
    const settled = () => {
      clearTimeout(killer);
      run.signal.removeEventListener('abort', stop);
    };
    const stdout = bounded(OUTPUT_BYTES_MAX);
    const stderr = bounded(STDERR_BYTES_MAX);
    child.stdout?.on('data', typeof run.output === 'function' ? run.output : stdout.take);
    child.stderr?.on('data', stderr.take);
    // It may end before it has read everything; its exit code says what there is to say.
    child.stdin?.on('error', () => {});
    child.stdin?.end(run.input);
    child.on('error', (error) => {
      settled();
      reject(error);
    });
    child.on('close', (exitCode) => {
      settled();
      resolve({ exitCode, stdout: stdout.text(), stderr: stderr.text() });
    });
  });
  run.signal.throwIfAborted();
  return result;
}

/** Keeps the first bytes of a stream, and lets the others go. */
function bounded(bytesMax: number): { take: (piece: Buffer) => void; text: () => string } {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  return {
    take: (piece) => {
      const part = piece.subarray(0, bytesMax - sizeBytes);
      if (part.length === 0) return;
      pieces.push(part);
      sizeBytes += part.length;
    },
    text: () => Buffer.concat(pieces).toString('utf8'),
  };
}

/**
 * What a program of PostgreSQL says went wrong, in one line: the first error of its messages, without the parts that
 * name the program and the server, and without `password`, should it ever be there.
 */
export function reasonOf(result: Pick<ToolResult, 'exitCode' | 'stderr'>, password: string | null): string {
  const lines = result.stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
  const line = lines.find((each) => /\berror: |\bERROR: |\bFATAL: /.test(each)) ?? lines[0];
  if (line === undefined) return `it ended without a message (exit code ${result.exitCode ?? 'none'})`;
  const words = line
    .replace(/^(?:.*[\\/])?(?:psql|pg_dump|pg_restore)(?:\.exe)?:(?:<stdin>:\d+:)? (?:error: )?/, '')
    .replace(
      /^connection to (?:database "[^"]*"|server (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port \d+)?) failed: /,
      '',
    )
    .replace(/^(?:error: )?(?:FATAL|ERROR): +/, '');
  const safe = password === null || password === '' ? words : words.replaceAll(password, '***');
  const text = /^[A-Z][a-z]/.test(safe) ? `${safe.charAt(0).toLowerCase()}${safe.slice(1)}` : safe;
  return text.slice(0, 300).trim();
}

/** Whether this machine's disk is full, as a program says it that writes a file here. */
export function saysDiskIsFull(stderr: string): boolean {
  return stderr
    .split('\n')
    .some(
      (line) =>
        /No space left on device|Disk quota exceeded|not enough space on the disk/i.test(line) &&
        !/\bERROR: /.test(line),
    );
}
