/** The documented line format: `2026-01-06T10:05:23Z [INFO] - Minidump uploaded: id=...`. */
import { printable } from '../../src/platform/errors.ts';

/**
 * @param json one record as pino writes it
 * @returns the line without its end; a record is always one line, whatever its values hold
 */
export function formatLine(json: string, maxBytes: number): string {
  const { time, level, message, cause, ...fields } = JSON.parse(json);
  const second = `${String(time).slice(0, 19)}Z`;
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}=${quoted(String(value))}`);
  const stack = cause === undefined ? '' : ` cause=${JSON.stringify(cause)}`;
  const text = printable(`${message ?? ''}${shown.join('')}${stack}`, maxBytes);
  return `${second} [${String(level).toUpperCase()}] - ${text}`;
}

function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}
