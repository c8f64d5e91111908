/** Manifests and verifications as bytes: signed, in the documented form, read back with every part checked. */
import { randomBytes } from 'node:crypto';
import type { DatabaseEntry, Manifest, ManifestBody, Verification, VerificationBody } from './manifest.ts';
import { manifestSchema, PROBLEMS_MAX, readRecord, verificationSchema } from './record-schemas.ts';
import { recordSignature, recordText, type SignatureState, signRecord } from './signed-record.ts';
import type { Signer } from './signing.ts';

const MANIFEST_ORDER = [
  'timestamp',
  'databases',
  'options',
  'id',
  'version',
  'one_instant',
  'one_instant_reason',
  'files',
  'made_by',
  'sequence',
  'previous',
  'signature',
];
const DATABASE_ORDER = [
  'name',
  'path',
  'size',
  'sha256',
  'pages',
  'page_size',
  'schema_sha256',
  'foreign_key_violations',
  'kind',
  'server_version',
  'file',
  'file_size',
  'file_sha256',
];
const VERIFICATION_ORDER = ['id', 'manifest_sha256', 'verified_at', 'depth', 'ok', 'problems', 'signature'];
const PROBLEM_CHARS_MAX = 1000;

/** An ID for a backup that is made now: `20261130T020000Z-1a2b3c`. */
export function newBackupId(nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `${stamp}Z-${randomBytes(3).toString('hex')}`;
}

/**
 * `manifest.json`, signed: the documented fields in the documented form first, what chs adds behind them.
 *
 * @throws Error with a reason for a manifest that could not be read back
 */
export function encodeManifest(body: ManifestBody, signer: Signer): Uint8Array {
  const manifest = signRecord(body, signer);
  const bytes = Buffer.from(
    recordText(
      {
        ...manifest,
        databases: body.databases.map(inOrder),
        options: documentedFirst(body.options),
      },
      MANIFEST_ORDER,
    ),
  );
  decodeManifest(bytes);
  return bytes;
}

/**
 * The manifest in these bytes. It may be signed by anybody: ask `manifestSignature`.
 *
 * @throws Error with a reason
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return readRecord<Manifest>(bytes, manifestSchema);
}

/** Who signed it. `ownKey` is this installation's public key in base64, null where it has none. Never throws. */
export function manifestSignature(manifest: Manifest, ownKey: string | null): SignatureState {
  return recordSignature(manifest, ownKey);
}

/** `ID/verified.json`, signed. Of the problems the first 100 are kept, each shortened to 1000 characters. */
export function encodeVerification(body: VerificationBody, signer: Signer): Uint8Array {
  const problems = body.problems.slice(0, PROBLEMS_MAX).map((problem) => problem.slice(0, PROBLEM_CHARS_MAX));
  const bytes = Buffer.from(recordText({ ...signRecord({ ...body, problems }, signer) }, VERIFICATION_ORDER));
  decodeVerification(bytes);
  return bytes;
}

/** @throws Error with a reason */
export function decodeVerification(bytes: Uint8Array): Verification {
  return readRecord<Verification>(bytes, verificationSchema);
}

/** Who signed it, as `manifestSignature`. */
export function verificationSignature(verification: Verification, ownKey: string | null): SignatureState {
  return recordSignature(verification, ownKey);
}

/** What the documented manifest says of a database, and what chs adds. */
export type DocumentedDatabase = Pick<DatabaseEntry, 'name' | 'path' | 'size'> & Partial<DatabaseEntry>;

export interface DocumentedManifest {
  /** `2025-12-24T12:00:00Z` */
  readonly timestamp: string;
  readonly databases: readonly DocumentedDatabase[];
  /** What was asked for: `main`, `msg`, `all`. */
  readonly db: string;
  /** Fields that follow the documented ones. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** `manifest.json` of the documented download (PRD "Inner HTTP", section 9): neither signed nor chained. */
export function documentedManifest({ timestamp, databases, db, more = {} }: DocumentedManifest): string {
  return recordText(
    { ...more, timestamp, databases: databases.map(inOrder), options: { db } },
    MANIFEST_ORDER,
  );
}

function inOrder(database: Readonly<Record<string, unknown>> | DocumentedDatabase): Record<string, unknown> {
  const given: Record<string, unknown> = { ...database };
  const known = DATABASE_ORDER.filter((key) => given[key] !== undefined);
  const others = Object.keys(given).filter((key) => !DATABASE_ORDER.includes(key));
  return Object.fromEntries([...known, ...others].map((key) => [key, given[key]]));
}

function documentedFirst({ db, ...more }: ManifestBody['options']): ManifestBody['options'] {
  return { db, ...more };
}
