/** The connection to a server of S3: loaded when it is needed, bounded in time and bytes, its errors made plain. */
import { PassThrough, Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { ChsError } from '../../platform/errors.ts';
import { reasonOf } from './reasons.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
/** Of one request; each after a pause that grows. */
const ATTEMPTS_MAX = 4;
/** Of a reply that is not a file: a page of a list is far smaller, and a server of whatever kind may send more. */
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

/** The names are those of the configuration. */
export interface S3Settings {
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** Without keys, those of the usual AWS_* variables and files. */
  readonly access_key_id?: string | undefined;
  readonly secret_access_key?: string | undefined;
  readonly path_style: boolean;
}

type Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Connection {
  /** For people: `s3://BUCKET/PREFIX`. */
  readonly place: string;
  readonly bucket: string;
  /** Runs requests; the SDK is loaded for the first. Errors are those of `refusal`. */
  run<T>(work: (client: S3Client, sdk: Sdk) => Promise<T>): Promise<T>;
  /** BACKUP_TARGET of this place. */
  refusal(reason: string): ChsError;
  close(): void;
}

/** @param settings see S3Settings; a key without its secret is refused at the first request */
export function connectToS3(place: string, bucket: string, settings: S3Settings): S3Connection {
  let loading: Promise<{ client: S3Client; sdk: Sdk }> | null = null;
  const refusal = (reason: string, cause?: unknown): ChsError =>
    new ChsError('BACKUP_TARGET', { place, reason }, { cause });

  return {
    place,
    bucket,
    async run(work) {
      const { access_key_id: key, secret_access_key: secret } = settings;
      if ((key === undefined) !== (secret === undefined)) {
        throw refusal(
          key === undefined ? 'the access key is not set' : 'the secret of the access key is not set',
        );
      }
      loading ??= load(settings);
      const { client, sdk } = await loading;
      try {
        return await work(client, sdk);
      } catch (error) {
        throw plainError(error, refusal);
      }
    },
    refusal,
    close() {
      loading?.then(
        ({ client }) => client.destroy(),
        () => {},
      );
    },
  };
}

/** A failed request; the SDK's own error stays inside, as it may name keys. */
export interface RequestFailure extends Error {
  readonly isRequestFailure: true;
  /** What S3 calls the error, such as `NoSuchKey`. */
  readonly s3Code: string;
  /** Of HTTP; 0 when there was no reply. */
  readonly status: number;
}

/** The failure behind an error of `run`; null for errors of any other kind. */
export function failureOf(error: unknown): RequestFailure | null {
  const cause = error instanceof ChsError ? error.cause : null;
  return cause instanceof Error && 'isRequestFailure' in cause ? (cause as RequestFailure) : null;
}

export function isAbsent(error: unknown): boolean {
  const failure = failureOf(error);
  return failure !== null && failure.status === 404 && failure.s3Code !== 'NoSuchBucket';
}

/** The server does not know what was asked of it, or one of the headers. */
export function isUnknownToServer(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure === null) return false;
  const isUnknown =
    /^(NotImplemented|InvalidArgument|InvalidRequest|MethodNotAllowed|BadRequest|UnsupportedHeader)$/;
  return failure.status === 501 || failure.status === 405 || isUnknown.test(failure.s3Code);
}

function plainError(error: unknown, refusal: (reason: string, cause: unknown) => ChsError): unknown {
  if (error instanceof ChsError || !(error instanceof Error) || error.name === 'AbortError') return error;
  const { s3Code, status, reason } = reasonOf(error);
  if (reason === null) return error;
  const failure = Object.assign(new Error(`${s3Code} (status ${status})`), {
    isRequestFailure: true as const,
    s3Code,
    status,
  });
  return refusal(reason, failure);
}

async function load(settings: S3Settings): Promise<{ client: S3Client; sdk: Sdk }> {
  // The pinned version supports the versions of Node.js that chs does; later ones do not.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const sdk = await import('@aws-sdk/client-s3');
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, endpoint } = settings;
  const client = new sdk.S3Client({
    region: settings.region,
    forcePathStyle: settings.path_style,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
    maxAttempts: ATTEMPTS_MAX,
    // Few servers but Amazon know the newer checksums; files are compared with SHA-256 in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
  });
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      boundReply(result.response, context.commandName === 'GetObjectCommand');
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'boundReply' },
  );
  return { client, sdk };
}

/** The SDK takes whole replies into memory, but for files. */
function boundReply(response: unknown, isFile: boolean): void {
  const reply = response as { statusCode?: number; body?: unknown };
  const body = reply.body;
  if (!(body instanceof Readable) || (isFile && (reply.statusCode ?? 0) < 300)) return;
  let receivedBytes = 0;
  const bounded = new PassThrough();
  body.on('data', (piece: Buffer) => {
    receivedBytes += piece.length;
    if (receivedBytes > REPLY_BYTES_MAX) body.destroy(new Error('endless reply'));
  });
  body.on('error', (error) => bounded.destroy(error));
  body.pipe(bounded);
  reply.body = bounded;
}

/**
 * The pieces of a file's body. One that comes to no end, to an end too early, or to a stand is an error.
 *
 * @param sizeBytes what it must have
 */
export async function* bodyPieces(
  body: unknown,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!(body instanceof Readable)) throw new Error('no body');
  const idle = setTimeout(() => body.destroy(timeout()), IDLE_TIMEOUT_MS).unref();
  const stop = (): void => void body.destroy(new Error('aborted'));
  signal?.addEventListener('abort', stop);
  let receivedBytes = 0;
  try {
    for await (const piece of body) {
      receivedBytes += piece.length;
      if (receivedBytes > sizeBytes) throw truncated('TooLong');
      idle.refresh();
      yield piece;
      // However long whoever reads takes for it.
      idle.refresh();
    }
    if (receivedBytes < sizeBytes) throw truncated('TooShort');
  } finally {
    signal?.removeEventListener('abort', stop);
    clearTimeout(idle);
    body.destroy();
  }
}

function timeout(): Error {
  return Object.assign(new Error('the server sends nothing'), { name: 'TimeoutError' });
}

function truncated(name: string): Error {
  return Object.assign(new Error('a body of the wrong length'), { name });
}
