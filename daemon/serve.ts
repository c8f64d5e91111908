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
import { backupListen, keysFor, type ListenKeys } from './listen.ts';
import { type OpenLog, openLog } from './log/open.ts';
import { reloadInto } from './reload.ts';
import { startUpkeep, type Upkeep } from './upkeep.ts';

/** The one path of `backup.listen`. */
const BACKUP_PATH = '/backupdb';

export interface Daemon {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Where backups alone are given out; null unless `backup.listen` is set. */
  readonly backupUrl: string | null;
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
 * @param create makes the chs that it serves
 * @throws ChsError UNSAFE_LISTEN, KEY_UNUSABLE, KEY_UNWRITABLE, PORT_TAKEN, PORT_NOT_ALLOWED,
 *   LISTEN_FAILED, DATABASE_UNUSABLE, DATABASE_BUSY
 */
export async function startDaemon({ config }: LoadedConfig, create = createChs): Promise<Daemon> {
  const keys = keysFor(config);
  const log = openLog(config.logging, config.logging.stdout);
  const chs = await create(config, { log, keys: keys.keys });
  const { listeners, url, backupUrl } = await openListeners(chs, config, log).catch(
    async (error: unknown) => {
      await chs.close();
      await log.close();
      throw error;
    },
  );
  for (const warning of keys.warnings) log.warn(warning);
  log.info(`Server started on ${url}`);
  if (backupUrl !== null) log.info(`Backups are given out on ${backupUrl}`);
  const upkeep = startUpkeep((signal) => chs.upkeep(signal), log);
  const schedule = startSchedule(chs, log);
  return {
    url,
    backupUrl,
    keys,
    log,
    reload: (next) => reload(config, next.config, log),
    stop: (reason) => {
      const graceMs = config.server.graceful_shutdown_timeout * 1000;
      return stop({ listeners, chs, log, upkeep, schedule, graceMs }, reason);
    },
  };
}

interface Listeners {
  readonly listeners: readonly HttpServer[];
  readonly url: string;
  readonly backupUrl: string | null;
}

/** All of them listen, or none does. */
async function openListeners(chs: Chs, config: Config, log: Log): Promise<Listeners> {
  const { host, port } = config.server;
  const http = createHttpServer(createApp(chs, { config, log }), { config, log });
  await listen(http.server, host, port);
  const url = urlOf(http.server, host);
  const place = backupListen(config);
  if (place === null) return { listeners: [http], url, backupUrl: null };
  const backups = createHttpServer(createApp(chs, { config, log, only: BACKUP_PATH }), { config, log });
  try {
    await listen(backups.server, place.host, place.port);
  } catch (error) {
    await http.stop(0);
    throw error;
  }
  return { listeners: [http, backups], url, backupUrl: `${urlOf(backups.server, place.host)}${BACKUP_PATH}` };
}

/** What goes wrong with it is logged: whoever asks the server for something else is none the worse for it. */
async function startSchedule(chs: Chs, log: Log): Promise<{ stop(): Promise<void> } | null> {
  try {
    return await chs.startSchedule();
  } catch (error) {
    log.error('Scheduled backups could not be started', {}, error);
    return null;
  }
}

function reload(live: Config, next: Config, log: OpenLog): void {
  // The addresses stay what they are, and must stay safe with the keys to come.
  keysFor({
    ...next,
    server: { ...next.server, host: live.server.host },
    backup: { ...next.backup, listen: live.backup.listen },
  });
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
  readonly listeners: readonly HttpServer[];
  readonly chs: Chs;
  readonly log: OpenLog;
  readonly upkeep: Upkeep;
  readonly schedule: Promise<{ stop(): Promise<void> } | null>;
  readonly graceMs: number;
}

async function stop(
  { listeners, chs, log, upkeep, schedule, graceMs }: Running,
  reason: string,
): Promise<void> {
  log.info(`Server stopping: ${reason}`);
  chs.drain();
  const stopSchedule = async (): Promise<void> => (await schedule)?.stop();
  const [cut] = await Promise.all([
    Promise.all(listeners.map((http) => http.stop(graceMs))),
    upkeep.stop(),
    stopSchedule(),
  ]);
  const cutOff = cut.reduce((sum, count) => sum + count, 0);
  if (cutOff > 0) log.warn(`The grace time is over; requests cut off: count=${cutOff}`);
  await chs.close();
  log.info('Server stopped');
  await log.close();
}
