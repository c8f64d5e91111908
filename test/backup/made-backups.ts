/** Backups as tests of lists and retention need them: real manifests, without databases behind them. */
import { createHash } from 'node:crypto';
import type { DatabaseEntry, ManifestBody, VerificationBody } from '../../src/backup/manifest.ts';
import { encodeManifest, encodeVerification } from '../../src/backup/manifest-codec.ts';
import { sha256Of } from '../../src/backup/signed-record.ts';
import type { Signer } from '../../src/backup/signing.ts';
import type { BackupTarget } from '../../src/backup/target.ts';
import { isoSeconds } from '../../src/platform/clock.ts';

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function databaseOf(name: string, change: Partial<DatabaseEntry> = {}): DatabaseEntry {
  return {
    name,
    path: `/data/${name}.db`,
    size: 12345678,
    sha256: hashOf(name),
    pages: 3014,
    page_size: 4096,
    schema_sha256: hashOf(`schema of ${name}`),
    foreign_key_violations: 0,
    kind: 'sqlite',
    server_version: null,
    file: `${name}.db.gz`,
    file_size: 1000,
    file_sha256: hashOf(`${name}.gz`),
    ...change,
  };
}

export function bodyOf(change: Partial<ManifestBody> = {}): ManifestBody {
  return {
    timestamp: '2025-12-24T12:00:00Z',
    databases: [databaseOf('main'), databaseOf('msg', { size: 234567 })],
    options: { db: 'all', compact: false },
    id: '20251224T120000Z-1a2b3c',
    version: 1,
    one_instant: true,
    one_instant_reason: null,
    files: null,
    made_by: { chs: '0.1.0', host: 'host' },
    sequence: 1,
    previous: null,
    ...change,
  };
}

/** `20251224T120000Z-00000n` */
export function idOf(atMs: number, number: number): string {
  return `${isoSeconds(atMs).replaceAll(/[-:]/g, '')}-${number.toString(16).padStart(6, '0')}`;
}

export interface MadeBackup {
  readonly atMs: number;
  readonly sequence: number;
  readonly names?: readonly string[];
  readonly verified?: boolean | null;
  readonly previous?: ManifestBody['previous'];
  readonly files?: ManifestBody['files'];
}

/** Writes a manifest, and its verification unless `verified` is null; gives what the next one names as its previous. */
export async function addBackup(
  target: BackupTarget,
  signer: Signer,
  { atMs, sequence, names = ['main'], verified = true, previous = null, files = null }: MadeBackup,
): Promise<{ id: string; sha256: string }> {
  const id = idOf(atMs, sequence);
  const body = bodyOf({
    id,
    timestamp: isoSeconds(atMs),
    databases: names.map((name) => databaseOf(name)),
    sequence,
    previous,
    files,
  });
  const bytes = encodeManifest(body, signer);
  const pending = await target.begin(id);
  await pending.commit(bytes);
  const sha256 = sha256Of(bytes);
  if (verified !== null) {
    const record = verificationOf(id, sha256, { ok: verified });
    await target.writeNote(`${id}/verified.json`, encodeVerification(record, signer));
  }
  return { id, sha256 };
}

export function verificationOf(
  id: string,
  manifestSha256: string,
  change: Partial<VerificationBody> = {},
): VerificationBody {
  const made = {
    id,
    manifest_sha256: manifestSha256,
    verified_at: '2026-01-01T00:00:00Z',
    depth: 'made',
  } as const;
  return { ...made, ok: true, problems: [], ...change };
}
