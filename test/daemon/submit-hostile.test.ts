/** What /submit must survive: the hostile fixtures, bombs, floods of parts, odd names, bodies that break off. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { crashme, reach, TEST_KEY } from '../fixtures/chs.ts';
import { sharedFixtures } from '../fixtures/shared.ts';
import {
  breakpadBody,
  crashpadBody,
  dumpFile,
  mozillaBody,
  type SubmissionBody,
  storedDump,
  submit,
} from './submission-bodies.ts';
import { inBoth, logWith, stored } from './wire.ts';

const av = crashme('av.dmp');
const folder = sharedFixtures('crash/hostile');

function hostileDumps(): { file: string; verdict: string }[] {
  const [, ...lines] = readFileSync(join(folder ?? '', 'HOSTILE.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.flatMap((line) => {
    const [file = '', , , kind = '', , verdict = ''] = line.split('\t');
    // One is a dump under the name of a PDB.
    const isDump = kind === 'minidump' || file === 'pdb_is_dmp.pdb';
    return [{ file, verdict: kind === 'minidump' ? verdict : isDump ? 'either' : 'reject' }];
  });
}

const skip = folder ? false : 'the shared fixtures are not here';

for (const mode of ['embedded', 'daemon'] as const) {
  t.test(`hostile files are discarded in words, or stored (${mode})`, { skip }, async (t) => {
    const chs = await reach(t, mode);
    for (const { file, verdict } of hostileDumps()) {
      const before = stored(chs);
      const bytes = readFileSync(join(folder ?? '', file));
      const { status, text } = await submit(chs, breakpadBody({ prod: file }, [dumpFile(bytes, file)]));
      if (verdict === 'reject') t.equal(status, 400, `${file} is refused`);
      if (verdict === 'accept') t.equal(status, 200, `${file} is taken`);
      if (status === 200) {
        t.match(text, /^CrashID=[\w-]{36}\n$/, file);
        continue;
      }
      t.match(text, /^Discarded=[a-z_]+\nError=[^\n]+\n$/, file);
      t.same(stored(chs), before, `${file}: nothing is left`);
    }
    const bomb = readFileSync(join(folder ?? '', 'gzipbomb_multipart_BOMB.gz'));
    const sent = { contentType: 'multipart/form-data; boundary=BOMB', bytes: bomb };
    const exploded = await submit(chs, sent, { headers: { 'content-encoding': 'gzip' } });
    t.match(exploded, { status: 400, text: /^Discarded=/ });
  });
}

inBoth(
  'a file of the right magic and nothing else is discarded, a truncated dump is stored',
  async (t, chs) => {
    const magic = await submit(chs, breakpadBody({}, [dumpFile(Buffer.from('MDMP'))]));
    t.match(magic, { status: 400, text: /^Discarded=unparsable_file\n/ });
    const empty = await submit(chs, breakpadBody({}, [dumpFile(Buffer.alloc(0))]));
    t.match(empty, { status: 400, text: /^Discarded=empty_file\n/ });
    t.same(stored(chs), []);
    const half = await submit(chs, breakpadBody({ a: 'b' }, [dumpFile(av.subarray(0, av.length / 2))]));
    t.equal(half.status, 200);
    const { client, warnings } = await storedDump(chs, half.id);
    t.same(client, { a: 'b' });
    t.match(warnings, [/truncated/]);
  },
);

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, '']));
const binary = { fileName: 'x', bytes: Uint8Array.of(0) };
const flood = (part: { name: string; fileName: string | null; bytes: Uint8Array }, count: number) =>
  crashpadBody({}, [dumpFile(av), ...Array.from({ length: count }, () => part)]);

const refused: readonly (readonly [name: string, reply: RegExp, body: SubmissionBody])[] = [
  [
    'a thousand and one annotations',
    /^Discarded=annotation_limit\nError=.*limits\.max_annotations\)/,
    breakpadBody(many(1001), [dumpFile(av)]),
  ],
  [
    '10,000 parts of one name',
    /^Discarded=annotation_limit\n/,
    flood({ name: 'p', fileName: null, bytes: Buffer.alloc(0) }, 10_000),
  ],
  [
    '10,000 files',
    /^Discarded=bad_multipart\nError=.*more than 100 files/,
    flood({ name: 'f', ...binary }, 10_000),
  ],
  [
    'a text that is too long',
    /^Discarded=annotation_limit\nError=.*limits\.max_annotations_size/,
    breakpadBody({ long: 'x'.repeat(1_048_577) }, [dumpFile(av)]),
  ],
  [
    'texts that are too long together',
    /^Discarded=annotation_limit\n/,
    breakpadBody({ a: 'x'.repeat(600_000), b: 'x'.repeat(600_000) }, [dumpFile(av)]),
  ],
  [
    'an extra of a thousand and one members',
    /^Discarded=annotation_limit\n/,
    mozillaBody(many(1001), [dumpFile(av)]),
  ],
  [
    'an extra that is too long',
    /^Discarded=annotation_limit\n/,
    mozillaBody({ a: 'x'.repeat(1_100_000) }, [dumpFile(av)]),
  ],
  [
    'a name that is too long',
    /^Discarded=annotation_limit\nError=.*limits\.max_annotation_name_bytes/,
    breakpadBody({ ['n'.repeat(257)]: '' }, [dumpFile(av)]),
  ],
  [
    'a name of 64 KB',
    /^Discarded=bad_multipart\n/,
    breakpadBody({ ['n'.repeat(65_536)]: '' }, [dumpFile(av)]),
  ],
  ['the dump twice', /^Discarded=repeated_part\n/, breakpadBody({}, [dumpFile(av), dumpFile(av)])],
  ['a part that breaks off', /^Discarded=body_truncated\n/, cut(breakpadBody({}, [dumpFile(av)]), 5000)],
  ['headers that break off', /^Discarded=body_truncated\n/, cut(breakpadBody({}, [dumpFile(av)]), 80)],
  ['nothing at all', /^Discarded=body_truncated\n/, cut(breakpadBody({}, [dumpFile(av)]), 0)],
  ['no end', /^Discarded=body_truncated\n/, cut(breakpadBody({}, [dumpFile(av)]), -6)],
  [
    'lines that end with LF alone',
    /^Discarded=bad_multipart\nError=.*LF alone/,
    {
      contentType: 'multipart/form-data; boundary=B',
      bytes: Buffer.from('--B\nContent-Disposition: form-data; name="a"\n\nb\n--B--\n'),
    },
  ],
  [
    'no boundary',
    /^Discarded=bad_multipart\nError=.*Boundary not found/,
    { contentType: 'multipart/form-data', bytes: av },
  ],
];

function cut({ contentType, bytes }: SubmissionBody, length: number): SubmissionBody {
  return { contentType, bytes: bytes.subarray(0, length < 0 ? bytes.length + length : length) };
}

inBoth('what is over a limit or no multipart is discarded, and nothing is left of it', async (t, chs) => {
  for (const [name, reply, body] of refused) {
    t.match(await submit(chs, body), { status: 400, text: reply }, name);
    t.same(stored(chs), [], name);
  }
  const query = `?${new URLSearchParams(many(1001))}`;
  const flooded = await submit(chs, breakpadBody({}, [dumpFile(av)]), { query });
  t.match(flooded, { status: 400, text: /^Discarded=annotation_limit\n/ });
  t.same(stored(chs), []);
});

inBoth(
  'the limit counts inflated bytes, of dumps and of what comes beside them',
  async (t, chs) => {
    const headers = { 'content-encoding': 'gzip' };
    const zeros = Buffer.alloc(30_000_000);
    const large = Buffer.concat([av, zeros]);
    const beside = { name: 'b', fileName: 'b', bytes: zeros };
    for (const files of [[dumpFile(large)], [dumpFile(av), beside], [beside, dumpFile(av)]]) {
      const { contentType, bytes } = crashpadBody({ a: 'b' }, files);
      t.match(await submit(chs, { contentType, bytes: gzipSync(bytes) }, { headers }), {
        status: 400,
        text: /^Discarded=file_too_large\nError=.*storage\.max_minidump_size/,
      });
      t.same(stored(chs), []);
    }
    const raw = { contentType: 'application/octet-stream', bytes: gzipSync(large) };
    t.match(await submit(chs, raw, { headers }), { status: 400, text: /^Discarded=file_too_large\n/ });
    t.same(stored(chs), []);
  },
  { 'storage.max_minidump_size': 1_000_000 },
);

inBoth('names and texts of any bytes are kept as text', async (t, chs) => {
  const texts: [name: Buffer, value: Buffer][] = [
    [Buffer.from('nul\0name'), Buffer.from('a\0b')],
    [Buffer.from([0x6e, 0xff]), Buffer.from([0xc3, 0x28])],
    [Buffer.from('__proto__'), Buffer.from('polluted')],
    [Buffer.from('constructor'), Buffer.from('c')],
    [Buffer.from("'; DROP TABLE minidumps; --"), Buffer.from('%22')],
    [Buffer.from('q%22uote'), Buffer.from('\u001b[2J')],
  ];
  const parts = texts.flatMap(([name, value]) => [
    Buffer.from('--B\r\nContent-Disposition: form-data; name="'),
    name,
    Buffer.from('"\r\n\r\n'),
    value,
    Buffer.from('\r\n'),
  ]);
  const dump = Buffer.from('--B\r\ncontent-disposition:form-data;NAME=upload_file_minidump\r\n\r\n');
  const nameless = Buffer.from('--B\r\n\r\nnobody\r\n');
  const bytes = Buffer.concat([...parts, nameless, dump, av, Buffer.from('\r\n--B--\r\nepilogue')]);
  const { id, text } = await submit(chs, { contentType: 'multipart/form-data; boundary=B', bytes });
  t.ok(id, text);
  const { client, warnings } = await storedDump(chs, id);
  t.same(Object.entries(client).sort(), [
    ["'; DROP TABLE minidumps; --", '%22'],
    ['__proto__', 'polluted'],
    ['constructor', 'c'],
    ['nul\ufffdname', 'a\ufffdb'],
    ['n\ufffd', '\ufffd('],
    ['q"uote', '\u001b[2J'],
  ]);
  t.same(warnings, ['The attachment "" (6 bytes) is not kept']);
  t.equal(({} as Record<string, unknown>).polluted, undefined);
  const surrogate = mozillaBody({}, [dumpFile(Buffer.concat([av, Buffer.from('1')]))], {
    bytes: Buffer.from('{"\\ud800":"\\udfff\\u0000"}'),
  });
  t.same((await storedDump(chs, (await submit(chs, surrogate)).id)).client, { '\ufffd': '\ufffd\ufffd' });
});

t.test('a body that breaks off leaves nothing behind', async (t) => {
  const chs = await reach(t, 'daemon');
  const { contentType, bytes } = breakpadBody({ prod: 'Game' }, [dumpFile(av)]);
  const head = `POST /submit?key=${TEST_KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: ${contentType}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  for (const sent of [0, 100, 400, 70_000, bytes.length - 1]) {
    const socket = connect(Number(new URL(chs.url ?? '').port), '127.0.0.1');
    socket.write(head);
    socket.write(bytes.subarray(0, sent), () => setTimeout(() => socket.destroy(), 50));
    await new Promise((resolve) => socket.once('close', resolve));
  }
  await logWith(chs, /(CALLER_GONE[\s\S]*){5}/);
  t.same(stored(chs), []);
});
