/** The small value types of the configuration that TOML lacks: sizes, durations, addresses, host:port pairs. */
import { isIPv6 } from 'node:net';
import * as z from 'zod';
import { parseBind } from './bind.ts';
import { isUrl } from './urls.ts';

const sizeText = /^\d{1,15}(?:\.\d{1,6})?\s*(?:b|[kmgt]i?b)$/i;
const durationText = /^\d{1,12}(?:\.\d{1,6})?\s*(?:ms|s|m|h|d|w)$/;
const sizeBytesMax = 2 ** 50;
const durationMsMax = 3650 * 86_400_000;
const durationUnitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A whole number within bounds, with its default. */
export function whole(min: number, max: number, value: number): z.ZodDefault<z.ZodInt> {
  return z.int().min(min).max(max).default(value);
}

/**
 * A size: a whole number of bytes, or text such as "100MB"; its output is bytes. KB, MB, GB and TB count in 1024s,
 * as KiB, MiB, GiB and TiB do, because the documented sample calls 104857600 bytes 100MB.
 */
export const size = z
  .union([z.int(), z.string().regex(sizeText)])
  .transform((value) => (typeof value === 'number' ? value : parseSize(value)))
  .refine((bytes) => bytes >= 1 && bytes <= sizeBytesMax)
  .meta({ expects: 'a size in bytes, or text such as "100MB" (KB, MB, GB and TB count in 1024s)' });

/** As `size`, and 0 for no limit. */
export const sizeLimit = z
  .union([z.int(), z.string().regex(sizeText)])
  .transform((value) => (typeof value === 'number' ? value : parseSize(value)))
  .refine((bytes) => bytes >= 0 && bytes <= sizeBytesMax)
  .meta({ expects: 'a size in bytes, or text such as "50GB"; 0 is no limit' });

/** A duration such as "90s", "1h" or "7d"; its output is milliseconds. A bare number is refused: its unit is unclear. */
export const duration = z
  .string()
  .regex(durationText)
  .transform(parseDuration)
  .refine((ms) => ms >= 0 && ms <= durationMsMax)
  .meta({ expects: 'a duration such as "500ms", "90s", "10m", "1h" or "7d"' });

/** A folder or a file; load.ts makes it absolute. */
export const path = z
  .string()
  .regex(/^[^\0]+$/)
  .meta({ expects: 'a path' });

/** A folder, or a place on a server; load.ts makes the folder absolute. */
export const place = z
  .string()
  .regex(/^[^\0]+$/)
  .refine((text) => !isUrl(text) || /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[\x21-\x7e]*)?$/.test(text))
  .meta({ expects: 'a folder, or s3://BUCKET/PREFIX' });

const PLACE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Databases by name. Names become names of files, and stand in URLs. */
export const namedPlaces = z
  .record(
    z.string().regex(PLACE_NAME),
    z
      .string()
      .regex(/^[^\0]+$/)
      .refine((text) => !isUrl(text) || /^postgres(?:ql)?:\/\/\S+$/.test(text)),
  )
  .meta({
    expects:
      'a table of paths of SQLite files and postgres:// URLs by name (letters, digits, - and _; as text: "main=/data/main.db,msg=/data/msg.db")',
  });

/** Five fields of cron with numbers that there are; what else they mean is croner's business. */
export const cronPattern = z
  .string()
  .regex(/^\s*(?:[\dA-Za-z*,/#L-]+\s+){4}[\dA-Za-z*,/#L-]+\s*$/)
  .refine(hasCronNumbers)
  .meta({ expects: 'five fields of cron such as "0 2 * * *"' });

/** Of minute, hour, day, month, weekday. */
const CRON_RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

function hasCronNumbers(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/);
  return CRON_RANGES.every(([min, max], index) => {
    // What follows a stroke or a # is a step, or which one of the month.
    const numbers = (fields[index] ?? '').replaceAll(/[/#]\d+/g, '').match(/\d+/g) ?? [];
    return numbers.every((number) => Number(number) >= min && Number(number) <= max);
  });
}

export const timeZone = z
  .string()
  .refine(isTimeZone)
  .meta({ expects: 'a time zone such as "Europe/Berlin" or "UTC"' });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** An API key: it travels in an HTTP header, so visible ASCII only. */
export const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,512}$/)
  .meta({ expects: 'a key of 1 to 512 visible ASCII characters, without spaces' });

export const addressRange = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
  .meta({ expects: 'an IP address or a CIDR range such as "10.0.0.0/8" or "fd00::/8"' });

export const host = z
  .string()
  .regex(/^[^\s/[\]]{1,255}$/)
  .refine((text) => !text.includes(':') || isIPv6(text))
  .meta({ expects: 'a host name or an address (IPv6 without brackets), without a port' });

export const bindAddress = z
  .string()
  .refine((text) => parseBind(text) !== null)
  .meta({ expects: '"host:port", for example "127.0.0.1:3000" or "[::1]:3000"' });

export const serverUrl = z
  .string()
  .refine(isServerUrl)
  .meta({ expects: 'an http:// or https:// URL without user, password, query or fragment' });

export const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text)
  .meta({ expects: 'an origin such as "https://example.org" (no path, no *)' });

/** Bytes of a size text that `size` accepts, rounded down to whole bytes. */
function parseSize(text: string): number {
  const power = ['b', 'k', 'm', 'g', 't'].indexOf(
    text
      .replace(/[\d.\s]/g, '')
      .charAt(0)
      .toLowerCase(),
  );
  return Math.floor(Number.parseFloat(text) * 1024 ** power);
}

/** Milliseconds of a duration text that `duration` accepts. */
function parseDuration(text: string): number {
  const unitMs = durationUnitMs[text.replace(/[\d.\s]/g, '')] ?? Number.NaN;
  return Math.round(Number.parseFloat(text) * unitMs);
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return plain && (url.protocol === 'http:' || url.protocol === 'https:');
}
