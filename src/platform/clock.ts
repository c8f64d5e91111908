/** Instants: reading ISO 8601 as clients really write it, and writing it one way. */

const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)\s*(Z|[+\- ]\d{2}:?\d{2})?)?$/i;

/**
 * Epoch milliseconds of an ISO 8601 date or date and time; without a zone it is UTC. A space where
 * the zone's sign should be is read as `+`, which is what an unescaped `+` in a query becomes.
 * NaN when the text is no such date.
 */
export function parseInstant(text: string): number {
  const match = ISO.exec(text.trim());
  if (!match) return Number.NaN;
  const [, date = '', time = '00:00:00', zone = 'Z'] = match;
  if (!isDay(date)) return Number.NaN;
  const offset =
    zone.toUpperCase() === 'Z' ? 'Z' : zone.replace(' ', '+').replace(/(\d{2}):?(\d{2})$/, '$1:$2');
  return Date.parse(`${date}T${time.replace(',', '.')}${offset}`);
}

/** Date.parse takes the 31st of any month and goes on into the next one. */
function isDay(date: string): boolean {
  const epochMs = Date.parse(date);
  return !Number.isNaN(epochMs) && new Date(epochMs).toISOString().startsWith(date);
}

/** `2026-01-06T12:34:56Z`: UTC to the second, as the documented replies show it. */
export function isoSeconds(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** Milliseconds of a span such as `90s`, `30m`, `12h`, `7d`, `2w` or `1y` (of 365 days); NaN when the text is none. */
export function parseSpan(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhdwy])$/.exec(text.trim()) ?? [];
  return Number(count) * (UNIT_MS[unit] ?? Number.NaN);
}

/** Epoch milliseconds of a time to come: a span from `nowMs` on, or an ISO 8601 time. NaN when the text is neither. */
export function parseEnd(text: string, nowMs: number): number {
  const spanMs = parseSpan(text);
  return Number.isNaN(spanMs) ? parseInstant(text) : nowMs + spanMs;
}
