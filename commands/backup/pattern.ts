/** Reads a pattern of cron, and writes it as systemd's calendar events. Pure. */

/** The values that each field allows, ascending; null where it allows all. */
export interface CronFields {
  readonly minutes: readonly number[] | null;
  readonly hours: readonly number[] | null;
  readonly days: readonly number[] | null;
  readonly months: readonly number[] | null;
  /** 0 is Sunday. */
  readonly weekdays: readonly number[] | null;
}

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Names of the values, the first one being `from`. */
  readonly names?: readonly string[];
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, names: MONTHS },
  // 7 is Sunday, too.
  { name: 'day of the week', from: 0, to: 7, names: WEEKDAYS.map((name) => name.toLowerCase()) },
];

/** What is wrong with a pattern, in short words. */
export class PatternError extends Error {}

/**
 * The five fields of crontab(5): `*`, numbers, names, ranges, lists and steps. What croner knows beyond that (`L`,
 * `W`, `#`, `?`) neither crontab nor systemd does.
 *
 * @throws PatternError naming the field
 */
export function parsePattern(pattern: string): CronFields {
  const texts = pattern.trim().split(/\s+/);
  if (texts.length !== 5) throw new PatternError('expected five fields');
  const [minutes, hours, days, months, weekdays] = texts.map((text, index) => {
    const field = FIELDS[index];
    return field ? valuesOf(text, field) : null;
  });
  if (days && weekdays && texts.some((text, index) => (index === 2 || index === 4) && text.startsWith('*'))) {
    throw new PatternError(
      'a step of days together with a day of the week means one thing here and another there',
    );
  }
  const sundays = weekdays?.map((day) => day % 7) ?? null;
  return {
    minutes: minutes ?? null,
    hours: hours ?? null,
    days: days ?? null,
    months: months ?? null,
    weekdays: sundays && [...new Set(sundays)].sort((a, b) => a - b),
  };
}

function valuesOf(text: string, field: Field): number[] | null {
  if (text === '*') return null;
  const values = new Set(text.split(',').flatMap((item) => itemValues(item, field)));
  return [...values].sort((a, b) => a - b);
}

function itemValues(item: string, field: Field): number[] {
  const wrong = new PatternError(`the ${field.name} '${item}' is none that crontab and systemd know`);
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,4}))?$/.exec(item) ?? [];
  const [first = '', last, ...more] = range.split('-');
  const from = range === '*' ? field.from : numberOf(first, field);
  // A single value with a step counts to the end.
  const open = range === '*' || (last === undefined && step !== undefined);
  const to = open ? Math.min(field.to, field.from + lengthOf(field) - 1) : numberOf(last ?? first, field);
  const by = step === undefined ? 1 : Number(step);
  if (from === null || to === null || from > to || by < 1 || more.length > 0) throw wrong;
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

/** How many different values there are: Sunday is twice among the days of a week. */
function lengthOf({ from, to, names }: Field): number {
  return names?.length ?? to - from + 1;
}

function numberOf(text: string, { from, to, names }: Field): number | null {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return from + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : null;
}

/**
 * The values of `OnCalendar=` (systemd.time(7)). Where a pattern restricts both the day of the month and that of the
 * week, cron means either, and systemd both: there are two events then.
 *
 * @param timeZone an IANA name
 */
export function calendarEvents(fields: CronFields, timeZone: string): string[] {
  const { minutes, hours, days, months, weekdays } = fields;
  const time = `${listed(hours)}:${listed(minutes)}:00 ${timeZone}`;
  const dates = (of: readonly number[] | null): string => `*-${listed(months)}-${listed(of)}`;
  const byDate = `${dates(days)} ${time}`;
  if (weekdays === null) return [byDate];
  const byWeekday = `${weekdays.map((day) => WEEKDAYS[day]).join(',')} ${dates(null)} ${time}`;
  return days === null ? [byWeekday] : [byDate, byWeekday];
}

/** `*`, `02`, `00,15,30,45`, `01..05,10`. */
function listed(values: readonly number[] | null): string {
  if (values === null) return '*';
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last && last[1] === value - 1) last[1] = value;
    else runs.push([value, value]);
  }
  const two = (value: number): string => String(value).padStart(2, '0');
  return runs
    .flatMap(([from, to]) => {
      if (to - from >= 2) return `${two(from)}..${two(to)}`;
      return from === to ? two(from) : [two(from), two(to)];
    })
    .join(',');
}
