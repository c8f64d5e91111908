/** Zip archives: whole and in parts, and read by others; also those that are too large for the old numbers. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { layOutZip, type Zip } from '../../src/crash/zip.ts';
import { needs } from '../fixtures/needs.ts';

/** An archive of these files. */
function zipOf(files: Readonly<Record<string, string>>): Zip {
  const contents = Object.values(files).map((text) => Buffer.from(text));
  const at = (index: number): Buffer => contents[index] ?? Buffer.alloc(0);
  return layOutZip(
    Object.keys(files).map((path, index) => ({ path, sizeBytes: at(index).length })),
    {
      crc32: async (index) => crc32(at(index)),
      open: (index, start, end) => Readable.from([at(index).subarray(start, end + 1)]),
    },
  );
}

const whole = (zip: Zip): Promise<Buffer> => buffer(zip.open(0, zip.sizeBytes - 1));

const files = {
  'open.cmd': '@echo off\r\n',
  empty: '',
  'symbols/сборка ü.pdb/A1/сборка ü.pdb': 'x'.repeat(10_000),
  'symbols/🦀.exe/1/🦀.exe': 'MZ',
};

/** What Python says of an archive: the names, sizes, modes and dates, after it has checked each sum. */
const PYTHON = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    broken = archive.testzip() if sys.argv[2] == 'read' else None
    print(json.dumps([broken, [[i.filename, i.file_size, i.header_offset, i.date_time[0]] for i in archive.infolist()]]))
`;

function python(
  path: string,
  how: 'read' | 'list',
): [broken: string | null, entries: [string, number, number, number][]] {
  const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON, path, how], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

t.test('is as long as it says, and each of its parts is a part of it', async (t) => {
  const zip = zipOf(files);
  const bytes = await whole(zip);
  t.equal(bytes.length, zip.sizeBytes);
  t.ok(bytes.equals(await whole(zipOf(files))), 'the same files are the same archive');
  for (let start = 0; start < bytes.length; start += 1009) {
    for (const length of [1, 50, 5000]) {
      const end = Math.min(bytes.length, start + length) - 1;
      if (!(await buffer(zip.open(start, end))).equals(bytes.subarray(start, end + 1)))
        t.fail(`${start} to ${end}`);
    }
  }
});

t.test('python reads it', needs('python3'), async (t) => {
  const path = join(t.testdir(), 'a.zip');
  writeFileSync(path, await whole(zipOf(files)));
  const [broken, entries] = python(path, 'read');
  t.equal(broken, null);
  t.same(
    entries.map(([name, size]) => [name, size]),
    Object.entries(files).map(([name, text]) => [name, text.length]),
  );
  t.ok(entries.every(([, , , year]) => year === 1980));
});

t.test('unzip reads it', needs('unzip', '-v'), async (t) => {
  const path = join(t.testdir(), 'a.zip');
  writeFileSync(path, await whole(zipOf(files)));
  t.match(spawnSync('unzip', ['-t', path], { encoding: 'utf8' }), {
    status: 0,
    stdout: /No errors detected/,
  });
});

t.test('more entries than old archives can have', needs('python3'), async (t) => {
  const path = join(t.testdir(), 'many.zip');
  const many = Object.fromEntries(Array.from({ length: 65_536 }, (_, index) => [`f${index}`, '']));
  writeFileSync(path, await whole(zipOf(many)));
  const [broken, entries] = python(path, 'read');
  t.equal(broken, null);
  t.equal(entries.length, 65_536);
});

t.test('larger files and offsets than old archives can have', needs('python3'), async (t) => {
  const GIB = 2 ** 30;
  const sizes = [5 * GIB, 10, 2 ** 32 - 1, 2 ** 32 - 2];
  const zip = layOutZip(
    sizes.map((sizeBytes, index) => ({ path: `file-${index}`, sizeBytes })),
    { crc32: async () => 1, open: () => Readable.from([]) },
  );
  // What is between the headers is left a hole.
  const path = join(t.testdir(), 'large.zip');
  const file = openSync(path, 'w');
  ftruncateSync(file, zip.sizeBytes);
  let offset = 0;
  const expected: [string, number, number, number][] = [];
  for (const [index, size] of sizes.entries()) {
    const headerBytes = 30 + 'file-0'.length + (size >= 2 ** 32 - 1 ? 20 : 0);
    writeSync(file, await buffer(zip.open(offset, offset + headerBytes - 1)), 0, headerBytes, offset);
    expected.push([`file-${index}`, size, offset, 1980]);
    offset += headerBytes + size;
  }
  const end = await buffer(zip.open(offset, zip.sizeBytes - 1));
  writeSync(file, end, 0, end.length, offset);
  closeSync(file);
  const [, entries] = python(path, 'list');
  t.same(entries, expected);
});

t.test('a file that became shorter is a failure, not a shorter archive', async (t) => {
  const zip = layOutZip([{ path: 'a', sizeBytes: 10 }], {
    crc32: async () => 0,
    open: () => Readable.from([Buffer.alloc(9)]),
  });
  await t.rejects(whole(zip), /a is not as long as it was: 1 bytes are missing/);
});
