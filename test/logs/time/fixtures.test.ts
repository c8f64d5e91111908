/** Real lines: public cases of stamps, systems with known times, files of operating systems, Chinese logs. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sharedFixtures } from '../../fixtures/shared.ts';
import { stampsOf, timesOf } from './stamped.ts';

const logs = sharedFixtures('logs');
const skipOf = (path: string) => {
  if (logs !== null && existsSync(join(logs, path))) return {};
  return { skip: `needs the shared fixtures of logs (${path})` };
};
const read = (path: string, encoding: BufferEncoding = 'utf8') =>
  readFileSync(join(logs ?? '', path), encoding);

const ESCAPES = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
]);
const unescaped = (text: string) =>
  text.replace(/\\(.)/g, (_, letter: string) => ESCAPES.get(letter) ?? letter);

/** What is wrong with the stamp of a case; '' for nothing. */
function faultOf(row: readonly string[]): string {
  const [, start, end, offset, year, ...rest] = row;
  const fields = rest.slice(0, 6).map(Number);
  const line = unescaped(row.at(-1) ?? '');
  const [stamp] = stampsOf([line], { mtime: '1970-01-01T00:00:00Z' });
  if (!stamp) return 'no stamp';
  const from = Buffer.byteLength(line.slice(0, stamp.start));
  const to = Buffer.byteLength(line.slice(0, stamp.end));
  if (from !== Number(start) || to !== Number(end)) return `at ${from} to ${to}`;
  const offsetMs = offset === 'local' ? 0 : Number(offset) * 1000;
  if (offset !== 'local' && stamp.zone !== 'text') return 'without its zone';
  const isUptime = stamp.format === 'uptime';
  const wall = new Date(stamp.epochMs + offsetMs);
  if (!isUptime && year !== '' && wall.getUTCFullYear() !== Number(year))
    return `in ${wall.getUTCFullYear()}`;
  const read = [
    wall.getUTCMonth() + 1,
    wall.getUTCDate(),
    wall.getUTCHours(),
    wall.getUTCMinutes(),
    wall.getUTCSeconds(),
    wall.getUTCMilliseconds() * 1e6 + stamp.subMsNs,
  ];
  return isUptime || read.join() === fields.join() ? '' : `as ${read.join()}`;
}

t.test('reads public cases exactly', skipOf('timestamp_cases.tsv'), async (t) => {
  const rows = read('timestamp_cases.tsv')
    .split('\n')
    .filter((row) => /^\d/.test(row));
  const faults = rows
    .map((row) => [faultOf(row.split('\t')), row] as const)
    .filter(([fault]) => fault !== '');
  t.ok(rows.length > 500);
  // Cases contradict each other: the same zone name behind a date is part of one stamp and not of another.
  t.ok(faults.length <= rows.length * 0.015, faults.map((fault) => fault.join(': ')).join('\n'));
});

t.test('reads Chinese cases exactly', skipOf('zh/zh_timestamp_cases.tsv'), async (t) => {
  for (const row of read('zh/zh_timestamp_cases.tsv').split('\n').slice(1)) {
    const [line = '', expected = ''] = row.split('\t');
    if (line === '') continue;
    const [stamp] = stampsOf([line], { zone: 'Asia/Shanghai' });
    t.equal(stamp?.epochMs, Date.parse(`${expected}+08:00`), line);
  }
});

/** The rows of a CSV file as records; fields may hold quotes, commas and line ends. */
function recordsOf(text: string): Map<string, string>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  const [names = [], ...others] = rows.filter((fields) => fields.length > 1);
  return others.map((fields) => new Map(names.map((name, index) => [name, fields[index] ?? ''])));
}

type Truth = (field: (name: string) => string) => number;
const ISO_COMMA: Truth = (field) => Date.parse(`${field('Date')}T${field('Time').replace(',', '.')}Z`);
const SYSTEMS: readonly (readonly [system: string, mtime: string, truth: Truth])[] = [
  ['Android', '2017-12-01', (field) => Date.parse(`2017-${field('Date')}T${field('Time')}Z`)],
  ['Apache', '2017-12-01', (field) => Date.parse(`${field('Time')} UTC`)],
  ['BGL', '2017-12-01', (field) => Number(field('Timestamp')) * 1000],
  ['HDFS', '2017-12-01', (field) => sixDigits(field('Date'), field('Time'))],
  ['HPC', '2017-12-01', (field) => Number(field('Time')) * 1000],
  ['Hadoop', '2017-12-01', ISO_COMMA],
  [
    'Linux',
    '2005-12-31',
    (field) => Date.parse(`${field('Date')} ${field('Month')} 2005 ${field('Time')} UTC`),
  ],
  ['Zookeeper', '2017-12-01', ISO_COMMA],
];

