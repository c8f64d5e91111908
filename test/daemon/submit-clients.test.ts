/** Real clients' requests to /submit, byte for byte, over a socket. */
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createClient } from '../../src/connect.ts';
import { crashOperations } from '../../src/crash/operations.ts';
import { createHttpTransport } from '../../src/http-transport.ts';
import { crashme, type Reached, reach, TEST_KEY } from '../fixtures/chs.ts';
import {
  breakpadBody,
  crashpadBody,
  dumpFile,
  mozillaBody,
  type SubmissionBody,
  storedDump,
  submit,
} from './submission-bodies.ts';
import { at, inBoth, stored } from './wire.ts';

const av = crashme('av.dmp');

/** Chunks of the sizes that Crashpad's HTTPBodyStream gives; the last one is empty. */
function chunked(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16).padStart(8, '0')}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

/** Writes a whole request and reads until the server closes. */
async function overSocket(t: Test, chs: Reached, request: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(Number(new URL(chs.url ?? '').port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  for (const piece of request) socket.write(piece);
  return text(socket);
}

function head(path: string, { contentType }: SubmissionBody, ...headers: string[]): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    `Content-Type: ${contentType}`,
  ];
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n`;
}

const idIn = (reply: string): string =>
  /\r\n\r\nCrashID=([\w-]{36})\n$/.exec(reply)?.[1] ?? `none in ${reply}`;

t.test("Breakpad's sender for Windows: a length, nothing else", async (t) => {
  const chs = await reach(t, 'daemon');
  const texts = { guid: '{5E9A2C4B-0000-4C4C-8044-205044422E01}', prod: 'Game', ptime: '123', ver: '1.2.3' };
  const body = breakpadBody(texts, [dumpFile(av, '0b6a2f3e.dmp')]);
  const length = `Content-Length: ${body.bytes.length}`;
  const reply = await overSocket(t, chs, [head(`/submit?key=${TEST_KEY}`, body, length), body.bytes]);
  t.match(reply, /^HTTP\/1.1 200 OK\r\n/);
  t.same((await storedDump(chs, idIn(reply))).client, texts);
});

t.test('Breakpad on Linux (libcurl): text parts after the file, a file named dump', async (t) => {
  const chs = await reach(t, 'daemon');
  const after = { name: 'ver', fileName: null, bytes: Buffer.from('1.2') };
  const body = breakpadBody({ prod: 'Chrome_Linux' }, [dumpFile(av, 'dump'), after]);
  const headers = [`Content-Length: ${body.bytes.length}`, 'Expect: 100-continue'];
  const reply = await overSocket(t, chs, [head(`/submit?key=${TEST_KEY}`, body, ...headers), body.bytes]);
  t.match(reply, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/);
  t.same((await storedDump(chs, idIn(reply))).client, { prod: 'Chrome_Linux', ver: '1.2' });
});

t.test('Crashpad: gzip in chunks, who it is in the URL, attachments', async (t) => {
  const chs = await reach(t, 'daemon');
  const texts = { prod: 'Game', ver: '7.0', guid: '5e9a2c4b-0000-4c4c-8044-205044422e01', ptype: 'renderer' };
  const log = {
    name: 'game.log',
    fileName: 'game.log',
    bytes: Buffer.from('loaded'),
    type: 'application/octet-stream',
  };
  const body = crashpadBody(texts, [log, dumpFile(av, '5e9a2c4b.dmp')]);
  const path = `/api/submit?product=Game&version=7.0&guid=${texts.guid}&key=${TEST_KEY}`;
  const headers = ['Content-Encoding: gzip', 'Transfer-Encoding: chunked'];
  for (const size of [1, 7, 32_768]) {
    const bytes = chunked(gzipSync(body.bytes), size);
    const reply = await overSocket(t, chs, [head(path, body, ...headers), bytes]);
    t.match(reply, /^HTTP\/1.1 200 OK\r\n/, `chunks of ${size}`);
    const { client, row } = await storedDump(chs, idIn(reply));
    t.same(client, { ...texts, product: 'Game', version: '7.0', 'game.log': 'loaded' });
    t.equal(at(row, 'size_bytes'), av.length);
  }
  t.equal(stored(chs).length, 1);
});

inBoth("Mozilla's reporter: annotations as one JSON part", async (t, chs) => {
  const extra = {
    ProductName: 'Firefox',
    Version: '128.0',
    BuildID: '20240704121409',
    Throttleable: '1',
    StackTraces: { status: 'OK', crash_info: { crashing_thread: 0 } },
    UptimeTS: 12.5,
    SafeMode: false,
    Nothing: null,
  };
  const expected = {
    ...extra,
    StackTraces: '{"status":"OK","crash_info":{"crashing_thread":0}}',
    UptimeTS: '12.5',
    SafeMode: 'false',
    Nothing: 'null',
  };
  const memory = {
    name: 'memory_report',
    fileName: 'm.json.gz',
    bytes: gzipSync('{}'),
    type: 'application/gzip',
  };
  const first = await submit(chs, mozillaBody(extra, [dumpFile(av), memory]));
  const { client, warnings } = await storedDump(chs, first.id);
  t.same(client, expected);
  t.match(warnings, [/^The attachment "memory_report" \(\d+ bytes\) is not kept$/]);

  const inOtherForms: Parameters<typeof mozillaBody>[2][] = [
    { fileName: null, type: 'application/json' },
    { fileName: null, type: undefined },
    { fileName: 'extra.json', type: undefined },
  ];
  for (const form of inOtherForms) {
    const bytes = Buffer.concat([av, Buffer.from(JSON.stringify(form))]);
    const part = { name: 'Version', fileName: null, bytes: Buffer.from('129.0') };
    const { id } = await submit(chs, mozillaBody(extra, [part, dumpFile(bytes)], form));
    t.same((await storedDump(chs, id)).client, { ...expected, Version: '129.0' }, 'a part of its own wins');
  }
  const broken = await submit(chs, mozillaBody({}, [dumpFile(av)], { bytes: Buffer.from('{"a":') }));
  t.match(broken, {
    status: 400,
    text: /^Discarded=invalid_annotations\nError=the part "extra" is not a JSON object/,
  });
  const list = await submit(chs, mozillaBody({}, [dumpFile(av)], { bytes: Buffer.from('[1]') }));
  t.match(list, { status: 400, text: /^Discarded=invalid_annotations\nError=.*it is an array/ });
  const word = { fileName: null, type: undefined, bytes: Buffer.from('cheese') };
  const other = await submit(chs, mozillaBody({}, [dumpFile(Buffer.concat([av, Buffer.from('!')]))], word));
  t.same((await storedDump(chs, other.id)).client, { extra: 'cheese' }, 'a text may have that name');
});

t.test('the typed client submits a dump with its annotations', async (t) => {
  const chs = await reach(t, 'daemon');
  const transport = createHttpTransport(new URL(chs.url ?? ''), 10_000);
  t.teardown(() => transport.close());
  const client = createClient(crashOperations, { transport, apiKey: TEST_KEY, language: 'en' });
  const sent = await client.submitCrash(
    { prod: 'Game' },
    { bytes: Readable.from([av]), sizeBytes: av.length },
  );
  t.same((await storedDump(chs, sent.crash_id)).client, { prod: 'Game' });
  const html = { bytes: Readable.from([Buffer.from('<html>')]), sizeBytes: 6 };
  await t.rejects(client.submitCrash({}, html), { code: 'WRONG_FILE_TYPE', message: /wrong file type/ });
});
