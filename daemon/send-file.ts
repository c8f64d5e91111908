/** Replies with a file: validators, one byte range, a name that cannot harm (RFC 9110, RFC 6266). */
import type { Readable } from 'node:stream';
import type { BytesReply } from '../src/operation.ts';
import { ChsError } from '../src/platform/errors.ts';
import type { HeaderReader, Reply } from './answer.ts';

/** A reply whose bytes, if it has any, are a file's. */
export type FileReply = Reply & { readonly body: Readable | null };

/** What matters of a request for a file. */
interface FileRequest {
  readonly method: string;
  readonly headers: HeaderReader;
}

/**
 * Builds the reply to a GET or HEAD; the file is opened only if its bytes go out.
 *
 * @throws ChsError PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE
 */
export function fileReply(file: BytesReply, request: FileRequest): FileReply {
  const { sizeBytes } = file;
  const headers: Record<string, string> = {
    'content-type': file.contentType ?? 'application/octet-stream',
    'content-disposition': contentDisposition(file.fileName),
    'accept-ranges': sizeBytes === null ? 'none' : 'bytes',
    'cache-control': 'private, no-cache',
  };
  const validator = file.etag ?? file.sha256;
  const etag = validator === null ? null : `"${validator}"`;
  if (etag) headers.etag = etag;
  if (file.modifiedAt) headers['last-modified'] = file.modifiedAt.toUTCString();
  refuseOthers(file, etag, request.headers);
  if (notModified(file, etag, request.headers)) return { status: 304, headers, body: null };

  const isHead = request.method === 'HEAD';
  if (sizeBytes === null)
    return { status: 200, headers, body: isHead ? null : file.open(0, Number.POSITIVE_INFINITY) };
  // RFC 9110, 14.2: Range means something for GET alone.
  const range = request.method === 'GET' ? rangeOf(file, sizeBytes, etag, request.headers) : null;
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  headers['content-length'] = String(end - start + 1);
  if (range) headers['content-range'] = `bytes ${start}-${end}/${sizeBytes}`;
  const body = isHead || sizeBytes === 0 ? null : file.open(start, end);
  return { status: range ? 206 : 200, headers, body };
}

/** ASCII for old clients, the real name for all others; quotes and control characters in neither. */
export function contentDisposition(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const extended = encodeURIComponent(fileName.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return ascii === fileName
    ? `attachment; filename="${ascii}"`
    : `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}

/**
 * RFC 9110, 13.1.1 and 13.1.4: whoever goes on with a file wants the bytes of the one that they began with.
 *
 * @throws ChsError PRECONDITION_FAILED
 */
function refuseOthers(file: BytesReply, etag: string | null, headers: HeaderReader): void {
  const ifMatch = headers.get('if-match');
  if (ifMatch !== null) {
    // Compared strongly: a weak tag is never the same.
    const tags = ifMatch.split(',').map((tag) => tag.trim());
    const matches = tags.includes('*') || (etag !== null && tags.includes(etag));
    if (!matches) throw new ChsError('PRECONDITION_FAILED');
    return;
  }
  const since = Date.parse(headers.get('if-unmodified-since') ?? '');
  if (!Number.isNaN(since) && file.modifiedAt !== null && wholeSecond(file.modifiedAt) > since)
    throw new ChsError('PRECONDITION_FAILED');
}

/** As headers can say it. */
function wholeSecond(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}

function notModified(file: BytesReply, etag: string | null, headers: HeaderReader): boolean {
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== null) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return etag !== null && (tags.includes(etag) || tags.includes('*'));
  }
  const since = Date.parse(headers.get('if-modified-since') ?? '');
  return file.modifiedAt !== null && !Number.isNaN(since) && wholeSecond(file.modifiedAt) <= since;
}

/**
 * The one range asked for; null when there is none, when it is not of bytes, when there are several
 * (the whole file is a valid answer to all of these), or when If-Range names other bytes.
 *
 * @throws ChsError RANGE_NOT_SATISFIABLE
 */
function rangeOf(
  file: BytesReply,
  size: number,
  etag: string | null,
  headers: HeaderReader,
): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(headers.get('range')?.trim() ?? '');
  const ifRange = headers.get('if-range');
  // RFC 9110, 13.1.5: the very date that was sent, not an earlier or a later one.
  const validators = [null, etag, file.modifiedAt?.toUTCString()];
  if (!match || !validators.includes(ifRange)) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && first !== '' && Number(last) < Number(first)) return null;
  if (start >= size || (first === '' && Number(last) === 0))
    throw new ChsError('RANGE_NOT_SATISFIABLE', { size });
  return { start, end };
}
