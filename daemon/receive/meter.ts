/** Counts and times a body while it arrives, inflating it if need be. */
import { type Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChsError } from '../../src/platform/errors.ts';
import { readableSize } from '../../src/platform/size.ts';

export type Encoding = 'identity' | 'gzip';

export interface MeterOptions {
  readonly encoding: Encoding;
  /** The file's own limit in inflated bytes, and the setting that it comes from. */
  readonly maxFileBytes: number;
  readonly setting: string;
  /** What a body may hold besides the file. */
  readonly allowanceBytes: number;
  /** A body that sends nothing for so long is given up. */
  readonly idleTimeoutMs: number;
}

/**
 * @param header `Content-Encoding`, or null
 * @throws ChsError UNSUPPORTED_ENCODING
 */
export function encodingOf(header: string | null): Encoding {
  const encoding = header?.trim().toLowerCase() || 'identity';
  if (encoding === 'identity') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  throw new ChsError('UNSUPPORTED_ENCODING', { encoding });
}

/**
 * Before anything is read: a body that says itself that it is too long. Of a compressed one nobody
 * knows yet.
 *
 * @throws ChsError FILE_TOO_LARGE
 */
export function refuseTooLong(contentLength: number | null, options: MeterOptions): void {
  if (contentLength === null || options.encoding !== 'identity') return;
  if (contentLength > options.maxFileBytes + options.allowanceBytes) throw tooLarge(options);
}

function tooLarge({ maxFileBytes, setting }: MeterOptions): ChsError {
  return new ChsError('FILE_TOO_LARGE', { limit: readableSize(maxFileBytes), setting });
}

/**
 * Gives the body's bytes as they are meant: inflated, counted, with an error when the sender falls
 * silent or goes away. Destroying what this gives leaves `source` open, for the reply.
 *
 * The stream fails with ChsError BAD_ENCODING, FILE_TOO_LARGE,
 * REQUEST_TIMEOUT, CALLER_GONE.
 */
export function meterBody(source: Readable, options: MeterOptions): Readable {
  const { encoding } = options;
  let receivedBytes = 0;
  const meter = new Transform({
    readableHighWaterMark: 64 * 1024,
    writableHighWaterMark: 64 * 1024,
    transform(chunk: Uint8Array, _encoding, done) {
      receivedBytes += chunk.length;
      if (receivedBytes <= options.maxFileBytes + options.allowanceBytes) done(null, chunk);
      else done(tooLarge(options));
    },
  });

  const idle = setTimeout(() => meter.destroy(new ChsError('REQUEST_TIMEOUT')), options.idleTimeoutMs);
  const alive = (): void => void idle.refresh();
  const cut = (): void => {
    if (!source.readableEnded) meter.destroy(new ChsError('CALLER_GONE'));
  };
  source.on('data', alive);
  source.once('error', cut);
  source.once('close', cut);
  // It may have closed before anyone listened.
  if (source.destroyed) cut();
  meter.once('close', () => {
    clearTimeout(idle);
    source.off('data', alive);
    source.unpipe();
  });

  if (encoding === 'identity') source.pipe(meter);
  else {
    const inflate = createGunzip();
    inflate.once('error', (error) =>
      meter.destroy(new ChsError('BAD_ENCODING', { encoding }, { cause: error })),
    );
    meter.once('close', () => inflate.destroy());
    source.pipe(inflate).pipe(meter);
  }
  return meter;
}
