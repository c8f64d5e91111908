/** What lines leave out: years over New Year and leap days, days over midnight, the start of the machine. */
import t from 'tap';
import { anchorsOf, needsAnchors } from '../../../src/logs/time/anchors.ts';
import { instantsOf, samplesOf, stampsOf } from './stamped.ts';

t.test('says which formats need anchors', async (t) => {
  t.equal(needsAnchors(['iso', 'clf@any', 'json']), false);
  for (const id of ['rfc3164', 'glog', 'md@w1', 'time', 'uptime', 'w3c', 'zh-md+wide', 'json-yearless']) {
    t.equal(needsAnchors([id]), true, id);
  }
  t.equal(needsAnchors([]), false);
});

t.test('turns the year over at New Year, also for lines out of order there', async (t) => {
  const lines = [
    'Dec 30 10:00:00 b a',
    'Dec 31 23:59:59 b a',
    'Jan  1 00:00:01 b a',
    'Dec 31 23:59:58 b late',
    'Jan  2 00:00:00 b a',
  ];
  t.same(instantsOf(lines, { mtime: '2022-01-02T00:00:05Z' }), [
    '2021-12-30T10:00:00.000Z',
    '2021-12-31T23:59:59.000Z',
    '2022-01-01T00:00:01.000Z',
    '2021-12-31T23:59:58.000Z',
    '2022-01-02T00:00:00.000Z',
  ]);
});

t.test('sets the last line before the last change, or a day after it', async (t) => {
  const line = 'Mar 10 10:00:00 b a';
  t.same(instantsOf([line], { mtime: '2022-03-10T12:00:00Z' }), ['2022-03-10T10:00:00.000Z']);
  t.same(instantsOf([line], { mtime: '2022-03-09T12:00:00Z' }), ['2022-03-10T10:00:00.000Z']);
  t.same(instantsOf([line], { mtime: '2022-03-08T12:00:00Z' }), ['2021-03-10T10:00:00.000Z']);
});

t.test('takes the year from a date in the name of the file', async (t) => {
  const given = (path: string) => ({ path, mtime: '2024-06-01T00:00:00Z' });
  const line = 'Dec 31 10:00:00 b a';
  t.same(instantsOf([line], given('/var/log/2001/messages-20200101')), ['2019-12-31T10:00:00.000Z']);
  t.same(instantsOf([line], given('C:\\logs\\app.2018-12-31.log')), ['2018-12-31T10:00:00.000Z']);
  t.same(instantsOf([line], given('syslog-2017.log')), ['2017-12-31T10:00:00.000Z']);
  t.same(instantsOf([line], given('app_2016-12.log')), ['2016-12-31T10:00:00.000Z']);
  t.same(instantsOf([line], given('build-123456789012.log')), ['2023-12-31T10:00:00.000Z']);
});

t.test('puts 29 February into a leap year', async (t) => {
  const lines = ['Feb 28 10:00:00 b a', 'Feb 29 10:00:00 b a', 'Mar  1 10:00:00 b a'];
  t.same(instantsOf(lines, { mtime: '2023-06-01T00:00:00Z' }), [
    '2020-02-28T10:00:00.000Z',
    '2020-02-29T10:00:00.000Z',
    '2020-03-01T10:00:00.000Z',
  ]);
  t.same(instantsOf(['E0229 10:00:00.000000 1 a]'], { mtime: '2024-03-01T00:00:00Z' }), [
    '2024-02-29T10:00:00.000Z',
  ]);
});

t.test('follows many years of lines', async (t) => {
  const months = ['Jan', 'Apr', 'Jul', 'Oct'];
  const lines = [...Array(40).keys()].map((n) => `${months[n % 4]} 15 10:00:00 b a`);
  const instants = instantsOf(lines, { mtime: '2022-12-01T00:00:00Z' });
  t.equal(instants[0], '2013-01-15T10:00:00.000Z');
  t.equal(instants[39], '2022-10-15T10:00:00.000Z');
  t.same(instants, [...instants].sort());
});

t.test('turns the day over at midnight, back for late lines, and over nights', async (t) => {
  const lines = [
    '22:00:00 a',
    '23:59:59.5 a',
    '00:00:01 a',
    '23:59:58 late',
    '08:00:00 a',
    '22:30:00 a',
    '07:00:00 a',
  ];
  t.same(instantsOf(lines, { mtime: '2022-03-03T08:00:00Z' }), [
    '2022-03-01T22:00:00.000Z',
    '2022-03-01T23:59:59.500Z',
    '2022-03-02T00:00:01.000Z',
    '2022-03-01T23:59:58.000Z',
    '2022-03-02T08:00:00.000Z',
    '2022-03-02T22:30:00.000Z',
    '2022-03-03T07:00:00.000Z',
  ]);
  t.equal(stampsOf(lines)[0]?.zone, 'guess');
  t.same(instantsOf(lines, { path: 'trace-2020-05-05.log' })[2], '2020-05-06T00:00:01.000Z');
});

t.test('counts days in the zone of the file', async (t) => {
  const given = { zone: 'Asia/Shanghai', mtime: '2022-03-02T00:30:00Z' };
  t.same(instantsOf(['23:00:00 a', '08:00:00 a'], given), [
    '2022-03-01T15:00:00.000Z',
    '2022-03-02T00:00:00.000Z',
  ]);
});

t.test('sets uptimes before the last change, one start of the machine after the other', async (t) => {
  const lines = ['[  10.000000] a', '[  60.500000] b', '[   0.000000] boot', '[ 100.250000] c'];
  t.same(instantsOf(lines, { mtime: '2022-03-03T00:10:00Z' }), [
    '2022-03-03T00:07:29.250Z',
    '2022-03-03T00:08:19.750Z',
    '2022-03-03T00:08:19.750Z',
    '2022-03-03T00:10:00.000Z',
  ]);
});

t.test('gives ascending anchors, the first for the whole beginning', async (t) => {
  const lines = [
    '# head',
    ...[...Array(400).keys()].map(
      (n) => `${new Date(n * 86_400_000).toUTCString().slice(8, 11)} ${(n % 28) + 1} 10:00:00 b`,
    ),
  ];
  const anchors = anchorsOf(['rfc3164'], samplesOf(lines), {
    mtimeMs: Date.UTC(2024, 0, 1),
    path: '',
    zone: 'UTC',
  });
  t.ok(anchors.length > 3);
  t.equal(anchors[0]?.offset, 0);
  t.same(
    anchors,
    [...anchors].sort((a, b) => a.offset - b.offset),
  );
  t.same(anchorsOf(['rfc3164'], [], { mtimeMs: 0, path: '', zone: 'UTC' }), []);
  t.same(anchorsOf(['iso'], samplesOf(lines), { mtimeMs: 0, path: '', zone: 'UTC' }), []);
});
