/** The daemon: listens, answers, and goes in good order when it is told to. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Chs, createChs } from '../src/compose.ts';
import { ChsError } from '../src/platform/errors.ts';
import { type App, createApp } from './app.ts';
import { keysFor, type ListenKeys } from './listen.ts';
import { type OpenLog, openLog } from './log/open.ts';
import { reloadInto } from './reload.ts';

/** After an early refusal the rest of a body is read and dropped, so that the client gets to see the reply. */
const LINGER_BYTES = 1024 * 1024 * 1024;
const LINGER_MS = 30_000;

export interface Daemon {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly keys: ListenKeys;
  /**
   * Takes over a changed configuration as far as a running daemon can; the log says what it took.
   *
   * @throws ChsError UNSAFE_LISTEN when the new keys would not do for the address
   */
  reload(next: LoadedConfig): void;
  /** Stops listening, lets requests finish for `graceful_shutdown_timeout`, closes everything. */
  stop(reason: string): Promise<void>;
}

/**
 * Starts a daemon and gives it once it listens.
 *
 * @throws ChsError UNSAFE_LISTEN, PORT_TAKEN, LISTEN_FAILED, DATABASE_UNUSABLE, DATABASE_BUSY
 */
export async function startDaemon({ config }: LoadedConfig): Promise<Daemon> {
  const keys = keysFor(config);
  const log = openLog(config.logging, config.logging.stdout);
  const chs = await createChs(config, { log, keys: keys.keys });
  const server = createHttpServer(createApp(chs, { config, log }), config);
  try {
    await listen(server, config.server.host, config.server.port);
  } catch (error) {
    await chs.close();
    await log.close();
    throw error;
  }
  const url = urlOf(server, config.server.host);
  for (const warning of keys.warnings) log.warn(warning);
  log.info(`Server started on ${url}`);
  return {
    url,
    keys,
    reload: (next) => reload(config, next.config, log),
    stop: (reason) => {
      const graceMs = config.server.graceful_shutdown_timeout * 1000;
      return stop({ server, chs, log, graceMs }, reason);
    },
  };
}

function reload(live: Config, next: Config, log: OpenLog): void {
  // The address stays what it is, and must stay safe with the keys to come.
  keysFor({ ...next, server: { ...next.server, host: live.server.host } });
  const { taken, waiting } = reloadInto(live, next);
  log.setLevel(live.logging.level);
  log.info(`Configuration reloaded: ${taken.join(', ') || 'nothing has changed'}`);
  if (waiting.length > 0) log.warn(`These changes need a restart: ${waiting.join(', ')}`);
}

function createHttpServer(app: App, config: LoadedConfig['config']): Server {
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    autoCleanupIncoming: false,
    overrideGlobalObjects: false,
  });
  // Probes of load balancers speak HTTP/1.0 without a Host header.
  const server = createServer({ requireHostHeader: false }, (incoming, outgoing) => {
    incoming.headers.host ??= 'localhost';
    lingerAfterEarlyReply(incoming, outgoing);
    // A connection that was busy when the server began to stop is idle now, and would be kept alive.
    outgoing.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    void listener(incoming, outgoing);
  });
  server.headersTimeout = config.server.headers_timeout_ms;
  server.requestTimeout = config.server.request_timeout_ms;
  server.keepAliveTimeout = 5_000;
  return server;
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

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'LISTEN_FAILED';
      reject(new ChsError(code, { host, port, reason: error.code ?? error.message }, { cause: error }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Running {
  readonly server: Server;
  readonly chs: Chs;
  readonly log: OpenLog;
  readonly graceMs: number;
}

async function stop({ server, chs, log, graceMs }: Running, reason: string): Promise<void> {
  log.info(`Server stopping: ${reason}`);
  chs.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(force);
  await chs.close();
  log.info('Server stopped');
  await log.close();
}
