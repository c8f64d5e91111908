/** Reads multipart/form-data (RFC 7578) with one file and one metadata part, in either order, never holding the file. */
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import type { Discardable, IncomingFile } from '../../src/operation.ts';
import { ChsError } from '../../src/platform/errors.ts';

/** Besides the file and the metadata a client may send a few empty or unknown parts before it is refused. */
const PARTS_MAX = 16;
/** A boundary has 70 characters at most (RFC 2046, 5.1.1). */
const FIRST_LINE_BYTES = 80;

const BARE_LF = 'its lines must end with CR LF, and end with LF alone';

export interface MultipartOptions {
  readonly contentType: string;
  /** The name of the file part. */
  readonly part: string;
  readonly maxMetadataBytes: number;
}

export interface MultipartResult<T> {
  readonly taken: T;
  /** The metadata's text; null when there was no such part. */
  readonly metadata: string | null;
  readonly fileName: string | null;
}

/**
 * @param body the measured body; it is read to its end, or destroyed at the first error
 * @param take receives the file as it arrives
 * @param check looks at the metadata as soon as they are there, and throws to refuse the rest
 * @throws ChsError BAD_MULTIPART, BODY_TRUNCATED, MISSING_PART, UNKNOWN_PART, REPEATED_PART,
 *   INVALID_METADATA; whatever `take`, `check` or the body fail with
 */
export async function readMultipart<T extends Discardable>(
  body: Readable,
  options: MultipartOptions,
  take: (file: IncomingFile) => Promise<T>,
  check: (metadata: string) => void,
): Promise<MultipartResult<T>> {
  const parser = openParser(options);
  const seen: Seen<T> = { failure: null, taking: null, collecting: null, fileName: null, metadata: null };

  const ended = new Promise<void>((resolve) => {
    const fail = (error: unknown): void => {
      seen.failure ??= error ?? new ChsError('BODY_TRUNCATED');
      body.destroy();
      parser.destroy();
      resolve();
    };
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        fail(error);
      }
    };
    const gotMetadata = (text: string | undefined, truncated: boolean): void => {
      if (seen.metadata !== null) throw new ChsError('REPEATED_PART', { part: 'metadata' });
      seen.metadata = wholeMetadata(text, truncated, options);
      check(seen.metadata);
    };

    parser.on('file', (name, stream, info) => {
      stream.on('error', () => {});
      // A parser that was destroyed still goes on to the end of the piece that it has; nobody ends its streams.
      if (seen.failure !== null) stream.destroy();
      else if (name === 'metadata') {
        seen.collecting = collect(stream, options.maxMetadataBytes).then(
          ({ text, truncated }) => attempt(() => gotMetadata(text, truncated)),
          fail,
        );
      } else if (name !== options.part) fail(unknownPart(name, options));
      else if (seen.taking) fail(new ChsError('REPEATED_PART', { part: name }));
      else {
        seen.fileName = info.filename || null;
        seen.taking = take({ bytes: stream, fileName: seen.fileName });
        seen.taking.catch(fail);
      }
    });
    parser.on('field', (name, text) =>
      attempt(() => {
        if (name === 'metadata')
          gotMetadata(text, text !== undefined && Buffer.byteLength(text) > options.maxMetadataBytes);
        else if (name === options.part)
          throw new ChsError('BAD_MULTIPART', { reason: withoutFileName(name) });
        else throw unknownPart(name, options);
      }),
    );
    parser.on('partsLimit', () =>
      fail(new ChsError('BAD_MULTIPART', { reason: `more than ${PARTS_MAX} parts` })),
    );
    parser.on('error', (error) => fail(multipartError(error, hasBareLineFeeds())));
    parser.on('close', resolve);
    body.once('error', fail);
    const hasBareLineFeeds = watchFirstLine(body);
    body.pipe(parser);
  });

  await ended;
  return finish(seen, options);
}

