/** Unpacking gzip: members, padding, damage at every byte, and bombs. */
import { readFileSync } from 'node:fs';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, createGzip, deflateRawSync, gzipSync } from 'node:zlib';
import { type Test, test } from 'tap';
import { isGzip, type UnpackOptions, unpack } from '../../../src/logs/source/gzip.ts';

async function opened(t: Test, bytes: Buffer): Promise<FileHandle> {
  const path = join(t.testdir({}), 'log.gz');
  await writeFile(path, bytes);
  return open(path);
}

async function unpacked(t: Test, bytes: Buffer, options?: UnpackOptions) {
  const handle = await opened(t, bytes);
  return unpackedFrom(handle, options);
}

async function unpackedFrom(handle: FileHandle, options?: UnpackOptions) {
  const text = unpack(handle, options);
  const chunks: Buffer[] = [];
  for await (const chunk of text) chunks.push(Buffer.from(chunk));
  return { text: Buffer.concat(chunks), problem: text.problem, chunks };
}

const lines = (count: number, from = 0) =>
  Buffer.from(
    Array.from(
      { length: count },
      (_, index) => `2026-01-06 15:04:05 line ${from + index} ${index * 7919}\n`,
    ).join(''),
  );

test('knows gzip by its beginning', async (t) => {
  t.ok(isGzip(gzipSync('x')));
  t.notOk(isGzip(Buffer.from('\x1f\x8b')));
  t.notOk(isGzip(Buffer.from('text')));
  t.notOk(isGzip(Buffer.alloc(0)));
});

test('unpacks what is larger than its chunks', async (t) => {
  const text = lines(100_000);
  const result = await unpacked(t, gzipSync(text), { chunkBytes: 65536 });
  t.ok(result.text.equals(text));
  t.equal(result.problem, null);
  t.ok(result.chunks.length > 10 && result.chunks.every((chunk) => chunk.length <= 65536));
});

test('unpacks several members, with zeros between and behind them, and passes over garbage at the end', async (t) => {
  const [a, b, c] = [lines(3000), lines(5, 3000), lines(2000, 4000)];
  const whole = Buffer.concat([a, b, c]);
  const [ga, gb, gc] = [gzipSync(a), gzipSync(b), gzipSync(c)];
  const empty = gzipSync('');
  const zeros = Buffer.alloc(100_000);
  const garbage = Buffer.from('garbage that is no member');
  const files: readonly (readonly [string, Buffer[]])[] = [
    ['one behind the other', [ga, gb, gc]],
    ['with empty ones', [empty, ga, empty, gb, gc, empty]],
    ['zeros behind', [ga, gb, gc, zeros]],
    ['zeros between', [ga, zeros, gb, Buffer.alloc(1), gc]],
    ['garbage behind', [ga, gb, gc, garbage]],
    ['zeros and garbage behind', [ga, gb, gc, zeros, garbage]],
  ];
  for (const [name, parts] of files) {
    const result = await unpacked(t, Buffer.concat(parts));
    t.ok(result.text.equals(whole), `${name}: ${result.text.length} of ${whole.length}`);
    t.equal(result.problem, null, name);
  }
});

test('gives an empty text of an empty member', async (t) => {
  t.match(await unpacked(t, gzipSync('')), { text: Buffer.alloc(0), problem: null });
});

test('gives all that is there of a file that is cut, at whatever byte', async (t) => {
  const text = lines(40);
  const packed = gzipSync(text);
  for (let length = 3; length < packed.length; length += 1) {
    const result = await unpacked(t, packed.subarray(0, length));
    if (!text.subarray(0, result.text.length).equals(result.text)) t.fail(`${length}: other bytes`);
    if (result.problem?.code !== 'TRUNCATED_GZIP') t.fail(`${length}: ${result.problem?.code}`);
    if (result.problem?.atByte !== result.text.length) t.fail(`${length}: ${result.problem?.atByte}`);
  }
  const almost = await unpacked(t, packed.subarray(0, packed.length - 1));
  t.ok(almost.text.equals(text), 'only the checksum is missing');
});

test('gives of a large file that is cut as much as gzip itself', async (t) => {
  const text = lines(50_000);
  const packed = gzipSync(text);
  const result = await unpacked(t, packed.subarray(0, packed.length / 2));
  t.equal(result.problem?.code, 'TRUNCATED_GZIP');
  t.ok(result.text.length > text.length / 3);
  t.ok(text.subarray(0, result.text.length).equals(result.text));
});

