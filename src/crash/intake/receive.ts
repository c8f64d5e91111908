/** The way of every upload: staged, recognised, unpacked, identified, placed, written down. */
import { randomUUID } from 'node:crypto';
import type { Call, IncomingFile, Upload } from '../../operation.ts';
import type { BlobStore, StagedBlob } from '../../platform/blobs.ts';
import { ChsError } from '../../platform/errors.ts';
import { filePathOf, keyOf } from '../paths.ts';
import {
  type CrashStore,
  type FileKind,
  type IdentityState,
  NO_AGE,
  type Redeclaration,
  type RowOf,
} from '../store.ts';
import { guardFirstBytes } from './guard.ts';
import type { Identified, IntakeLimits, Kind } from './kind.ts';
import { unpackStaged } from './unpack.ts';

export interface IntakeContext {
  readonly store: CrashStore;
  readonly blobs: BlobStore;
  readonly limits: IntakeLimits;
  readonly now: () => number;
}

/** What an upload became. */
export interface Taken<K extends FileKind> {
  readonly row: RowOf[K];
  /** Of this upload: the row may be older, and was declared otherwise. */
  readonly state: IdentityState;
  readonly deduplicated: boolean;
  /** Dumps that had to wait for it. */
  readonly newlyDebuggable: number;
  readonly warnings: readonly string[];
}

export type Intake = <K extends FileKind, Input extends object>(
  kind: Kind<K, Input>,
  upload: Upload<Input>,
  call: Call,
) => Promise<Taken<K>>;

/** Makes the function that takes files in; it counts how many it is taking in at a time. */
export function createIntake(context: IntakeContext): Intake {
  let underWay = 0;
  return async (kind, upload, call) => {
    if (underWay >= context.limits.maxConcurrentUploads)
      throw new ChsError('TOO_BUSY', {}, { retryAfterMs: 1000 });
    underWay += 1;
    try {
      return await takeIn(context, kind, upload, call);
    } finally {
      underWay -= 1;
    }
  };
}

async function takeIn<K extends FileKind, Input extends object>(
  context: IntakeContext,
  kind: Kind<K, Input>,
  upload: Upload<Input>,
  call: Call,
): Promise<Taken<K>> {
  const {
    input,
    unknownFields,
    notKept = [],
    taken,
    fileName,
  } = await upload.receive((file) => stage(context, kind, file, call));
  const { blob } = taken;
  try {
    const identified = await kind.identify(blob, {
      declared: input,
      fileName,
      innerName: taken.innerName,
      strict: context.limits.strict,
      annotations: context.limits.annotations,
      nowMs: context.now(),
    });
    const warnings = [
      ...identified.warnings,
      ...unknownFields.map((field) => `The metadata field "${field}" is not known and was ignored`),
      ...notKept,
    ];
    const existing = await context.store.findBySha256(kind.kind, blob.sha256);
    if (existing) return await joinExisting(context, kind.kind, existing, blob, identified, warnings);

    const key = await blob.publish(identified.key);
    const { added, row, newlyDebuggable } = await identified.add(context.store, {
      id: randomUUID(),
      file_path: filePathOf(key),
      size_bytes: blob.sizeBytes,
      sha256: blob.sha256,
      state: identified.state,
      declared: declaredText(input),
      warnings: JSON.stringify(warnings),
    });
    if (!added) return await joinExisting(context, kind.kind, row, blob, identified, warnings);
    await blob.settle();
    const matched = newlyDebuggable > 0 ? { newly_debuggable: newlyDebuggable } : {};
    const { state, size_bytes } = row;
    call.log.info(`${kind.label} uploaded: id=${row.id}`, { state, size_bytes, ...matched });
    return { row, state: identified.state, deduplicated: false, newlyDebuggable, warnings };
  } catch (error) {
    await blob.discard();
    if (!(error instanceof ChsError))
      call.log.error(`Failed to save file: path=${kind.kind} error=${String(error)}`);
    throw error;
  }
}

