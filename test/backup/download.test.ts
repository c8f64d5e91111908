/** The zip archive of a download: what others read of it, a slow reader, one that goes away, files that are not as they were. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { openZip, type ZipDownload, zipFileName } from '../../src/backup/download.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { testFolder } from '../fixtures/folder.ts';
import { needs } from '../fixtures/needs.ts';

const MANIFEST = '{"timestamp":"2025-12-24T12:00:00Z"}\n';
const AT_MS = Date.parse('2025-12-24T12:00:00Z');

const contents = {
  'main.db': randomBytes(3_000_001),
  'msg.db': Buffer.alloc(10_000_000, 'the same page over and over '),
  'empty.db': Buffer.alloc(0),
} as const;

/** A download of files with these contents, which need not be true. */
function downloadOf(
  t: Test,
  files: Readonly<Record<string, Uint8Array>>,
  more: Partial<ZipDownload> = {},
): { folder: string; download: ZipDownload } {
  const folder = testFolder(t);
  const listed = Object.entries(files).map(([name, bytes]) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return { name, path, sizeBytes: bytes.length };
  });
  const release = async (): Promise<void> => {};
  const download = {
    files: listed,
    manifest: MANIFEST,
    modifiedAtMs: AT_MS,
    fileName: zipFileName(AT_MS),
    release,
  };
  return { folder, download: { ...download, ...more } };
}

function bytesOf(download: ZipDownload): Readable {
  return openZip(download).open(0, Number.POSITIVE_INFINITY);
}

/** Every entry with its content, which yauzl holds to the checksum and the sizes. */
async function readZip(bytes: Buffer): Promise<{ entry: Entry; content: Buffer }[]> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const entries: { entry: Entry; content: Buffer }[] = [];
  const ended = once(zip, 'end');
  zip.on('entry', (entry: Entry) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) zip.emit('error', error);
      else
        buffer(stream).then(
          (content) => {
            entries.push({ entry, content });
            zip.readEntry();
          },
          (failure: unknown) => zip.emit('error', failure),
        );
    });
  });
  zip.readEntry();
  await ended;
  return entries;
}

t.test('holds the files as they are, in their order, and the manifest last', async (t) => {
  const { download } = downloadOf(t, contents);
  const reply = openZip(download);
  t.match(reply, {
    sizeBytes: null,
    sha256: null,
    contentType: 'application/zip',
    fileName: 'backup-20251224T120000Z.zip',
    modifiedAt: new Date(AT_MS),
  });
  const bytes = await buffer(reply.open(0, Number.POSITIVE_INFINITY));
  const entries = await readZip(bytes);
  t.same(
    entries.map(({ entry }) => entry.fileName),
    ['main.db', 'msg.db', 'empty.db', 'manifest.json'],
  );
  for (const { entry, content } of entries) {
    const expected = Object.entries(contents).find(([name]) => name === entry.fileName)?.[1];
    t.ok(content.equals(expected ?? Buffer.from(MANIFEST)), entry.fileName);
    t.equal(entry.getLastModDate({ timezone: 'UTC' }).getTime(), AT_MS, 'dated in UTC');
  }
  t.ok(bytes.length < 4_000_000, 'and packed');
});

t.test('unzip finds it whole', needs('unzip', '-v'), async (t) => {
  const { folder, download } = downloadOf(t, contents);
  const path = join(folder, 'out.zip');
  await pipeline(bytesOf(download), createWriteStream(path));
  t.match(execFileSync('unzip', ['-t', path], { encoding: 'utf8' }), 'No errors detected');
  const taken = execFileSync('unzip', ['-p', path, 'main.db'], { maxBuffer: 10_000_000 });
  t.ok(taken.equals(contents['main.db']));
});

t.test('Python finds it whole', needs('python3'), async (t) => {
  const { folder, download } = downloadOf(t, contents);
  const path = join(folder, 'out.zip');
  await pipeline(bytesOf(download), createWriteStream(path));
  const script = 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *z.namelist())';
  const said = execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
  t.equal(said.trim(), 'None main.db msg.db empty.db manifest.json');
});

t.test('an archive of nothing but the manifest is one', async (t) => {
  const { download } = downloadOf(t, {});
  const entries = await readZip(await buffer(bytesOf(download)));
  t.same(
    entries.map(({ content }) => content.toString()),
    [MANIFEST],
  );
});

/** How far this process has read a file that it has open; null when it has not. */
function positionIn(path: string): number | null {
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${descriptor}`) !== path) continue;
      const [, position] =
        /^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
      return Number(position);
    } catch {
      // Closed meanwhile: it was the one that listed the folder.
    }
  }
  return null;
}

/** The value once it does not change any more. */
async function settled<T>(read: () => T): Promise<T> {
  let last = read();
  for (let same = 0; same < 10; ) {
    await setTimeout(20);
    const next = read();
    same = next === last ? same + 1 : 0;
    last = next;
  }
  return last;
}

const LARGE_BYTES = 48 * 1024 * 1024;
const noProc = existsSync('/proc/self/fdinfo') ? false : '/proc/self/fdinfo is there on Linux alone';

t.test('a slow reader holds it up, one that goes away stops it', { skip: noProc }, async (t) => {
  const { download } = downloadOf(t, { 'large.db': randomBytes(LARGE_BYTES), 'next.db': Buffer.from('x') });
  const path = download.files[0]?.path ?? '';
  const bytes = bytesOf(download);
  await once(bytes, 'readable');
  t.ok(bytes.read());
  const position = await settled(() => positionIn(path));
  if (position === null) return t.fail('it is not being read');
  t.ok(position > 0 && position < 8 * 1024 * 1024, `${position} bytes were read ahead`);
  bytes.destroy();
  t.equal(await settled(() => positionIn(path)), null, 'the file is closed');
});

t.test('nothing is read before somebody reads it', { skip: noProc }, async (t) => {
  const { download } = downloadOf(t, { 'main.db': contents['main.db'] });
  openZip(download);
  t.equal(await settled(() => positionIn(download.files[0]?.path ?? '')), null);
});

t.test('fails when a file is gone, shorter or longer: half an archive is none', async (t) => {
  const { folder, download } = downloadOf(t, { 'main.db': randomBytes(500_000) });
  const [file] = download.files;
  if (!file) return t.fail('no file');
  const wrong = [
    { ...file, path: join(folder, 'gone.db') },
    { ...file, path: folder },
    { ...file, sizeBytes: 499_999 },
    { ...file, sizeBytes: 500_001 },
  ];
  for (const one of wrong) {
    const error: unknown = await buffer(bytesOf({ ...download, files: [one] })).then(
      () => null,
      (failure: unknown) => failure,
    );
    t.ok(error instanceof ChsError && error.code === 'BACKUP_FAILED', `${one.path} ${one.sizeBytes}`);
    t.notMatch(String(error), folder, 'without a path');
  }
});
