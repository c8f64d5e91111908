/** Instants as texts of RFC 3339, and back. */
import { DAY_MS, daysFromCivil, daysInMonth } from './civil.ts';
import { zoneClock } from './zones.ts';

/** What Date can hold. */
const INSTANT_MAX = 8.64e15;
const TEXT_CHARS_MAX = 64;
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;

/** RFC 3339 in UTC: milliseconds always, more digits only where there are any. Out of range: the nearest end. */
export function formatInstant(epochMs: number, subMsNs = 0): string {
  const text = new Date(clamp(epochMs)).toISOString();
  if (subMsNs === 0) return text;
  const digits = String(subMsNs).padStart(6, '0').replace(/0+$/, '');
  return `${text.slice(0, -1)}${digits}Z`;
}

/** RFC 3339 with the offset of an IANA zone: `2026-01-06T23:04:05.000+08:00`. */
export function formatInZone(epochMs: number, zone: string): string {
  const offsetMs = zoneClock(zone).offsetAt(epochMs);
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
  const wall = new Date(clamp(epochMs + offsetMs)).toISOString().slice(0, -1);
  return `${wall}${offsetMs < 0 ? '-' : '+'}${hours}:${String(minutes % 60).padStart(2, '0')}`;
}

function clamp(epochMs: number): number {
  if (!Number.isFinite(epochMs)) return 0;
  return Math.max(-INSTANT_MAX, Math.min(INSTANT_MAX, Math.floor(epochMs)));
}

/** Milliseconds since 1970 UTC of a text of RFC 3339, rounded down; null for any other text. */
export function parseInstant(text: string): number | null {
  if (text.length > TEXT_CHARS_MAX) return null;
  const parts = RFC3339.exec(text);
  if (parts === null) return null;
  const number = (index: number): number => Number(parts[index] ?? 0);
  const year = number(1);
  const month = number(2);
  const day = number(3);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (number(4) > 23 || number(5) > 59 || number(6) > 60 || number(10) > 23 || number(11) > 59) return null;
  const fractionMs = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3));
  const wall =
    daysFromCivil(year, month, day) * DAY_MS + ((number(4) * 60 + number(5)) * 60 + number(6)) * 1000;
  const offsetMinutes = number(10) * 60 + number(11);
  return wall + fractionMs - (parts[9] === '-' ? -1 : 1) * offsetMinutes * 60_000;
}
