/** What the parts of chs write their log through; where lines go is decided where the log is opened. */

/** From the least severe on. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Values shown as `name=value` behind the message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** `cause` is written whole, with its stack; it never reaches a caller. */
  error(message: string, fields?: LogFields, cause?: unknown): void;
  /** The same log with fields on every line. */
  with(fields: LogFields): Log;
}

const nothing = (): void => {};

/** A log that keeps nothing. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  with: () => silentLog,
};
