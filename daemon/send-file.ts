/** Replies with a file: validators, one byte range, a name that cannot harm (RFC 9110, RFC 6266). */
import { Readable } from 'node:stream';
import type { BytesReply } from '../src/operation.ts';
import { ChsError } from '../src/platform/errors.ts';

/** Builds the reply to a GET or HEAD; the file is opened only if its bytes go out. */
export function fileResponse(file: BytesReply, request: Request): Response {
  const headers = new Headers({
    'content-type': 'application/octet-stream',
    'content-disposition': contentDisposition(file.fileName),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
  });
  const etag = file.sha256 === null ? null : `"${file.sha256}"`;
  if (etag) headers.set('etag', etag);
  if (file.modifiedAt) headers.set('last-modified', file.modifiedAt.toUTCString());
  if (notModified(file, etag, request.headers)) return new Response(null, { status: 304, headers });

  // RFC 9110, 14.2: Range means something for GET alone.
  const range = request.method === 'GET' ? rangeOf(file, etag, request.headers) : null;
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  headers.set('content-length', String(end - start + 1));
  if (range) headers.set('content-range', `bytes ${start}-${end}/${file.sizeBytes}`);
  const bodyless = request.method === 'HEAD' || file.sizeBytes === 0;
  const body = bodyless ? null : webStream(file.open(start, end));
  return new Response(body, { status: range ? 206 : 200, headers });
}

function webStream(bytes: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(bytes, {
    strategy: new ByteLengthQueuingStrategy({ highWaterMark: 512 * 1024 }),
  }) as ReadableStream<Uint8Array>;
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

function notModified(file: BytesReply, etag: string | null, headers: Headers): boolean {
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== null) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return etag !== null && (tags.includes(etag) || tags.includes('*'));
  }
  const since = Date.parse(headers.get('if-modified-since') ?? '');
  return (
    file.modifiedAt !== null &&
    !Number.isNaN(since) &&
    Math.floor(file.modifiedAt.getTime() / 1000) * 1000 <= since
  );
}

/**
 * The one range asked for; null when there is none, when it is not of bytes, when there are several
 * (the whole file is a valid answer to all of these), or when If-Range names other bytes.
 *
 * @throws ChsError RANGE_NOT_SATISFIABLE
 */
function rangeOf(
  file: BytesReply,
  etag: string | null,
  headers: Headers,
): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(headers.get('range')?.trim() ?? '');
  const ifRange = headers.get('if-range');
  if (!match || (ifRange !== null && ifRange !== etag)) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  const size = file.sizeBytes;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && first !== '' && Number(last) < Number(first)) return null;
  if (start >= size || (first === '' && Number(last) === 0))
    throw new ChsError('RANGE_NOT_SATISFIABLE', { size });
  return { start, end };
}