/** The file of truth has lost leading zeros. */
function sixDigits(date: string, time: string): number {
  const pairs = (text: string) => text.padStart(6, '0').match(/../g)?.map(Number) ?? [];
  const [year = 0, month = 0, day = 0] = pairs(date);
  const [hour = 0, minute = 0, second = 0] = pairs(time);
  return Date.UTC(2000 + year, month - 1, day, hour, minute, second);
}

for (const [system, mtime, truth] of SYSTEMS) {
  const folder = `loghub/${system}`;
  t.test(`reads the times of ${system}`, skipOf(folder), async (t) => {
    const lines = read(`${folder}/${system}_2k.log`, 'latin1').split(/\r?\n/).slice(0, 2000);
    const records = recordsOf(read(`${folder}/${system}_2k.log_structured.csv`));
    const stamps = stampsOf(lines, { mtime: `${mtime}T00:00:00Z`, path: 'x.log' });
    const wrong = stamps.flatMap((stamp, index) => {
      const expected = truth((name) => records[index]?.get(name) ?? '');
      const read = system === 'BGL' ? Math.floor((stamp?.epochMs ?? 0) / 1000) * 1000 : stamp?.epochMs;
      return read === expected ? [] : [lines[index]];
    });
    t.equal(stamps.length, 2000);
    t.same(wrong, []);
  });
}

t.test('finds zones right by lines that say the time twice', skipOf('loghub/BGL'), async (t) => {
  const lines = read('loghub/BGL/BGL_2k.log', 'latin1').split(/\r?\n/).slice(0, 2000);
  const locals = lines.map((line) => line.split(' ')[4] ?? '');
  const stamps = stampsOf(locals, { zone: 'America/Los_Angeles' });
  const wrong = stamps.filter((stamp, index) => {
    return Math.floor((stamp?.epochMs ?? 0) / 1000) !== Number(lines[index]?.split(' ')[1]);
  });
  t.same(wrong, []);
});

/** Files that carry no stamp on most lines; of all others nearly every line, or every block, has one. */
const OS_FORMATS: readonly (readonly [name: RegExp, format: RegExp])[] = [
  [/(kern|user)\.log$|messages$/, /^rfc3164$/],
  [/access\.log$/, /^clf/],
  [/apache2\/error\.log$/, /^named$/],
  [/(alternatives|ReportingEvents)\.log$/, /^iso@w1$/],
  [/(dpkg|CBS|dism|setupact|setuperr|unattended-upgrades-shutdown|MPDetection-.*)\.log$/, /^iso$/],
  [/(PFRO|ngen|ngen\.old|DtcInstall|WMIMigration)\.log$/, /^mdy$/],
  [/DirectX\.log$/, /^short-mdy$/],
  [/setupapi\..*\.log$/, /^iso/],
  [/NetSetupMig\.log$/, /^time$/],
  [/comsetup\.log$/, /^time@w0$/],
  [/(mrt|sceupgrade)\.log$/, /^named/],
  [/(winsat|FlashInstall32)\.log$/, /^iso/],
];

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesOf(path) : [path];
  });
}

t.test('finds the format of the files of operating systems', skipOf('os'), async (t) => {
  for (const path of filesOf(join(logs ?? '', 'os'))) {
    const bytes = readFileSync(path);
    const isWide = bytes[1] === 0 || (bytes[0] === 0xff && bytes[1] === 0xfe);
    const lines = new TextDecoder(isWide ? 'utf-16le' : 'utf-8').decode(bytes).split(/\r?\n/).slice(0, 500);
    const expected = OS_FORMATS.find(([name]) => name.test(path))?.[1];
    const first = stampsOf(lines).find((stamp) => stamp !== null);
    t.ok(expected, path);
    t.match(timesOf(lines).formats[0] ?? '', expected ?? /$^/, path);
    t.ok(first, path);
  }
});
