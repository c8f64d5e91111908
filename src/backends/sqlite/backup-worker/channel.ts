/**
 * The worker's side of its two pipes. They are read and written at once, by system calls: streams would take three
 * megabytes, and there is nothing to do while a request is waited for.
 */
import { readSync, writeSync } from 'node:fs';
import type { WorkerMessage, WorkerRequest } from '../../../backup/worker/protocol.ts';
import { codeOf } from '../../../platform/system-error.ts';

const STDIN = 0;
const STDOUT = 1;
const READ_BYTES = 16 * 1024;
const NEW_LINE = 0x0a;

/** The requests, one after the other; over when whoever started this process is gone. */
export function* requests(): Generator<WorkerRequest> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let rest: Buffer[] = [];
  for (;;) {
    const length = readSome(buffer);
    if (length === 0) return;
    let from = 0;
    for (let at = 0; at < length; at += 1) {
      if (buffer[at] !== NEW_LINE) continue;
      rest.push(buffer.subarray(from, at));
      yield JSON.parse(Buffer.concat(rest).toString()) as WorkerRequest;
      rest = [];
      from = at + 1;
    }
    // The buffer is used again.
    rest.push(Buffer.from(buffer.subarray(from, length)));
  }
}

/** Nobody is left who would take what is being made, if nobody takes what is said: then the process ends. */
export function send(message: WorkerMessage): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  try {
    for (let at = 0; at < line.length; ) at += writeSync(STDOUT, line, at);
  } catch {
    process.exit(0);
  }
}

function readSome(buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(STDIN, buffer, 0, buffer.length, null);
    } catch (error) {
      // A signal came. All else is the end: Windows calls that of a pipe an error.
      if (codeOf(error) !== 'EINTR') return 0;
    }
  }
}
