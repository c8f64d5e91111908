/** Schedules across the changes of the clock, against a slow reading of the same zones. */
import t from 'tap';
import { parseSchedule } from '../../src/backup/schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'UTC',
];
const TIMES = [
  '0 0',
  '30 0',
  '0 1',
  '30 1',
  '45 1',
  '0 2',
  '15 2',
  '30 2',
  '59 2',
  '0 3',
  '0 12',
  '30 23',
  '59 23',
];

/** Sao Paulo gave its summer time up in 2019. `CHS_MUTATIONS` looks at more. */
const YEARS: readonly [number, number] = process.env.CHS_MUTATIONS ? [2012, 2032] : [2018, 2021];

type Clock = (epochMs: number) => number;

/** What the clocks of a zone show at an instant, in milliseconds as if they showed UTC. */
function wallClock(zone: string): Clock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const known = new Map<number, number>();
  return (epochMs) => {
    let wallMs = known.get(epochMs);
    if (wallMs === undefined) {
      const parts = Object.fromEntries(
        format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]),
      );
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
      wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
      known.set(epochMs, wallMs);
    }
    return wallMs;
  };
}

/** The first instant at which the clock shows this or, when it never does, has gone past it. */
function firstInstant(clock: Clock, wallMs: number): number {
  const offsets = [wallMs - DAY_MS, wallMs + DAY_MS].map((at) => clock(at) - at);
  const candidates = offsets.map((offset) => wallMs - offset).filter((at) => clock(at) === wallMs);
  if (candidates.length > 0) return Math.min(...candidates);
  let [before, after] = [wallMs - DAY_MS, wallMs + DAY_MS];
  while (after - before > MINUTE_MS) {
    const middle = Math.floor((before + after) / 2 / MINUTE_MS) * MINUTE_MS;
    if (clock(middle) < wallMs) before = middle;
    else after = middle;
  }
  return after;
}

/** Days of the years in which clocks are changed or nearly: two days around each change. */
function daysOfChanges(clock: Clock, fromYear: number, toYear: number): number[] {
  const days: number[] = [];
  for (let at = Date.UTC(fromYear, 0, 1); at < Date.UTC(toYear, 0, 1); at += DAY_MS) {
    if (clock(at) - at !== clock(at + DAY_MS) - at - DAY_MS)
      for (const by of [-1, 0, 1, 2]) days.push(at + by * DAY_MS);
  }
  return days.length > 0 ? days : [Date.UTC(fromYear, 5, 1), Date.UTC(fromYear, 5, 2)];
}

for (const zone of ZONES) {
  t.test(`a daily pattern is due once each local day in ${zone}`, async (t) => {
    const clock = wallClock(zone);
    const days = [...new Set(daysOfChanges(clock, ...YEARS))];
    let compared = 0;
    for (const time of TIMES) {
      const [minute = 0, hour = 0] = time.split(' ').map(Number);
      const { next } = parseSchedule(`${time} * * *`, zone);
      const due = (day: number) => firstInstant(clock, day + hour * HOUR_MS + minute * MINUTE_MS);
      for (const day of days) {
        const [last, expected, following] = [due(day - DAY_MS), due(day), due(day + DAY_MS)];
        // From all through the day, and from the very instants.
        const froms = [last, last + 1, expected - 1, expected - 1000];
        for (let at = last; at < expected; at += 55 * MINUTE_MS) froms.push(at);
        for (const from of froms) {
          compared += 1;
          const found = next(from);
          if (found !== expected) {
            t.equal(
              found && new Date(found).toISOString(),
              new Date(expected).toISOString(),
              `${time} from ${new Date(from).toISOString()}`,
            );
          }
        }
        for (let at = expected; at < following; at += 175 * MINUTE_MS) {
          compared += 1;
          const found = next(at);
          if (found !== following) {
            t.equal(
              found && new Date(found).toISOString(),
              new Date(following).toISOString(),
              `${time} from ${new Date(at).toISOString()}`,
            );
          }
        }
      }
    }
    t.ok(compared > 1000, `${compared} compared`);
  });
}

