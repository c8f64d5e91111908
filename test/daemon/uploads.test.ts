/** Uploads as the documents and real clients send them, and what becomes of them. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { crashme } from '../fixtures/chs.ts';
import { documented, GUID } from './documented.ts';
import {
  type Answer,
  ask,
  at,
  type FileKind,
  formOf,
  inBoth,
  listAt,
  mutated,
  send,
  sendRaw,
  stored,
  textAt,
} from './wire.ts';

const REAL_GUID = '54A340A4-D444-CC37-4C4C-44205044422E';
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const dump = crashme('av.dmp');
const exe = crashme('crashme.exe');
const pdb = crashme('crashme.pdb');

const kinds = Object.keys(documented) as FileKind[];

function idOf(answer: Answer, kind: FileKind): string {
  return textAt(answer, 'data', `${kind}_id`);
}

inBoth('takes the documented multipart of all three kinds, below /api and without', async (t, chs) => {
  for (const kind of kinds) {
    const { metadata, bytes, path } = documented[kind];
    for (const prefix of ['/api', '']) {
      const body = formOf(kind, metadata, bytes);
      const answer = await ask(chs, `${prefix}/upload/${kind}`, { method: 'POST', body });
      t.equal(answer.status, 200, `${kind} ${prefix}`);
      t.equal(at(answer.body, 'success'), true);
      t.match(idOf(answer, kind), ID);
      t.equal(textAt(answer, 'data', 'file_path'), path);
      t.equal(at(answer.body, 'data', 'deduplicated'), prefix === '');
      t.equal(at(answer.body, 'data', 'state'), 'mismatch');
      t.equal(at(answer.body, 'data', 'sha256'), createHash('sha256').update(bytes).digest('hex'));
      t.equal(at(answer.body, 'data', 'size_bytes'), bytes.length);
    }
  }
  t.same(
    stored(chs),
    kinds.map((kind) => documented[kind].path.replace('./storage/', '')).sort(),
    'three files and nothing else',
  );
});

/** Other ways in which clients write the same request. */
const spellings: readonly { name: string; form: (kind: FileKind) => FormData }[] = [
  {
    name: 'the file before the metadata',
    form: (kind) => {
      const data = new FormData();
      data.append(kind, new Blob([Uint8Array.from(documented[kind].bytes)]), 'x');
      data.append('metadata', JSON.stringify(documented[kind].metadata));
      return data;
    },
  },
  {
    name: 'the metadata as a file, before the file',
    form: (kind) => {
      const data = new FormData();
      data.append('metadata', new Blob([JSON.stringify(documented[kind].metadata)]), 'metadata.json');
      data.append(kind, new Blob([Uint8Array.from(documented[kind].bytes)]), 'x');
      return data;
    },
  },
  {
    name: 'the metadata as a file, after the file',
    form: (kind) => {
      const data = new FormData();
      data.append(kind, new Blob([Uint8Array.from(documented[kind].bytes)]), 'x');
      data.append('metadata', new Blob([JSON.stringify(documented[kind].metadata)]), 'metadata.json');
      return data;
    },
  },
  {
    name: 'a byte order mark before the metadata',
    form: (kind) =>
      formOf(kind, `\ufeff${JSON.stringify(documented[kind].metadata)}`, documented[kind].bytes),
  },
  {
    name: 'metadata spread over lines',
    form: (kind) => formOf(kind, JSON.stringify(documented[kind].metadata, null, 4), documented[kind].bytes),
  },
];

for (const { name, form } of spellings) {
  inBoth(`takes ${name}`, async (t, chs) => {
    for (const kind of kinds) {
      const answer = await ask(chs, `/api/upload/${kind}`, { method: 'POST', body: form(kind) });
      t.equal(answer.status, 200, kind);
      t.equal(textAt(answer, 'data', 'file_path'), documented[kind].path);
    }
  });
}

