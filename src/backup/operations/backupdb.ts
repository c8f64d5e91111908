/** The documented download: databases as a zip archive. */
import * as z from 'zod';
import { databaseName } from '../fields.ts';
import { snapshotErrors } from './errors.ts';

export const downloadOperations = {
  downloadDatabases: {
    summary: 'Download a consistent snapshot of the databases as a zip archive',
    description:
      'The archive holds NAME.db of each database and manifest.json. With a configured backup.token the request carries it as X-Backup-Token or `?token=`; without one only callers on the same machine are answered. HEAD takes no snapshot.',
    method: 'GET',
    path: '/backupdb',
    dialect: 'crash',
    access: 'backup',
    logsFailures: true,
    input: () =>
      z.object({
        db: databaseName.default('all').describe('One database by its name, such as main or msg, or all'),
      }),
    output: null,
    errors: [
      ...snapshotErrors,
      'BACKUP_TARGET',
      'BACKUP_TOKEN',
      'BACKUP_LOCAL_ONLY',
      'ORIGIN_REFUSED',
      'NO_SUCH_DATABASE',
      'PRECONDITION_FAILED',
    ],
  },
} as const;
