/** Packs and unpacks gzip files (RFC 1952) in small pieces, with hashes of both sides. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type {
  PackInput,
  PackOutput,
  UnpackInput,
  UnpackOutput,
  WorkerProgress,
} from '../../../backup/worker/protocol.ts';
import { failed } from './failure.ts';
import { syncFolder } from './files.ts';

const PIECE_BYTES = 128 * 1024;

/** @throws STORAGE_FULL; the system's errors. `to` must not exist. */
export async function packFile(
  { path, to, level }: PackInput,
  report: (progress: WorkerProgress) => void,
): Promise<PackOutput> {
  const total = statSync(path).size;
  const content = counter((done) => report({ step: 'pack', name: null, done, total }));
  const packed = counter();
  await pipeline(
    createReadStream(path, { highWaterMark: PIECE_BYTES }),
    content.stream,
    createGzip({ level, chunkSize: PIECE_BYTES }),
    packed.stream,
    // Flushed before it is closed.
    createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true }),
  );
  syncFolder(dirname(to));
  return outputOf(packed, content);
}

/**
 * @throws STORAGE_FULL; the system's errors; with a reason and no code what is cut short, what a CRC or a length finds
 *   wrong, what follows the end
 */
export async function unpackFile(
  { path, to }: UnpackInput,
  report: (progress: WorkerProgress) => void,
): Promise<UnpackOutput> {
  const total = statSync(path).size;
  const packed = counter((done) => report({ step: 'unpack', name: null, done, total }));
  const content = counter();
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const sink =
    to === null
      ? new Writable({ write: (_piece, _encoding, done) => done() })
      : createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true });
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: PIECE_BYTES }),
      packed.stream,
      gunzip,
      content.stream,
      sink,
    );
  } catch (error) {
    throw damageOf(error) ?? error;
  }
  // zlib stops at the end of what it knows, and says nothing of what is behind it.
  if (gunzip.bytesWritten !== total) throw damaged('something follows its end');
  if (total === 0) throw damaged('it is empty');
  if (to !== null) syncFolder(dirname(to));
  return outputOf(packed, content);
}

const DAMAGES: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'it is cut short',
  Z_DATA_ERROR: 'its data are damaged',
  ERR_STREAM_PREMATURE_CLOSE: 'something follows its end',
};

function damageOf(error: unknown): Error | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = DAMAGES[code];
  return reason === undefined ? null : damaged(reason, error);
}

function damaged(what: string, cause?: unknown): Error {
  return failed({ code: null, params: {}, reason: `the gzip file is damaged: ${what}` }, cause);
}

interface Counter {
  readonly stream: Transform;
  readonly hash: Hash;
  bytes: number;
}

function counter(onBytes?: (done: number) => void): Counter {
  const hash = createHash('sha256');
  const counted: Counter = {
    hash,
    bytes: 0,
    stream: new Transform({
      transform(piece: Uint8Array, _encoding, done) {
        hash.update(piece);
        counted.bytes += piece.length;
        onBytes?.(counted.bytes);
        done(null, piece);
      },
    }),
  };
  return counted;
}

function outputOf(packed: Counter, content: Counter): PackOutput {
  return {
    sizeBytes: packed.bytes,
    sha256: packed.hash.digest('hex'),
    contentBytes: content.bytes,
    contentSha256: content.hash.digest('hex'),
  };
}
