/** When backups are due: a cron pattern on the clock of a time zone, pure. */
import { Cron } from 'croner';
import { isTimeZone } from '../platform/time-zones.ts';

/** Longer than every pattern that means something. */
const PATTERN_CHARS_MAX = 1000;

export interface Schedule {
  readonly pattern: string;
  readonly timeZone: string;
  /** The first time that is due after `afterMs` (both epoch milliseconds); null where none ever is. */
  next(afterMs: number): number | null;
  /** Whether a time after `lastMs` has come by `nowMs`. */
  isMissed(lastMs: number, nowMs: number): boolean;
}

/**
 * Reads the five fields of cron (minute, hour, day, month, weekday; a day and a weekday together mean either).
 *
 * Where the clock of the zone is changed, a pattern whose minutes and hours are numbers is due once for each of its
 * times: one that is skipped at the first instant afterwards, one that comes twice the first time. Patterns with `*` or
 * steps in them follow the clock: what is skipped is left out, what comes twice is due twice.
 *
 * @param timeZone an IANA name; null for the zone of the machine
 * @throws Error with a reason
 */
export function parseSchedule(pattern: string, timeZone: string | null): Schedule {
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(zone)) throw new Error(`there is no time zone ${zone}`);
  const fields = pattern.trim().split(/\s+/);
  if (pattern.length > PATTERN_CHARS_MAX || fields.length !== 5) {
    throw new Error('a schedule has five fields: minute, hour, day, month, weekday');
  }
  // Croner puts the present minute in its place, and each process would have a schedule of its own.
  if (pattern.includes('?')) throw new Error('a schedule takes no ?');
  const cron = parse(fields.join(' '), zone);
  const next = (afterMs: number): number | null => cron.nextRun(new Date(afterMs))?.getTime() ?? null;
  return {
    pattern,
    timeZone: zone,
    next,
    isMissed: (lastMs, nowMs) => {
      const dueMs = next(lastMs);
      return dueMs !== null && dueMs <= nowMs;
    },
  };
}

function parse(pattern: string, timezone: string): Cron {
  try {
    return new Cron(pattern, { timezone, paused: true, mode: '5-part', fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      reason.replace(/^CronPattern: /, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
      {
        cause: error,
      },
    );
  }
}
