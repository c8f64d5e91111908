/** What is detected from the first lines: which stamp of a line counts, where it stands, in which order it is written. */
import t from 'tap';
import { detectTimes } from '../../../src/logs/time/detect.ts';
import { createStamper } from '../../../src/logs/time/stamper.ts';
import { instantsOf, stampsOf } from './stamped.ts';

const range = (count: number) => [...Array(count).keys()];
const two = (n: number) => String(n).padStart(2, '0');

t.test('locks a format at the start of lines and leaves times in messages alone', async (t) => {
  const lines = [
    '2021-01-01 10:00:00,000 ERROR failed',
    '  Caused by: lease 2020-05-05 05:05:05 over',
    '\tat a.b(C.java:1)',
  ];
  t.same(detectTimes(lines).formats, ['iso']);
  t.same(instantsOf(lines), ['2021-01-01T10:00:00.000Z', null, null]);
});

t.test('passes over the time in a file name for the one behind it', async (t) => {
  const lines = range(20).map(
    (n) => `nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:${two(n)}.008 25746 INFO nova`,
  );
  t.same(
    instantsOf(lines),
    range(20).map((n) => `2017-05-16T00:00:${two(n)}.008Z`),
  );
});

t.test('trusts an epoch that agrees with the local time beside it, whatever the zone', async (t) => {
  const lines = range(20).map(
    (n) => `- ${1131566461 + n * 60} 2005.11.09 dn228 Nov 9 12:${two(1 + n)}:01 dn228/dn228 crond[29]: x`,
  );
  t.same(instantsOf(lines, { zone: 'Asia/Tokyo' })[0], '2005-11-09T20:01:01.000Z');
  t.same(instantsOf(lines, { zone: 'Asia/Tokyo' })[19], '2005-11-09T20:20:01.000Z');
});

t.test('joins the epoch and the microseconds of a line that has both', async (t) => {
  const line = '- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO x';
  t.same(instantsOf([line]), ['2005-06-03T22:42:50.675872Z']);
  t.equal(stampsOf([line])[0]?.zone, 'text');
  t.same(instantsOf([line.replace('- ', 'KERNDTLB ')]), ['2005-06-03T22:42:50.675872Z']);
});

t.test('finds epochs in a column of numbers, and none in numbers that are spread', async (t) => {
  const column = range(30).map(
    (n) => `${134681 + n} node-${n} unix.hw state ${1077804742 + n * 977} 1 Component`,
  );
  t.same(detectTimes(column).formats, ['epoch@w4']);
  t.same(instantsOf(column)[1], new Date((1077804742 + 977) * 1000).toISOString());
  const spread = range(30).map(
    (n) => `${134681 + n} order of ${1000000007 + ((n * 617283947) % 1900000000)} items`,
  );
  t.same(detectTimes(spread).formats, []);
});

t.test('finds the order of day and month by what the lines allow', async (t) => {
  t.same(detectTimes(['05/06/2021 10:00:00 a', '05/07/2021 10:00:00 a']).formats, ['mdy']);
  t.same(detectTimes(['05/06/2021 10:00:00 a', '06/06/2021 10:00:00 a']).formats, ['dmy']);
  t.same(detectTimes(['05/06/2021 10:00:00 a', '13/06/2021 10:00:00 a']).formats, ['dmy']);
  t.same(detectTimes(['05.06.2021 10:00:00 a']).formats, ['dmy']);
  t.same(detectTimes(['17/06/09 20:10:40 a', '17/06/10 20:10:40 a']).formats, ['short-ymd']);
  t.same(detectTimes(['05/12/19 19:17:32 a', '11/01/19 20:03:29 a']).formats, ['short-mdy']);
  t.same(detectTimes(['28-08-24 13:17:25 a', '29-08-24 13:17:25 a']).formats, ['short-dmy']);
  t.same(detectTimes(['24-08-28 13:17:25 a', '24-08-29 13:17:25 a']).formats, ['short-ymd']);
  t.same(detectTimes(['31.10 16:49:06 a', '01.11 16:49:06 a']).formats, ['dm']);
});

t.test('locks further formats that stand at the start often enough', async (t) => {
  const lines = range(10).flatMap((n) => [`2021-01-01 10:00:0${n} a`, `Jan  1 10:00:0${n} box b`]);
  t.same(detectTimes(lines).formats, ['iso', 'rfc3164']);
  t.same(instantsOf(lines, { mtime: '2021-02-01T00:00:00Z' })[1], '2021-01-01T10:00:00.000Z');
});

t.test('names the field of JSON lines, the sure ones first', async (t) => {
  const lines = range(5).map((n) =>
    JSON.stringify({ created: '2020-01-01T00:00:00Z', time: { x: 1 }, ts: 1700000000 + n, log: { time: 5 } }),
  );
  const detected = detectTimes(lines);
  t.same(detected.formats, ['json']);
  t.equal(detected.jsonTimeField, 'ts');
  t.ok(detected.jsonTimeFieldConfidence > 0.9);
  t.same(detected.examples, ['1700000000', '1700000001', '1700000002']);
  t.equal(detectTimes(lines, { timeField: 'created' }).jsonTimeField, 'created');
  t.equal(detectTimes(['{"a":1}', '{"b":"x"}']).jsonTimeField, null);
  t.equal(detectTimes(['{"a":1}']).jsonTimeFieldConfidence, 0);
});

