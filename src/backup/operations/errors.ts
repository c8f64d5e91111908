/** The errors that several operations on backups share. */
import type { ErrorCode } from '../../platform/errors.ts';

/** Of whatever takes a snapshot. */
export const snapshotErrors = [
  'BACKUP_RUNNING',
  'BACKUP_FAILED',
  'BACKUP_NO_ROOM',
  'SOURCE_MISSING',
  'SOURCE_UNREADABLE',
  'SOURCE_DAMAGED',
  'SOURCE_BUSY',
  'DATABASE_SERVER',
  'DATABASE_TOOL',
  'STORAGE_FULL',
  'STORAGE_UNWRITABLE',
  'CALLER_GONE',
] as const satisfies readonly ErrorCode[];

/** Of whatever looks into the places of backups. */
export const targetErrors = [
  'BACKUP_TARGET',
  'STORAGE_FULL',
  'STORAGE_UNWRITABLE',
] as const satisfies readonly ErrorCode[];
