/** The log sessions in SQL, the same on every database: sessions, searches and what is made of hits, as one store. */
import type { LogStore } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { logDeletionMethods } from './log-deletion.ts';
import { logEvidenceMethods } from './log-evidence-store.ts';
import { logFileMethods } from './log-file-store.ts';
import { logHitMethods } from './log-hit-store.ts';
import { logSearchMethods } from './log-search-store.ts';
import { logSessionMethods } from './log-session-store.ts';

/** @param backend an open database, migrated to today's tables */
export function createLogStore(backend: SqlBackend): LogStore {
  return {
    ...logSessionMethods(backend),
    ...logDeletionMethods(backend),
    ...logFileMethods(backend),
    ...logSearchMethods(backend),
    ...logHitMethods(backend),
    ...logEvidenceMethods(backend),
  };
}
