/** Downloads: the very bytes, whole and in parts, with validators and names that cannot harm. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Reached } from '../fixtures/chs.ts';
import { files } from './bad-bodies.ts';
import { ask, at, type FileKind, inBoth, mutated, send, textAt } from './wire.ts';

const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];

async function storedId(
  chs: Reached,
  kind: FileKind,
  metadata: unknown = null,
  bytes = files[kind],
): Promise<string> {
  return textAt(await send(chs, kind, metadata, bytes), 'data', `${kind}_id`);
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

inBoth('gives the bytes back as they came, with length, validators and a name', async (t, chs) => {
  for (const kind of kinds) {
    const path = `/api/download/${kind}/${await storedId(chs, kind)}`;
    const response = await chs.fetch(path);
    t.equal(response.status, 200);
    t.equal(response.headers.get('content-type'), 'application/octet-stream');
    t.equal(response.headers.get('content-length'), String(files[kind].length));
    t.equal(response.headers.get('etag'), `"${createHash('sha256').update(files[kind]).digest('hex')}"`);
    t.equal(response.headers.get('accept-ranges'), 'bytes');
    t.equal(response.headers.get('x-content-type-options'), 'nosniff');
    t.ok(response.headers.get('x-request-id'), 'has a request id');
    t.match(response.headers.get('content-disposition'), /^attachment; filename="[\w.-]+"$/);
    t.equal(Buffer.compare(await bytesOf(response), files[kind]), 0);

    const head = await chs.fetch(path, { method: 'HEAD' });
    t.equal(head.status, 200);
    t.equal((await bytesOf(head)).length, 0);
    for (const name of ['content-length', 'etag', 'content-disposition', 'last-modified'])
      t.equal(head.headers.get(name), response.headers.get(name), `HEAD has the same ${name}`);
  }
});

inBoth('answers 304 to whoever has the bytes already', async (t, chs) => {
  const path = `/download/pdb/${await storedId(chs, 'pdb')}`;
  const first = await chs.fetch(path);
  await first.arrayBuffer();
  const etag = first.headers.get('etag') ?? '';
  const modified = first.headers.get('last-modified') ?? '';
  const conditions: readonly [headers: Record<string, string>, status: number][] = [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `W/${etag}` }, 304],
    [{ 'if-none-match': `"other", ${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
    [{ 'if-modified-since': 'no date' }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': modified }, 200],
    [{ 'if-none-match': etag, range: 'bytes=0-9' }, 304],
  ];
  for (const [headers, status] of conditions) {
    const response = await chs.fetch(path, { headers });
    t.equal(response.status, status, JSON.stringify(headers));
    const bytes = await bytesOf(response);
    t.equal(bytes.length, status === 304 ? 0 : files.pdb.length);
    t.equal(response.headers.get('etag'), etag);
    t.ok(response.headers.get('x-request-id'));
  }
});

inBoth('answers ranges', async (t, chs) => {
  const path = `/download/exe/${await storedId(chs, 'exe')}`;
  const etag = (await chs.fetch(path, { method: 'HEAD' })).headers.get('etag') ?? '';
  const size = files.exe.length;
  /** Null: the whole file, as there is no such range or it cannot be understood. */
  const ranges: readonly [
    range: string,
    part: readonly [number, number] | null,
    more?: Record<string, string>,
  ][] = [
    ['bytes=0-0', [0, 0]],
    ['bytes=0-99', [0, 99]],
    ['Bytes=5-9', [5, 9]],
    [`bytes=${size - 1}-${size - 1}`, [size - 1, size - 1]],
    ['bytes=-1', [size - 1, size - 1]],
    ['bytes=-100', [size - 100, size - 1]],
    [`bytes=-${size + 100}`, [0, size - 1]],
    ['bytes=100-', [100, size - 1]],
    [`bytes=100-${size * 10}`, [100, size - 1]],
    ['bytes=0-9', [0, 9], { 'if-range': etag }],
    ['bytes=0-9', null, { 'if-range': '"other"' }],
    ['bytes=9-0', null],
    ['bytes=0-1,5-6', null],
    ['bytes=-', null],
    ['bytes=a-b', null],
    ['lines=0-9', null],
  ];
  for (const [range, part, more = {}] of ranges) {
    const response = await chs.fetch(path, { headers: { range, ...more } });
    const [start, end] = part ?? [0, size - 1];
    t.equal(response.status, part ? 206 : 200, range);
    t.equal(response.headers.get('content-range'), part ? `bytes ${start}-${end}/${size}` : null, range);
    t.equal(response.headers.get('content-length'), String(end - start + 1), range);
    t.equal(Buffer.compare(await bytesOf(response), files.exe.subarray(start, end + 1)), 0, range);
  }
  for (const range of [
    `bytes=${size}-`,
    `bytes=${size}-${size + 5}`,
    'bytes=-0',
    `bytes=${'9'.repeat(400)}-`,
  ]) {
    const answer = await ask(chs, path, { headers: { range } });
    t.match(answer, { status: 416, body: { success: false, code: 'RANGE_NOT_SATISFIABLE' } }, range);
    t.equal(answer.headers.get('content-range'), `bytes */${size}`, range);
  }
  const head = await chs.fetch(path, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
  t.match([head.status, head.headers.get('content-length')], [200, String(size)], 'a range is for GET alone');
});