const times = (pattern: string, zone: string, from: string, count: number): string[] => {
  const { next } = parseSchedule(pattern, zone);
  const found: string[] = [];
  let at: number | null = Date.parse(from);
  while (found.length < count) {
    at = next(at);
    if (at === null) break;
    found.push(new Date(at).toISOString().slice(5, 16));
  }
  return found;
};

t.test('a daily pattern is due once in each of eight thousand days', async (t) => {
  for (const zone of ZONES) {
    const clock = wallClock(zone);
    const { next } = parseSchedule('30 2 * * *', zone);
    let at = next(Date.UTC(2010, 0, 1, 12)) ?? 0;
    let wrong = 0;
    for (let day = 0; day < 1200; day += 1) {
      const following = next(at) ?? 0;
      if (Math.floor(clock(following) / DAY_MS) !== Math.floor(clock(at) / DAY_MS) + 1) wrong += 1;
      at = following;
    }
    t.equal(wrong, 0, zone);
  }
});

t.test('several times of one day are each due once', async (t) => {
  t.strictSame(times('0,30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 3), [
    '10-25T00:00',
    '10-25T00:30',
    '10-26T01:00',
  ]);
  const gap = times('0,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2);
  t.strictSame(gap, ['03-29T01:00', '03-30T00:00'], 'both are skipped, and due together');
});

t.test('what is due every hour follows the clock', async (t) => {
  const hourly = times('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 4);
  t.strictSame(hourly, ['10-25T00:00', '10-25T01:00', '10-25T02:00', '10-25T03:00']);
  const inGap = times('30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3);
  t.strictSame(inGap, ['03-29T00:30', '03-29T01:30', '03-29T02:30']);
  const often = times('*/20 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:30:00Z', 40);
  t.equal(new Set(often).size, 40);
});

t.test('knows months, weekdays and leap years', async (t) => {
  t.strictSame(times('0 2 * * 0', 'Europe/Berlin', '2026-10-20T00:00:00Z', 2), [
    '10-25T00:00',
    '11-01T01:00',
  ]);
  t.strictSame(times('0 2 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 1), ['02-29T02:00']);
  t.strictSame(times('0 2 1 * mon', 'UTC', '2026-11-27T00:00:00Z', 2), ['11-30T02:00', '12-01T02:00']);
  t.equal(parseSchedule('0 2 30 2 *', 'UTC').next(0), null);
});

t.test('knows what was missed', async (t) => {
  const { isMissed, next } = parseSchedule(' 0  2 * * * ', 'UTC');
  const due = Date.UTC(2026, 10, 30, 2);
  t.equal(isMissed(due, due + DAY_MS - 1), false);
  t.equal(isMissed(due, due + DAY_MS), true);
  t.equal(isMissed(due - 1, due), true);
  t.equal(next(due), due + DAY_MS, 'after, not at');
  t.equal(next(due - 1), due);
  t.equal(next(due - 999), due);
});

t.test('refuses what is no schedule', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /five fields/],
    ['x', /five fields/],
    ['* * * *', /five fields/],
    ['* * * * * *', /five fields/],
    ['@daily', /five fields/],
    ['61 * * * *', /^invalid value for minute: 61/],
    ['0 25 * * *', /hour/],
    ['a b c d e', /./],
    ['0 2 ? * *', /takes no \?/],
    [`${'1,'.repeat(1000)}1 * * * *`, /five fields/],
  ];
  for (const [pattern, message] of cases) t.throws(() => parseSchedule(pattern, 'UTC'), { message }, pattern);
  t.throws(() => parseSchedule('0 2 * * *', 'Nowhere/City'), {
    message: 'there is no time zone Nowhere/City',
  });
  t.equal(parseSchedule('0 2 * * *', null).timeZone, Intl.DateTimeFormat().resolvedOptions().timeZone);
});
