/** Inspecting log files: what is found out of one, of thousands, of hostile ones, and of those that change. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Test, test } from 'tap';
import { codecFor } from '../../../src/logs/source/encoding.ts';
import { fileFromRow, fileToRow } from '../../../src/logs/source/file-row.ts';
import {
  type InspectOptions,
  inspectAll,
  inspectFile,
  refreshFiles,
} from '../../../src/logs/source/inspect.ts';
import type { LogFile } from '../../../src/logs/source/log-file.ts';
import { findFiles } from '../../../src/logs/source/walk.ts';
import { createStamper } from '../../../src/logs/time/stamper.ts';
import { sharedFixtures } from '../../fixtures/shared.ts';

const isWindows = process.platform === 'win32';
const WINDOWS = isWindows && 'Windows has no such files';
const ROOT = process.getuid?.() === 0 && 'root may read everything';
const options: InspectOptions = { rules: { allowRoots: null, denyPatterns: [] }, zone: 'UTC' };

const folderOf = (t: Test, content: Parameters<Test['testdir']>[0] = {}) => realpathSync(t.testdir(content));

async function inspected(
  t: Test,
  name: string,
  content: string | Buffer,
  more: Partial<InspectOptions> = {},
) {
  const path = join(folderOf(t), name);
  writeFileSync(path, content);
  return inspectFile(path, { ...options, ...more });
}

async function fileOf(t: Test, name: string, content: string | Buffer, more: Partial<InspectOptions> = {}) {
  const { file, notices } = await inspected(t, name, content, more);
  if (!file) throw new Error(`no file: ${JSON.stringify(notices)}`);
  return file;
}

const iso = (file: LogFile | undefined | null) =>
  file?.firstEvent ? new Date(file.firstEvent.epochMs).toISOString() : null;

const lines = (count: number) =>
  Array.from(
    { length: count },
    (_, index) => `2026-01-06 15:04:${10 + (index % 50)},123 INFO line ${index}\n`,
  );

test('finds out about a plain log', async (t) => {
  const file = await fileOf(t, 'app.log', lines(200).join(''), { zone: 'Asia/Shanghai' });
  t.match(file, {
    sizeBytes: Buffer.byteLength(lines(200).join('')),
    compression: 'none',
    encoding: 'utf-8',
    bomBytes: 0,
    needsConvert: false,
    familyId: null,
    sequence: 0,
    mode: 'text',
    times: { formats: ['iso'], zone: 'Asia/Shanghai', anchors: [], timeField: null },
    zoneSource: 'session',
    identity: { headBytes: 4096, headHash: /^[0-9a-f]{64}$/ },
  });
  t.equal(file.timestampExamples[0], '2026-01-06 15:04:10,123');
  t.equal(iso(file), '2026-01-06T07:04:10.123Z');
  t.equal(file.firstEvent?.offset, 0);
});

test('finds the first event behind a header and a byte order mark', async (t) => {
  const text = `\ufeffheader\r\n${lines(5).join('').replaceAll('\n', '\r\n')}`;
  const utf8 = await fileOf(t, 'app.log', text);
  t.match(utf8, { encoding: 'utf-8', bomBytes: 3, firstEvent: { offset: 3 + 8 } });
  const wide = await fileOf(t, 'wide.log', Buffer.from(text, 'utf16le'));
  t.match(wide, { encoding: 'utf-16le', bomBytes: 2, firstEvent: { offset: 2 + 16 } });
  const big = await fileOf(t, 'big.log', Buffer.from(text, 'utf16le').swap16());
  t.match(big, { encoding: 'utf-16be', bomBytes: 2, firstEvent: { offset: 2 + 16 } });
  t.equal(iso(big), '2026-01-06T15:04:10.123Z');
});

test('is not held up by millions of empty lines', async (t) => {
  const stamped = 'Jan  6 15:04:05 host app: line\n'.repeat(100);
  const path = join(folderOf(t), 'empty.log');
  for (const text of [stamped + '\n'.repeat(8 * 1024 * 1024), stamped + '\n'.repeat(20 * 1024 * 1024)]) {
    writeFileSync(path, text);
    t.match((await inspectFile(path, options)).file, { times: { formats: ['rfc3164'] } });
    writeFileSync(path, gzipSync(text));
    t.match((await inspectFile(path, options)).file, { times: { formats: ['rfc3164'] } });
  }
});

test('finds out about JSON lines, and takes the field that is named', async (t) => {
  const row = (index: number) =>
    `${JSON.stringify({ level: 'info', at: `2020-01-01T00:00:0${index % 10}Z`, time: 1767711600000 + index })}\n`;
  const text = Array.from({ length: 50 }, (_, index) => row(index)).join('');
  const found = await fileOf(t, 'a.json', text);
  t.match(found, { mode: 'json', times: { timeField: 'time' } });
  t.ok(found.jsonTimeFieldConfidence > 0.5);
  const named = await fileOf(t, 'a.json', text, { timeField: 'at' });
  t.equal(named.times.timeField, 'at');
  t.equal(iso(named), '2020-01-01T00:00:00.000Z');
  t.equal((await fileOf(t, 'text.log', '{not json}\nplain\n')).mode, 'text');
});

test('reads what is packed', async (t) => {
  const file = await fileOf(t, 'app.log.gz', gzipSync(`header\n${lines(5000).join('')}`));
  t.match(file, {
    compression: 'gzip',
    encoding: 'utf-8',
    times: { formats: ['iso'] },
    firstEvent: { offset: 7 },
  });
  const packed = gzipSync(lines(2000).join(''));
  const { file: cut, notices } = await inspected(t, 'cut.log.gz', packed.subarray(0, 600));
  t.match(cut, { compression: 'gzip', times: { formats: ['iso'] } });
  t.match(notices, [{ code: 'TRUNCATED_GZIP' }]);
  const bomb = await fileOf(t, 'bomb.log.gz', gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a')));
  t.equal(bomb.compression, 'gzip');
});

test('finds an encoding that only the middle of a file shows', async (t) => {
  const gbk = codecFor('gb18030').encode('2026-01-06 15:04:05,123 错误：连接服务器失败\n') ?? Buffer.alloc(0);
  const ascii = Buffer.from(lines(2000).join(''));
  const file = await fileOf(
    t,
    'app.log',
    Buffer.concat([ascii, ...Array.from({ length: 2000 }, () => gbk), ascii]),
  );
  t.equal(file.encoding, 'gb18030');
});

test('takes the encoding that is wanted, by any of its names', async (t) => {
  const text = codecFor('big5').encode('2026-01-06 錯誤\n') ?? Buffer.alloc(0);
  t.equal((await fileOf(t, 'a.log', text, { encoding: 'cp936' })).encoding, 'gb18030');
  t.match(await fileOf(t, 'b.log', Buffer.from('\ufeffx\n', 'utf16le').swap16(), { encoding: 'UTF-16' }), {
    encoding: 'utf-16be',
    bomBytes: 2,
  });
  await t.rejects(inspected(t, 'c.log', 'x', { encoding: 'klingon' }), { code: 'INVALID_ENCODING' });
});

test('gives no file, and a notice, of what is no text', async (t) => {
  const { file, notices } = await inspected(t, 'a.bin', Buffer.from('\x7fELF\x02\x01\0\0\0binary', 'latin1'));
  t.equal(file, null);
  t.match(notices, [{ code: 'BINARY' }]);
});

test('takes empty files and such with a single line without an end', async (t) => {
  t.match(await fileOf(t, 'a.log', ''), {
    sizeBytes: 0,
    times: { formats: [] },
    firstEvent: null,
    zoneSource: null,
  });
  t.equal(iso(await fileOf(t, 'b.log', '2026-01-06T15:04:05Z x')), '2026-01-06T15:04:05.000Z');
  const wordy = `2026-01-06T15:04:05Z ${'x'.repeat(3 * 1024 * 1024)}`;
  t.equal(iso(await fileOf(t, 'c.log', wordy)), '2026-01-06T15:04:05.000Z');
});

test('holds little of a line of two gigabytes', { skip: WINDOWS }, async (t) => {
  const path = join(folderOf(t), 'sparse.log');
  writeFileSync(path, '2026-01-06T15:04:05Z one line\n2026-01-06T15:04:06Z another');
  truncateSync(path, 2 * 1024 ** 3);
  const before = process.memoryUsage.rss();
  const { file } = await inspectFile(path, options);
  t.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024);
  t.match(file, { sizeBytes: 2 * 1024 ** 3, times: { formats: ['iso'] } });
  const holeFirst = join(folderOf(t), 'hole.log');
  writeFileSync(holeFirst, '');
  truncateSync(holeFirst, 200_000);
  appendFileSync(holeFirst, lines(3000).join(''));
  t.match((await inspectFile(holeFirst, options)).file, { encoding: 'utf-8', times: { formats: ['iso'] } });
});

test('completes times without a year through several years, small or large, packed or not', async (t) => {
  const folder = folderOf(t);
  const start = Date.UTC(2023, 9, 1);
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const written = (name: string, count: number, stepMs: number) => {
    const rows: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const at = new Date(start + index * stepMs);
      const day = String(at.getUTCDate()).padStart(2, ' ');
      rows.push(
        `${months[at.getUTCMonth()]} ${day} ${at.toISOString().slice(11, 19)} host app[1]: ${index}\n`,
      );
    }
    const text = rows.join('');
    const path = join(folder, name);
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
    const end = new Date(start + count * stepMs);
    utimesSync(path, end, end);
    return { path, text };
  };
  const forms = [
    written('small.log', 3000, 6 * 3600_000),
    written('packed.log.gz', 3000, 6 * 3600_000),
    written('large.log', 500_000, 120_000),
  ];
  const [small, packed, large] = await Promise.all(forms.map(({ path }) => inspectFile(path, options)));
  t.equal(iso(small?.file), '2023-10-01T00:00:00.000Z');
  t.equal(iso(packed?.file), '2023-10-01T00:00:00.000Z');
  t.equal(iso(large?.file), '2023-10-01T00:00:00.000Z');
  t.ok((large?.file?.sizeBytes ?? 0) > 16 * 1024 * 1024, 'it is one of the large');
  for (const [form, found, stepMs] of [
    [forms[0], small, 6 * 3600_000],
    [forms[2], large, 120_000],
  ] as const) {
    if (!form || !found?.file) return t.fail('no file');
    const stamper = createStamper(found.file.times);
    let offset = 0;
    let wrong = 0;
    for (const [index, line] of form.text.trimEnd().split('\n').entries()) {
      if (stamper.stamp(line, offset)?.epochMs !== start + index * stepMs) wrong += 1;
      offset += line.length + 1;
    }
    t.equal(wrong, 0);
  }
});

test('goes on past what is gone, closed, swapped or no file', { skip: WINDOWS }, async (t) => {
  const folder = folderOf(t, { 'a.log': 'a\n', 'b.log': 'b\n', 'c.log': 'c\n', 'd.log': 'd\n' });
  const { files: found } = await findFiles([folder], { globs: [], ...options });
  unlinkSync(join(folder, 'a.log'));
  unlinkSync(join(folder, 'b.log'));
  execFileSync('mkfifo', [join(folder, 'b.log')]);
  unlinkSync(join(folder, 'c.log'));
  symlinkSync('/etc/passwd', join(folder, 'c.log'));
  const rules = { allowRoots: [folder], denyPatterns: [] };
  const { files, notices } = await inspectAll(found, { ...options, rules });
  t.same(
    files.map(({ path }) => basename(path)),
    ['d.log'],
  );
  t.same(
    notices.map(({ code }) => code),
    ['GONE', 'NOT_A_FILE', 'UNREADABLE'],
  );
});

test('says that a file may not be read', { skip: WINDOWS || ROOT }, async (t) => {
  const path = join(folderOf(t, { 'a.log': 'a\n' }), 'a.log');
  chmodSync(path, 0);
  t.match(await inspectFile(path, options), { file: null, notices: [{ code: 'UNREADABLE' }] });
});

test('inspects thousands of files, and finds the families', async (t) => {
  const folder = folderOf(t);
  for (let index = 0; index < 2000; index += 1) {
    const inside = join(folder, `d${index % 20}`);
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `app.log.${Math.floor(index / 20)}`), lines(20).join(''));
  }
  const { files: found } = await findFiles([folder], { globs: [], ...options });
  const { files, notices } = await inspectAll(found, options);
  t.equal(files.length, 2000);
  t.same(notices, []);
  t.equal(new Set(files.map(({ familyId }) => familyId)).size, 20);
  t.same(
    files.map(({ path }) => path),
    found.map(({ path }) => path),
  );
  const oldest = files.find(({ path }) => path.endsWith(join('d0', 'app.log.99')));
  t.equal(oldest?.sequence, 0);
});

test('gives few notices of many binary files', async (t) => {
  const folder = folderOf(t);
  for (let index = 0; index < 50; index += 1) writeFileSync(join(folder, `${index}.bin`), Buffer.alloc(64));
  const { files: found } = await findFiles([folder], { globs: [], ...options });
  const { files, notices } = await inspectAll(found, options);
  t.equal(files.length, 0);
  t.equal(notices.length, 21);
  t.match(notices.at(-1), { file: null, code: 'BINARY', message: /30/ });
});

test('is stopped by its signal', async (t) => {
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(inspected(t, 'a.log', 'x', { signal }), { message: 'enough' });
  await t.rejects(inspectAll([{ path: '/none' }], { ...options, signal }), { message: 'enough' });
});

async function known(folder: string): Promise<LogFile[]> {
  const { files } = await findFiles([folder], { globs: [], ...options });
  return (await inspectAll(files, options)).files;
}

const big = () => lines(3000).join('');

test('leaves alone what has not changed, and lengthens what has grown', async (t) => {
  const folder = folderOf(t, { 'a.log': big(), 'b.log': big() });
  const files = await known(folder);
  const same = await refreshFiles(files, options);
  t.same(same, { files, gone: [], changed: [], notices: [] });
  t.equal(same.files[0], files[0], 'the very same');
  appendFileSync(join(folder, 'b.log'), 'more\n');
  const grown = await refreshFiles(files, options);
  t.match(grown, { gone: [], changed: [{ path: join(folder, 'b.log') }], notices: [] });
  t.equal(grown.files[1]?.sizeBytes, (files[1]?.sizeBytes ?? 0) + 5);
  t.equal(grown.files[0], files[0]);
  t.same(grown.files[1]?.identity, files[1]?.identity);
});

test('finds out anew about what was too small to know', async (t) => {
  const folder = folderOf(t, { 'a.log': 'starting\n' });
  const files = await known(folder);
  t.same(files[0]?.times.formats, []);
  appendFileSync(join(folder, 'a.log'), big());
  const { files: now, notices } = await refreshFiles(files, options);
  t.same(now[0]?.times.formats, ['iso']);
  t.same(notices, []);
});

test('notices what was cut, replaced, written anew or removed', async (t) => {
  const names = ['cut.log', 'replaced.log', 'rewritten.log', 'removed.log', 'packed.log.gz', 'copied.log'];
  const folder = folderOf(t);
  for (const name of names) writeFileSync(join(folder, name), name.endsWith('.gz') ? gzipSync(big()) : big());
  const files = await known(folder);
  truncateSync(join(folder, 'cut.log'), 4500);
  writeFileSync(join(folder, 'new'), `${big()}more\n`);
  renameSync(join(folder, 'new'), join(folder, 'replaced.log'));
  writeFileSync(join(folder, 'rewritten.log'), `another beginning\n${big()}`);
  unlinkSync(join(folder, 'removed.log'));
  writeFileSync(join(folder, 'packed.log.gz'), gzipSync(`${big()}${big()}`));
  const { files: now, gone, changed, notices } = await refreshFiles(files, options);
  t.same(gone, [join(folder, 'removed.log')]);
  t.same(changed.map(({ path }) => basename(path)).sort(), [
    'cut.log',
    'packed.log.gz',
    'replaced.log',
    'rewritten.log',
  ]);
  t.same(
    new Map(notices.map(({ file, code }) => [basename(file ?? ''), code])),
    new Map([
      ['cut.log', 'TRUNCATED'],
      ['packed.log.gz', 'REPLACED'],
      ['replaced.log', 'REPLACED'],
      ['rewritten.log', 'REPLACED'],
      ['removed.log', 'GONE'],
    ]),
  );
  t.equal(now.length, 5);
  t.same(
    now.map(({ path }) => path),
    await known(folder).then((all) => all.map(({ path }) => path)),
  );
});

test('follows a rotation: the same names, other files', async (t) => {
  const folder = folderOf(t, { 'app.log': big(), 'app.log.1': `${big()}older\n` });
  const files = await known(folder);
  rmSync(join(folder, 'app.log.1'));
  renameSync(join(folder, 'app.log'), join(folder, 'app.log.1'));
  writeFileSync(join(folder, 'app.log'), lines(3).join(''));
  const { files: now, changed, notices } = await refreshFiles(files, options);
  t.equal(changed.length, 2);
  t.same(
    notices.map(({ code }) => code),
    ['REPLACED', 'REPLACED'],
  );
  t.equal(now[1]?.identity.inode, files[0]?.identity.inode);
  t.equal(now[0]?.sequence, 1);
  t.equal(now[1]?.sequence, 0);
});

test('never reads through a link that took the place of a known file', { skip: WINDOWS }, async (t) => {
  const folder = folderOf(t, { 'a.log': big() });
  const files = await known(folder);
  unlinkSync(join(folder, 'a.log'));
  symlinkSync('/etc/passwd', join(folder, 'a.log'));
  t.match(await refreshFiles(files, options), {
    files: [],
    gone: [join(folder, 'a.log')],
    notices: [{ code: 'GONE' }],
  });
});

test('says that a file whose time alone has changed is another state of the same', async (t) => {
  const folder = folderOf(t, { 'a.log': big() });
  const files = await known(folder);
  utimesSync(join(folder, 'a.log'), new Date(0), new Date(1000));
  t.match(await refreshFiles(files, options), { changed: [{ mtimeMs: 1000 }], notices: [] });
});

test('keeps a file in a row, and knows a row that is no file', async (t) => {
  const file = await fileOf(t, 'app.log', lines(10).join(''));
  const row = fileToRow(file);
  t.match(row, {
    path: file.path,
    size: file.sizeBytes,
    encoding: 'utf-8',
    timestampFormat: 'iso',
    compression: 'none',
  });
  t.same(fileFromRow(row), file);
  t.equal(fileFromRow({ ...row, details: 'no JSON' }), null);
  t.equal(fileFromRow({ ...row, details: '{}' }), null);
  t.equal(fileFromRow({ ...row, path: '/other' }), null);
  for (const name of Object.keys(file)) {
    const details = JSON.stringify({ ...file, [name]: { wrong: true } });
    t.equal(fileFromRow({ ...row, details }), null, name);
  }
});

const shared = sharedFixtures('logs');

test('reads the same of Chinese logs in each of their encodings', {
  skip: shared === null && 'the shared fixtures are not here',
}, async (t) => {
  const { files: found } = await findFiles([join(shared ?? '', 'zh')], {
    globs: ['tomcat_zh.*'],
    ...options,
  });
  const { files, notices } = await inspectAll(found, { ...options, zone: 'Asia/Shanghai' });
  t.same(notices, []);
  t.equal(files.length, 5);
  for (const file of files) t.equal(iso(file), '2018-04-16T09:46:37.000Z', file.encoding);
  t.same(new Set(files.map(({ encoding }) => encoding)), new Set(['gb18030', 'utf-16le', 'utf-8']));
});

test('reads the logs of operating systems', {
  skip: shared === null && 'the shared fixtures are not here',
}, async (t) => {
  const { files: found } = await findFiles([join(shared ?? '', 'os')], { globs: [], ...options });
  const { files, notices } = await inspectAll(found, options);
  t.same(notices, []);
  t.equal(files.length, found.length);
  const wide = files.filter(({ encoding }) => encoding === 'utf-16le').map(({ path }) => basename(path));
  t.same(wide.sort(), [
    'FlashInstall32.log',
    'PFRO.log',
    'ReportingEvents.log',
    'ngen.log',
    'sceupgrade.log',
  ]);
  t.equal(files.filter(({ firstEvent }) => firstEvent === null).length, 0);
  t.equal(new Set(files.flatMap(({ familyId }) => familyId ?? [])).size, 3);
});
