/** Times, windows, whole events and JSON conditions: the engine gives what a naive reading of every line gives. */
import { join } from 'node:path';
import iconv from 'iconv-lite';
import t from 'tap';
import { createScanPool } from '../../../src/logs/search/pool.ts';
import { isInWindow, type LineQuery } from '../../../src/logs/search/query.ts';
import { LOOKBACK_BYTES } from '../../../src/logs/search/window.ts';
import { inspectFile } from '../../../src/logs/source/inspect.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';
import { createStamper } from '../../../src/logs/time/stamper.ts';
import { testFolder } from '../../fixtures/folder.ts';
import { type Found, type Reading, randomReading, searched, writeLog } from './engine.ts';
import { pick, type Random, type RandomLog, randomOf } from './random-logs.ts';
import { isHit, linesOf } from './reference.ts';

const CASES = Number(process.env.CHS_MUTATIONS ?? 200);
const FIRST_SEED = Number(process.env.CHS_SEED ?? 1);
const START_MS = Date.UTC(2024, 1, 28, 23, 50);
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** How programs write a time. */
const STAMPS: readonly ((ms: number) => string)[] = [
  (ms) => new Date(ms).toISOString(),
  (ms) => `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ').replace('.', ',')} INFO`,
  (ms) => `[${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}]`,
  (ms) => {
    const at = new Date(ms);
    const time = at.toISOString().slice(11, 19);
    return `${MONTHS[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)} ${time} host app[1]:`;
  },
  (ms) => `level=info time="${new Date(ms).toISOString()}"`,
  (ms) => `${(ms / 1000).toFixed(3)}`,
  (ms) => {
    const at = new Date(ms);
    return `${at.getUTCFullYear()}年${at.getUTCMonth() + 1}月${at.getUTCDate()}日 ${pad(at.getUTCHours())}时${pad(at.getUTCMinutes())}分${pad(at.getUTCSeconds())}秒`;
  },
  (ms) => `10.0.0.1 - - [${clf(ms)}] "GET /a HTTP/1.1" 200`,
];

function clf(ms: number): string {
  const at = new Date(ms);
  return `${pad(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:${at.toISOString().slice(11, 19)} +0000`;
}

const MESSAGES = ['error disk', 'ok', 'user timeout', 'ERROR a', 'ab', '', '错误 连接'];
const FRAMES = ['\tat a.b(C.java:1)', '  at x', 'Caused by: error', '', 'ab', '    timeout 5'];

/** Events of one or more lines in one or two formats, out of order here and there, with a header before the first. */
function timedLog(random: Random, folded: { readonly isLong: boolean }): string {
  const formats = random() < 0.8 ? [pick(random, STAMPS)] : [pick(random, STAMPS), pick(random, STAMPS)];
  const end = pick(random, ['\n', '\r\n']);
  let text = random() < 0.3 ? `# header error${end}# ab${end}` : '';
  let ms = START_MS;
  const events = 1 + Math.floor(random() * pick(random, [4, 60]));
  for (let event = 0; event < events; event += 1) {
    ms += Math.floor(random() * 90_000);
    const shown = random() < 0.1 ? ms - Math.floor(random() * 300_000) : ms;
    text += `${pick(random, formats)(shown)} ${pick(random, MESSAGES)}${end}`;
    const frames = random() < 0.3 ? Math.floor(random() * 5) : 0;
    for (let frame = 0; frame < frames; frame += 1) text += pick(random, FRAMES) + end;
    if (folded.isLong && random() < 0.3) {
      const line = `at ${'x'.repeat(200 + Math.floor(random() * 800))}${end}`;
      text += `ab first${end}${line.repeat(Math.ceil((random() * 400_000) / line.length))}error last${end}`;
    }
  }
  return random() < 0.3 ? text.slice(0, -end.length) : text;
}

interface TimedLine {
  readonly offset: number;
  readonly number: number;
  readonly text: string;
  readonly isHead: boolean;
  readonly epochMs: number | null;
  /** Index of the line with the time. */
  readonly head: number | null;
}