test('gives what is good before a damaged byte', async (t) => {
  const [a, b] = [lines(20_000), lines(20_000, 20_000)];
  // Stored blocks show to the byte how much is good.
  const stored = gzipSync(b, { level: 0 });
  const damaged = Buffer.concat([gzipSync(a), stored]);
  const first = stored.readUInt16LE(11);
  const good = a.length + first;
  const header = damaged.length - stored.length + 10 + 5 + first;
  damaged[header + 1] = (damaged[header + 1] ?? 0) ^ 0xff;
  const result = await unpacked(t, damaged);
  t.match(result.problem, { code: 'CORRUPT_GZIP', atByte: good });
  t.ok(Buffer.concat([a, b]).subarray(0, good).equals(result.text), `${result.text.length} of ${good}`);
});

test('survives any damaged byte', async (t) => {
  const text = lines(60);
  const packed = gzipSync(text);
  for (let at = 3; at < packed.length; at += 23) {
    const damaged = Buffer.from(packed);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    const result = await unpacked(t, damaged);
    if (at < 10) continue;
    if (result.problem === null) t.fail(`the damage at ${at} was not seen`);
  }
});

test('says of a wrong checksum that the file is damaged, after all of its text', async (t) => {
  const text = lines(10_000);
  const packed = gzipSync(text);
  packed[packed.length - 6] = (packed[packed.length - 6] ?? 0) ^ 1;
  const result = await unpacked(t, packed);
  t.ok(result.text.equals(text));
  t.match(result.problem, { code: 'CORRUPT_GZIP', atByte: text.length });
});

test('says of a beginning without anything behind it that it is cut, of another that it is damaged', async (t) => {
  t.match((await unpacked(t, Buffer.from([0x1f, 0x8b, 8]))).problem, { code: 'TRUNCATED_GZIP', atByte: 0 });
  const bad = Buffer.concat([gzipSync('').subarray(0, 10), Buffer.alloc(100, 0xff)]);
  t.match((await unpacked(t, bad)).problem, { code: 'CORRUPT_GZIP', atByte: 0 });
});

test('reads headers with names and further fields', async (t) => {
  const body = deflateRawSync('hello\n');
  const plain = gzipSync('hello\n');
  const header = Buffer.from([0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3, 4, 0, 1, 2, 3, 4]);
  const named = Buffer.concat([header, Buffer.from('name.log\0comment\0'), body, plain.subarray(-8)]);
  t.match(await unpacked(t, named), { text: Buffer.from('hello\n'), problem: null });
});

test('holds little of a bomb, and stops with whoever reads it', async (t) => {
  const bomb = createGzip({ level: constants.Z_BEST_COMPRESSION });
  const packed: Buffer[] = [];
  bomb.on('data', (chunk) => packed.push(chunk));
  const megabyte = Buffer.alloc(1024 * 1024);
  for (let count = 0; count < 256; count += 1) {
    if (!bomb.write(megabyte)) await new Promise((resolve) => bomb.once('drain', resolve));
  }
  await new Promise<void>((resolve) => bomb.end(resolve));
  const handle = await opened(t, Buffer.concat(packed));
  const before = process.memoryUsage.rss();
  let length = 0;
  for await (const chunk of unpack(handle)) {
    length += chunk.length;
    if (length > 100 * 1024 * 1024) break;
  }
  t.ok(process.memoryUsage.rss() - before < 100 * 1024 * 1024);
  t.equal(handle.fd, -1, 'the file is closed');
});

test('leaves the file open when it is told to, and can be stopped', async (t) => {
  const handle = await opened(t, gzipSync(lines(10)));
  await unpackedFrom(handle, { keepsOpen: true });
  t.ok(handle.fd >= 0);
  const again = await unpackedFrom(handle, { keepsOpen: true });
  t.ok(again.text.equals(lines(10)), 'another reader begins at the beginning');
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(unpackedFrom(handle, { signal }), { message: 'enough' });
  t.equal(handle.fd, -1);
});

test('unpacks thousands of small members', async (t) => {
  const parts = Array.from({ length: 5000 }, (_, index) => gzipSync(`line ${index}\n`));
  const result = await unpacked(t, Buffer.concat(parts));
  t.equal(result.problem, null);
  t.equal(result.text.toString().split('\n').length, 5001);
});

test('unpacks a program to the same bytes', async (t) => {
  const program = readFileSync(process.execPath).subarray(0, 8 * 1024 * 1024);
  const result = await unpacked(t, gzipSync(program, { level: 1 }));
  t.ok(result.text.equals(program));
});
