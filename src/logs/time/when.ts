/** Times as people write them on a command line: "10m ago", "yesterday 14:00", "2026-01-06 15:04". */
import { DAY_MS, daysFromCivil, daysInMonth, HOUR_MS, MINUTE_MS } from './civil.ts';
import { parseInstant } from './instants.ts';
import { type ZoneClock, zoneClock } from './zones.ts';

const TEXT_CHARS_MAX = 64;
const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', MINUTE_MS],
  ['h', HOUR_MS],
  ['d', DAY_MS],
  ['w', 7 * DAY_MS],
]);
const AGO = /^-?((?:\d+(?:\.\d+)?\s*[a-z]+\s*)+?)(\s*ago)?$/;
const AGO_PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/g;
const UNIT_WORDS =
  /^(?:(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?$/;
const DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]+(\S+))?$/i;
const EPOCH = /^@?(\d{10}|\d{13})(?:\.(\d{1,9}))?$/;
const DAY_WORDS: ReadonlyMap<string, number> = new Map([
  ['today', 0],
  ['yesterday', -1],
  ['tomorrow', 1],
]);

/**
 * Milliseconds since 1970 UTC of a text: RFC 3339; "now"; "10m ago", "1h30m", "2 days ago"; "today", "yesterday"
 * (their midnight) and "yesterday 14:00"; "15:04" (of today); "2026-01-06", "2026-01-06 15:04:05.5"; epochs of ten
 * or thirteen digits. Local times are those of `zone`. null where the text is none of these.
 */
export function parseWhen(text: string, nowMs: number, zone: string): number | null {
  if (text.length > TEXT_CHARS_MAX) return null;
  const instant = parseInstant(text.trim());
  if (instant !== null) return instant;
  const words = text.trim().toLowerCase();
  if (words === 'now') return nowMs;
  const epoch = EPOCH.exec(words);
  if (epoch !== null) {
    const digits = epoch[1] ?? '';
    const fraction = digits.length === 10 ? Math.floor(Number(`0.${epoch[2] ?? 0}`) * 1000) : 0;
    return Number(digits) * (digits.length === 10 ? 1000 : 1) + fraction;
  }
  return parseAgo(words, nowMs) ?? parseLocal(words, nowMs, zoneClock(zone));
}

/** "10m ago", "1h 30m ago", and the same without "ago", as nobody searches the future. */
function parseAgo(words: string, nowMs: number): number | null {
  const whole = AGO.exec(words);
  if (whole === null) return null;
  let totalMs = 0;
  for (const [, count, unit] of (whole[1] ?? '').matchAll(AGO_PART)) {
    const letter = UNIT_WORDS.exec(unit ?? '')
      ?.slice(1)
      .find((found) => found !== undefined);
    const unitMs = UNITS.get(letter ?? '');
    if (unitMs === undefined) return null;
    totalMs += Number(count) * unitMs;
  }
  return Number.isFinite(totalMs) && totalMs < nowMs + DAY_MS * 366_000 ? Math.floor(nowMs - totalMs) : null;
}

function parseLocal(words: string, nowMs: number, zone: ZoneClock): number | null {
  const today = Math.floor((nowMs + zone.offsetAt(nowMs)) / DAY_MS) * DAY_MS;
  const [first = '', ...rest] = words.split(/\s+/);
  const days = DAY_WORDS.get(first);
  if (days !== undefined) return inZone(today + days * DAY_MS, rest.join(' '), zone);
  if (CLOCK.test(words)) return inZone(today, words, zone);
  const date = DATE.exec(words);
  if (date === null) return null;
  const [year, month, day] = [Number(date[1]), Number(date[2]), Number(date[3])];
  if (year < 1900 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  return inZone(daysFromCivil(year, month, day) * DAY_MS, date[4] ?? '', zone);
}

/** A local midnight and a clock ("" for midnight itself) as an instant. */
function inZone(midnightMs: number, clock: string, zone: ZoneClock): number | null {
  if (clock === '') return zone.toUtc(midnightMs);
  const parts = CLOCK.exec(clock);
  if (parts === null) return null;
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const fractionMs = Number((parts[4] ?? '').padEnd(3, '0').slice(0, 3));
  return zone.toUtc(midnightMs + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs);
}
