/** A run that reads a backup back from one of its places and notes down what it found. */
import { rm } from 'node:fs/promises';
import { isoSeconds } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import type { Work } from './creating.ts';
import type { VerifyResult } from './fields.ts';
import { decodeManifest, encodeVerification, manifestSignature } from './manifest-codec.ts';
import { listDump } from './postgres/list.ts';
import { verifySource } from './restore/check-file.ts';
import { remoteSource } from './restore/source.ts';
import type { RunProgress } from './runs.ts';
import type { BackupContext } from './settings.ts';
import { sha256Of } from './signed-record.ts';
import { type Signer, trySigner } from './signing.ts';
import type { BackupTarget } from './target.ts';
import { refreshVerified } from './verified-state.ts';

interface VerifyInput {
  readonly id: string;
  readonly copy: boolean;
}

/** @throws ChsError BACKUP_TARGET, BACKUP_NOT_FOUND */
export async function verifying(
  context: BackupContext,
  statePath: string,
  { id: ref, copy }: VerifyInput,
): Promise<Work> {
  const target = copy ? await context.openCopy() : await context.openTarget();
  if (!target)
    throw new ChsError('BACKUP_TARGET', { place: 'backup.copy_to', reason: 'there is no second place' });
  const id = ref === 'latest' ? (await target.list()).at(-1) : ref;
  if (id === undefined) throw new ChsError('BACKUP_NOT_FOUND', { id: ref });
  const bytes = await target.readManifest(id);
  return async (progress, signal) => {
    const verification = await verify(context, { target, id, bytes }, progress, signal);
    await refreshVerified(context, statePath, signal);
    return { verification };
  };
}

interface Found {
  readonly target: BackupTarget;
  readonly id: string;
  /** Of the manifest. */
  readonly bytes: Uint8Array;
}

async function verify(
  context: BackupContext,
  found: Found,
  progress: RunProgress,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const { target, id } = found;
  const { signer } = await trySigner(context.dataFolder);
  const worker = context.createWorker();
  const scratch = await target.workFolder();
  try {
    const result = await verifySource(sourceOf(found), {
      worker,
      scratch,
      signal,
      signature: (manifest: Uint8Array) => signatureOf(manifest, signer),
      postgres: async ({ file }) => {
        const { problems, entries } = await listDump(file, signal);
        return { ok: problems.length === 0, detail: problems[0] ?? `${entries} entries` };
      },
      onStep: (step, name) => progress.step(step, name),
      onProgress: ({ step, name, done, total }) => progress.progress(step, name, done, total),
    });
    const verified = { ...result, id, place: target.place };
    if (signer) await note(found, signer, verified, context.now());
    return verified;
  } finally {
    await worker.close();
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A manifest that cannot be read is a backup that cannot be either. */
function sourceOf({ target, id, bytes }: Found) {
  try {
    const { timestamp, databases, files } = decodeManifest(bytes);
    const source = remoteSource({
      backup: { id, timestamp, databases, files },
      open: (file) => target.open(id, file),
      openPool: (sha256) => target.pool.open(sha256),
    });
    return { ...source, manifestBytes: bytes };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ChsError('BACKUP_DAMAGED', { id, reason: `manifest.json: ${reason}` }, { cause: error });
  }
}

function signatureOf(bytes: Uint8Array, signer: Signer | null): { ok: boolean; detail: string } {
  const state = manifestSignature(decodeManifest(bytes), signer?.publicKey ?? null);
  if (state === 'invalid') return { ok: false, detail: 'the manifest was changed after it was signed' };
  return {
    ok: true,
    detail: state === 'own' ? 'signed by this installation' : 'signed by another installation',
  };
}

async function note({ target, id, bytes }: Found, signer: Signer, result: VerifyResult, nowMs: number) {
  const problems = result.checks.flatMap(({ name, check, ok, detail }) =>
    ok ? [] : [`${name}: ${check}: ${detail}`],
  );
  const body = {
    id,
    manifest_sha256: sha256Of(bytes),
    verified_at: isoSeconds(nowMs),
    depth: 'full',
    ok: result.ok,
    problems,
  } as const;
  await target.writeNote(`${id}/verified.json`, encodeVerification(body, signer));
}
