/** One record as it stands in the log: the documented line, or JSON; never longer than it may be. */
import { printable } from '../../src/platform/errors.ts';

const CUT = '…';
/** Shorter values than this are not worth cutting. */
const CUT_CHARACTERS_MIN = 16;
/** Together, when all is short, below every limit that the configuration takes. */
const ESSENTIAL = new Set(['time', 'level', 'message']);

/**
 * The documented line format: `2026-01-06T10:05:23Z [INFO] - Minidump uploaded: id=...`.
 *
 * @param json one record as pino writes it
 * @returns the line without its end, in UTF-8 at most `maxBytes`; a record is always one line,
 *   whatever its values hold
 */
export function formatLine(json: string, maxBytes: number): string {
  const { time, level, message, cause, ...fields } = JSON.parse(json);
  const second = `${String(time).slice(0, 19)}Z`;
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}=${quoted(String(value))}`);
  const stack = cause === undefined ? '' : ` cause=${JSON.stringify(cause)}`;
  const text = printable(`${message ?? ''}${shown.join('')}${stack}`, maxBytes);
  return cutToBytes(`${second} [${String(level).toUpperCase()}] - ${text}`, maxBytes);
}

/**
 * The record as JSON that is still JSON when it had to be cut: its longest texts become shorter,
 * and when all are short, the last fields go.
 *
 * @returns one line without its end, in UTF-8 at most `maxBytes`
 */
export function formatJson(json: string, maxBytes: number): string {
  const whole = json.trimEnd();
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const record: Record<string, unknown> = JSON.parse(whole);
  for (;;) {
    const text = JSON.stringify(record);
    const excess = Buffer.byteLength(text) - maxBytes;
    if (excess <= 0) return text;
    const name = longestText(record);
    if (name === undefined) {
      const last = Object.keys(record).findLast((key) => !ESSENTIAL.has(key));
      if (last === undefined) return text;
      delete record[last];
    } else {
      const value = String(record[name]);
      const length = Math.max(CUT_CHARACTERS_MIN, value.length - excess);
      record[name] = `${value.slice(0, length - CUT.length)}${CUT}`.toWellFormed();
    }
  }
}

/** The name of the longest text that is worth cutting. */
function longestText(record: Readonly<Record<string, unknown>>): string | undefined {
  const lengthOf = (name: string): number => {
    const value = record[name];
    return typeof value === 'string' && name !== 'time' && name !== 'level' ? value.length : 0;
  };
  const [longest] = Object.keys(record).sort((one, other) => lengthOf(other) - lengthOf(one));
  return longest !== undefined && lengthOf(longest) > CUT_CHARACTERS_MIN ? longest : undefined;
}

function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - Buffer.byteLength(CUT);
  // Not in the middle of a character: its later bytes begin with the bits 10.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}${CUT}`;
}

function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}
