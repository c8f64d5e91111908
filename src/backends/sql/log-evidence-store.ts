/** Facts, memories and the secret of cursors in SQL. */
import { randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { FactRow, LogStore } from '../../logs/store.ts';
import type { SqlBackend } from './backend.ts';
import { addSessionBytes, inSteps, neededSessionBytes, rowBytes, storable } from './log-rows.ts';
import type { Schema } from './schema.ts';

const CURSOR_KEY_NAME = 'log cursors';
const CURSOR_KEY_BYTES = 32;

type EvidenceMethods = Pick<
  LogStore,
  'saveFacts' | 'facts' | 'remember' | 'forget' | 'memories' | 'cursorKey'
>;

export function logEvidenceMethods(backend: SqlBackend): EvidenceMethods {
  return {
    async saveFacts(sessionId, facts, bytesMax) {
      // Extracting the same again is common, and must not cost a write.
      if (await backend.read(async (db) => (await newFacts(db, sessionId, facts)).length === 0)) return true;
      return backend.write(async (db) => {
        const before = await neededSessionBytes(db, sessionId);
        const coming = await newFacts(db, sessionId, facts);
        const bytes = coming.reduce((sum, fact) => sum + factBytes(sessionId, fact), 0);
        if (before + bytes > bytesMax) return false;
        await insertFacts(db, sessionId, coming);
        await addSessionBytes(db, sessionId, bytes);
        return true;
      });
    },
    facts: (sessionId, limit) =>
      backend.read(async (db) => {
        const rows = await db
          .selectFrom('facts')
          .selectAll()
          .where('session_id', '=', sessionId)
          .orderBy('serial')
          .limit(limit)
          .execute();
        return rows.map((row) => ({
          id: row.id,
          hitId: row.hit_id,
          ruleName: row.rule_name,
          fieldsJson: row.fields_json,
        }));
      }),
    remember: (sessionId, { key, value }, bytesMax) =>
      backend.write(async (db) => {
        const before = await neededSessionBytes(db, sessionId);
        const memory = { session_id: sessionId, key: storable(key), value: storable(value) };
        const known = await memoryValue(db, sessionId, memory.key);
        const grown = memoryBytes(memory) - (known === null ? 0 : memoryBytes({ ...memory, value: known }));
        if (grown > 0 && before + grown > bytesMax) return false;
        await db
          .insertInto('memories')
          .values(memory)
          .onConflict((conflict) =>
            conflict.columns(['session_id', 'key']).doUpdateSet({ value: memory.value }),
          )
          .execute();
        await addSessionBytes(db, sessionId, grown);
        return true;
      }),
    forget: (sessionId, givenKey) =>
      backend.write(
        async (db) => {
          const key = storable(givenKey);
          const value = await memoryValue(db, sessionId, key);
          if (value === null) return false;
          await db
            .deleteFrom('memories')
            .where('session_id', '=', sessionId)
            .where('key', '=', key)
            .execute();
          await addSessionBytes(db, sessionId, -memoryBytes({ session_id: sessionId, key, value }));
          return true;
        },
        { makesRoom: true },
      ),
    memories: (sessionId) =>
      backend.read((db) =>
        db
          .selectFrom('memories')
          .select(['key', 'value'])
          .where('session_id', '=', sessionId)
          .orderBy('key')
          .execute(),
      ),
    cursorKey: cursorKeys(backend),
  };
}

/** Reads the key once, and makes it where there is none. */
function cursorKeys(backend: SqlBackend): LogStore['cursorKey'] {
  let key: Uint8Array | null = null;
  return async () => {
    key ??= await backend.read(storedKey);
    // Of several processes that make one, the first one's counts: a write sees what others have written.
    key ??= await backend.write(async (db) => {
      const known = await storedKey(db);
      if (known) return known;
      const value = randomBytes(CURSOR_KEY_BYTES);
      await db.insertInto('secrets').values({ name: CURSOR_KEY_NAME, value }).execute();
      return value;
    });
    return key;
  };
}

async function storedKey(db: Kysely<Schema>): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom('secrets')
    .select('value')
    .where('name', '=', CURSOR_KEY_NAME)
    .executeTakeFirst();
  return row?.value ?? null;
}

/** Those that are not there, of hits that are; of two with one ID the first counts. */
async function newFacts(
  db: Kysely<Schema>,
  sessionId: string,
  facts: readonly FactRow[],
): Promise<FactRow[]> {
  const coming = new Map<string, FactRow>();
  for (const fact of facts) if (!coming.has(fact.id)) coming.set(fact.id, fact);
  for (const ids of inSteps([...coming.keys()])) {
    const rows = await db.selectFrom('facts').select('id').where('id', 'in', ids).execute();
    for (const { id } of rows) coming.delete(id);
  }
  const hits = new Set<string>();
  const wanted = new Set(Array.from(coming.values(), ({ hitId }) => hitId));
  for (const ids of inSteps([...wanted])) {
    const rows = await db
      .selectFrom('search_hits')
      .select('id')
      .where('id', 'in', ids)
      .where('session_id', '=', sessionId)
      .execute();
    for (const { id } of rows) hits.add(id);
  }
  return [...coming.values()].filter(({ hitId }) => hits.has(hitId));
}

async function insertFacts(db: Kysely<Schema>, sessionId: string, facts: readonly FactRow[]): Promise<void> {
  for (const some of inSteps(facts)) {
    const rows = some.map((fact) => ({
      id: fact.id,
      session_id: sessionId,
      hit_id: fact.hitId,
      rule_name: fact.ruleName,
      fields_json: storable(fact.fieldsJson),
    }));
    await db.insertInto('facts').values(rows).execute();
  }
  await countWithSearches(db, sessionId, facts);
}

/** A search takes its facts with it when it goes, so they count among its bytes. */
async function countWithSearches(
  db: Kysely<Schema>,
  sessionId: string,
  facts: readonly FactRow[],
): Promise<void> {
  const records = new Map<string, string>();
  for (const ids of inSteps([...new Set(facts.map(({ hitId }) => hitId))])) {
    const rows = await db
      .selectFrom('search_hits')
      .select(['id', 'record_id'])
      .where('id', 'in', ids)
      .execute();
    for (const row of rows) records.set(row.id, row.record_id);
  }
  const bytes = new Map<string, number>();
  for (const fact of facts) {
    const record = records.get(fact.hitId) ?? '';
    bytes.set(record, (bytes.get(record) ?? 0) + factBytes(sessionId, fact));
  }
  for (const [id, more] of bytes)
    await db
      .updateTable('search_records')
      .set({ bytes: sql<number>`bytes + ${more}` })
      .where('id', '=', id)
      .execute();
}

function factBytes(sessionId: string, { id, hitId, ruleName, fieldsJson }: FactRow): number {
  return rowBytes([id, sessionId, hitId, ruleName, fieldsJson]);
}

async function memoryValue(db: Kysely<Schema>, sessionId: string, key: string): Promise<string | null> {
  const row = await db
    .selectFrom('memories')
    .select('value')
    .where('session_id', '=', sessionId)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.value ?? null;
}

function memoryBytes(memory: { session_id: string; key: string; value: string }): number {
  return rowBytes([memory.session_id, memory.key, memory.value]);
}
