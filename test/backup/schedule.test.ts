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
    const days = [...new Set(daysOfChanges(clock, 2012, 2032))];
    let compared = 0;
    for (const time of TIMES) {
      const [minute = 0, hour = 0] = time.split(' ').map(Number);
      const { next } = parseSchedule(`${time} * * *`, zone);
      const due = (day: number) => firstInstant(clock, day + hour * HOUR_MS + minute * MINUTE_MS);
      for (const day of days) {
        const [last, expected, following] = [due(day - DAY_MS), due(day), due(day + DAY_MS)];
        // From every quarter of an hour in between, and from the very instants.
        const froms = [last, last + 1, expected - 1, expected - 1000];
        for (let at = last; at < expected; at += 15 * MINUTE_MS) froms.push(at);
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
        for (let at = expected; at < following; at += 45 * MINUTE_MS) {
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
