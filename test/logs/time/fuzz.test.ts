/** Nothing that stands in a line throws or gives an impossible stamp, and what was read before changes nothing. */
import t from 'tap';
import { detectTimes } from '../../../src/logs/time/detect.ts';
import { createStamper, type Stamper } from '../../../src/logs/time/stamper.ts';
import type { FileTimes, Stamp } from '../../../src/logs/time/times.ts';
import { MUTATIONS } from '../../crash/formats/damage.ts';

const LINES = [
  '2026-01-06T15:04:05.123456Z started',
  '2019-10-18 18:01:47,978 INFO [main] up',
  '2025-08-13 01:45:01.123 PDT job',
  '2025-08-13 01:45:59 +0800 job',
  'Jun  4 05:06:07 box sshd[1]: hi',
  'Jun  4 05:06:08 2021 box sshd[1]: hi',
  'Mon Dec  5 21:01:12 PST 2016 try',
  '10.0.0.9 - - [11/Oct/2021:00:10:26 +0200] "GET /"',
  'E0517 15:04:22.619632 195 main.go:3] no',
  '03-17 16:13:38.811  1702  2395 D Win: x',
  '[    91.203456] usb 1-1: new',
  '12/26/2023 11:05:32 PM up',
  '12/26/2023 11:05:33 up',
  '091109 203615 148 INFO dfs: x',
  '20191224-1:2:35:789|Step|3|x',
  '- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS',
  'type=USER msg=audit(1682200516.165:6175): pid=1',
  '{"level":"a","time":1700000000123,"t":{"$date":"2021-03-02T01:00:00Z"}}',
  'time="2021-10-09T21:33:15Z" level=info msg=x',
  '@40000000433225833b6e1a8c x',
  '2012-025T10:22:40,672 x',
  '08:09:33.814936 execve(',
  '十二月 09, 2019 9:05:21 下午 x',
  '2021年 11月 30日 星期二 10:23:03 CST',
  '2023年1月6日 10时52分21秒123毫秒 启动',
  '17/06/09 20:10:40 INFO',
  '[0509/110534.660:ERROR:x.cc(4)] y',
  '1700000000.25 execve',
];
const PIECES = [
  ...'0123456789:-/., T+Z[]{}"年月日',
  '\u2212',
  '99',
  '2024',
  'Feb 29',
  '\ufeff',
  '\ud800',
  '\0',
  'PST',
  '<34>',
];

/** Every format at every place, so that all scanners see every line. */
const IDS = [
  ...new Set(LINES.flatMap((line) => detectTimes([line]).formats.map((id) => id.replace(/[@+].*/, '')))),
  'dmy',
  'short-dmy',
  'short-mdy',
  'dm',
  'zh-md',
  'w3c',
  'compact',
  'json-yearless',
];

/** A small generator with a seed, so that a failure comes again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

function mutated(line: string, next: (below: number) => number): string {
  let text = line;
  for (let count = 1 + next(4); count > 0; count--) {
    const at = next(text.length + 1);
    const piece = PIECES[next(PIECES.length)] ?? '';
    const kind = next(4);
    if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + piece + text.slice(at + 1);
    else if (kind === 2) text = text.slice(0, at) + text.slice(at + 1 + next(3));
    else text = text.slice(0, at);
  }
  return text;
}

const timesFor = (id: string, zone: string): FileTimes => ({
  formats: [id],
  zone,
  anchors: [{ offset: 0, baseMs: 1_700_000_000_000 }],
  timeField: 'time',
});

function isSound(stamp: Stamp | null, text: string): boolean {
  if (stamp === null) return true;
  const { epochMs, subMsNs, start, end } = stamp;
  return (
    Number.isSafeInteger(epochMs) &&
    Number.isInteger(subMsNs) &&
    subMsNs >= 0 &&
    subMsNs < 1_000_000 &&
    start >= 0 &&
    start < end &&
    end <= text.length
  );
}

t.test('stamps damaged lines soundly, in every format at every place', async (t) => {
  const next = generator(7);
  const stampers: Stamper[] = IDS.flatMap((id) =>
    ['', '@any', '@w1'].map((place) => createStamper(timesFor(id + place, 'Europe/Berlin'))),
  );
  const unsound: string[] = [];
  for (let count = 0; count < Math.min(MUTATIONS, 20_000); count++) {
    const text = mutated(LINES[next(LINES.length)] ?? '', next);
    for (const stamper of stampers) {
      if (!isSound(stamper.stamp(text, count), text)) unsound.push(text);
    }
  }
  t.same(unsound, []);
});

t.test('detects something sound, or nothing, in noise', async (t) => {
  const next = generator(11);
  const unsound: string[] = [];
  for (let count = 0; count < 200; count++) {
    const lines = [...Array(5).keys()].map(() =>
      next(2) === 0
        ? mutated(LINES[next(LINES.length)] ?? '', next)
        : String.fromCharCode(...[...Array(next(80)).keys()].map(() => next(count % 2 === 0 ? 256 : 65_536))),
    );
    const { formats, jsonTimeField } = detectTimes(lines);
    const stamper = createStamper({ formats, zone: 'UTC', anchors: [], timeField: jsonTimeField });
    for (const line of lines) if (!isSound(stamper.stamp(line, 0), line)) unsound.push(line);
  }
  t.same(unsound, []);
});

t.test('says the same of a line whatever was read before it', async (t) => {
  const next = generator(13);
  for (const id of IDS) {
    for (const place of ['', '@any', '@w1', '@w3']) {
      const times = timesFor(id + place, 'America/New_York');
      const used = createStamper(times);
      for (let count = 0; count < 300; count++) {
        const line = LINES[next(LINES.length)] ?? '';
        const text = next(3) === 0 ? line : mutated(line, next);
        // Twice, as the second time the minute is known.
        used.stamp(line, 0);
        const again = used.stamp(text, 0);
        const fresh = createStamper(times).stamp(text, 0);
        if (JSON.stringify(again) === JSON.stringify(fresh)) continue;
        t.same(again, fresh, `${id + place}: ${text}`);
      }
    }
  }
  t.pass('all lines alike');
});

t.test('keeps its time on hostile lines', async (t) => {
  const stamper = createStamper({ ...timesFor('iso@any', 'UTC'), formats: IDS.map((id) => `${id}@any`) });
  for (const piece of [
    '2021-01-01 ',
    '<<<<',
    '{"a":',
    '\\"',
    't=',
    'audit(',
    '[ ',
    '9',
    '1:',
    '年',
    'Jan ',
  ]) {
    const text = piece.repeat(200_000);
    t.ok(isSound(stamper.stamp(text, 0), text), piece);
    t.ok(detectTimes([text, text]).formats.length <= 4, piece);
  }
});