inBoth(
  'takes a multipart body with a type on each part, as Python’s requests sends it, also compressed',
  async (t, chs) => {
    const lines = [
      '--X-chs-1\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n',
      `\r\n${JSON.stringify(documented.exe.metadata)}\r\n`,
      '--X-chs-1\r\nContent-Disposition: form-data; name="exe"; filename="C:\\out\\MyApp.exe"\r\n',
      'Content-Type: application/octet-stream\r\n\r\n',
    ];
    const body = Buffer.concat([Buffer.from(lines.join('')), exe, Buffer.from('\r\n--X-chs-1--\r\n')]);
    const headers = { 'content-type': 'Multipart/Form-Data; boundary="X-chs-1"' };
    const plain = await ask(chs, '/upload/exe', { method: 'POST', body, headers });
    t.equal(plain.status, 200);
    t.equal(textAt(plain, 'data', 'file_path'), documented.exe.path);
    const zipped = await ask(chs, '/upload/exe', {
      method: 'POST',
      body: gzipSync(body),
      headers: { ...headers, 'content-encoding': 'gzip' },
    });
    t.equal(idOf(zipped, 'exe'), idOf(plain, 'exe'), 'the same request, compressed');
  },
);

inBoth('takes a raw body with the input in the query: plain, gzip, chunked', async (t, chs) => {
  const query = `?exe_version=1.0.2.3&exe_guid=${GUID}&exe_age=1&pdb_filename=MyApp.pdb&cache_buster=1`;
  const plain = await sendRaw(chs, 'pdb', query, pdb);
  t.equal(textAt(plain, 'data', 'file_path'), documented.pdb.path);
  t.same(at(plain.body, 'data', 'deduplicated'), false);
  const zipped = await sendRaw(chs, 'pdb', query, gzipSync(pdb), { 'content-encoding': 'gzip' });
  t.equal(idOf(zipped, 'pdb'), idOf(plain, 'pdb'));
  const pieces = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let offset = 0; offset < pdb.length; offset += 10_007)
        controller.enqueue(Uint8Array.from(pdb.subarray(offset, offset + 10_007)));
      controller.close();
    },
  });
  const chunked = await sendRaw(chs, 'pdb', '', pieces, { 'content-type': 'application/octet-stream' });
  t.equal(idOf(chunked, 'pdb'), idOf(plain, 'pdb'));
  t.equal(at(chunked.body, 'data', 'size_bytes'), pdb.length);
});

inBoth('fills what the metadata leave out, or say null to, from the file', async (t, chs) => {
  const nulls = { exe_version: null, exe_guid: null, exe_age: null, pid: null, timestamp: null };
  for (const metadata of [null, '', '{}', nulls]) {
    const answer = await send(chs, 'minidump', metadata, dump);
    t.match(answer.body, {
      data: { state: 'verified', exe_version: '1.2.3.4', exe_guid: REAL_GUID, exe_age: 1, warnings: [] },
    });
    t.match(
      textAt(answer, 'data', 'file_path'),
      /^\.\/storage\/minidumps\/1\.2\.3\.4\/54A340A4-D444-CC37-4C4C-44205044422E_1\/crash_\d{14}_32_36\.dmp$/,
    );
  }
  const image = await send(chs, 'exe', null, exe, 'crashme.exe');
  t.match(image.body, { data: { state: 'verified', exe_version: '1.2.3.4', exe_guid: REAL_GUID } });
  t.equal(textAt(image, 'data', 'file_path'), `./storage/exes/1.2.3.4/${REAL_GUID}/crashme.exe`);
  const symbols = await send(chs, 'pdb', null, pdb, 'crashme.pdb');
  t.match(symbols.body, { data: { state: 'verified', exe_version: null, exe_guid: REAL_GUID, exe_age: 1 } });
  t.equal(
    textAt(symbols, 'data', 'file_path'),
    `./storage/pdbs/unknown/${REAL_GUID}_1/crashme.pdb`,
    'a PDB carries no version',
  );
});

