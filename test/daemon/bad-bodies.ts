/** Request bodies that no upload route takes, and the words in which each is refused. */
import { gzipSync } from 'node:zlib';
import { crashme } from '../fixtures/chs.ts';
import { type FileKind, formOf } from './wire.ts';

export const files: Record<FileKind, Buffer> = {
  minidump: crashme('av.dmp'),
  pdb: crashme('crashme.pdb'),
  exe: crashme('crashme.exe'),
};

/** A multipart body with the boundary B; a part is its Content-Disposition and its bytes. */
export function multipart(
  parts: readonly [header: string, body: string | Buffer][],
  end = '--B--\r\n',
): Buffer {
  const pieces = parts.flatMap(([header, body]) => [
    Buffer.from(`--B\r\nContent-Disposition: form-data; ${header}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

export interface BadBody {
  readonly name: string;
  readonly code: string;
  readonly words: string | RegExp;
  readonly status?: number;
  readonly body: (kind: FileKind) => RequestInit['body'];
  readonly headers?: Record<string, string>;
}

export const multipartB = { 'content-type': 'multipart/form-data; boundary=B' };
const file = (kind: FileKind): [string, Buffer] => [`name="${kind}"; filename="x.bin"`, files[kind]];
const metadata = (text: string): [string, string] => ['name="metadata"', text];

export const badBodies: readonly BadBody[] = [
  {
    name: 'an empty file',
    code: 'EMPTY_FILE',
    words: 'empty',
    body: (kind) => formOf(kind, {}, Buffer.alloc(0)),
  },
  {
    name: 'a file of another type',
    code: 'WRONG_FILE_TYPE',
    words: 'wrong file type',
    body: (kind) => formOf(kind, {}, Buffer.from('<html>no</html>')),
  },
  {
    name: 'one byte',
    code: 'WRONG_FILE_TYPE',
    words: 'wrong file type',
    body: (kind) => formOf(kind, {}, Buffer.from('M')),
  },
  {
    name: 'the file of another kind',
    code: 'WRONG_FILE_TYPE',
    words: 'wrong file type',
    body: (kind) => formOf(kind, {}, files[kind === 'pdb' ? 'exe' : 'pdb']),
  },
  {
    name: 'no file part',
    code: 'MISSING_PART',
    words: 'no file part named',
    headers: multipartB,
    body: () => multipart([metadata('{}')]),
  },
  {
    name: 'no part at all',
    code: 'MISSING_PART',
    words: 'no file part named',
    headers: multipartB,
    body: () => multipart([]),
  },
  {
    name: 'a file sent as text',
    code: 'BAD_MULTIPART',
    words: 'has no filename',
    headers: multipartB,
    body: (kind) => multipart([[`name="${kind}"`, 'MDMP']]),
  },
  {
    name: 'metadata that are no JSON',
    code: 'INVALID_METADATA',
    words: 'not a JSON object',
    body: (kind) => formOf(kind, 'exe_version=1', files[kind]),
  },
  {
    name: 'metadata that end too early',
    code: 'INVALID_METADATA',
    words: 'not a JSON object',
    body: (kind) => formOf(kind, '{"exe_version":', files[kind]),
  },
  {
    name: 'metadata that are an array',
    code: 'INVALID_METADATA',
    words: 'it is an array',
    body: (kind) => formOf(kind, '[]', files[kind]),
  },
  {
    name: 'metadata that are null',
    code: 'INVALID_METADATA',
    words: 'it is null',
    body: (kind) => formOf(kind, 'null', files[kind]),
  },
  {
    name: 'metadata that are too long',
    code: 'INVALID_METADATA',
    words: 'longer than 65536 bytes',
    body: (kind) => formOf(kind, `{"x":"${'x'.repeat(70_000)}"}`, files[kind]),
  },
  {
    name: 'long metadata sent as a file',
    code: 'INVALID_METADATA',
    words: 'longer than 65536 bytes',
    headers: multipartB,
    body: (kind) =>
      multipart([file(kind), ['name="metadata"; filename="m"', `{"x":"${'x'.repeat(70_000)}"}`]]),
  },
  {
    name: 'bad metadata after the file',
    code: 'INVALID_METADATA',
    words: 'not a JSON object',
    headers: multipartB,
    body: (kind) => multipart([file(kind), metadata('{')]),
  },
  {
    name: 'an unknown text part',
    code: 'UNKNOWN_PART',
    words: '"extra"',
    headers: multipartB,
    body: (kind) => multipart([file(kind), ['name="extra"', '1']]),
  },
  {
    name: 'an unknown file part',
    code: 'UNKNOWN_PART',
    words: '"extra"',
    headers: multipartB,
    body: (kind) => multipart([file(kind), ['name="extra"; filename="e"', '1']]),
  },
  {
    name: 'the file twice',
    code: 'REPEATED_PART',
    words: 'sent twice',
    headers: multipartB,
    body: (kind) => multipart([file(kind), file(kind)]),
  },
  {
    name: 'the metadata twice',
    code: 'REPEATED_PART',
    words: '"metadata" was sent twice',
    headers: multipartB,
    body: (kind) => multipart([metadata('{}'), file(kind), metadata('{}')]),
  },
  {
    name: 'the metadata twice, as files',
    code: 'REPEATED_PART',
    words: '"metadata" was sent twice',
    headers: multipartB,
    body: (kind) =>
      multipart([
        file(kind),
        ['name="metadata"; filename="m"', '{}'],
        ['name="metadata"; filename="m"', '{}'],
      ]),
  },
  {
    name: '10,000 parts',
    code: 'UNKNOWN_PART',
    words: '"p"',
    headers: multipartB,
    body: () => multipart(Array.from({ length: 10_000 }, () => ['name="p"', ''] as [string, string])),
  },
  {
    name: 'a hundred empty metadata files',
    code: 'BAD_MULTIPART',
    words: 'more than 16 parts',
    headers: multipartB,
    body: () =>
      multipart(Array.from({ length: 100 }, () => ['name="metadata"; filename="m"', ''] as [string, string])),
  },
  {
    name: 'a multipart body without its end',
    code: 'BODY_TRUNCATED',
    words: 'ended too early',
    headers: multipartB,
    body: (kind) => multipart([metadata('{}'), file(kind)], ''),
  },
  {
    name: 'a multipart body whose lines end with LF alone',
    code: 'BAD_MULTIPART',
    words: 'LF alone',
    headers: multipartB,
    body: (kind) =>
      multipart([metadata('{}'), [`name="${kind}"; filename="f"`, 'MDMP']])
        .toString()
        .replaceAll('\r\n', '\n'),
  },
  {
    name: 'a multipart body cut in the file',
    code: 'BODY_TRUNCATED',
    words: 'ended too early',
    headers: multipartB,
    body: (kind) => multipart([file(kind)]).subarray(0, 5000),
  },
  {
    name: 'an empty multipart body',
    code: 'BODY_TRUNCATED',
    words: 'ended too early',
    headers: multipartB,
    body: () => Buffer.alloc(0),
  },
  {
    name: 'a part header without an end',
    code: 'BAD_MULTIPART',
    words: 'malformed',
    headers: multipartB,
    body: () => `--B\r\nContent-Disposition: form-data; ${'x'.repeat(100_000)}`,
  },
  {
    name: 'a multipart body without a boundary',
    code: 'BAD_MULTIPART',
    words: 'malformed',
    headers: { 'content-type': 'multipart/form-data' },
    body: (kind) => multipart([file(kind)]),
  },
  {
    name: 'a body of another type',
    code: 'NOT_MULTIPART',
    words: 'text/plain',
    headers: { 'content-type': 'text/plain' },
    body: () => 'MDMP',
  },
  {
    name: 'JSON instead of a file',
    code: 'NOT_MULTIPART',
    words: 'application/json',
    headers: { 'content-type': 'application/json' },
    body: () => '{}',
  },
  {
    name: 'an unknown encoding',
    status: 415,
    code: 'UNSUPPORTED_ENCODING',
    words: '"br"',
    headers: { ...multipartB, 'content-encoding': 'br' },
    body: (kind) => multipart([file(kind)]),
  },
  {
    name: 'two encodings',
    status: 415,
    code: 'UNSUPPORTED_ENCODING',
    words: 'gzip, gzip',
    headers: { ...multipartB, 'content-encoding': 'gzip, gzip' },
    body: (kind) => multipart([file(kind)]),
  },
  {
    name: 'gzip that is none',
    code: 'BAD_ENCODING',
    words: 'not valid gzip',
    headers: { ...multipartB, 'content-encoding': 'gzip' },
    body: (kind) => multipart([file(kind)]),
  },
  {
    name: 'gzip cut in half',
    code: 'BAD_ENCODING',
    words: 'not valid gzip',
    headers: { ...multipartB, 'content-encoding': 'gzip' },
    body: (kind) => gzipSync(multipart([file(kind)])).subarray(0, 3000),
  },
];
