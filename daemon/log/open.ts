/** Opens the daemon's log: pino for levels and JSON, the documented line format, a file that rotates daily. */
import pino from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Log, LogFields } from '../../src/platform/log.ts';
import { formatJson, formatLine } from './line.ts';
import { openRotatingFile } from './rotating-file.ts';

export type LoggingConfig = Config['logging'];

export interface OpenLog extends Log {
  setLevel(level: LoggingConfig['level']): void;
  close(): Promise<void>;
}

const formatters = { line: formatLine, json: formatJson } as const;

/** @param stdout write to standard output besides the file */
export function openLog(config: LoggingConfig, stdout: boolean): OpenLog {
  const file = openRotatingFile(config.file, { retentionDays: config.retention_days });
  const destination = {
    write(json: string): void {
      const line = `${formatters[config.format](json, config.max_line_bytes)}\n`;
      file.write(line);
      if (stdout) process.stdout.write(line);
    },
  };
  const logger = pino(
    {
      level: config.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    ...logOf(logger),
    setLevel(level) {
      logger.level = level;
    },
    close: async () => file.close(),
  };
}

function logOf(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, redacted(message)),
    info: (message, fields = {}) => logger.info(fields, redacted(message)),
    warn: (message, fields = {}) => logger.warn(fields, redacted(message)),
    error(message, fields = {}, cause = undefined) {
      const stack = cause instanceof Error ? stackOf(cause) : cause === undefined ? undefined : String(cause);
      logger.error(
        { ...fields, ...(stack === undefined ? {} : { cause: redacted(stack) }) },
        redacted(message),
      );
    },
    with: (fields: LogFields) => logOf(logger.child(fields)),
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** Tokens and keys that reach a message all the same (in a URL, in a library's error) are cut out of it. */
export function redacted(text: string): string {
  return text
    .replace(/chs_([a-z0-9]{8,32})_[\w-]{20,}/g, 'chs_$1_[redacted]')
    .replace(/\b(Bearer|X-API-Key:?|api_key=|token=|key=)(\s*)[^\s&"',]{4,}/gi, '$1$2[redacted]');
}