/** The metadata as the client sent them; annotations have a table of their own. */
function declaredText({ annotations: _, ...declared }: { readonly annotations?: unknown }): string | null {
  return Object.keys(declared).length > 0 ? JSON.stringify(declared) : null;
}

/** The same bytes are there already. If their file was lost, these take its place. */
async function joinExisting<K extends FileKind>(
  { blobs, store, now }: IntakeContext,
  kind: K,
  row: RowOf[K],
  blob: StagedBlob,
  { state, redeclaration, join }: Identified<K>,
  warnings: readonly string[],
): Promise<Taken<K>> {
  const key = keyOf(row.file_path);
  const isLost = (await blobs.stat(key)) === null;
  const got = isLost ? await blob.publish(key) : null;
  // The row may be on its way out, its file gone first: then these bytes must not stay without one.
  const isRestored = got === key && (await store.find(kind, row.id)) !== null;
  await (isRestored ? blob.settle() : blob.discard());
  const remarks = isRestored ? ['The stored file was missing and is restored'] : [];
  remarks.push(...keptAsFirst(row, redeclaration), ...((await join?.(store, row.id)) ?? []));
  const joined = await redeclare(store, kind, row, { ...redeclaration, atMs: now() });
  if (joined.noted)
    remarks.push('The same bytes are stored under another identity; this one finds them, too');
  return {
    row: joined.row,
    state,
    deduplicated: true,
    newlyDebuggable: joined.newlyDebuggable,
    warnings: [...warnings, ...remarks],
  };
}

/** What this upload says otherwise than the first one of the same bytes did, and what is shown all the same. */
function keptAsFirst(row: RowOf[FileKind], { version, fileName }: Redeclaration): string[] {
  const name = 'pdb_filename' in row ? row.pdb_filename : 'exe_filename' in row ? row.exe_filename : null;
  const differs = (stored: string | null, said: string | null): boolean =>
    stored !== null && said !== null && stored !== said;
  const remarks: string[] = [];
  if (differs(row.exe_version, version))
    remarks.push(`The same bytes are stored with version ${row.exe_version}; version ${version} is not kept`);
  if (differs(name, fileName))
    remarks.push(`The same bytes are stored as ${name}; the name ${fileName} is not kept`);
  return remarks;
}

/** Lets an identity that the row does not have find it, whatever else was declared before. */
async function redeclare<K extends FileKind>(
  store: CrashStore,
  kind: K,
  row: RowOf[K],
  { debugId, ...rest }: Redeclaration & { readonly atMs: number },
): Promise<{ row: RowOf[K]; newlyDebuggable: number; noted: boolean }> {
  const has = (guidKey: string | null, age: number | null): boolean =>
    guidKey === debugId?.guidKey && (debugId?.age === NO_AGE || debugId?.age === age);
  const isKnown =
    debugId === null || has(row.guid_key, row.exe_age) || has(row.parsed_guid_key, row.parsed_age);
  const noted = !isKnown;
  const unchanged = { row, newlyDebuggable: 0, noted };
  if (kind === 'minidumps' && !noted) return unchanged;
  const declared = { ...rest, debugId: noted ? debugId : null };
  return { ...unchanged, ...(await store.addDeclaration(kind, row.id, declared)) };
}

interface Staged {
  readonly blob: StagedBlob;
  /** The name inside the cabinet, if it came in one. */
  readonly innerName: string | null;
  discard(): Promise<void>;
}

async function stage<K extends FileKind, Input>(
  { blobs, limits }: IntakeContext,
  kind: Kind<K, Input>,
  file: IncomingFile,
  call: Call,
): Promise<Staged> {
  const guard = guardFirstBytes(kind, limits);
  const received = await blobs.stage(file.bytes, { inspect: guard.inspect, signal: call.signal });
  try {
    const what = guard.finish();
    if (what === 'file') return { blob: received, innerName: null, discard: () => received.discard() };
    const inner = await unpackStaged(blobs, received, kind, limits, call.signal);
    await received.discard();
    return { blob: inner.blob, innerName: inner.name, discard: () => inner.blob.discard() };
  } catch (error) {
    await received.discard();
    throw error;
  }
}
