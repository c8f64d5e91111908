/** The daemon's log: the documented line, one line a record, no secrets, a new file each day. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openLazyLog } from '../../daemon/log/lazy.ts';
import { formatJson, formatLine } from '../../daemon/log/line.ts';
import { type LoggingConfig, openLog } from '../../daemon/log/open.ts';
import { openRotatingFile } from '../../daemon/log/rotating-file.ts';

const DAY_MS = 86_400_000;
const noon = Date.parse('2026-01-06T12:00:00Z');

function logging(folder: string, settings: Partial<LoggingConfig> = {}): LoggingConfig {
  return {
    level: 'info',
    file: join(folder, 'logs', 'server.log'),
    format: 'line',
    stdout: false,
    retention_days: 30,
    max_line_bytes: 16_384,
    ...settings,
  };
}

function linesOf(config: LoggingConfig): string[] {
  return readFileSync(config.file, 'utf8').trimEnd().split('\n');
}

t.test('writes the documented line', async (t) => {
  const config = logging(t.testdir());
  const log = openLog(config, false);
  log.info('Minidump uploaded: id=550e8400-e29b-41d4-a716-446655440000');
  log.with({ request_id: 'abc' }).error('Failed to save file: path=x error=y', {}, new Error('inside'));
  log.debug('below the level');
  await log.close();
  const [info = '', error = '', ...others] = linesOf(config);
  t.match(
    info,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[INFO\] - Minidump uploaded: id=550e8400-e29b-41d4-a716-446655440000$/,
  );
  t.match(error, /^\S+Z \[ERROR\] - Failed to save file: path=x error=y request_id=abc cause="Error: inside/);
  t.same(others, []);
});

t.test('a record is one line, whatever its values hold', async (t) => {
  const config = logging(t.testdir());
  const log = openLog(config, false);
  log.info('name=a\r\n2026-01-06T10:05:23Z [INFO] - forged', {
    value: 'x\ny\u001b[31m',
    'with space': 'a b',
  });
  await log.close();
  const lines = linesOf(config);
  t.equal(lines.length, 1);
  t.notMatch(lines[0], /\p{Cc}/u);
});

t.test('keys and tokens are cut out', async (t) => {
  const config = logging(t.testdir());
  const log = openLog(config, false);
  const token = `chs_0123456789ab_${'s'.repeat(43)}`;
  log.info(`refused ${token}, Bearer ${'k'.repeat(20)}, /backupdb?token=${'q'.repeat(20)}`);
  log.error('failed', {}, new Error(`Authorization: Bearer ${'k'.repeat(20)}`));
  await log.close();
  const text = readFileSync(config.file, 'utf8');
  t.notMatch(text, /s{20}|k{20}|q{20}/);
  t.match(text, 'chs_0123456789ab_[redacted]');
});

t.test('writes JSON when asked', async (t) => {
  const config = logging(t.testdir(), { format: 'json' });
  const log = openLog(config, false);
  log.warn('careful', { count: 3 });
  await log.close();
  t.match(JSON.parse(linesOf(config)[0] ?? ''), { level: 'warn', message: 'careful', count: 3, time: /Z$/ });
});

t.test('long lines are cut', async (t) => {
  const line = formatLine(
    JSON.stringify({ time: '2026-01-06T10:05:23.5Z', level: 'info', message: 'x'.repeat(5000) }),
    300,
  );
  t.equal(Buffer.byteLength(line), 300);
});

t.test('long lines are cut in bytes and in the middle of no character', async (t) => {
  for (let padding = 0; padding < 4; padding += 1) {
    const message = `${'x'.repeat(padding)}${'崩溃'.repeat(300)}`;
    const line = formatLine(JSON.stringify({ time: '2026-01-06T10:05:23.5Z', level: 'info', message }), 300);
    t.ok(Buffer.byteLength(line) <= 300);
    t.match(line, /[崩溃]…$/);
  }
});

t.test('long records of JSON are cut and stay JSON', async (t) => {
  const time = '2026-01-06T10:05:23.500Z';
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, index]));
  for (const [label, fields] of [
    ['a long message', { message: 'x'.repeat(5000) }],
    ['a long cause', { message: 'failed', cause: 'at (file.js:1)\n'.repeat(5000) }],
    ['escapes and other scripts', { message: '\u0001"崩溃'.repeat(500), path: '\\'.repeat(2000) }],
    ['many fields', { ...many, message: 'm'.repeat(50) }],
  ] as const) {
    const json = JSON.stringify({ level: 'error', time, ...fields });
    for (const maxBytes of [256, 300, 1000]) {
      const cut = formatJson(`${json}\n`, maxBytes);
      t.ok(Buffer.byteLength(cut) <= maxBytes, `${label}, ${maxBytes}`);
      t.match(JSON.parse(cut), { level: 'error', time, message: String }, label);
    }
    t.equal(formatJson(`${json}\n`, 1_000_000), json, 'what is short enough stays as it is');
  }
});

t.test('a log that is never written to makes no file', async (t) => {
  const folder = t.testdir();
  const log = openLazyLog(logging(folder));
  log.debug('below the level');
  await log.close();
  t.same(readdirSync(folder), []);
});

t.test('a lazily opened log keeps the order', async (t) => {
  const config = logging(t.testdir());
  const log = openLazyLog(config);
  for (let index = 0; index < 20; index += 1) log.with({ request_id: 'r' }).info(`line ${index}`);
  await log.close();
  t.same(
    linesOf(config).map((line) => /line (\d+) request_id=r$/.exec(line)?.[1]),
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
});

t.test('begins a new file each day and keeps the old one', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'server.log');
  let nowMs = noon;
  const file = openRotatingFile(path, { retentionDays: 30, now: () => nowMs });
  file.write('monday\n');
  utimesSync(path, nowMs / 1000, nowMs / 1000);
  nowMs += DAY_MS;
  file.write('tuesday\n');
  file.close();
  t.equal(readFileSync(path, 'utf8'), 'tuesday\n');
  t.equal(readFileSync(`${path}.2026-01-06`, 'utf8'), 'monday\n');
});

t.test('two writers of one file lose nothing at midnight', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'server.log');
  let nowMs = noon;
  const [one, two] = [
    openRotatingFile(path, { retentionDays: 30, now: () => nowMs }),
    openRotatingFile(path, { retentionDays: 30, now: () => nowMs }),
  ];
  one.write('one, monday\n');
  two.write('two, monday\n');
  utimesSync(path, nowMs / 1000, nowMs / 1000);
  nowMs += DAY_MS;
  one.write('one, tuesday\n');
  utimesSync(path, nowMs / 1000, nowMs / 1000);
  two.write('two, tuesday\n');
  one.close();
  two.close();
  t.equal(readFileSync(`${path}.2026-01-06`, 'utf8'), 'one, monday\ntwo, monday\n');
  t.equal(readFileSync(path, 'utf8'), 'one, tuesday\ntwo, tuesday\n');
});

t.test('removes files past the retention, and nothing else', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'server.log');
  for (const name of [
    'server.log.2025-12-01',
    'server.log.2025-12-20',
    'server.log.old',
    'other.log.2025-01-01',
  ]) {
    writeFileSync(join(folder, name), '');
  }
  writeFileSync(path, 'yesterday\n');
  utimesSync(path, (noon - DAY_MS) / 1000, (noon - DAY_MS) / 1000);
  const file = openRotatingFile(path, { retentionDays: 30, now: () => noon });
  file.write('today\n');
  file.close();
  t.same(readdirSync(folder).sort(), [
    'other.log.2025-01-01',
    'server.log',
    'server.log.2025-12-20',
    'server.log.2026-01-05',
    'server.log.old',
  ]);
});

t.test('a log that cannot be written stops nothing', async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'server.log'));
  const file = openRotatingFile(join(folder, 'server.log'), { retentionDays: 30, warn: () => {} });
  t.doesNotThrow(() => file.write('nobody reads this\n'));
  file.close();
});

/** A log whose folder is a file from now on: nothing can be opened in it, whoever asks. */
function blockFolder(folder: string): void {
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, 'a file where the folder was');
}

