/** Sends requests to a daemon over the network. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { IncomingReply, OutgoingRequest, Transport } from './connect.ts';
import { ChsError } from './platform/errors.ts';

/**
 * @param server base URL, with or without a path. Documents call `http://HOST:3000/api` the base URL; requests name
 *   that `/api` themselves.
 * @param timeoutMs how long the connection may be silent before the server counts as gone
 */
export function createHttpTransport(server: URL, timeoutMs: number): Transport {
  const secure = server.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const base = server.pathname.replace(/\/+$/, '').replace(/\/api$/, '');
  return {
    name: server.origin,
    send: (outgoing) =>
      exchange(outgoing, server, () =>
        (secure ? httpsRequest : httpRequest)({
          protocol: server.protocol,
          hostname: server.hostname.replace(/^\[|\]$/g, ''),
          port: server.port,
          path: base + outgoing.path,
          method: outgoing.method,
          headers: outgoing.headers,
          agent,
          timeout: timeoutMs,
        }),
      ),
    async close() {
      agent.destroy();
    },
  };
}

function exchange(
  outgoing: OutgoingRequest,
  server: URL,
  open: () => ReturnType<typeof httpRequest>,
): Promise<IncomingReply> {
  return new Promise((resolve, reject) => {
    const request = open();
    const { signal } = outgoing;
    const abort = (): void => void request.destroy(new ChsError('INTERRUPTED'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    request.once('close', () => signal?.removeEventListener('abort', abort));
    request.once('timeout', () => request.destroy(new Error('it did not answer in time')));
    let answered = false;
    request.once('response', (response: IncomingMessage) => {
      answered = true;
      if (outgoing.openEnd) request.setTimeout(0);
      const headers = {
        get: (name: string) => {
          const value = response.headers[name.toLowerCase()];
          return value === undefined ? null : String(value);
        },
      };
      resolve({ status: response.statusCode ?? 0, headers, body: response });
    });
    request.once('error', (error) => {
      if (error instanceof ChsError) reject(error);
      else
        reject(
          new ChsError(
            'SERVER_UNREACHABLE',
            { server: server.origin, reason: reasonOf(error, server.protocol === 'https:') },
            { cause: error },
          ),
        );
    });
    if (!outgoing.body) request.end();
    else {
      pipeline(outgoing.body, request).catch((error: unknown) => {
        // A server that refuses early answers before it has read everything: then the answer counts.
        if (!answered && !request.destroyed) request.destroy(error instanceof Error ? error : undefined);
      });
    }
  });
}

function reasonOf(error: NodeJS.ErrnoException, secure: boolean): string {
  const { code = '', message } = error;
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (code === 'ENOTFOUND') return 'there is no such host';
  // What answers a handshake in plain text, and what cannot read a request that is no handshake.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return /wrong version number|packet length too long|record layer failure/i.test(
      message + code.replaceAll('_', ' '),
    )
      ? 'it does not speak https; is it an http server?'
      : 'the TLS handshake failed';
  if (code.startsWith('HPE_') && !secure) return 'it does not speak http; is it an https server?';
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return secure ? 'the connection was cut' : 'the connection was cut; is it an https server?';
  return message || code || 'the connection failed';
}
