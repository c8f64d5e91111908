/** The files of log sessions in SQL. */
import { type Kysely, sql } from 'kysely';
import type { LogStore, SessionFileRow } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { addSessionBytes, inSteps, neededSessionBytes, rowBytes } from './log-rows.ts';
import type { Schema } from './schema.ts';

export function logFileMethods(backend: SqlBackend): Pick<LogStore, 'putFiles' | 'files'> {
  return {
    putFiles: (sessionId, files, { gone = [], bytesMax = Number.POSITIVE_INFINITY } = {}) =>
      backend.write(async (db) => {
        const before = await neededSessionBytes(db, sessionId);
        const change = await fileChange(db, sessionId, files, gone);
        if (change.bytes > 0 && before + change.bytes > bytesMax) return false;
        for (const paths of inSteps(gone)) await removeFiles(db, sessionId, paths);
        for (const rows of inSteps(files)) await upsertFiles(db, sessionId, rows);
        await db
          .updateTable('sessions')
          .set({
            file_count: sql<number>`file_count + ${change.count}`,
            file_bytes: sql<number>`file_bytes + ${change.size}`,
          })
          .where('id', '=', sessionId)
          .execute();
        await addSessionBytes(db, sessionId, change.bytes);
        return true;
      }),
    files: (sessionId) =>
      backend.read(async (db) => {
        const rows = await db
          .selectFrom('session_files')
          .selectAll()
          .where('session_id', '=', sessionId)
          .orderBy('path')
          .execute();
        return rows.map((row) => ({
          path: row.path,
          size: row.size,
          encoding: row.encoding,
          timestampFormat: row.timestamp_format,
          compression: row.compression,
          familyId: row.family_id,
          details: row.details,
          encodingGiven: row.encoding_given === 1,
        }));
      }),
  };
}

interface FileChange {
  readonly count: number;
  readonly size: number;
  readonly bytes: number;
}

/** How the session's sums change when these files come and those of `gone` go. */
async function fileChange(
  db: Kysely<Schema>,
  sessionId: string,
  files: readonly SessionFileRow[],
  gone: readonly string[],
): Promise<FileChange> {
  const coming = new Map(files.map((file) => [file.path, file]));
  let [count, size, bytes] = [coming.size, 0, 0];
  for (const file of coming.values()) {
    size += file.size;
    bytes += fileBytes(file);
  }
  const paths = [...new Set([...coming.keys(), ...gone])];
  for (const some of inSteps(paths)) {
    const rows = await db
      .selectFrom('session_files')
      .select(['size', 'bytes'])
      .where('session_id', '=', sessionId)
      .where('path', 'in', some)
      .execute();
    for (const row of rows) {
      count -= 1;
      size -= row.size;
      bytes -= row.bytes;
    }
  }
  return { count, size, bytes };
}

async function removeFiles(db: Kysely<Schema>, sessionId: string, paths: readonly string[]): Promise<void> {
  await db
    .deleteFrom('session_files')
    .where('session_id', '=', sessionId)
    .where('path', 'in', paths)
    .execute();
}

async function upsertFiles(
  db: Kysely<Schema>,
  sessionId: string,
  files: readonly SessionFileRow[],
): Promise<void> {
  const rows = files.map((file) => ({
    session_id: sessionId,
    path: file.path,
    size: file.size,
    encoding: file.encoding,
    timestamp_format: file.timestampFormat,
    compression: file.compression,
    family_id: file.familyId,
    bytes: fileBytes(file),
    encoding_given: file.encodingGiven ? 1 : 0,
    details: file.details,
  }));
  await db
    .insertInto('session_files')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['session_id', 'path']).doUpdateSet((excluded) => ({
        size: excluded.ref('excluded.size'),
        encoding: excluded.ref('excluded.encoding'),
        timestamp_format: excluded.ref('excluded.timestamp_format'),
        compression: excluded.ref('excluded.compression'),
        family_id: excluded.ref('excluded.family_id'),
        bytes: excluded.ref('excluded.bytes'),
        encoding_given: excluded.ref('excluded.encoding_given'),
        details: excluded.ref('excluded.details'),
      })),
    )
    .execute();
}

function fileBytes({ path, encoding, timestampFormat, familyId, details }: SessionFileRow): number {
  return rowBytes([path, encoding, timestampFormat, familyId, details]);
}
