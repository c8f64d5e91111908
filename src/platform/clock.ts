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
