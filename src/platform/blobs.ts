/** Where files live. A blob is immutable once it is visible, and visible only once it is durable. */
import type { Readable } from 'node:stream';

/** A blob's name: relative, `/` between segments, each segment checked by whoever makes the key. */
export type BlobKey = string;

export interface StageOptions {
  /** Called with each piece as it arrives, before it is written; throws to refuse the rest. */
  readonly inspect: (piece: Uint8Array, receivedBytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Bytes received and made durable, but not visible under any key yet. Must end in `publish` and
 * `settle`, or in `discard`. A process that dies in between leaves what the next sweep puts right.
 */
export interface StagedBlob {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  /** Exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * Makes the bytes visible under `key`, or, where that is taken, under the same name with a
   * number before the extension. Gives the key that it got.
   */
  publish(key: BlobKey): Promise<BlobKey>;
  /** The rows that name the key are committed: forget how it came about. */
  settle(): Promise<void>;
  /** Takes everything back, published or not. */
  discard(): Promise<void>;
}

/** A deletion under way: the rows go between `remove` and `settle`. */
export interface Removal {
  /** The rows are gone: the blob follows. */
  settle(): Promise<void>;
  /** The rows stay, or somebody else removed them: so does the blob. */
  abandon(): Promise<void>;
}

export interface BlobStat {
  readonly sizeBytes: number;
  readonly modifiedAt: Date | null;
}

export interface BlobStore {
  /**
   * Receives bytes into a private place.
   *
   * @throws ChsError STORAGE_FULL, STORAGE_UNWRITABLE; whatever `inspect` throws.
   */
  stage(bytes: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedBlob>;
  /** Null when there is no such blob. */
  stat(key: BlobKey): Promise<BlobStat | null>;
  /** The bytes from `start` to `end`, both included. */
  open(key: BlobKey, start: number, end: number): Readable;
  /** Marks a blob for removal; until it is settled the blob stays readable. */
  remove(key: BlobKey): Promise<Removal>;
  /**
   * Finishes or undoes what dead processes left half-way: what a row refers to is kept, the rest
   * goes. Gives the number of leftovers dealt with.
   */
  sweep(isReferenced: (key: BlobKey) => Promise<boolean>): Promise<number>;
  /** Rejects with a reason when blobs cannot be written now. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** `a/b/name.ext` as `a/b/name-2.ext`, for the `attempt`-th try at a taken key. */
export function numberedKey(key: BlobKey, attempt: number): BlobKey {
  if (attempt <= 1) return key;
  const slash = key.lastIndexOf('/');
  const dot = key.lastIndexOf('.');
  return dot > slash + 1 ? `${key.slice(0, dot)}-${attempt}${key.slice(dot)}` : `${key}-${attempt}`;
}
