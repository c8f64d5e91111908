/** Checks a backup that lies on this machine as a file or a folder, with what this machine has for that. */
import { dirname } from 'node:path';
import type { VerifyResult } from '../../src/backup/fields.ts';
import { ChsError } from '../../src/platform/errors.ts';
import type { Run } from '../run.ts';
import { datum } from '../views/facts.ts';
import { watching, withWorker } from './with-worker.ts';

/** @throws ChsError LOCAL_FILE where it is no backup at all, DATABASE_TOOL for a dump where there is no pg_restore */
export async function checkFile(run: Run, path: string): Promise<VerifyResult> {
  const [{ verifyFile }, { config }, { readSigner }] = await Promise.all([
    import('../../src/backup/restore/check-file.ts'),
    run.config(),
    import('../../src/backup/signing.ts'),
  ]);
  const signer = await readSigner(dirname(config.database.path)).catch(() => null);
  const { decodeManifest, manifestSignature } = await import('../../src/backup/manifest-codec.ts');
  const signature = (bytes: Uint8Array) => {
    if (!isSigned(bytes)) return null;
    try {
      const state = manifestSignature(decodeManifest(bytes), signer?.publicKey ?? null);
      return { ok: state !== 'invalid', detail: SIGNERS[state] };
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
  };
  return withWorker((worker) =>
    watching(run, (watch) => verifyFile(path, { ...watch, worker, postgres: checkDump, signature })),
  );
}

const SIGNERS = {
  own: 'by the key of this installation',
  other: 'by the key of another installation',
  invalid: 'the manifest was changed after it was signed',
} as const;

/** The manifest of a download is the documented one, which nobody signs. */
function isSigned(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null && 'signature' in value;
  } catch {
    return true;
  }
}

async function checkDump({
  file,
  signal,
}: {
  readonly file: string;
  readonly signal: AbortSignal;
}): Promise<{ ok: boolean; detail: string }> {
  const { listDump } = await import('../../src/backup/postgres/list.ts');
  const { entries, problems } = await listDump(file, signal);
  const [problem] = problems;
  return { ok: problem === undefined, detail: problem ?? `${entries} entries` };
}

/** What failed first, for a sentence; null where nothing did. */
export function firstFailure({ checks }: VerifyResult): string | null {
  const failed = checks.find(({ ok }) => !ok);
  return failed ? datum(`${failed.name}: ${failed.check}: ${failed.detail}`) : null;
}

/** A file of the disk that is none of the backups of a list. */
export function refuseCopy(copy: unknown, path: string): void {
  if (copy === true)
    throw new ChsError('LOCAL_FILE', { path, reason: 'a file has no copy; leave --copy out' });
}
