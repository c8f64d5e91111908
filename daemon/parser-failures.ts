/** What is wrong with a request before it is one: Node.js's parser refuses it, and this says so in our own words. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ChsError, type ErrorCode } from '../src/platform/errors.ts';
import type { Log } from '../src/platform/log.ts';
import { SECURITY_HEADERS } from './app.ts';
import { dialects } from './dialects/table.ts';

/** Node.js's codes; every other one is a request that makes no sense. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/**
 * Nothing that the client sent is in these replies: it may be anything, in no order.
 */
export function answerParserFailures(server: Server, log: Log): void {
  const replies = new WeakMap<Socket, ServerResponse>();
  const remember = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    replies.set(incoming.socket, outgoing);
  };
  server.on('request', remember);
  server.on('checkContinue', remember);

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Halfway through another reply, text would become a part of it.
    const isReplying = replies.get(socket)?.headersSent && !replies.get(socket)?.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isReplying) {
      socket.destroy(error);
      return;
    }
    const { status, headers, body } = refusal(
      CODES[error.code ?? ''] ?? 'MALFORMED_REQUEST',
      log,
      addressOf(socket),
    );
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
    // The other side may never close its own half, and what reads the request's body waits for that.
    socket.end(text, () => socket.destroy(error));
  });

  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { status, headers, body } = refusal('EXPECTATION_FAILED', log, addressOf(incoming.socket));
    outgoing.writeHead(status, headers).end(body);
  });
}

const addressOf = (socket: Socket): string => socket.remoteAddress ?? '';

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A reply of the crash dialect for what never became a request. */
export function refusal(code: ErrorCode, log: Log, address: string): Refusal {
  const requestId = randomUUID();
  const error = new ChsError(code);
  log.info(`request refused: ${error.message}`, { request_id: requestId, code, address });
  const { status, body } = dialects.crash.failure(error, 'en');
  const json = JSON.stringify(body);
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(json)),
      'cache-control': 'no-store',
      connection: 'close',
      'x-request-id': requestId,
      ...SECURITY_HEADERS,
    },
    body: json,
  };
}
