/** Crash submissions as clients build them, byte for byte, and small dumps to go with them. */
import { randomUUID } from 'node:crypto';
import {
  join as joined,
  MinidumpBuilder,
  moduleRecord,
  u32,
  zeros,
} from '../crash/formats/minidump-builder.ts';
import type { Reached } from '../fixtures/chs.ts';
import { at } from './wire.ts';

export interface SubmittedFile {
  readonly name: string;
  readonly fileName: string | null;
  readonly bytes: Uint8Array;
  readonly type?: string;
}

export interface SubmissionBody {
  readonly contentType: string;
  readonly bytes: Buffer;
}

type Texts = Readonly<Record<string, string>>;

/** The part that every client sends. */
export const dumpFile = (bytes: Uint8Array, fileName: string | null = 'crash.dmp'): SubmittedFile => ({
  name: 'upload_file_minidump',
  fileName,
  bytes,
  type: 'application/octet-stream',
});

function body(boundary: string, texts: Texts, files: readonly SubmittedFile[], end: string): Buffer {
  const pieces = Object.entries(texts).map(([name, value]) =>
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  for (const { name, fileName, bytes, type } of files) {
    const file = fileName === null ? '' : `; filename="${fileName}"`;
    const header = type === undefined ? '' : `Content-Type: ${type}\r\n`;
    const disposition = `Content-Disposition: form-data; name="${name}"${file}`;
    pieces.push(Buffer.from(`--${boundary}\r\n${disposition}\r\n${header}\r\n`), Buffer.from(bytes));
    pieces.push(Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--${end}`)]);
}

/** Breakpad's http_upload.cc: texts, then files; a boundary of 27 dashes and 16 hexadecimal digits. */
export function breakpadBody(texts: Texts, files: readonly SubmittedFile[]): SubmissionBody {
  const boundary = `${'-'.repeat(27)}00000000DEADBEEF`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: body(boundary, texts, files, '\r\n'),
  };
}

/** Crashpad's http_multipart_builder.cc: texts and then files in the order of their names. */
export function crashpadBody(texts: Texts, files: readonly SubmittedFile[]): SubmissionBody {
  const boundary = `---MultipartBoundary-${randomUUID().replaceAll('-', '')}---`;
  const sorted = Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: body(boundary, sorted, files, '\r\n'),
  };
}

/** Mozilla's crash reporter: all annotations in one JSON part, then the dump; a quoted boundary, no last line's end. */
export function mozillaBody(
  extra: Readonly<Record<string, unknown>>,
  files: readonly SubmittedFile[],
  extraFile: Partial<SubmittedFile> = {},
): SubmissionBody {
  const boundary = '------------------------4ebf00fbcf09';
  const part = {
    name: 'extra',
    fileName: 'extra.json',
    type: 'application/json',
    bytes: Buffer.from(JSON.stringify(extra)),
    ...extraFile,
  };
  return {
    contentType: `multipart/form-data; boundary="${boundary}"`,
    bytes: body(boundary, {}, [part, ...files], ''),
  };
}

/** A dump of a program without a version resource, with annotations as Crashpad writes them into it. */
export function unversionedDump(inside: Texts = {}, mark = ''): Uint8Array {
  const builder = new MinidumpBuilder();
  const nameRva = builder.text16('C:\\game\\game.exe');
  const pairs = Object.entries(inside).map(([name, value]) => u32(builder.text8(name), builder.text8(value)));
  const dictionary = builder.location(joined(u32(pairs.length), ...pairs));
  return builder
    .stream(4, joined(u32(1), moduleRecord({ nameRva, sizeOfImage: 4096 })))
    .stream(0x43500001, joined(u32(1), zeros(32), dictionary, zeros(8)))
    .stream(10, Buffer.from(`${mark}\0`))
    .build();
}

export interface Submitted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The ID in the reply; empty when there is none. */
  readonly id: string;
}

export async function submit(
  chs: Reached,
  { contentType, bytes }: SubmissionBody,
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Submitted> {
  const init = {
    method: 'POST',
    body: Uint8Array.from(bytes),
    headers: { 'content-type': contentType, ...headers },
  };
  const response = await chs.fetch(`/submit${query}`, init);
  const text = await response.text();
  const id = /^CrashID=([\w-]{36})\n$/.exec(text)?.[1] ?? '';
  return { status: response.status, headers: response.headers, text, id };
}

/** What is stored of a dump: its annotations by source and name, its row, what there was to warn about. */
export async function storedDump(chs: Reached, id: string) {
  const response = await chs.fetch(`/api/minidumps/${id}`);
  const data: unknown = at(await response.json(), 'data');
  const annotations = at(data, 'annotations');
  const bySource = (source: string): Record<string, unknown> =>
    Object.fromEntries(
      (Array.isArray(annotations) ? annotations : [])
        .filter((annotation) => at(annotation, 'source') === source)
        .map((annotation) => [at(annotation, 'name'), at(annotation, 'value')]),
    );
  return {
    client: bySource('client'),
    dump: bySource('dump'),
    row: at(data, 'minidump'),
    warnings: at(data, 'minidump', 'warnings'),
  };
}