/** Every line with its own time, or that of the nearest line above that has one. */
function timedLines(log: RandomLog, file: LogFile): TimedLine[] {
  const stamper = createStamper(file.times);
  const lines = linesOf(log.bytes, log.encoding, log.bomBytes, 1_048_576);
  const timed: TimedLine[] = [];
  let head: { index: number; offset: number; epochMs: number } | null = null;
  const hasTimes = file.times.formats.length > 0 || file.times.timeField !== null;
  for (const [index, { offset, number, text }] of lines.entries()) {
    const stamp = hasTimes ? stamper.stamp(text, offset) : null;
    if (stamp) head = { index, offset, epochMs: stamp.epochMs };
    const line = { offset, number, text, isHead: stamp !== null };
    const { firstEvent } = file;
    if (!head && firstEvent && offset < firstEvent.offset)
      timed.push({ ...line, epochMs: firstEvent.epochMs, head: null });
    else if (head && offset - head.offset <= LOOKBACK_BYTES)
      timed.push({ ...line, epochMs: head.epochMs, head: head.index });
    else timed.push({ ...line, epochMs: null, head: null });
  }
  return timed;
}

function expected(
  log: RandomLog,
  file: LogFile,
  query: LineQuery,
  admits: (text: string) => boolean,
  reading: Reading,
): Found[] {
  const lines = timedLines(log, file);
  const found: Found[] = [];
  const given = new Set<number>();
  const texts = (from: number, to: number) => lines.slice(Math.max(0, from), to).map(({ text }) => text);
  for (const [index, line] of lines.entries()) {
    if (!isHit(line.text, query) || !admits(line.text)) continue;
    if (query.window && !isInWindow(line.epochMs, query.window)) continue;
    const first = reading.wholeEvents ? (line.head ?? index) : index;
    if (given.has(first)) continue;
    given.add(first);
    const isEvent = reading.wholeEvents && line.head !== null;
    const after = isEvent ? lines.findIndex((one, at) => at > first && one.isHead) : index + 1;
    const end = after < 0 ? lines.length : after;
    found.push({
      offset: lines[first]?.offset ?? 0,
      number: lines[first]?.number ?? 0,
      text: texts(first, end).join('\n'),
      before: texts(first - reading.contextLines, first),
      after: texts(end, end + reading.contextLines),
      isTruncated: false,
      epochMs: line.epochMs,
    });
  }
  return found;
}

function timedQuery(random: Random): LineQuery {
  const around = () => START_MS + Math.floor(random() * 5_400_000);
  const bounds = [around(), around()].sort((a, b) => a - b);
  return {
    must: random() < 0.4 ? [pick(random, ['error', 'at', 'ab', 'timeout'])] : [],
    any: random() < 0.2 ? ['ok', 'ab'] : [],
    none: random() < 0.2 ? ['disk'] : [],
    regex: random() < 0.2 ? pick(random, ['^\\s+at', 'err|time', '\\d+$']) : null,
    caseSensitive: random() < 0.5,
    wholeWord: false,
    json: null,
    window:
      random() < 0.3
        ? null
        : {
            startMs: random() < 0.2 ? null : (bounds[0] ?? 0),
            endMs: random() < 0.2 ? null : (bounds[1] ?? 0),
          },
  };
}

const ENCODINGS = ['utf-8', 'utf-8', 'gb18030', 'utf-16le', 'utf-16be'] as const;
const inspecting = { zone: 'UTC', rules: { allowRoots: null, denyPatterns: [] } };

/** A log on the disk, looked at as it is when it is added. */
async function onDisk(
  path: string,
  text: string,
  random: Random,
): Promise<{ log: RandomLog; file: LogFile }> {
  const encoding = pick(random, ENCODINGS);
  const log: RandomLog = { bytes: iconv.encode(text, encoding, { addBOM: false }), encoding, bomBytes: 0 };
  writeLog(path, log, random() < 0.2, random);
  const { file, notices } = await inspectFile(path, { ...inspecting, encoding });
  if (!file) throw new Error(JSON.stringify(notices));
  return { log, file };
}

const everything = () => true;

