/** The client of the benchmarks: raw `node:http`, so that what is measured is the server. */
import { type Agent, request } from 'node:http';
import { Readable } from 'node:stream';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** @throws Error when the status is not 200: a figure about refusals is no figure */
export async function get(url: string, key: string, agent?: Agent): Promise<Reply> {
  return expectOk(await send(url, { method: 'GET', key, agent }));
}

/** A body of known length, in pieces. */
export interface Body {
  readonly contentType: string;
  readonly lengthBytes: number;
  readonly pieces: Iterable<Uint8Array>;
}

interface SendOptions {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly key: string;
  readonly body?: Body | undefined;
  readonly agent?: Agent | undefined;
}

/** Sends one request and gives the whole reply, whatever its status. */
export function send(url: string, { method, key, body, agent }: SendOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      'x-api-key': key,
      ...(body ? { 'content-type': body.contentType, 'content-length': body.lengthBytes } : {}),
    };
    const outgoing = request(url, { method, headers, agent }, (incoming) => {
      const texts: string[] = [];
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => texts.push(text));
      incoming.once('error', reject);
      incoming.once('end', () => resolve({ status: incoming.statusCode ?? 0, text: texts.join('') }));
    });
    outgoing.once('error', reject);
    if (body) Readable.from(body.pieces).pipe(outgoing);
    else outgoing.end();
  });
}

function expectOk(reply: Reply): Reply {
  if (reply.status !== 200)
    throw new Error(`the server answered ${reply.status}: ${reply.text.slice(0, 300)}`);
  return reply;
}
