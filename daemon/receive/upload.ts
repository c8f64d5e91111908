/** A request with a file, as the operations see it: multipart or raw, one way to take both. */
import type { Readable } from 'node:stream';
import {
  type Discardable,
  type IncomingFile,
  inputKeys,
  type Operation,
  type Received,
  type Upload,
} from '../../src/operation.ts';
import { type AnnotationLimits, createAnnotationCounter } from '../../src/platform/annotation-limits.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { decodeTexts, parseInput, parseJsonObject } from '../decode.ts';
import { encodingOf, meterBody, refuseTooLong } from './meter.ts';

/** Part headers, boundaries and the like, on top of the file and the metadata. */
const MULTIPART_OVERHEAD_BYTES = 256 * 1024;

export interface UploadRequest {
  readonly operation: Operation;
  /** Gives the body once it is wanted. */
  readonly body: () => Readable;
  readonly contentLength: number | null;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  /** Path parameters and query. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface UploadLimits {
  readonly maxFileBytes: number;
  readonly maxMetadataBytes: number;
  readonly idleTimeoutMs: number;
  readonly annotations: AnnotationLimits;
}

export function createUpload(
  { operation, ...request }: UploadRequest,
  limits: UploadLimits,
): Upload<unknown> {
  const part = operation.body?.part ?? 'file';
  const isAnnotated = operation.body?.annotated === true;
  const measured = async <T>(read: (body: Readable) => Promise<T>): Promise<T> => {
    const options = {
      encoding: encodingOf(request.contentEncoding),
      maxFileBytes: limits.maxFileBytes,
      setting: operation.body?.limit ?? '',
      allowanceBytes:
        MULTIPART_OVERHEAD_BYTES + (isAnnotated ? besidesBytes(limits) : limits.maxMetadataBytes),
      idleTimeoutMs: limits.idleTimeoutMs,
    };
    refuseTooLong(request.contentLength, options);
    const body = meterBody(request.body(), options);
    // Whoever gives up before reading anything leaves a body that nobody listens to.
    body.on('error', () => {});
    try {
      return await read(body);
    } finally {
      body.destroy();
    }
  };

  return {
    async receive<T extends Discardable>(
      take: (file: IncomingFile) => Promise<T>,
    ): Promise<Received<unknown, T>> {
      const type = (request.contentType ?? '').trim();
      const isMultipart = /^multipart\/form-data/i.test(type);
      if (isMultipart && isAnnotated) {
        const options = { contentType: type, part, query: request.texts, limits: limits.annotations };
        const { readSubmission } = await import('./submission.ts');
        return measured((body) => readSubmission(body, options, take));
      }
      if (isMultipart) {
        let input: Record<string, unknown> = {};
        const options = { contentType: type, part, maxMetadataBytes: limits.maxMetadataBytes };
        const check = (metadata: string): void => {
          input = metadata.trim() === '' ? {} : withoutNulls(parseJsonObject(metadata, notJson));
          parseInput(operation, input);
        };
        // Commands send the file as it is; its parser is for other clients.
        const { readMultipart } = await import('./multipart.ts');
        const result = await measured((body) => readMultipart(body, options, take, check));
        const known = inputKeys(operation);
        const unknownFields = Object.keys(input).filter((name) => !known.includes(name));
        return {
          input: parseInput(operation, input),
          unknownFields,
          taken: result.taken,
          fileName: result.fileName,
        };
      }
      if (
        type === '' ||
        /^application\/(octet-stream|x-dmp|x-msdownload|vnd\.microsoft\.portable-executable)\b/i.test(type)
      ) {
        const input = isAnnotated
          ? annotationsIn(request.texts, limits.annotations)
          : decodeTexts(operation, request.texts);
        const taken = await measured((bytes) => take({ bytes, fileName: null }));
        return { input, unknownFields: [], taken, fileName: null };
      }
      throw new ChsError('NOT_MULTIPART', { type });
    },
  };
}

/** Files that come beside a dump are read and mostly not kept; together they may be as large as one. */
function besidesBytes({ annotations, maxFileBytes }: UploadLimits): number {
  return annotations.maxBytes + maxFileBytes;
}

/** @throws ChsError ANNOTATION_LIMIT */
function annotationsIn(texts: UploadRequest['texts'], limits: AnnotationLimits): UploadRequest['texts'] {
  const counter = createAnnotationCounter(limits);
  for (const [name, value] of Object.entries(texts)) counter.add(name, Buffer.byteLength(value));
  return texts;
}

function notJson(reason: string): ChsError {
  return new ChsError('INVALID_METADATA', { reason });
}

/** Clients write null for what they do not know; it means the same as leaving the field out. */
function withoutNulls(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}
