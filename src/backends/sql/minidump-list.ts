/** Pages of minidumps, newest first, in constant time on millions of rows. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Listed, MinidumpFilter, MinidumpRow, Page } from '../../crash/store.ts';
import type { Schema } from './schema.ts';

const HOUR_MS = 3_600_000;
/** Up to here skipping rows is cheaper than finding out where to start. */
const SKIP_MAX = 500;

/**
 * One page and the number of all rows. Counting a million rows, or skipping half of them, takes
 * tens of milliseconds; so totals and the place where a far page begins come from the tallies.
 */
export async function listMinidumps(
  db: Kysely<Schema>,
  filter: MinidumpFilter,
  page: Page,
): Promise<Listed<MinidumpRow>> {
  const guid = await guidCondition(db, filter.guidKey);
  const conditions = conditionsOf(filter, guid?.condition ?? null);
  const total = await totalOf(db, filter, conditions, guid?.declaredOnly ?? false);
  if (page.offset >= total) return { rows: [], total };
  const start = await startOf(db, filter, page.offset);
  if (start.beforeMs !== null) conditions.push(sql`timestamp_ms < ${start.beforeMs}`);
  const { rows } = await sql<MinidumpRow>`
    select * from minidumps ${where(conditions)}
    order by timestamp_ms desc, id desc limit ${page.limit} offset ${start.skip}`.execute(db);
  return { rows, total };
}

function conditionsOf(filter: MinidumpFilter, guid: RawBuilder<unknown> | null): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (filter.version !== undefined) conditions.push(sql`exe_version = ${filter.version}`);
  if (guid) conditions.push(guid);
  if (filter.startMs !== undefined) conditions.push(sql`timestamp_ms >= ${filter.startMs}`);
  if (filter.endMs !== undefined) conditions.push(sql`timestamp_ms <= ${filter.endMs}`);
  if (filter.exceptionCode !== undefined) conditions.push(sql`exception_code = ${filter.exceptionCode}`);
  if (filter.text !== undefined) {
    const pattern = `%${filter.text.replace(/[\\%_]/g, '\\$&')}%`;
    const columns = ['exe_name', 'exe_version', 'exe_guid', 'id', 'exception_code'];
    const likes = columns.map((column) => sql`${sql.ref(column)} like ${pattern} escape '\\'`);
    conditions.push(sql`(${sql.join(likes, sql` or `)})`);
  }
  return conditions;
}

/**
 * A GUID is looked for among the declared and the parsed ones. As good as always they are the same,
 * and then the condition can be the one that an index answers in order.
 */
async function guidCondition(
  db: Kysely<Schema>,
  guidKey: string | undefined,
): Promise<{ condition: RawBuilder<unknown>; declaredOnly: boolean } | null> {
  if (guidKey === undefined) return null;
  const differing = await sql`
    select 1 from minidumps
    where parsed_guid_key = ${guidKey} and state = 'mismatch' and guid_key <> ${guidKey} limit 1`.execute(db);
  if (differing.rows.length === 0) return { condition: sql`guid_key = ${guidKey}`, declaredOnly: true };
  return { condition: sql`(guid_key = ${guidKey} or parsed_guid_key = ${guidKey})`, declaredOnly: false };
}

async function totalOf(
  db: Kysely<Schema>,
  filter: MinidumpFilter,
  conditions: readonly RawBuilder<unknown>[],
  guidDeclaredOnly: boolean,
): Promise<number> {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const names = given.map(([name]) => name);
  if (names.every((name) => name === 'startMs' || name === 'endMs')) return totalBetween(db, filter);
  if (names.length === 1 && filter.version !== undefined) return tally(db, 'version', filter.version);
  if (names.length === 1 && filter.guidKey !== undefined && guidDeclaredOnly) {
    return tally(db, 'guid', filter.guidKey);
  }
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from minidumps ${where(conditions)}`.execute(db);
  return Number(rows[0]?.total ?? 0);
}

async function tally(db: Kysely<Schema>, kind: 'version' | 'guid', key: string): Promise<number> {
  const query = db
    .selectFrom('minidump_tallies')
    .select('row_count')
    .where('kind', '=', kind)
    .where('key', '=', key);
  return Number((await query.executeTakeFirst())?.row_count ?? 0);
}

/** Whole hours from the tallies, and the broken ones at both ends counted. */
async function totalBetween(db: Kysely<Schema>, { startMs, endMs }: MinidumpFilter): Promise<number> {
  const firstHour = startMs === undefined ? null : Math.ceil(startMs / HOUR_MS);
  const lastHour = endMs === undefined ? null : Math.floor((endMs + 1) / HOUR_MS) - 1;
  if (firstHour !== null && lastHour !== null && firstHour > lastHour) {
    return countRows(db, startMs ?? null, endMs ?? null);
  }
  const conditions = [];
  if (firstHour !== null) conditions.push(sql`hour >= ${firstHour}`);
  if (lastHour !== null) conditions.push(sql`hour <= ${lastHour}`);
  const { rows } = await sql<{ total: number | null }>`
    select sum(row_count) as total from minidump_hours ${where(conditions)}`.execute(db);
  let total = Number(rows[0]?.total ?? 0);
  if (startMs !== undefined && firstHour !== null)
    total += await countRows(db, startMs, firstHour * HOUR_MS - 1);
  if (endMs !== undefined && lastHour !== null) total += await countRows(db, (lastHour + 1) * HOUR_MS, endMs);
  return total;
}

async function countRows(db: Kysely<Schema>, startMs: number | null, endMs: number | null): Promise<number> {
  if (startMs !== null && endMs !== null && startMs > endMs) return 0;
  const conditions = [];
  if (startMs !== null) conditions.push(sql`timestamp_ms >= ${startMs}`);
  if (endMs !== null) conditions.push(sql`timestamp_ms <= ${endMs}`);
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from minidumps ${where(conditions)}`.execute(db);
  return Number(rows[0]?.total ?? 0);
}

/** Where a far page begins: the end of an hour, and how many rows of it to skip. */
async function startOf(
  db: Kysely<Schema>,
  filter: MinidumpFilter,
  offset: number,
): Promise<{ beforeMs: number | null; skip: number }> {
  const timeOnly = Object.entries(filter).every(
    ([name, value]) => value === undefined || name === 'startMs' || name === 'endMs',
  );
  if (!timeOnly || offset <= SKIP_MAX) return { beforeMs: null, skip: offset };
  const { endMs } = filter;
  const lastHour = endMs === undefined ? null : Math.floor((endMs + 1) / HOUR_MS) - 1;
  let skip = offset;
  let beforeMs: number | null = null;
  if (endMs !== undefined && lastHour !== null) {
    const newest = await countRows(db, (lastHour + 1) * HOUR_MS, endMs);
    if (skip < newest) return { beforeMs: null, skip };
    skip -= newest;
    beforeMs = (lastHour + 1) * HOUR_MS;
  }
  let hours = db.selectFrom('minidump_hours').selectAll().orderBy('hour', 'desc');
  if (lastHour !== null) hours = hours.where('hour', '<=', lastHour);
  for (const { hour, row_count } of await hours.execute()) {
    if (skip < row_count) break;
    skip -= row_count;
    beforeMs = hour * HOUR_MS;
  }
  return { beforeMs, skip };
}

function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}
