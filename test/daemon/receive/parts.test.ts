/** The reader of multipart parts: however the body is cut into pieces, and whatever is in it. */
import t from 'tap';
import { boundaryOf, readParts } from '../../../daemon/receive/parts.ts';
import { chance } from '../../backends/rows.ts';

interface Read {
  readonly name: string;
  readonly fileName: string | null;
  readonly contentType: string | null;
  readonly text: string;
}

async function* cutInto(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(body: string | Buffer, size: number, boundary = 'B'): Promise<Read[]> {
  const found: Read[] = [];
  for await (const { bytes, ...part } of readParts(cutInto(Buffer.from(body), size), boundary)) {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(piece);
    found.push({ ...part, text: Buffer.concat(pieces).toString('latin1') });
  }
  return found;
}

const plain = { fileName: null, contentType: null };

t.test('reads the same parts from pieces of every size', async (t) => {
  const body = [
    'a preamble --B that means nothing\r\n--B \t\r\n',
    'Content-Disposition: form-data; name="a"\r\n\r\n\r\n',
    '--B\r\ncontent-type: Text/Plain; charset=x\r\nCONTENT-DISPOSITION: form-data; filename="; name=x"; name=b\r\n\r\n',
    '\r\n--\r\n--C\r\n--b\r\n-\r\n\r\n',
    '--B\r\n\r\nwithout headers\r\n',
    '--B\r\nContent-Disposition: form-data; name="q\\"uo%22te"; filename="C:\\dir\\x.dmp"\r\n\r\n\0\xff\r\n',
    '--B--\r\n--B\r\n\r\nan epilogue is no part\r\n--B--',
  ].join('');
  const expected = [
    { ...plain, name: 'a', text: '' },
    { name: 'b', fileName: '; name=x', contentType: 'text/plain', text: '\r\n--\r\n--C\r\n--b\r\n-\r\n' },
    { ...plain, name: '', text: 'without headers' },
    { ...plain, name: 'q"uo"te', fileName: 'C:\\dir\\x.dmp', text: '\0\xff' },
  ];
  const bytes = Buffer.from(body, 'latin1');
  for (let size = 1; size <= bytes.length; size += size < 80 ? 1 : 97)
    t.same(await read(bytes, size), expected, `pieces of ${size}`);
  for (const early of ['--B\r\n\r\nx\r\n--B--', '\r\n--B\r\n\r\nx\r\n--B--\r\n'])
    t.same(await read(early, 3), [{ ...plain, name: '', text: 'x' }]);
});

t.test('skips what nobody reads of a part, also where reading was broken off', async (t) => {
  const bytes = Buffer.from(
    `--B\r\n\r\n${'x'.repeat(1000)}\r\n--B\r\n\r\n${'y'.repeat(1000)}\r\n--B\r\n\r\nz\r\n--B--`,
  );
  const sizes: number[] = [];
  for await (const part of readParts(cutInto(bytes, 100), 'B')) {
    if (sizes.length === 1) for await (const _ of part.bytes) break;
    sizes.push(sizes.length);
  }
  t.equal(sizes.length, 3);
});

t.test('every prefix of a body is truncated, every mutation ends', async (t) => {
  const body = Buffer.from(
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\n\r\n2\r\n--B--',
  );
  for (let end = 0; end < body.length; end += 1)
    await t.rejects(read(body.subarray(0, end), 7), { code: 'BODY_TRUNCATED' }, `${end} bytes`);
  const random = chance(578);
  let refused = 0;
  for (let round = 0; round < 3000; round += 1) {
    const mutant = Buffer.from(body);
    for (let change = 0; change < 3; change += 1)
      mutant[Math.floor(random() * mutant.length)] = '\r\n-B:;="\0x'.charCodeAt(Math.floor(random() * 10));
    const outcome = await read(mutant, 1 + Math.floor(random() * 40)).catch(
      (error: { code?: string }) => error.code,
    );
    if (outcome === 'BODY_TRUNCATED' || outcome === 'BAD_MULTIPART') refused += 1;
    else if (!Array.isArray(outcome))
      t.fail(`${String(outcome)} of ${JSON.stringify(mutant.toString('latin1'))}`);
  }
  t.ok(refused > 100 && refused < 3000);
});

t.test('refuses headers without an end and what is no delimiter', async (t) => {
  await t.rejects(read(`--B\r\n${'x'.repeat(40_000)}`, 4096), { code: 'BAD_MULTIPART' });
  await t.rejects(read(`--B${' '.repeat(40_000)}`, 4096), { code: 'BAD_MULTIPART' });
  await t.rejects(read('--Bx\r\n\r\n\r\n--B--', 64), { code: 'BAD_MULTIPART' });
  await t.rejects(read('--B\n\n--B--', 64), { code: 'BAD_MULTIPART' });
});

t.test('takes the boundary with quotes and without', async (t) => {
  t.equal(boundaryOf('multipart/form-data; boundary=---MultipartBoundary-x---'), '---MultipartBoundary-x---');
  t.equal(boundaryOf('multipart/form-data; charset=x; Boundary="a b:\\"c"; y=z'), 'a b:"c');
  t.equal(boundaryOf('multipart/form-data;boundary=a=b;x=y'), 'a=b');
  for (const none of [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
  ])
    t.throws(() => boundaryOf(none), { code: 'BAD_MULTIPART' }, none);
});