t.test('gives lines and events their times, and keeps to the window', { timeout: 0 }, async (t) => {
  const folder = testFolder(t);
  const inline = createScanPool(3);
  let hits = 0;
  let timed = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed += 1) {
    const random = randomOf(seed * 31);
    const isLong = random() < 0.05;
    const count = pick(random, [1, 1, 3]);
    const logs = [];
    for (let index = 0; index < count; index += 1)
      logs.push(await onDisk(join(folder, `${index}.log`), timedLog(random, { isLong }), random));
    const query = timedQuery(random);
    const wholeEvents = !isLong && random() < 0.4;
    const small = { ...randomReading(random), lineBytesMax: 1_048_576, grows: false, wholeEvents };
    const reading: Reading = isLong
      ? {
          ...small,
          blockBytes: pick(random, [4096, 1_048_576]),
          segmentBytes: pick(random, [65_536, 16_777_216]),
        }
      : small;
    const steady = isLong ? { ...reading, pageSize: 1000, scannedBytesMax: 1e12 } : reading;
    const given = await searched(
      logs.map(({ file }) => file),
      query,
      steady,
      inline,
    );
    const wanted = logs.flatMap(({ log, file }) => expected(log, file, query, everything, steady));
    hits += wanted.length;
    timed += wanted.filter(({ epochMs }) => epochMs !== null).length;
    if (JSON.stringify(given) === JSON.stringify(wanted)) continue;
    const files = logs.map(({ file }) => [file.encoding, file.compression, file.times.formats]);
    t.same(given, wanted, `seed ${seed}: ${JSON.stringify({ query, reading: steady, files })}`);
    break;
  }
  t.ok(hits > CASES && timed > hits / 2, `${hits} hits in ${CASES} cases, ${timed} with times`);
});

/** Conditions, and what each asks of a line's object. */
const CONDITIONS: readonly (readonly [string, (value: Record<string, unknown>) => boolean])[] = [
  ['level=error', ({ level }) => level === 'error'],
  ['level!=error', ({ level }) => level !== 'error'],
  ['status>=500', ({ status }) => typeof status === 'number' && status >= 500],
  ['status<400', ({ status }) => typeof status === 'number' && status < 400],
  ['msg~tim', ({ msg }) => typeof msg === 'string' && msg.includes('tim')],
  ['user', ({ user }) => user !== undefined],
  ['user.name=ann', ({ user }) => isNamed(user, 'ann')],
];

function isNamed(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === name;
}

function jsonLog(random: Random): string {
  let ms = START_MS;
  const lines = Array.from({ length: 1 + Math.floor(random() * 50) }, () => {
    ms += Math.floor(random() * 90_000);
    if (random() < 0.1)
      return pick(random, ['not json error', '[1,2]', '', '{"level":"error"', 'null', '"error"']);
    return JSON.stringify({
      time: new Date(ms).toISOString(),
      level: pick(random, ['info', 'error', 'Error']),
      msg: pick(random, ['timeout', 'ok', '错误', 'a "b"']),
      ...(random() < 0.5 ? { status: pick(random, [200, 404, 500, 503]) } : {}),
      ...(random() < 0.3 ? { user: pick(random, [null, { name: 'ann' }, { name: 'bob' }]) } : {}),
    });
  });
  return `${lines.join('\n')}\n`;
}

t.test('keeps to conditions on the fields of JSON lines', { timeout: 0 }, async (t) => {
  const folder = testFolder(t);
  const inline = createScanPool(3);
  let hits = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed += 1) {
    const random = randomOf(seed * 17);
    const { log, file } = await onDisk(join(folder, 'a.json'), jsonLog(random), random);
    const some = () => (random() < 0.4 ? [pick(random, CONDITIONS)] : []);
    const [must, any, none] = [some(), [...some(), ...some()], some()];
    const names = (ones: typeof must) => ones.map(([name]) => name);
    const query: LineQuery = {
      ...timedQuery(random),
      caseSensitive: true,
      json: { must: names(must), any: names(any), none: names(none) },
    };
    const admits = (text: string): boolean => {
      const value = objectOn(text);
      if (value === null) return false;
      const holds = ([, test]: (typeof CONDITIONS)[number]) => test(value);
      return must.every(holds) && (any.length === 0 || any.some(holds)) && !none.some(holds);
    };
    const reading = { ...randomReading(random), lineBytesMax: 1_048_576, grows: false };
    const given = await searched([file], query, reading, inline);
    const wanted = expected(log, file, query, admits, reading);
    hits += wanted.length;
    if (JSON.stringify(given) === JSON.stringify(wanted)) continue;
    t.same(given, wanted, `seed ${seed}: ${JSON.stringify({ query, reading, encoding: file.encoding })}`);
    break;
  }
  t.ok(hits > CASES, `${hits} hits in ${CASES} cases`);
});

function objectOn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