t.test('a day that cannot begin is written to the old file, and to nobody else’s', async (t) => {
  const root = t.testdir();
  const folder = join(root, 'logs');
  const path = join(folder, 'server.log');
  let nowMs = noon;
  const warnings: string[] = [];
  const file = openRotatingFile(path, {
    retentionDays: 30,
    now: () => nowMs,
    warn: (warning) => warnings.push(warning),
  });
  file.write('monday\n');
  blockFolder(folder);
  nowMs += DAY_MS;
  file.write('tuesday, first\n');
  // Takes the number of a descriptor that was closed too early.
  const other = join(root, 'unrelated.db');
  const descriptors = Array.from({ length: 20 }, () => openSync(other, 'a+'));
  file.write('tuesday, second\n');
  file.close();
  file.close();
  t.equal(readFileSync(other, 'utf8'), '', 'an unrelated file is untouched');
  t.doesNotThrow(() => descriptors.forEach(closeSync), 'and still open');
  t.equal(
    readFileSync(join(`${folder}.away`, 'server.log'), 'utf8'),
    'monday\ntuesday, first\ntuesday, second\n',
  );
  t.equal(warnings.length, 1, 'said once');
  t.match(warnings[0], path);
});

t.test('a folder that was removed is made again', async (t) => {
  const folder = join(t.testdir(), 'logs');
  const path = join(folder, 'server.log');
  const file = openRotatingFile(path, { retentionDays: 30, warn: (warning) => t.fail(warning) });
  file.write('one\n');
  rmSync(folder, { recursive: true });
  file.write('two\n');
  renameSync(path, `${path}.moved`);
  file.write('three\n');
  file.close();
  t.equal(readFileSync(`${path}.moved`, 'utf8'), 'two\n');
  t.equal(readFileSync(path, 'utf8'), 'three\n');
});

t.test('says that lines are lost once each time that they begin to be', async (t) => {
  const folder = join(t.testdir(), 'logs');
  const path = join(folder, 'server.log');
  writeFileSync(folder, 'a file where the folder should be');
  const warnings: string[] = [];
  const file = openRotatingFile(path, { retentionDays: 30, warn: (warning) => warnings.push(warning) });
  for (const line of ['a\n', 'b\n']) file.write(line);
  t.equal(warnings.length, 1);
  rmSync(folder);
  file.write('c\n');
  t.equal(readFileSync(path, 'utf8'), 'c\n');
  t.equal(warnings.length, 1, 'nothing to say while it works');
  blockFolder(folder);
  for (const line of ['d\n', 'e\n']) file.write(line);
  t.equal(warnings.length, 2);
  file.close();
});

t.test('an old file that cannot be removed loses no line', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'server.log');
  // A folder of such a name cannot be unlinked.
  mkdirSync(join(folder, 'server.log.2025-01-01'));
  writeFileSync(path, 'yesterday\n');
  utimesSync(path, (noon - DAY_MS) / 1000, (noon - DAY_MS) / 1000);
  const file = openRotatingFile(path, {
    retentionDays: 30,
    now: () => noon,
    warn: (warning) => t.fail(warning),
  });
  file.write('today\n');
  file.close();
  t.equal(readFileSync(path, 'utf8'), 'today\n');
  t.equal(readFileSync(`${path}.2026-01-05`, 'utf8'), 'yesterday\n');
});
