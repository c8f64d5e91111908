/** The daemon: listens, answers, and goes in good order when it is told to. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Chs, createChs } from '../src/compose.ts';
import { ChsError, type ErrorCode } from '../src/platform/errors.ts';
import type { Log } from '../src/platform/log.ts';
import { createApp } from './app.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import { keysFor, type ListenKeys } from './listen.ts';
import { type OpenLog, openLog } from './log/open.ts';
import { reloadInto } from './reload.ts';
import { startUpkeep, type Upkeep } from './upkeep.ts';

export interface Daemon {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly keys: ListenKeys;
  readonly log: Log;
  /**
   * Takes over a changed configuration as far as a running daemon can; the log says what it took.
   *
   * @throws ChsError UNSAFE_LISTEN when the new keys would not do for the address; KEY_UNUSABLE,
   *   KEY_UNWRITABLE
   */
  reload(next: LoadedConfig): void;
  /** Stops listening, lets requests finish for `graceful_shutdown_timeout`, closes everything. */
  stop(reason: string): Promise<void>;
}

/**
 * Starts a daemon and gives it once it listens.
 *
 * @throws ChsError UNSAFE_LISTEN, KEY_UNUSABLE, KEY_UNWRITABLE, PORT_TAKEN, PORT_NOT_ALLOWED,
 *   LISTEN_FAILED, DATABASE_UNUSABLE, DATABASE_BUSY
 */
export async function startDaemon({ config }: LoadedConfig): Promise<Daemon> {
  const keys = keysFor(config);
  const log = openLog(config.logging, config.logging.stdout);
  const chs = await createChs(config, { log, keys: keys.keys });
  const http = createHttpServer(createApp(chs, { config, log }), { config, log });
  try {
    await listen(http.server, config.server.host, config.server.port);
  } catch (error) {
    await chs.close();
    await log.close();
    throw error;
  }
  const url = urlOf(http.server, config.server.host);
  for (const warning of keys.warnings) log.warn(warning);
  log.info(`Server started on ${url}`);
  const upkeep = startUpkeep((signal) => chs.upkeep(signal), log);
  return {
    url,
    keys,
    log,
    reload: (next) => reload(config, next.config, log),
    stop: (reason) => {
      const graceMs = config.server.graceful_shutdown_timeout * 1000;
      return stop({ http, chs, log, upkeep, graceMs }, reason);
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

const LISTEN_CODES: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'PORT_TAKEN',
  EACCES: 'PORT_NOT_ALLOWED',
};

/** What the system said about listening, in the table's terms. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): ChsError {
  const code = LISTEN_CODES[error.code ?? ''] ?? 'LISTEN_FAILED';
  return new ChsError(code, { host, port, reason: error.code ?? error.message }, { cause: error });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
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
  readonly http: HttpServer;
  readonly chs: Chs;
  readonly log: OpenLog;
  readonly upkeep: Upkeep;
  readonly graceMs: number;
}

async function stop({ http, chs, log, upkeep, graceMs }: Running, reason: string): Promise<void> {
  log.info(`Server stopping: ${reason}`);
  chs.drain();
  const [cutOff] = await Promise.all([http.stop(graceMs), upkeep.stop()]);
  if (cutOff > 0) log.warn(`The grace time is over; requests cut off: count=${cutOff}`);
  await chs.close();
  log.info('Server stopped');
  await log.close();
}
