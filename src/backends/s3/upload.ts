/** Puts objects where nothing is, in parts where they are big, and reads each back before it counts as put. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalFile, TransferOptions } from '../../backup/target.ts';
import { failureOf, isAbsent, isUnknownToServer } from './client.ts';
import type { S3Objects } from './objects.ts';

const MEBIBYTE = 1024 * 1024;
const PART_BYTES = 8 * MEBIBYTE;
/** Of S3: files over 80 GB have bigger parts. */
const PARTS_MAX = 10_000;
/** A server of several machines may give back what was there before for a moment. */
const LOOKS_MAX = 3;
const LOOK_PAUSE_MS = 500;

/** `taken`: an object with other bytes has the key, and was left alone. */
export type Put = 'placed' | 'taken';

export interface Uploader {
  /** Errors are BACKUP_TARGET, among them that other bytes are read back; the object is deleted then. */
  putFile(key: string, from: LocalFile, options: TransferOptions): Promise<Put>;
  putBytes(key: string, bytes: Uint8Array): Promise<Put>;
  /** Over what is there. */
  replace(key: string, bytes: Uint8Array): Promise<void>;
}

interface Content {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a server is taken to know until it says that it does not. */
interface Knows {
  /** `If-None-Match` of what is put. */
  conditions: boolean;
  /** `x-amz-checksum-sha256`. */
  checksums: boolean;
}

interface Context {
  readonly objects: S3Objects;
  readonly knows: Knows;
  /** So that memory stays the same, however many files are put at once. */
  readonly budget: ByteBudget;
}

export function openUploader(objects: S3Objects): Uploader {
  const knows: Knows = { conditions: true, checksums: true };
  const context: Context = { objects, knows, budget: byteBudget(PART_BYTES) };
  const contentOf = (bytes: Uint8Array): Content => ({ sizeBytes: bytes.length, sha256: sha256Of(bytes) });
  return {
    putFile: (key, from, options) => putFile(context, key, from, options),
    putBytes: (key, bytes) =>
      putNew(context, key, contentOf(bytes), undefined, () =>
        sendWhole(context, key, bytes, { isNew: true }),
      ),
    async replace(key, bytes) {
      await sendWhole(context, key, bytes, { isNew: false });
      for (let look = 1; !(await isSame(objects, key, contentOf(bytes), undefined)); look += 1) {
        if (look === LOOKS_MAX) throw differs(objects);
        await sleep(LOOK_PAUSE_MS);
      }
    },
  };
}

async function putFile(
  context: Context,
  key: string,
  from: LocalFile,
  { signal, onBytes }: TransferOptions,
): Promise<Put> {
  signal.throwIfAborted();
  const file = await open(from.path, 'r').catch((cause: unknown) => {
    // Not the server's fault: whoever made the file should have it.
    throw new Error('a file for a backup is gone', { cause });
  });
  try {
    if ((await file.stat()).size !== from.sizeBytes) throw differs(context.objects);
    const options: TransferOptions = { signal, ...(onBytes && { onBytes }) };
    return await putNew(context, key, from, signal, () => sendFile(context, key, file, from, options));
  } finally {
    await file.close();
  }
}

/** @param send gives false when the server says that the key is taken */
async function putNew(
  { objects }: Context,
  key: string,
  content: Content,
  signal: AbortSignal | undefined,
  send: () => Promise<boolean>,
): Promise<Put> {
  const isThere = (await objects.head(key, signal)) !== null;
  if (isThere || !(await send())) return (await isSame(objects, key, content, signal)) ? 'placed' : 'taken';
  try {
    if (await isSame(objects, key, content, signal)) return 'placed';
    throw differs(objects);
  } catch (error) {
    // What could not be compared must not be taken for a good one later.
    await objects.remove(key).catch(() => {});
    throw error;
  }
}

/** Whether these very bytes are read back. */
async function isSame(
  objects: S3Objects,
  key: string,
  content: Content,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const piece of objects.read(key, signal)) {
      sizeBytes += piece.length;
      if (sizeBytes > content.sizeBytes) return false;
      hash.update(piece);
    }
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  return sizeBytes === content.sizeBytes && hash.digest('hex') === content.sha256;
}

async function sendFile(
  context: Context,
  key: string,
  file: FileHandle,
  from: LocalFile,
  options: TransferOptions,
): Promise<boolean> {
  const leastBytes = Math.ceil(from.sizeBytes / PARTS_MAX / MEBIBYTE) * MEBIBYTE;
  const bufferBytes = Math.min(from.sizeBytes, Math.max(PART_BYTES, leastBytes));
  const held = await context.budget.take(bufferBytes);
  try {
    options.signal.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    if (bufferBytes < from.sizeBytes) return await sendParts(context, key, file, from, buffer, options);
    await fill(file, buffer, 0);
    if (sha256Of(buffer) !== from.sha256) throw differs(context.objects);
    const isPut = await sendWhole(context, key, buffer, { isNew: true, signal: options.signal });
    options.onBytes?.(buffer.length);
    return isPut;
  } finally {
    context.budget.give(held);
  }
}

