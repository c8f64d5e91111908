/** What can be done with the backups that are kept: listing, reading. */
import * as z from 'zod';
import { backupRef, backupSummary } from '../fields.ts';
import { targetErrors } from './errors.ts';

const fileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'expected the name of a file of the backup')
  .describe('A file of the backup, as its manifest names it');

export const listOperations = {
  listBackups: {
    summary: 'List backups, newest first',
    method: 'GET',
    path: '/backups',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({}),
    output: () =>
      z.object({
        backups: z.array(backupSummary),
        /** The places that were looked into, with what was wrong with those that could not be. */
        places: z.array(z.object({ place: z.string(), problem: z.string().nullable() })),
        /** The newest backup of everything that was verified, wherever it is. */
        last_verified: z.object({ id: z.string(), timestamp: z.string() }).nullable(),
        schedule: z.object({
          cron: z.string().nullable(),
          timezone: z.string(),
          next_run: z.string().nullable(),
          last_run: z.object({ at: z.string(), ok: z.boolean(), reason: z.string().nullable() }).nullable(),
        }),
        warnings: z.array(z.string()),
      }),
    errors: [...targetErrors, 'BACKUP_KEY'],
  },
  getBackup: {
    summary: 'Show a backup',
    method: 'GET',
    path: '/backups/{id}',
    dialect: 'crash',
    access: 'admin',
    input: () => z.object({ id: backupRef }),
    output: () => backupSummary,
    errors: [...targetErrors, 'BACKUP_KEY', 'BACKUP_NOT_FOUND', 'BACKUP_DAMAGED'],
  },
  readBackupFile: {
    summary: 'Download a file of a backup',
    description: 'From the copy if the first place does not have it, or with `copy`.',
    method: 'GET',
    path: '/backups/{id}/files/{file}',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        id: backupRef,
        file: fileName,
        copy: z.boolean().default(false).describe('From the copy, not from the first place'),
      }),
    output: null,
    errors: [
      ...targetErrors,
      'BACKUP_KEY',
      'BACKUP_NOT_FOUND',
      'BACKUP_FILE_NOT_FOUND',
      'BACKUP_DAMAGED',
      'PRECONDITION_FAILED',
      'RANGE_NOT_SATISFIABLE',
    ],
  },
  readPoolFile: {
    summary: 'Download a stored file that a backup names',
    method: 'GET',
    path: '/backups/pool/{sha256}',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 of 64 hexadecimal digits'),
        copy: z.boolean().default(false).describe('From the copy, not from the first place'),
      }),
    output: null,
    errors: [
      ...targetErrors,
      'BACKUP_FILE_NOT_FOUND',
      'BACKUP_DAMAGED',
      'PRECONDITION_FAILED',
      'RANGE_NOT_SATISFIABLE',
    ],
  },
} as const;
