/** Parts of the operations' schemas: what is said of backups in replies. */
import * as z from 'zod';

export const backupId = z
  .string()
  .regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/, 'expected an ID as `chs backup list` shows it')
  .describe('The ID of the backup');

/** An ID, or `latest`. */
export const backupRef = z
  .string()
  .regex(/^(?:latest|\d{8}T\d{6}Z-[0-9a-f]{6})$/, 'expected an ID as `chs backup list` shows it, or latest')
  .describe('The ID of the backup, or latest');

export const databaseName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected a name of letters, digits, - and _');

/** A database of a backup, as the manifest has it. */
export const databaseEntry = z.object({
  name: z.string(),
  path: z.string(),
  size: z.int(),
  sha256: z.string(),
  pages: z.int().nullable(),
  page_size: z.int().nullable(),
  schema_sha256: z.string().nullable(),
  foreign_key_violations: z.int().nullable(),
  kind: z.enum(['sqlite', 'postgres']),
  server_version: z.string().nullable(),
  file: z.string(),
  file_size: z.int(),
  file_sha256: z.string(),
});

export const filesEntry = z.object({
  database: z.string(),
  path: z.string(),
  count: z.int(),
  size: z.int(),
  list: z.string(),
  list_size: z.int(),
  list_sha256: z.string(),
  missing: z.array(z.string()),
});

/** Whether a backup was read back, and held. */
export const verificationState = z.object({
  at: z.string(),
  depth: z.enum(['made', 'full']),
  ok: z.boolean(),
  problems: z.array(z.string()),
});

/** Where a copy of a backup is. */
export const copyState = z.object({
  place: z.string(),
  verified: verificationState.nullable(),
});

export const backupSummary = z.object({
  id: z.string(),
  timestamp: z.string(),
  databases: z.array(databaseEntry),
  files: filesEntry.nullable(),
  options: z.object({ db: z.string(), compact: z.boolean() }),
  one_instant: z.boolean(),
  one_instant_reason: z.string().nullable(),
  made_by: z.object({ chs: z.string(), host: z.string() }),
  sequence: z.int(),
  previous: z.object({ id: z.string(), sha256: z.string() }).nullable(),
  /** Bytes that it takes, without the files that it shares with others. */
  archive_size: z.int(),
  /** own: signed by this installation's key. other: by another one. invalid: the manifest was changed. */
  signature: z.enum(['own', 'other', 'invalid']),
  /** One for each place that has it; the first is backup.target. */
  copies: z.array(copyState),
  /** Remarks for people: what is odd about it. */
  warnings: z.array(z.string()),
});

export type BackupSummary = z.output<typeof backupSummary>;

/** One that is to be deleted, or was, or stays, and why. */
export const prunedBackup = z.object({ id: z.string(), place: z.string(), reason: z.string() });

export const pruneResult = z.object({
  plan: z.boolean(),
  deleted: z.array(prunedBackup),
  kept: z.array(prunedBackup),
  /** Files of the pool that no backup needs any more. */
  pool_files: z.int(),
  freed_bytes: z.int(),
  warnings: z.array(z.string()),
});

export type PruneResult = z.output<typeof pruneResult>;

/** One check of a verification. */
export const checkResult = z.object({
  /** The database or file. */
  name: z.string(),
  /** Such as `checksum`, `gzip`, `integrity_check`, `foreign_key_check`, `pg_restore --list`, `signature`, `chain`. */
  check: z.string(),
  ok: z.boolean(),
  detail: z.string(),
});

export const verifyResult = z.object({
  id: z.string(),
  /** When its databases were cut; null for a file that does not say. */
  timestamp: z.string().nullable(),
  place: z.string(),
  ok: z.boolean(),
  checks: z.array(checkResult),
  warnings: z.array(z.string()),
});

export type CheckResult = z.output<typeof checkResult>;
export type VerifyResult = z.output<typeof verifyResult>;