/** False when the key is taken. */
function sendWhole(
  { objects, knows }: Context,
  key: string,
  bytes: Uint8Array,
  { isNew, signal }: { readonly isNew: boolean; readonly signal?: AbortSignal },
): Promise<boolean> {
  const { run, bucket: Bucket } = objects.connection;
  const sha256 = createHash('sha256').update(bytes).digest();
  return unlessTaken(
    knowing(knows, ({ conditions, checksums }) =>
      run((client, sdk) =>
        client.send(
          new sdk.PutObjectCommand({
            Bucket,
            Key: objects.prefix + key,
            Body: bytes,
            ContentLength: bytes.length,
            ContentMD5: md5Of(bytes),
            Metadata: { sha256: sha256.toString('hex') },
            ...(checksums ? { ChecksumSHA256: sha256.toString('base64') } : {}),
            ...(isNew && conditions ? { IfNoneMatch: '*' } : {}),
          }),
          signal ? { abortSignal: signal } : {},
        ),
      ),
    ),
  );
}

/** False when the key is taken. Nothing of it can be seen before the last request. */
async function sendParts(
  { objects, knows }: Context,
  key: string,
  file: FileHandle,
  from: LocalFile,
  buffer: Buffer,
  { signal, onBytes }: TransferOptions,
): Promise<boolean> {
  const { run, bucket: Bucket } = objects.connection;
  const target = { Bucket, Key: objects.prefix + key };
  const created = await run((client, sdk) =>
    client.send(new sdk.CreateMultipartUploadCommand({ ...target, Metadata: { sha256: from.sha256 } }), {
      abortSignal: signal,
    }),
  );
  const uploadId = created.UploadId ?? '';
  const upload = { ...target, UploadId: uploadId };
  let isPut = false;
  try {
    const hash = createHash('sha256');
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let position = 0; position < from.sizeBytes; position += buffer.length) {
      const bytes = buffer.subarray(0, Math.min(buffer.length, from.sizeBytes - position));
      await fill(file, bytes, position);
      hash.update(bytes);
      const part = { ...upload, PartNumber: parts.length + 1, Body: bytes, ContentLength: bytes.length };
      const { ETag } = await run((client, sdk) =>
        client.send(new sdk.UploadPartCommand({ ...part, ContentMD5: md5Of(bytes) }), {
          abortSignal: signal,
        }),
      );
      parts.push({ PartNumber: part.PartNumber, ETag });
      onBytes?.(bytes.length);
    }
    if (hash.digest('hex') !== from.sha256) throw differs(objects);
    isPut = await unlessTaken(
      knowing(knows, ({ conditions }) =>
        run((client, sdk) =>
          client.send(
            new sdk.CompleteMultipartUploadCommand({
              ...upload,
              MultipartUpload: { Parts: parts },
              ...(conditions ? { IfNoneMatch: '*' } : {}),
            }),
            { abortSignal: signal },
          ),
        ),
      ),
    );
    return isPut;
  } catch (error) {
    // The answer to the first try was lost: what is read back tells.
    if (failureOf(error)?.s3Code === 'NoSuchUpload') isPut = true;
    if (isPut) return true;
    throw error;
  } finally {
    if (!isPut) await objects.abortUpload({ key, uploadId, startedMs: 0 }).catch(() => {});
  }
}

/** 412: there is one already. 409: another one is being put just now. */
async function unlessTaken(sending: Promise<unknown>): Promise<boolean> {
  try {
    await sending;
    return true;
  } catch (error) {
    const status = failureOf(error)?.status;
    if (status === 412 || status === 409) return false;
    throw error;
  }
}

/** Sends again without what the server does not know, and remembers what that was. */
async function knowing(knows: Knows, send: (using: Knows) => Promise<unknown>): Promise<void> {
  const tries: Knows[] = [{ ...knows }];
  if (knows.checksums) tries.push({ ...knows, checksums: false });
  if (knows.conditions) tries.push({ conditions: false, checksums: false });
  let failed: unknown;
  for (const using of tries) {
    try {
      await send(using);
      // Only what works without is remembered: the same words may be about anything.
      if (!using.checksums) knows.checksums = false;
      if (!using.conditions) knows.conditions = false;
      return;
    } catch (error) {
      if (!isUnknownToServer(error)) throw error;
      failed = error;
    }
  }
  throw failed;
}

async function fill(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new Error('a file for a backup was cut while it was read');
    at += bytesRead;
  }
}

function differs({ connection }: S3Objects): Error {
  return connection.refusal('a file does not read back as it was written');
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');

interface ByteBudget {
  /** Waits its turn; what it gives is to be given back. */
  take(bytes: number): Promise<number>;
  give(bytes: number): void;
}

/** Whoever wants more than there is has all of it. */
function byteBudget(totalBytes: number): ByteBudget {
  let free = totalBytes;
  const waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  return {
    async take(wanted) {
      const bytes = Math.min(wanted, totalBytes);
      if (waiting.length === 0 && bytes <= free) free -= bytes;
      else await new Promise<void>((go) => void waiting.push({ bytes, go }));
      return bytes;
    },
    give(bytes) {
      free += bytes;
      for (let first = waiting[0]; first !== undefined && first.bytes <= free; first = waiting[0]) {
        waiting.shift();
        free -= first.bytes;
        first.go();
      }
    },
  };
}
