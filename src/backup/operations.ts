/** The backup operations: what chs can do to keep databases safe. */
import { defineOperations } from '../operation.ts';
import { downloadOperations } from './operations/backupdb.ts';
import { listOperations } from './operations/backups.ts';
import { runOperations } from './operations/runs.ts';

export const backupOperations = defineOperations({
  ...downloadOperations,
  ...listOperations,
  ...runOperations,
});
