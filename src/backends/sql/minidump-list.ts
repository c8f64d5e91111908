/** Pages of minidumps, newest first, in constant time on millions of rows. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Listed, MinidumpFilter, MinidumpRow, Page } from '../../crash/store.ts';
import { annotationMatches, annotationOfRow } from './annotation-store.ts';
import type { Schema } from './schema.ts';

const HOUR_MS = 3_600_000;
/** Up to here skipping rows is cheaper than finding out where to start. */
const SKIP_MAX = 500;
/** Division rounds towards zero, so the first day of 1970 and the day before it count as one. */
const HOURS_A_DAY_MAX = 48;
/** With more dumps than this that have an annotation, looking each row's up is cheaper than gathering them all. */
const GATHERED_MAX = 2000;

/**
 * One page and the number of all rows. Counting a million rows, or skipping half of them, takes
 * tens of milliseconds; so totals and the place where a far page begins come from the tallies, and
 * what has to be skipped all the same is skipped from the nearer end.
 */
export async function listMinidumps(
  db: Kysely<Schema>,
  filter: MinidumpFilter,
  page: Page,
): Promise<Listed<MinidumpRow>> {
  const found = {
    version: await versionCondition(db, filter.version),
    guid: await guidCondition(db, filter.guidKey),
    annotation: await annotationCondition(db, filter.annotation),
  };
  const total = await totalOf(db, filter, found);
  const limit = Math.min(page.limit, total - page.offset);
  if (limit <= 0) return { rows: [], total };
  const { endMs, skip } = await startOf(db, filter, page.offset);
  const matching = where(conditionsOf({ ...filter, endMs }, found));
  const skipFromEnd = total - page.offset - limit;
  if (skip > SKIP_MAX && skipFromEnd < skip) {
    const { rows } = await sql<MinidumpRow>`
      select * from minidumps ${matching}
      order by timestamp_ms, id limit ${limit} offset ${skipFromEnd}`.execute(db);
    return { rows: rows.toReversed(), total };
  }
  const { rows } = await sql<MinidumpRow>`
    select * from minidumps ${matching}
    order by timestamp_ms desc, id desc limit ${limit} offset ${skip}`.execute(db);
  return { rows, total };
}

/** What has to be asked first, to know how to ask for the rest. */
interface FoundConditions {
  readonly version: OwnCondition | null;
  readonly guid: OwnCondition | null;
  readonly annotation: RawBuilder<unknown> | null;
}

function conditionsOf(filter: MinidumpFilter, found: FoundConditions): RawBuilder<unknown>[] {
  const { version, guid, annotation } = found;
  const conditions: RawBuilder<unknown>[] = [];
  if (version) conditions.push(version.condition);
  if (guid) conditions.push(guid.condition);
  if (annotation) conditions.push(annotation);
  if (filter.startMs !== undefined) conditions.push(sql`timestamp_ms >= ${filter.startMs}`);
  if (filter.endMs !== undefined) conditions.push(sql`timestamp_ms <= ${filter.endMs}`);
  if (filter.exceptionCode !== undefined) conditions.push(sql`exception_code = ${filter.exceptionCode}`);
  if (filter.signature !== undefined) conditions.push(sql`signature = ${filter.signature}`);
  if (filter.debuggable !== undefined) conditions.push(debuggable(filter.debuggable));
  if (filter.text !== undefined) {
    const pattern = `%${filter.text.replace(/[\\%_]/g, '\\$&')}%`;
    const columns = ['exe_name', 'exe_version', 'exe_guid', 'id', 'exception_code'];
    const likes = columns.map((column) => sql`${sql.ref(column)} like ${pattern} escape '\\'`);
    // One pass over the annotations, not one for each row.
    likes.push(sql`id in (select minidump_id from annotations where value like ${pattern} escape '\\')`);
    conditions.push(sql`(${sql.join(likes, sql` or `)})`);
  }
  return conditions;
}

const withPdb = sql`select id from modules where has_pdb = 1 and key_count > 0`;

/** A dump is debuggable by its decisive module; one that has none is not. */
function debuggable(wanted: boolean): RawBuilder<unknown> {
  return wanted
    ? sql`key_module_id in (${withPdb})`
    : sql`(key_module_id is null or key_module_id not in (${withPdb}))`;
}

interface OwnCondition {
  readonly condition: RawBuilder<unknown>;
  /** No row has this value in another way than in its own column. */
  readonly ownOnly: boolean;
}

/** A version is looked for among the declared ones and the parsed ones, which as good as always are the same. */
async function versionCondition(
  db: Kysely<Schema>,
  version: string | undefined,
): Promise<OwnCondition | null> {
  if (version === undefined) return null;
  // Written as in the index of the rows whose two versions differ.
  const parsedOnly = sql`(parsed_version = ${version} and parsed_version is distinct from exe_version)`;
  const others = await sql`select 1 where exists (select 1 from minidumps where ${parsedOnly})`.execute(db);
  const own = sql`exe_version = ${version}`;
  if (others.rows.length === 0) return { condition: own, ownOnly: true };
  return { condition: sql`(${own} or ${parsedOnly})`, ownOnly: false };
}

/**
 * A GUID is looked for among the declared ones, the parsed ones, and those that later uploads of the
 * same dump declared. As good as always they are the same, and then the condition can be the one that
 * an index answers in order.
 */
