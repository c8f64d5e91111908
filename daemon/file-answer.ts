/** Answers with a file and follows its bytes to the end, whoever brings that about: what it was made from goes then. */
import type { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { BytesReply, ReplyEnd } from '../src/operation.ts';
import type { Log } from '../src/platform/log.ts';
import { answer } from './answer.ts';
import { withoutToken } from './dialects/symbols.ts';
import type { AppEnv } from './mount.ts';
import { fileReply } from './send-file.ts';

/**
 * Waits for the first byte, as what fails before it can still be answered with an error.
 *
 * @throws ChsError PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE, and whatever the file's bytes fail with at once
 */
export async function answerFile(c: Context<AppEnv>, file: BytesReply): Promise<Response> {
  const { log, signal } = c.var.call;
  const release = releaseOnce(file, log);
  let body: Readable | null = null;
  try {
    signal.throwIfAborted();
    const reply = fileReply(file, c.req.raw);
    body = reply.body;
    if (body === null) await release('bodyless');
    else {
      follow(c, body, release);
      await begun(body, signal);
    }
    return answer(c, reply);
  } catch (error) {
    if (body === null) await release('bodyless');
    else body.destroy();
    throw error;
  }
}

/** What release fails with is the log's alone: the reply is over. */
function releaseOnce({ release }: BytesReply, log: Log): (end: ReplyEnd) => Promise<void> {
  let released: Promise<void> | null = null;
  const run = async (end: ReplyEnd): Promise<void> => {
    try {
      await release?.(end);
    } catch (error) {
      log.error('What a download left could not be removed', {}, error);
    }
  };
  return (end) => {
    released ??= run(end);
    return released;
  };
}

/** A stream closes exactly once: read to its end, destroyed by whoever read it, or broken. */
function follow(c: Context<AppEnv>, body: Readable, release: (end: ReplyEnd) => Promise<void>): void {
  const { log, signal } = c.var.call;
  const isCutOff = (error: Error): boolean =>
    signal.aborted || c.env?.outgoing?.destroyed === true || error.name === 'AbortError';
  let end: ReplyEnd = 'cut_off';
  let isBegun = false;
  body.once('readable', () => {
    isBegun = true;
  });
  body.once('end', () => {
    end = 'sent';
  });
  body.once('error', (error) => {
    if (isCutOff(error)) return;
    end = 'failed';
    // Until the first byte it is the request's own failure, and answered and logged as such.
    if (!isBegun) return;
    log.error(`${c.req.method} ${withoutToken(c.req.path)} broke off`, {}, error);
    // The HTTP library would write the error's text behind the bytes and end the reply as if it were whole.
    c.env?.outgoing?.destroy();
  });
  const over = new Promise<void>((resolve) => {
    body.once('close', () => void release(end).then(resolve));
  });
  c.env?.until?.(over);
}

/** @throws what the bytes fail with; the signal's reason when the caller goes before there are any */
async function begun(body: Readable, signal: AbortSignal): Promise<void> {
  const cut = (): void => void body.destroy();
  signal.addEventListener('abort', cut, { once: true });
  const events = ['readable', 'end', 'close'] as const;
  try {
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => {
        for (const event of events) body.off(event, onReady);
        body.off('error', done);
        if (error) reject(error);
        else resolve();
      };
      const onReady = (): void => done();
      for (const event of events) body.on(event, onReady);
      body.on('error', done);
    });
  } finally {
    signal.removeEventListener('abort', cut);
  }
  signal.throwIfAborted();
}
