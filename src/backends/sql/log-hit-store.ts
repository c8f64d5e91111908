/** Reading the hits of log sessions in SQL: by search, by ID, by time. */
import { type Kysely, sql } from 'kysely';
import type { HitBounds, HitCounts, HitRow, LogStore } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { inSteps } from './log-rows.ts';
import type { Schema, SearchHitsTable } from './schema.ts';

type HitMethods = Pick<LogStore, 'hits' | 'hitIds' | 'hitCounts' | 'hitsByTime' | 'untimedHits'>;

export function logHitMethods(backend: SqlBackend): HitMethods {
  return {
    hits: (sessionId, { ids, limit }) =>
      backend.read(async (db) =>
        ids ? hitsOf(db, sessionId, ids.slice(0, limit)) : firstHits(db, sessionId, limit),
      ),
    hitCounts: (sessionId) => backend.read((db) => hitCounts(db, sessionId)),
    hitIds: (sessionId, limit) =>
      backend.read(async (db) => {
        const rows = await hitsInOrder(db, sessionId).select('hit.id').limit(limit).execute();
        return rows.map(({ id }) => id);
      }),
    hitsByTime: (sessionId, bounds) => backend.read((db) => lines(db, sessionId, true, bounds)),
    untimedHits: (sessionId, bounds) => backend.read((db) => lines(db, sessionId, false, bounds)),
  };
}

/** Lines of which the time is known, or not: each once, as it was found first. */
async function lines(
  db: Kysely<Schema>,
  sessionId: string,
  isTimed: boolean,
  { limit, bytesMax }: HitBounds,
): Promise<HitRow[]> {
  const sizes = await linesOnce(db, sessionId)
    .select(['hit.serial', sql<number>`octet_length(hit.content) + octet_length(hit.context)`.as('bytes')])
    .where('hit.timestamp', isTimed ? 'is not' : 'is', null)
    .orderBy('hit.timestamp')
    .orderBy('hit.file')
    .orderBy('hit.byte_offset')
    .limit(limit)
    .execute();
  let left = bytesMax;
  const fitting: number[] = [];
  for (const { serial, bytes } of sizes) {
    left -= Number(bytes);
    if (left < 0) break;
    fitting.push(serial);
  }
  const found = new Map<number, HitRow>();
  for (const serials of inSteps(fitting)) {
    const rows = await db.selectFrom('search_hits').selectAll().where('serial', 'in', serials).execute();
    for (const row of rows) found.set(row.serial, hitRow(row));
  }
  return fitting.flatMap((serial) => found.get(serial) ?? []);
}

function linesOnce(db: Kysely<Schema>, sessionId: string) {
  return db
    .selectFrom('search_hits as hit')
    .where('hit.session_id', '=', sessionId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('search_hits as earlier')
            .select('earlier.serial')
            .where('earlier.session_id', '=', sessionId)
            .whereRef('earlier.timestamp', 'is not distinct from', 'hit.timestamp')
            .whereRef('earlier.file', '=', 'hit.file')
            .whereRef('earlier.byte_offset', '=', 'hit.byte_offset')
            .whereRef('earlier.serial', '<', 'hit.serial'),
        ),
      ),
    );
}

async function hitCounts(db: Kysely<Schema>, sessionId: string): Promise<HitCounts> {
  const { total } = await db
    .selectFrom('search_records')
    .select(sql<number>`coalesce(sum(hit_count), 0)`.as('total'))
    .where('session_id', '=', sessionId)
    .executeTakeFirstOrThrow();
  const lines = async (isTimed: boolean): Promise<number> => {
    const distinct = db
      .selectFrom('search_hits')
      .select(['timestamp', 'file', 'byte_offset'])
      .distinct()
      .where('session_id', '=', sessionId)
      .where('timestamp', isTimed ? 'is not' : 'is', null);
    const { count } = await db
      .selectFrom(distinct.as('line'))
      .select(sql<number>`count(*)`.as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  };
  const end = async (direction: 'asc' | 'desc'): Promise<number | null> => {
    const row = await db
      .selectFrom('search_hits')
      .select('timestamp')
      .where('session_id', '=', sessionId)
      .where('timestamp', 'is not', null)
      .orderBy('timestamp', direction)
      .limit(1)
      .executeTakeFirst();
    return row?.timestamp ?? null;
  };
  return {
    total: Number(total),
    timedLines: await lines(true),
    untimedLines: await lines(false),
    firstMs: await end('asc'),
    lastMs: await end('desc'),
  };
}

function hitsInOrder(db: Kysely<Schema>, sessionId: string) {
  return db
    .selectFrom('search_records as record')
    .innerJoin('search_hits as hit', 'hit.record_id', 'record.id')
    .where('record.session_id', '=', sessionId)
    .orderBy('record.serial')
    .orderBy('hit.serial');
}

async function firstHits(db: Kysely<Schema>, sessionId: string, limit: number): Promise<HitRow[]> {
  const rows = await hitsInOrder(db, sessionId).selectAll('hit').limit(limit).execute();
  return rows.map(hitRow);
}

async function hitsOf(db: Kysely<Schema>, sessionId: string, ids: readonly string[]): Promise<HitRow[]> {
  const found = new Map<string, HitRow>();
  for (const some of inSteps(ids)) {
    const rows = await db
      .selectFrom('search_hits')
      .selectAll()
      .where('id', 'in', some)
      .where('session_id', '=', sessionId)
      .execute();
    for (const row of rows) found.set(row.id, hitRow(row));
  }
  return [...new Set(ids)].flatMap((id) => found.get(id) ?? []);
}

type StoredHit = Omit<SearchHitsTable, 'serial'>;

function hitRow(row: StoredHit): HitRow {
  return {
    id: row.id,
    recordId: row.record_id,
    file: row.file,
    familyId: row.family_id,
    lineNumber: row.line_number,
    byteOffset: row.byte_offset,
    timestamp: row.timestamp,
    content: row.content,
    context: row.context,
    truncated: row.truncated === 1,
  };
}
