/** What takes long: started by one call, watched by another. */
import * as z from 'zod';
import { backupRef, backupSummary, databaseName, pruneResult, verifyResult } from '../fields.ts';
import { snapshotErrors, targetErrors } from './errors.ts';

const runId = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'expected a run as the call that started it gave it')
  .describe('The run');

const started = () => z.object({ run: z.string() });

export const runOperations = {
  createBackup: {
    summary: 'Make a backup, and read it back',
    description:
      'Gives a run to watch. Without names everything is backed up: the data of chs with its files, too.',
    method: 'POST',
    path: '/backups',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        names: z
          .array(databaseName)
          .min(1)
          .max(1000)
          .optional()
          .describe('Databases by name; all when left out'),
        compact: z
          .boolean()
          .default(false)
          .describe('Compact each database (VACUUM INTO) in place of copying it'),
        files: z.boolean().default(true).describe('With the stored files that belong to the database of chs'),
      }),
    output: started,
    errors: [...snapshotErrors, ...targetErrors, 'NO_SUCH_DATABASE'],
  },
  verifyBackup: {
    summary: 'Read a backup back and check everything about it',
    method: 'POST',
    path: '/backups/{id}/verify',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        id: backupRef,
        copy: z.boolean().default(false).describe('The copy, not the one in the first place'),
      }),
    output: started,
    errors: [...targetErrors, 'BACKUP_NOT_FOUND', 'BACKUP_RUNNING'],
  },
  pruneBackups: {
    summary: 'Delete backups that are too old, once newer ones are verified',
    method: 'POST',
    path: '/backups/prune',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        keep_days: z.int().min(1).max(36_500).optional().describe('Keep what is younger than so many days'),
        keep_last: z
          .int()
          .min(1)
          .max(100_000)
          .optional()
          .describe('Keep the newest so many verified ones, however old'),
        plan: z.boolean().default(false).describe('Say what would go, and delete nothing'),
      }),
    output: started,
    errors: [...targetErrors, 'BACKUP_RUNNING'],
  },
  watchBackupRun: {
    summary: 'Watch a run of backups',
    description: 'Events from its beginning on; it ends with run.done or run.failed.',
    method: 'GET',
    path: '/backups/runs/{run}/events',
    dialect: 'crash',
    access: 'admin',
    input: () =>
      z.object({
        run: runId,
        after: z.int().min(0).optional().describe('First what happened after the event with this ID'),
      }),
    output: null,
    stream: () =>
      z.object({
        id: z.int(),
        /** run.step, run.progress, run.done, run.failed */
        type: z.enum(['run.step', 'run.progress', 'run.done', 'run.failed']),
        /** A step: what is done now. `name` is the database or file. */
        step: z.string().optional(),
        name: z.string().nullable().optional(),
        /** Progress: bytes. */
        done: z.number().optional(),
        total: z.number().optional(),
        /** One of them, when it is done. */
        backup: backupSummary.optional(),
        verification: verifyResult.optional(),
        pruned: pruneResult.optional(),
        /** When it failed. */
        error: z
          .object({
            code: z.string(),
            message: z.string(),
            hint: z.string().nullable(),
            retryable: z.boolean(),
          })
          .optional(),
      }),
    errors: ['BACKUP_NOT_FOUND'],
  },
} as const;