t.test('takes no number of a JSON line for a time unless its field is named so', async (t) => {
  const lines = range(5).map((n) =>
    JSON.stringify({ id: 1700000000 + n, uptime: 123456789, response_time_ns: 1e9 + n }),
  );
  t.equal(detectTimes(lines).jsonTimeField, null);
  t.same(detectTimes(lines).formats, []);
  t.equal(detectTimes(lines, { timeField: 'id' }).jsonTimeField, 'id');
  t.equal(detectTimes(['{"when_it_was":"2021-01-01T10:00:00Z"}']).jsonTimeField, 'when_it_was');
});

t.test('reads the JSON field at its own depth', async (t) => {
  const line =
    '{"a":{"time":"2020-01-01T00:00:00Z"},"l":["time",{"time":1}],"m":"\\"time\\":1","time":"2021-01-01T00:00:00Z"}';
  const times = { formats: ['json'], zone: 'UTC', anchors: [], timeField: 'time' };
  t.equal(createStamper(times).stamp(line, 0)?.epochMs, Date.UTC(2021, 0, 1));
  const nested = { ...times, timeField: 'a.time' };
  t.equal(createStamper(nested).stamp(line, 0)?.epochMs, Date.UTC(2020, 0, 1));
  t.equal(createStamper(nested).stamp('{"a.time":1700000000}', 0)?.epochMs, 1700000000000);
  t.equal(createStamper(times).stamp('{"time":null,"x":{"time":1700000000}}', 0), null);
  t.equal(createStamper(times).stamp('{"time', 0), null);
});

t.test('takes times under a W3C header as UTC, and dates from it', async (t) => {
  const lines = [
    '#Version: 1.0',
    '#Date: 2020-10-09 16:44:49',
    '#Fields: time c-ip',
    '16:44:49 1.1.1.1',
    '23:59:59 1.1.1.1',
    '00:00:01 1.1.1.1',
    '#Date: 2020-12-01 08:00:00',
    '08:00:01 1.1.1.1',
  ];
  const given = { zone: 'America/New_York' };
  t.same(
    instantsOf(lines, given).filter((instant) => instant !== null),
    [
      '2020-10-09T16:44:49.000Z',
      '2020-10-09T23:59:59.000Z',
      '2020-10-10T00:00:01.000Z',
      '2020-12-01T08:00:01.000Z',
    ],
  );
  t.equal(stampsOf(lines, given)[3]?.zone, 'text');
  const iis = ['#Fields: date time c-ip', '2020-10-09 16:44:49 1.1.1.1'];
  t.same(instantsOf(iis, given), [null, '2020-10-09T16:44:49.000Z']);
});

t.test('says whether Latin-1 is enough to read the lines', async (t) => {
  const stamper = (line: string) =>
    createStamper({ formats: detectTimes([line]).formats, zone: 'UTC', anchors: [], timeField: null });
  t.equal(stamper('2021-01-01 10:00:00 a').asciiOnly, true);
  t.equal(stamper('2021年1月1日 10:00:00 a').asciiOnly, false);
  t.equal(stamper('19-十一月-2016 22:50:03 a').asciiOnly, false);
  t.equal(stamper('{"time":"2021-01-01T10:00:00Z"}').asciiOnly, false);
  t.equal(stamper('\ufeff2021-01-01 10:00:00 a').asciiOnly, true);
  t.equal(stamper('时间2021-01-01 10:00:00 a').asciiOnly, false);
});

t.test('passes over formats that it does not know', async (t) => {
  const times = { formats: ['sundial', '', 'iso'], zone: 'UTC', anchors: [], timeField: null };
  t.equal(createStamper(times).stamp('2021-01-01 10:00:00 a', 0)?.format, 'iso');
});

t.test('reads the same from a whole line and from its head', async (t) => {
  for (const line of [
    '2021-01-01 10:00:00 a',
    'INFO 2021-01-01 10:00:00 a',
    'a=1 time=2021-01-01T10:00:00Z',
  ]) {
    const times = { formats: detectTimes([line]).formats, zone: 'UTC', anchors: [], timeField: null };
    const stamper = createStamper(times);
    for (let before = 0; before < 1100; before += 7) {
      const text = `${'x '.repeat(before)}${line}${' y'.repeat(1000)}`;
      t.same(stamper.stamp(text, 0), stamper.stamp(text.slice(0, stamper.headChars), 0));
    }
  }
});

t.test('joins the fields of date and time that firewalls write', async (t) => {
  const line = 'date=2019-05-10 time=11:37:47 logid="1" eventtime=1557513467369913239';
  t.same(instantsOf([line, line]), ['2019-05-10T11:37:47.000Z', '2019-05-10T11:37:47.000Z']);
});
