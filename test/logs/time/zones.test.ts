/** Zones and instants: hours that come twice or never, offsets, RFC 3339, and what people write. */
import t from 'tap';
import { formatInstant, formatInZone, parseInstant } from '../../../src/logs/time/instants.ts';
import { parseWhen } from '../../../src/logs/time/when.ts';
import { isTimeZone, zoneClock } from '../../../src/logs/time/zones.ts';
import { instantsOf } from './stamped.ts';

t.test('takes the first of an hour that comes twice, and shifts one that is skipped', async (t) => {
  const given = { zone: 'America/New_York' };
  const lines = [
    '2021-11-07 00:59:59 a',
    '2021-11-07 01:30:00 a',
    '2021-11-07 02:00:00 a',
    '2021-03-14 01:59:59 a',
    '2021-03-14 02:30:00 a',
    '2021-03-14 03:30:00 a',
  ];
  t.same(instantsOf(lines, given), [
    '2021-11-07T04:59:59.000Z',
    '2021-11-07T05:30:00.000Z',
    '2021-11-07T07:00:00.000Z',
    '2021-03-14T06:59:59.000Z',
    '2021-03-14T07:30:00.000Z',
    '2021-03-14T07:30:00.000Z',
  ]);
});

t.test(
  'gives for every quarter of an hour of a year an instant that shows it again, unless it is skipped',
  async (t) => {
    for (const name of ['Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns']) {
      const clock = zoneClock(name);
      let shifted = 0;
      for (let wall = Date.UTC(2022, 0, 1); wall < Date.UTC(2023, 0, 1); wall += 900_000) {
        const utc = clock.toUtc(wall);
        if (utc + clock.offsetAt(utc) !== wall) shifted++;
      }
      t.ok(shifted <= 4, `${name}: ${shifted}`);
    }
  },
);

t.test('knows the names of zones', async (t) => {
  for (const name of ['UTC', 'Asia/Shanghai', 'America/Argentina/Buenos_Aires', 'Etc/GMT+8']) {
    t.equal(isTimeZone(name), true, name);
  }
  for (const name of ['', 'Mars/Base', '../etc/passwd', '+08:00', 'a'.repeat(100), 'Asia/Shanghai\n']) {
    t.equal(isTimeZone(name), false, JSON.stringify(name));
  }
  t.equal(zoneClock('Mars/Base').toUtc(5), 5);
});

t.test('writes RFC 3339', async (t) => {
  const at = Date.UTC(2026, 0, 6, 15, 4, 5, 7);
  t.equal(formatInstant(at), '2026-01-06T15:04:05.007Z');
  t.equal(formatInstant(at, 120_000), '2026-01-06T15:04:05.00712Z');
  t.equal(formatInstant(at, 1), '2026-01-06T15:04:05.007000001Z');
  t.equal(formatInZone(at, 'Asia/Shanghai'), '2026-01-06T23:04:05.007+08:00');
  t.equal(formatInZone(at, 'America/St_Johns'), '2026-01-06T11:34:05.007-03:30');
  t.equal(formatInZone(at, 'UTC'), '2026-01-06T15:04:05.007+00:00');
  t.type(formatInstant(Number.POSITIVE_INFINITY), 'string');
  t.type(formatInstant(-1e300), 'string');
});

t.test('reads RFC 3339 and nothing else', async (t) => {
  t.equal(parseInstant('2026-01-06T15:04:05Z'), Date.UTC(2026, 0, 6, 15, 4, 5));
  t.equal(parseInstant('2026-01-06t15:04:05.1239z'), Date.UTC(2026, 0, 6, 15, 4, 5, 123));
  t.equal(parseInstant('2026-01-06T15:04:05+08:00'), Date.UTC(2026, 0, 6, 7, 4, 5));
  t.equal(parseInstant('2026-01-06T15:04:05-03:30'), Date.UTC(2026, 0, 6, 18, 34, 5));
  t.equal(parseInstant('2016-12-31T23:59:60Z'), Date.UTC(2017, 0, 1));
  for (const text of [
    '',
    'x',
    '2026-01-06',
    '2026-01-06T15:04:05',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-06T24:00:00Z',
    '2026-01-06T15:04:05+24:00',
    ' 2026-01-06T15:04:05Z',
    '2026-01-06T15:04:05.1234567890Z',
    '0'.repeat(1000),
  ]) {
    t.equal(parseInstant(text), null, text.slice(0, 40));
  }
});

t.test('reads what people write', async (t) => {
  const now = Date.UTC(2026, 0, 6, 15, 4, 5);
  const read = (text: string, zone = 'UTC') => parseWhen(text, now, zone);
  t.equal(read('now'), now);
  t.equal(read('10m ago'), now - 600_000);
  t.equal(read('2h ago'), now - 7_200_000);
  t.equal(read('1h30m'), now - 5_400_000);
  t.equal(read('2 days ago'), now - 2 * 86_400_000);
  t.equal(read('1.5h ago'), now - 5_400_000);
  t.equal(read('today'), Date.UTC(2026, 0, 6));
  t.equal(read('yesterday'), Date.UTC(2026, 0, 5));
  t.equal(read('Yesterday 14:00'), Date.UTC(2026, 0, 5, 14));
  t.equal(read('today 14:00:01.5'), Date.UTC(2026, 0, 6, 14, 0, 1, 500));
  t.equal(read('15:04'), Date.UTC(2026, 0, 6, 15, 4));
  t.equal(read('2026-01-06 15:04'), Date.UTC(2026, 0, 6, 15, 4));
  t.equal(read('2026-01-06T15:04:05'), Date.UTC(2026, 0, 6, 15, 4, 5));
  t.equal(read('2026-01-06'), Date.UTC(2026, 0, 6));
  t.equal(read('2026-01-06T15:04:05+08:00'), Date.UTC(2026, 0, 6, 7, 4, 5));
  t.equal(read('1700000000'), 1_700_000_000_000);
  t.equal(read('@1700000000123'), 1_700_000_000_123);
  t.equal(read('today', 'Asia/Shanghai'), Date.UTC(2026, 0, 5, 16));
  t.equal(read('15:04', 'America/New_York'), Date.UTC(2026, 0, 6, 20, 4));
  for (const text of [
    '',
    'soon',
    '10 ago',
    '5 parsecs ago',
    '2026-02-30',
    '25:00',
    'yesterday noon',
    '12:60',
    '9'.repeat(60),
  ]) {
    t.equal(read(text), null, text);
  }
});
