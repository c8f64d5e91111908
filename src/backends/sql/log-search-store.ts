/** Writing searches down with their hits in SQL. */
import { type Kysely, sql } from 'kysely';
import type { HitRow, LogStore, SearchRecordRow } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { addSessionBytes, inSteps, rowBytes, sessionBytes, storable } from './log-rows.ts';
import type { Schema } from './schema.ts';

type SearchMethods = Pick<LogStore, 'saveSearch' | 'searchRecord'>;

/** Rolls the transaction back; nobody else sees it. */
class TooLarge extends Error {}

export function logSearchMethods(backend: SqlBackend): SearchMethods {
  return {
    async saveSearch(record, hits, bytesMax) {
      const write = backend.write(async (db) => {
        const before = await sessionBytes(db, record.sessionId);
        if (before === null) return 'no_session' as const;
        const ofRecord = await addRecord(db, record);
        const ofHits = await insertHits(db, record, hits);
        // Hits that were there are counted already.
        const found = ofHits.count + record.resultCount - hits.length;
        const added = ofRecord.bytes + ofHits.bytes;
        await db
          .updateTable('search_records')
          .set({
            result_count: sql<number>`result_count + ${found}`,
            duration_ms: sql<number>`duration_ms + ${record.durationMs}`,
            bytes: sql<number>`bytes + ${added}`,
            hit_count: sql<number>`hit_count + ${ofHits.count}`,
            ...(ofRecord.snapshot === null ? {} : { snapshot: ofRecord.snapshot }),
          })
          .where('id', '=', record.id)
          .execute();
        const freed = await evict(db, record, before + added - bytesMax);
        if (added > 0 && before + added - freed > bytesMax) throw new TooLarge();
        await addSessionBytes(db, record.sessionId, added - freed);
        return 'saved' as const;
      });
      return write.catch((error: unknown) => {
        if (error instanceof TooLarge) return 'too_large' as const;
        throw error;
      });
    },
    searchRecord: (id) =>
      backend.read(async (db) => {
        const row = await db.selectFrom('search_records').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row || (await sessionBytes(db, row.session_id)) === null) return null;
        return {
          id: row.id,
          sessionId: row.session_id,
          queryJson: row.query_json,
          resultCount: row.result_count,
          durationMs: row.duration_ms,
          createdAt: row.created_at,
          snapshot: row.snapshot,
        };
      }),
  };
}

/**
 * Makes the row if there is none, with nothing counted yet.
 *
 * @returns by how many bytes the record makes the session larger, and the snapshot where it takes the place of another
 */
async function addRecord(
  db: Kysely<Schema>,
  { id, sessionId, queryJson, createdAt, snapshot }: SearchRecordRow,
): Promise<{ bytes: number; snapshot: string | null }> {
  const known = await db
    .selectFrom('search_records')
    .select('snapshot')
    .where('id', '=', id)
    .executeTakeFirst();
  if (known) {
    if (snapshot === null || snapshot === known.snapshot) return { bytes: 0, snapshot: null };
    return { bytes: Buffer.byteLength(snapshot) - Buffer.byteLength(known.snapshot ?? ''), snapshot };
  }
  const sums = { result_count: 0, duration_ms: 0, bytes: 0, hit_count: 0 };
  const kept = { id, session_id: sessionId, query_json: queryJson, created_at: createdAt, snapshot };
  await db
    .insertInto('search_records')
    .values({ ...kept, ...sums })
    .execute();
  return { bytes: rowBytes([id, sessionId, queryJson, snapshot]), snapshot: null };
}

/** Inserts those that are new; gives how many, and what they take. */
async function insertHits(
  db: Kysely<Schema>,
  record: SearchRecordRow,
  hits: readonly HitRow[],
): Promise<{ count: number; bytes: number }> {
  let [count, bytes] = [0, 0];
  for (const some of inSteps(hits)) {
    const rows = some.map((hit) => ({
      id: hit.id,
      record_id: record.id,
      session_id: record.sessionId,
      file: hit.file,
      family_id: hit.familyId,
      line_number: hit.lineNumber,
      byte_offset: hit.byteOffset,
      timestamp: hit.timestamp,
      truncated: hit.truncated ? 1 : 0,
      content: storable(hit.content),
      context: storable(hit.context),
    }));
    const inserted = await db
      .insertInto('search_hits')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .execute();
    const ids = new Set(inserted.map(({ id }) => id));
    for (const row of rows) {
      // Deleting it from the set counts an ID once that is twice among the rows.
      if (!ids.delete(row.id)) continue;
      count += 1;
      bytes += rowBytes([row.id, row.record_id, row.session_id, row.file, row.content, row.context]);
    }
  }
  return { count, bytes };
}

/** Deletes the session's oldest searches but this one until `excessBytes` are freed. Gives how many were. */
async function evict(
  db: Kysely<Schema>,
  { id, sessionId }: SearchRecordRow,
  excessBytes: number,
): Promise<number> {
  if (excessBytes <= 0) return 0;
  const others = await db
    .selectFrom('search_records')
    .select(['serial', 'bytes'])
    .where('session_id', '=', sessionId)
    .where('id', '!=', id)
    .orderBy('serial')
    .execute();
  let freed = 0;
  const going: number[] = [];
  for (const { serial, bytes } of others) {
    if (freed >= excessBytes) break;
    freed += bytes;
    going.push(serial);
  }
  for (const serials of inSteps(going))
    await db.deleteFrom('search_records').where('serial', 'in', serials).execute();
  return freed;
}
