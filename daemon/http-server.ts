/** The HTTP server around the app: slow and early clients, requests under way, and how it ends. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Config } from '../config/schema.ts';
import type { Log } from '../src/platform/log.ts';
import type { App } from './app.ts';
import { answerParserFailures, refusal } from './parser-failures.ts';

/** After an early refusal the rest of a body is read and dropped, so that the client gets to see the reply. */
const LINGER_BYTES = 1024 * 1024 * 1024;
const LINGER_MS = 30_000;

/** Node.js looks only every 30 seconds, which would make the timeouts of requests longer by as much. */
const TIMEOUT_CHECK_MS = 1000;

/** Handlers whose requests were cut off get so long to remove what they had received. */
const CLEAN_UP_MS = 5_000;

export interface HttpServer {
  readonly server: Server;
  /**
   * Takes no more connections, lets requests finish for `graceMs`, cuts off the others.
   *
   * @returns how many were cut off
   */
  stop(graceMs: number): Promise<number>;
}

export function createHttpServer(app: App, { config, log }: { config: Config; log: Log }): HttpServer {
  const underWay = new Set<ServerResponse>();
  const handling = new Set<Promise<unknown>>();
  const bodiesAskedFor = new WeakMap<IncomingMessage, () => void>();
  const until = (over: Promise<unknown>): void => {
    handling.add(over);
    const done = (): void => void handling.delete(over);
    over.then(done, done);
  };
  const listener = getRequestListener(
    (request, env) => {
      const askForBody = bodiesAskedFor.get(env.incoming as IncomingMessage);
      const handled = Promise.resolve(
        app.fetch(request, { ...env, until, ...(askForBody ? { askForBody } : {}) }),
      );
      until(handled);
      return handled;
    },
    {
      autoCleanupIncoming: false,
      overrideGlobalObjects: false,
      // A target or a Host header that makes no URL; whatever the app itself fails with, it answers.
      errorHandler: () => {
        const { body, ...init } = refusal('MALFORMED_REQUEST', log, '');
        return new Response(body, init);
      },
    },
  );
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    incoming.headers.host ??= 'localhost';
    lingerAfterEarlyReply(incoming, outgoing);
    underWay.add(outgoing);
    outgoing.once('close', () => {
      underWay.delete(outgoing);
      // A connection that was busy when the server began to stop is idle now, and would be kept alive.
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    void listener(incoming, outgoing);
  };
  // Probes of load balancers speak HTTP/1.0 without a Host header.
  const server = createServer(
    { requireHostHeader: false, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    handle,
  );
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    bodiesAskedFor.set(incoming, bodyOnDemand(outgoing));
    handle(incoming, outgoing);
  });
  answerParserFailures(server, log);
  server.headersTimeout = config.server.headers_timeout_ms;
  server.requestTimeout = config.server.request_timeout_ms;
  server.keepAliveTimeout = 5_000;
  return { server, stop: (graceMs) => stop({ server, underWay, handling }, graceMs) };
}

interface Running {
  readonly server: Server;
  readonly underWay: ReadonlySet<ServerResponse>;
  readonly handling: ReadonlySet<Promise<unknown>>;
}

async function stop({ server, underWay, handling }: Running, graceMs: number): Promise<number> {
  let cutOff = 0;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => {
    cutOff = underWay.size;
    // Each call's signal is aborted by the end of its connection.
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(force);
  await settledWithin(handling, CLEAN_UP_MS);
  return cutOff;
}

async function settledWithin(promises: Iterable<Promise<unknown>>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([Promise.allSettled(promises), late]);
  clearTimeout(timer);
}

/**
 * A client that sent `Expect: 100-continue` holds its body back until it is asked for. Where it never
 * is, nobody can know whether what comes next is that body or another request: the connection ends.
 */
function bodyOnDemand(outgoing: ServerResponse): () => void {
  const isKeptAlive = outgoing.shouldKeepAlive;
  outgoing.shouldKeepAlive = false;
  return () => {
    outgoing.shouldKeepAlive = isKeptAlive;
    outgoing.writeContinue();
  };
}

/**
 * A reply may go out before the request's body is through (a file over the limit). To close at once
 * would reset the connection, and most clients then never read the reply; so the rest is read and
 * dropped for a while, within bounds.
 */
function lingerAfterEarlyReply(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.complete || incoming.destroyed) return;
    let droppedBytes = 0;
    const giveUp = setTimeout(() => incoming.destroy(), LINGER_MS);
    giveUp.unref();
    incoming.on('data', (piece: Uint8Array) => {
      droppedBytes += piece.length;
      if (droppedBytes > LINGER_BYTES) incoming.destroy();
    });
    incoming.once('close', () => clearTimeout(giveUp));
    incoming.once('end', () => clearTimeout(giveUp));
    incoming.resume();
  });
}