async function guidCondition(db: Kysely<Schema>, guidKey: string | undefined): Promise<OwnCondition | null> {
  if (guidKey === undefined) return null;
  // Written as in the index of the rows whose two GUIDs differ, or that index would not be used.
  const parsedOnly = sql`(parsed_guid_key = ${guidKey} and parsed_guid_key is distinct from guid_key)`;
  const declaredLater = sql`
    select file_id from declared_ids where kind = 'minidumps' and guid_key = ${guidKey}`;
  const others = await sql`
    select 1 where exists (select 1 from minidumps where ${parsedOnly}) or exists (${declaredLater})`.execute(
    db,
  );
  if (others.rows.length === 0) return { condition: sql`guid_key = ${guidKey}`, ownOnly: true };
  return {
    condition: sql`(guid_key = ${guidKey} or ${parsedOnly} or id in (${declaredLater}))`,
    ownOnly: false,
  };
}

/**
 * The dumps with an annotation: gathered by the index of names where they are few; where they are many, each row is
 * asked, as then a page of the newest is soon full.
 */
async function annotationCondition(
  db: Kysely<Schema>,
  annotation: MinidumpFilter['annotation'],
): Promise<RawBuilder<unknown> | null> {
  if (annotation === undefined) return null;
  const matching = annotationMatches(annotation);
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from (
      select 1 from annotations where ${matching} limit ${GATHERED_MAX + 1}
    ) as some`.execute(db);
  if (Number(rows[0]?.total ?? 0) <= GATHERED_MAX)
    return sql`id in (select annotations.minidump_id from annotations where ${matching})`;
  return sql`exists (
    select 1 from annotations where annotations.minidump_id = minidumps.id and ${annotationOfRow(annotation)})`;
}

async function totalOf(db: Kysely<Schema>, filter: MinidumpFilter, found: FoundConditions): Promise<number> {
  if (isTimeOnly(filter)) return totalBetween(db, filter);
  const [only, another] = Object.entries(filter).filter(([, value]) => value !== undefined);
  if (only && !another) {
    const [name, key] = only;
    if (name === 'version' && found.version?.ownOnly) return tally(db, 'version', key);
    if (name === 'exceptionCode') return tally(db, 'code', key);
    if (name === 'guidKey' && found.guid?.ownOnly) return tally(db, 'guid', key);
    if (name === 'signature') return tally(db, 'signature', key);
    if (name === 'debuggable') return countDebuggable(db, filter.debuggable === true);
    if (filter.annotation) return annotatedCount(db, filter.annotation);
  }
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from minidumps ${where(conditionsOf(filter, found))}`.execute(db);
  return Number(rows[0]?.total ?? 0);
}

async function annotatedCount(
  db: Kysely<Schema>,
  annotation: NonNullable<MinidumpFilter['annotation']>,
): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    select count(distinct minidump_id) as total from annotations
    where ${annotationMatches(annotation)}`.execute(db);
  return Number(rows[0]?.total ?? 0);
}

function isTimeOnly(filter: MinidumpFilter): boolean {
  return Object.entries(filter).every(
    ([name, value]) => value === undefined || name === 'startMs' || name === 'endMs',
  );
}

/** By the counts that modules keep of the dumps that they decide on. */
async function countDebuggable(db: Kysely<Schema>, wanted: boolean): Promise<number> {
  const { rows } = await sql<{ total: number | null }>`
    select sum(key_count) as total from modules where has_pdb = 1`.execute(db);
  const total = Number(rows[0]?.total ?? 0);
  return wanted ? total : (await totalBetween(db, {})) - total;
}

type Tally = 'version' | 'guid' | 'code' | 'signature';

async function tally(db: Kysely<Schema>, kind: Tally, key: string): Promise<number> {
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

/** Where a far page begins: the last instant that can be on it, and how many rows to skip from there. */
async function startOf(db: Kysely<Schema>, filter: MinidumpFilter, offset: number): Promise<Start> {
  let { endMs } = filter;
  let skip = offset;
  if (!isTimeOnly(filter) || offset <= SKIP_MAX) return { endMs, skip };
  if (endMs !== undefined) {
    const lastHour = Math.floor((endMs + 1) / HOUR_MS) - 1;
    const newest = await countRows(db, (lastHour + 1) * HOUR_MS, endMs);
    if (skip < newest) return { endMs, skip };
    skip -= newest;
    endMs = (lastHour + 1) * HOUR_MS - 1;
  }
  // First to the day and then to the hour: years of hours are too many rows to bring here.
  const days = await sql<Span>`
    select min(hour) as first_hour, sum(row_count) as row_count from minidump_hours ${untilHour(endMs)}
    group by hour / 24 order by first_hour desc`.execute(db);
  const day = stepBack(days.rows, { endMs, skip });
  const hours = await sql<Span>`
    select hour as first_hour, row_count from minidump_hours ${untilHour(day.endMs)}
    order by hour desc limit ${HOURS_A_DAY_MAX}`.execute(db);
  return stepBack(hours.rows, day);
}

interface Span {
  readonly first_hour: number;
  readonly row_count: number;
}

interface Start {
  readonly endMs: number | undefined;
  readonly skip: number;
}

/** @param endMs the end of an hour, if given */
function untilHour(endMs: number | undefined): RawBuilder<unknown> {
  return endMs === undefined ? sql`` : sql`where hour < ${(endMs + 1) / HOUR_MS}`;
}

/** Goes back over as many whole spans as do not reach the page. */
function stepBack(spans: readonly Span[], { endMs, skip }: Start): Start {
  for (const span of spans) {
    const rowCount = Number(span.row_count);
    if (skip < rowCount) break;
    skip -= rowCount;
    endMs = Number(span.first_hour) * HOUR_MS - 1;
  }
  return { endMs, skip };
}

function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}
