/** The log of a command: opened only when there is something to write, as most commands write nothing. */
import { type Log, type LogFields, type LogLevel, logLevels } from '../../src/platform/log.ts';
import type { LoggingConfig, OpenLog } from './open.ts';

type Entry = (log: Log) => void;

/** Keeps lines in order while the real log opens; `close` waits until they are written. */
export function openLazyLog(config: LoggingConfig): Omit<OpenLog, 'setLevel'> {
  let opened: Promise<OpenLog> | null = null;
  const write = (level: LogLevel, entry: Entry): void => {
    if (rank(level) < rank(config.level)) return;
    opened ??= import('./open.ts').then(({ openLog }) => openLog(config, false));
    opened.then(entry).catch(() => {});
  };
  return {
    ...lazily(write, {}),
    async close() {
      await (await opened)?.close();
    },
  };
}

function lazily(write: (level: LogLevel, entry: Entry) => void, bound: LogFields): Log {
  return {
    debug: (message, fields) => write('debug', (log) => log.debug(message, { ...bound, ...fields })),
    info: (message, fields) => write('info', (log) => log.info(message, { ...bound, ...fields })),
    warn: (message, fields) => write('warn', (log) => log.warn(message, { ...bound, ...fields })),
    error: (message, fields, cause) =>
      write('error', (log) => log.error(message, { ...bound, ...fields }, cause)),
    with: (fields) => lazily(write, { ...bound, ...fields }),
  };
}

function rank(level: LogLevel): number {
  return logLevels.indexOf(level);
}
