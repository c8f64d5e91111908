/** Sends one file: asks whether it is there, sends it if not, tries again, reads it back if asked to. */
import type { Readable } from 'node:stream';
import { baseName } from '../../src/crash/names.ts';
import { ChsError } from '../../src/platform/errors.ts';
import type { CrashClient } from '../crash-files.ts';
import { usageError } from '../failure.ts';
import { localFileError, openLocalFile } from '../local-file.ts';
import type { Run } from '../run.ts';
import type { BatchProgress, Meter } from '../views/batch-progress.ts';
import { datum } from '../views/facts.ts';
import type { Fields, Sent, UploadKind } from './kinds.ts';
import type { Asking } from './resume.ts';
import { type Patience, withRetries } from './retry.ts';

const READ_BYTES = 256 * 1024;
/** One file below this is sent as fast as it is asked about. */
const ASK_BYTES_MIN = 1024 * 1024;

/** A file to send, and what to say of it. */
export interface UploadItem {
  readonly kind: UploadKind;
  /** As the user wrote it; `-` is standard input. */
  readonly path: string;
  readonly fields: Fields;
}

export interface SendContext {
  readonly run: Run;
  /** Opens the connection at the first call, so that a name that was mistyped makes no data directory. */
  readonly client: () => Promise<CrashClient>;
  readonly patience: Patience;
  readonly asking: Asking;
  /** Ask before files of any size. */
  readonly askAlways: boolean;
  readonly readBack: boolean;
  readonly progress: BatchProgress;
}

/** @throws ChsError what the last attempt gave; INTERRUPTED */
export async function sendFile(context: SendContext, item: UploadItem): Promise<Sent> {
  const { run, patience, progress } = context;
  const label = item.path === '-' ? 'standard input' : datum(baseName(item.path));
  const trial = { run, patience, label, clear: progress.clear };
  if (item.path === '-') return sendInput(context, item, label);
  // Said before anything is asked of a server: what is wrong with the name, and that it is empty.
  const { handle, sizeBytes } = await openLocalFile(item.path, SPECIAL);
  await handle.close();
  const meter = progress.open(label, sizeBytes);
  try {
    const asked = context.askAlways || sizeBytes >= ASK_BYTES_MIN;
    const known = asked
      ? await withRetries(trial, async () =>
          context.asking(await context.client(), { ...item, meter, signal: run.signal }),
        )
      : null;
    const sent = known ?? (await withRetries(trial, () => sendOnce(context, item, meter)));
    if (context.readBack)
      await withRetries(trial, async () =>
        item.kind.readBack(await context.client(), sent.id, { signal: run.signal }),
      );
    return sent;
  } finally {
    meter.end();
  }
}

const SPECIAL = 'it is not a regular file; send it through a pipe and name it -';

async function sendOnce(context: SendContext, item: UploadItem, meter: Meter): Promise<Sent> {
  const client = await context.client();
  const { handle, sizeBytes } = await openLocalFile(item.path, SPECIAL);
  // A file that grows meanwhile is sent as long as it was said to be.
  const bytes = handle.createReadStream({ end: sizeBytes - 1, highWaterMark: READ_BYTES });
  return stream(context, item, client, { bytes, sizeBytes, meter });
}

/** What comes through standard input comes once. */
async function sendInput(context: SendContext, item: UploadItem, label: string): Promise<Sent> {
  if (process.stdin.isTTY) throw usageError('- reads standard input, which is a terminal here');
  const meter = context.progress.open(label, null);
  try {
    const client = await context.client();
    const sent = await stream(context, item, client, { bytes: process.stdin, sizeBytes: null, meter });
    if (context.readBack) await item.kind.readBack(client, sent.id, { signal: context.run.signal });
    return sent;
  } catch (error) {
    if (!(error instanceof ChsError) || !error.retryable || context.patience.retries === 0) throw error;
    const hint =
      'Standard input cannot be sent a second time. Write it to a file first, and it is tried again by itself.';
    const rendered = { message: error.describe(context.run.language).message, hint };
    throw new ChsError(error.code, error.params, { rendered, cause: error });
  } finally {
    meter.end();
  }
}

interface Source {
  readonly bytes: Readable;
  readonly sizeBytes: number | null;
  readonly meter: Meter;
}

async function stream(
  { run }: SendContext,
  { kind, path, fields }: UploadItem,
  client: CrashClient,
  { bytes, sizeBytes, meter }: Source,
): Promise<Sent> {
  const counted = meter.stream();
  let readError: unknown = null;
  bytes.on('error', (error) => {
    readError = error;
    counted.destroy(error);
  });
  try {
    return await kind.send(client, fields, { bytes: bytes.pipe(counted), sizeBytes }, { signal: run.signal });
  } catch (error) {
    // What the daemon says of a body that broke off is less than what the disk said.
    throw readError === null ? error : localFileError(path, readError);
  } finally {
    bytes.destroy();
    counted.destroy();
  }
}
