/** Objects below a prefix of a bucket: looked at, read, listed and deleted, as any server of S3 can do it. */
import { bodyPieces, failureOf, isAbsent, isUnknownToServer, type S3Connection } from './client.ts';

/** Deletions and looks at once: not every server can delete many by one request. */
const CONCURRENT_MAX = 8;
/** A list that is longer comes from a server that does not know its end. */
const PAGES_MAX = 100_000;
/** How often a body that broke off is gone on with. */
const RESUMES_MAX = 3;

export interface S3Object {
  /** Below the prefix. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface S3Upload {
  readonly key: string;
  readonly uploadId: string;
  readonly startedMs: number;
}

/** Keys are below `prefix`, which is empty or ends in `/`. */
export interface S3Objects {
  readonly connection: S3Connection;
  readonly prefix: string;
  /** Null where there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<{ sizeBytes: number; etag: string | undefined } | null>;
  /** The bytes; asked for when the first is read. An error with `isAbsent` where there are none. */
  read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** A small object, whole; null where there is none. */
  readSmall(key: string, sizeMaxBytes: number): Promise<Uint8Array | 'too big' | null>;
  list(below: string): AsyncGenerator<S3Object>;
  /** The names of what looks like folders, each without its `/`. */
  listFolders(): AsyncGenerator<string>;
  /** Of uploads in parts that nobody completed. */
  listUploads(): AsyncGenerator<S3Upload>;
  abortUpload(upload: S3Upload): Promise<void>;
  /** One that is not there is deleted already. */
  remove(key: string): Promise<void>;
}

export function openObjects(connection: S3Connection, prefix: string): S3Objects {
  const { run, bucket: Bucket } = connection;
  const objects: S3Objects = {
    connection,
    prefix,
    async head(key, signal) {
      try {
        return await run(async (client, sdk) => {
          const command = new sdk.HeadObjectCommand({ Bucket, Key: prefix + key });
          const found = await client.send(command, signal ? { abortSignal: signal } : {});
          return { sizeBytes: found.ContentLength ?? 0, etag: found.ETag };
        });
      } catch (error) {
        if (isAbsent(error)) return null;
        throw error;
      }
    },

    read: (key, signal) => readWhole(objects, key, signal),

    async readSmall(key, sizeMaxBytes) {
      const found = await objects.head(key);
      if (found === null) return null;
      if (found.sizeBytes > sizeMaxBytes) return 'too big';
      const parts: Uint8Array[] = [];
      try {
        let sizeBytes = 0;
        for await (const piece of objects.read(key)) {
          sizeBytes += piece.length;
          if (sizeBytes > sizeMaxBytes) return 'too big';
          parts.push(piece);
        }
      } catch (error) {
        if (isAbsent(error)) return null;
        throw error;
      }
      return Buffer.concat(parts);
    },

    list: (below) => listed(objects, below),

    async *listFolders() {
      for await (const page of pages(objects, '', '/')) {
        for (const { Prefix } of page.CommonPrefixes ?? []) {
          if (Prefix?.startsWith(prefix)) yield Prefix.slice(prefix.length).replace(/\/$/, '');
        }
      }
    },

    listUploads: () => uploads(objects),

    abortUpload: ({ key, uploadId }) =>
      run(async (client, sdk) => {
        const command = { Bucket, Key: prefix + key, UploadId: uploadId };
        await client.send(new sdk.AbortMultipartUploadCommand(command));
      }),

    async remove(key) {
      try {
        await run((client, sdk) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key: prefix + key })));
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    },
  };
  return objects;
}

/** Does `work` for all items, some of them at once. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      await work(item);
    }
  };
  const workers = Array.from({ length: Math.min(CONCURRENT_MAX, items.length) }, worker);
  // All have ended before one's failure is told: whoever hears of it must not meet the others still at work.
  const ended = await Promise.allSettled(workers);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

/** Goes on where a body broke off, as long as it is of the same object. */
async function* readWhole(
  { connection, prefix }: S3Objects,
  key: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { run, bucket: Bucket, refusal } = connection;
  let position = 0;
  let etag: string | undefined;
  for (let resumes = 0; ; resumes += 1) {
    signal?.throwIfAborted();
    const start = position;
    const reply = await run((client, sdk) => {
      const range = start === 0 ? {} : { Range: `bytes=${start}-`, ...(etag ? { IfMatch: etag } : {}) };
      const command = new sdk.GetObjectCommand({ Bucket, Key: prefix + key, ...range });
      return client.send(command, signal ? { abortSignal: signal } : {});
    });
    etag = reply.ETag;
    const { ContentLength: sizeBytes, ContentRange: range } = reply;
    const body = sizeBytes === undefined ? null : bodyPieces(reply.Body, sizeBytes, signal);
    if (body === null || (start > 0 && !range?.startsWith(`bytes ${start}-`))) {
      if (reply.Body && 'destroy' in reply.Body) reply.Body.destroy();
      throw refusal('the server does not say how long a file is, or where it goes on');
    }
    try {
      for (;;) {
        const { value, done } = await run(() => body.next());
        if (done) return;
        position += value.length;
        yield value;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (failureOf(error) === null || resumes === RESUMES_MAX) throw error;
    } finally {
      await body.return(undefined);
    }
  }
}

type Page = import('@aws-sdk/client-s3').ListObjectsV2CommandOutput;

async function* pages(
  { connection, prefix }: S3Objects,
  below: string,
  delimiter?: string,
): AsyncGenerator<Page> {
  const { run, bucket: Bucket, refusal } = connection;
  let token: string | undefined;
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const page: Page = await run((client, sdk) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket,
          Prefix: prefix + below,
          ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      ),
    );
    yield page;
    if (!page.IsTruncated) return;
    const next = page.NextContinuationToken;
    if (next === undefined || next === token) break;
    token = next;
  }
  throw refusal('the server gives a list without an end');
}

async function* listed(objects: S3Objects, below: string): AsyncGenerator<S3Object> {
  for await (const page of pages(objects, below)) {
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (!Key?.startsWith(objects.prefix + below)) continue;
      const key = Key.slice(objects.prefix.length);
      // Without a time it counts as new, and is left alone.
      yield { key, sizeBytes: Size ?? 0, modifiedMs: LastModified?.getTime() ?? Date.now() };
    }
  }
}

async function* uploads({ connection, prefix }: S3Objects): AsyncGenerator<S3Upload> {
  const { run, bucket: Bucket } = connection;
  let markers: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (let count = 0; count < PAGES_MAX; count += 1) {
    let page: import('@aws-sdk/client-s3').ListMultipartUploadsCommandOutput;
    try {
      page = await run((client, sdk) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...markers })),
      );
    } catch (error) {
      // Such a server keeps no list of them: then there is nothing to sweep.
      if (isUnknownToServer(error)) return;
      throw error;
    }
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (!Key?.startsWith(prefix) || UploadId === undefined) continue;
      const startedMs = Initiated?.getTime() ?? Date.now();
      yield { key: Key.slice(prefix.length), uploadId: UploadId, startedMs };
    }
    const { NextKeyMarker, NextUploadIdMarker } = page;
    if (!page.IsTruncated || NextKeyMarker === undefined || NextKeyMarker === markers.KeyMarker) return;
    markers = {
      KeyMarker: NextKeyMarker,
      ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
    };
  }
}