/** What was taken, or nothing of it where anything failed. */
async function finish<T extends Discardable>(
  seen: Seen<T>,
  { part }: MultipartOptions,
): Promise<MultipartResult<T>> {
  // The parser may be done before the last of the metadata's file has been looked at.
  if (seen.failure === null) await seen.collecting;
  // Its failure, if it failed, is in `seen` already.
  const taken = seen.taking ? await seen.taking.catch(() => null) : null;
  if (seen.failure === null && taken !== null) {
    return { taken, metadata: seen.metadata, fileName: seen.fileName };
  }
  await taken?.discard();
  throw seen.failure ?? new ChsError('MISSING_PART', { part });
}

/** What has come by so far. */
interface Seen<T> {
  failure: unknown;
  taking: Promise<T> | null;
  /** Metadata that arrive as a file. */
  collecting: Promise<void> | null;
  fileName: string | null;
  metadata: string | null;
}

/** @throws ChsError INVALID_METADATA */
function wholeMetadata(
  text: string | undefined,
  truncated: boolean,
  { maxMetadataBytes }: MultipartOptions,
): string {
  const limit = `${maxMetadataBytes} bytes (storage.max_metadata_size)`;
  if (truncated) throw new ChsError('INVALID_METADATA', { reason: `longer than ${limit}` });
  // The parser gives nothing at all for a charset that it does not know.
  if (typeof text !== 'string')
    throw new ChsError('INVALID_METADATA', { reason: 'its charset is not UTF-8' });
  return text;
}

function openParser(options: MultipartOptions): busboy.Busboy {
  try {
    return busboy({
      headers: { 'content-type': withQuotedBoundary(options.contentType) },
      defParamCharset: 'utf8',
      fileHwm: 64 * 1024,
      limits: {
        parts: PARTS_MAX,
        files: PARTS_MAX,
        fields: PARTS_MAX,
        fieldNameSize: 200,
        // One more than may be, so that what is cut was too long.
        fieldSize: options.maxMetadataBytes + 1,
        headerPairs: 50,
      },
    });
  } catch (error) {
    throw multipartError(error);
  }
}

/** Clients leave out the quotes that RFC 2045 wants around a boundary with `:` or `/` in it. */
function withQuotedBoundary(contentType: string): string {
  return contentType.replace(/;\s*boundary=([^"\s;]+)/i, '; boundary="$1"');
}

function multipartError(error: unknown, hasBareLineFeeds = false): ChsError {
  if (hasBareLineFeeds) return new ChsError('BAD_MULTIPART', { reason: BARE_LF }, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  if (/unexpected end/i.test(reason)) return new ChsError('BODY_TRUNCATED', {}, { cause: error });
  return new ChsError('BAD_MULTIPART', { reason }, { cause: error });
}

/** The parser takes such a part for text, which is not streamed. */
function withoutFileName(part: string): string {
  return `the part "${part}" has no filename, so it counts as text; with curl: -F "${part}=@FILE"`;
}

/** Says afterwards whether the first line ended with LF alone: then the parser found no part at all. */
function watchFirstLine(body: Readable): () => boolean {
  let head = '';
  const look = (piece: Uint8Array): void => {
    head += Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1', 0, FIRST_LINE_BYTES);
    if (head.length >= FIRST_LINE_BYTES) body.off('data', look);
  };
  body.on('data', look);
  return () => /^[^\r\n]*\n/.test(head);
}

function unknownPart(name: string, { part }: MultipartOptions): ChsError {
  return new ChsError('UNKNOWN_PART', { part: name, known: `metadata, ${part}` });
}

/** Metadata that came with a file name, as `curl -F metadata=@file` sends them. */
async function collect(stream: Readable, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.length;
    if (bytes > maxBytes) return { text: '', truncated: true };
    pieces.push(piece);
  }
  return { text: Buffer.concat(pieces).toString('utf8'), truncated: false };
}
