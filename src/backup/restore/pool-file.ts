/** Receives one file of the pool: unpacked, bounded, and compared with its hash. */
import { createHash } from 'node:crypto';
import { pipeline, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChsError } from '../../platform/errors.ts';
import type { FileLine } from '../manifest.ts';
import { receiveFile } from './receive.ts';
import { damaged, type RestoreSource } from './source.ts';

interface PoolFileOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Whether the compressed bytes have to be the same, too: some bits of gzip may change, and the content does not. */
  readonly strict?: boolean;
}

/**
 * Writes the content of a pool file to a new file; durable when it is answered.
 *
 * @throws ChsError BACKUP_DAMAGED; errors of the source and of the disk; the signal's reason
 */
export async function receivePoolFile(
  source: RestoreSource,
  line: FileLine,
  to: string,
  { strict = false, ...options }: PoolFileOptions,
): Promise<void> {
  const packed = await source.openPool(line.sha256);
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      hash.update(piece);
      done(null, piece);
    },
  });
  const gunzip = createGunzip();
  // The error of either comes out of the reading; a source that ends early is one, too.
  pipeline(packed, hashed, gunzip, () => {});
  try {
    const received = await receiveFile(gunzip, to, {
      ...options,
      sizeMax: line.size,
      tooLarge: () => damaged(source, `${line.key} is longer than its list says`),
    });
    if (received.sizeBytes !== line.size || received.sha256 !== line.sha256) {
      throw damaged(source, `${line.key} is not what its list says`);
    }
    if (strict && line.packed_sha256 !== undefined && hash.digest('hex') !== line.packed_sha256)
      throw damaged(source, `${line.key} is whole, but its compressed file was changed`);
  } catch (error) {
    if (error instanceof ChsError || !(error instanceof Error) || !('code' in error)) throw error;
    if (!String(error.code).startsWith('Z_')) throw error;
    throw damaged(source, `${line.key} cannot be unpacked: ${error.message}`, error);
  }
}