inBoth('names files so that no client can be harmed', async (t, chs) => {
  const names: readonly [declared: string, disposition: string][] = [
    ["it's (1).pdb", `attachment; filename="it's (1).pdb"`],
    ['100%.pdb', `attachment; filename="100_.pdb"; filename*=UTF-8''100%25.pdb`],
    [
      'сборка ü.pdb',
      `attachment; filename="______ _.pdb"; filename*=UTF-8''%D1%81%D0%B1%D0%BE%D1%80%D0%BA%D0%B0%20%C3%BC.pdb`,
    ],
    ['文件.pdb', `attachment; filename="__.pdb"; filename*=UTF-8''%E6%96%87%E4%BB%B6.pdb`],
    ['no-extension', 'attachment; filename="no-extension"'],
  ];
  for (const [declared, disposition] of names) {
    const id = await storedId(chs, 'pdb', { pdb_filename: declared }, mutated(files.pdb, declared));
    const response = await chs.fetch(`/download/pdb/${id}`);
    t.equal(response.headers.get('content-disposition'), disposition);
    await response.arrayBuffer();
  }
});

inBoth('says so when a file is gone from the disk, without naming the server’s folders', async (t, chs) => {
  for (const kind of kinds) {
    const answer = await send(chs, kind, null, files[kind]);
    const shownPath = textAt(answer, 'data', 'file_path');
    rmSync(join(chs.folder, shownPath));
    const missing = await ask(chs, `/download/${kind}/${textAt(answer, 'data', `${kind}_id`)}`);
    t.match(missing, { status: 404, body: { success: false, code: 'FILE_MISSING', error: shownPath } });
    t.notMatch(at(missing.body, 'error'), chs.folder);
    const again = await send(chs, kind, null, files[kind]);
    t.match(at(again.body, 'data', 'warnings', 0), 'restored', 'the same bytes again put it back');
    t.equal((await chs.fetch(`/download/${kind}/${textAt(again, 'data', `${kind}_id`)}`)).status, 200);
  }
});

inBoth('knows no such id', async (t, chs) => {
  for (const kind of kinds) {
    for (const id of ['550e8400-e29b-41d4-a716-446655440000', 'x', '0'.repeat(64)]) {
      const answer = await ask(chs, `/api/download/${kind}/${id}`);
      t.match(answer, { status: 404, body: { code: `${kind.toUpperCase()}_NOT_FOUND`, error: id } });
    }
    for (const id of ['x'.repeat(65), '%2e%2e%2fetc', "x'--", '%00', '%ff', '%zz', 'a%2Fb', '%F0%9F%92%A9']) {
      const answer = await ask(chs, `/api/download/${kind}/${id}`);
      t.match(answer, { status: 400, body: { success: false, code: 'INVALID_INPUT' } }, id);
    }
  }
});

inBoth('refuses to go on with another file than the one begun with', async (t, chs) => {
  const path = `/download/pdb/${await storedId(chs, 'pdb')}`;
  const first = await chs.fetch(path);
  await first.arrayBuffer();
  const etag = first.headers.get('etag') ?? '';
  const modified = first.headers.get('last-modified') ?? '';
  const past = 'Thu, 01 Jan 1970 00:00:00 GMT';
  const range = 'bytes=0-3';
  const conditions: readonly [headers: Record<string, string>, status: number][] = [
    [{ 'if-match': etag }, 200],
    [{ 'if-match': `"other", ${etag}` }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-match': '"other"', range }, 412],
    [{ 'if-match': etag, range }, 206],
    [{ 'if-match': etag, 'if-unmodified-since': past }, 200],
    [{ 'if-unmodified-since': modified }, 200],
    [{ 'if-unmodified-since': past }, 412],
    [{ 'if-unmodified-since': 'no date' }, 200],
    [{ 'if-range': modified, range }, 206],
    [{ 'if-range': etag, range }, 206],
    [{ 'if-range': past, range }, 200],
    [{ 'if-range': '"other"', range }, 200],
    [{ 'if-range': `W/${etag}`, range }, 200],
  ];
  for (const [headers, status] of conditions) {
    const response = await chs.fetch(path, { headers });
    const text = await response.text();
    t.equal(response.status, status, JSON.stringify(headers));
    if (status === 412) t.match(JSON.parse(text), { success: false, code: 'PRECONDITION_FAILED' });
  }
});

inBoth('finds an ID in whatever case it is written', async (t, chs) => {
  for (const kind of kinds) {
    const id = await storedId(chs, kind);
    const download = await chs.fetch(`/download/${kind}/${id.toUpperCase()}`);
    t.equal(Buffer.compare(await bytesOf(download), files[kind]), 0);
    const shown = await ask(chs, `/${kind}s/${id.toUpperCase()}`);
    t.equal(at(shown.body, 'data', kind, 'id'), id);
    if (kind === 'minidump') t.ok(at(shown.body, 'data', 'details'), 'with its details');
    const deleted = await ask(chs, `/${kind}s/${id.toUpperCase()}`, { method: 'DELETE' });
    t.match(deleted, { status: 200, body: { data: { deleted: true, id } } });
    t.equal((await ask(chs, `/${kind}s/${id}`)).status, 404);
  }
});