inBoth('keeps the declared and the parsed identity apart', async (t, chs) => {
  const agreeing = { exe_guid: REAL_GUID.toLowerCase(), exe_age: 1, exe_version: '1.2.3.4' };
  const verified = await send(chs, 'minidump', agreeing, dump);
  t.match(verified.body, { data: { state: 'verified', warnings: [] } });
  const mismatch = await send(chs, 'minidump', { exe_guid: GUID, exe_age: 7 }, mutated(dump, '1'));
  t.equal(at(mismatch.body, 'data', 'state'), 'mismatch');
  const warnings = listAt(mismatch, 'data', 'warnings').join('\n');
  t.match(warnings, `exe_guid is declared ${GUID}, the file says ${REAL_GUID}`);
  t.match(warnings, 'exe_age is declared 7, the file says 1');
  const shown = await ask(chs, `/minidumps/${idOf(mismatch, 'minidump')}`);
  t.match(at(shown.body, 'data', 'minidump'), {
    state: 'mismatch',
    exe_guid: GUID,
    exe_age: 7,
    declared: { exe_guid: GUID, exe_age: 7 },
    parsed: { exe_guid: REAL_GUID, exe_age: 1, exe_version: '1.2.3.4', exe_name: 'crashme.exe' },
  });
  const odd = await send(chs, 'minidump', { exe_gui: GUID }, mutated(dump, '2'));
  t.match(
    listAt(odd, 'data', 'warnings').join(),
    '"exe_gui" is not known',
    'a misspelt field is pointed out',
  );
});

inBoth(
  'refuses a mismatch when it is told to be strict, and takes what agrees',
  async (t, chs) => {
    const answer = await send(chs, 'pdb', { exe_guid: GUID }, pdb);
    t.equal(answer.status, 400);
    t.match(answer.body, { success: false, code: 'IDENTITY_MISMATCH', error: GUID });
    t.same(stored(chs), [], 'nothing is left of it');
    t.equal((await send(chs, 'pdb', { exe_guid: REAL_GUID, exe_age: 1 }, pdb)).status, 200);
  },
  { 'storage.strict': true },
);

inBoth('gives the same ID to the same bytes, also when they come at once', async (t, chs) => {
  for (const kind of kinds) {
    const { metadata, bytes } = documented[kind];
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(chs, kind, metadata, bytes)));
    t.same(new Set(answers.map((answer) => answer.status)), new Set([200]));
    t.equal(new Set(answers.map((answer) => idOf(answer, kind))).size, 1, 'one ID');
    const fresh = answers.filter((answer) => at(answer.body, 'data', 'deduplicated') === false);
    t.equal(fresh.length, 1, 'one of them stored it');
    t.equal(new Set(answers.map((answer) => textAt(answer, 'data', 'file_path'))).size, 1);
  }
  t.equal(stored(chs).length, 3, 'one file each');
});

inBoth('keeps another file of the same name beside the first', async (t, chs) => {
  for (const kind of kinds) {
    const { metadata, bytes, path } = documented[kind];
    const first = await send(chs, kind, metadata, bytes);
    const other = mutated(bytes, 'another build');
    const second = await send(chs, kind, metadata, other);
    const third = await send(chs, kind, metadata, mutated(bytes, 'a third'));
    t.equal(textAt(first, 'data', 'file_path'), path);
    t.equal(textAt(second, 'data', 'file_path'), path.replace(/(\.\w+)$/, '-2$1'));
    t.equal(textAt(third, 'data', 'file_path'), path.replace(/(\.\w+)$/, '-3$1'));
    for (const [answer, expected] of [
      [first, bytes],
      [second, other],
    ] as const) {
      const response = await chs.fetch(`/api/download/${kind}/${idOf(answer, kind)}`);
      t.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), expected), 0, `${kind} is intact`);
    }
  }
});
