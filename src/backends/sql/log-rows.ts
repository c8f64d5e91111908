/** What the stores of log sessions share: what a row takes, whether a session is there, and steps of a long list. */
import { type Kysely, sql } from 'kysely';
import { ChsError } from '../../platform/errors.ts';
import type { Schema } from './schema.ts';

/** Besides its texts: numbers, keys, and its place in the indexes. */
const ROW_OVERHEAD_BYTES = 100;
/** A statement has a limited number of parameters (SQLite: 32,766). */
const ROWS_A_STATEMENT = 500;

/** The `used_at` of a session that is being deleted. */
export const GOING = 0;

/** Bytes that a row with these texts takes. */
export function rowBytes(texts: readonly (string | null)[]): number {
  return texts.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)), ROW_OVERHEAD_BYTES);
}

/** Text that UTF-8 can write, without U+0000, which PostgreSQL refuses. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

/** Its bytes; null when there is no such session, or none that is not being deleted. */
export async function sessionBytes(db: Kysely<Schema>, id: string): Promise<number | null> {
  const row = await db
    .selectFrom('sessions')
    .select('bytes')
    .where('id', '=', id)
    .where('used_at', '>', GOING)
    .executeTakeFirst();
  return row?.bytes ?? null;
}

/** @throws ChsError SESSION_NOT_FOUND */
export async function neededSessionBytes(db: Kysely<Schema>, id: string): Promise<number> {
  const bytes = await sessionBytes(db, id);
  if (bytes === null) throw new ChsError('SESSION_NOT_FOUND', { id });
  return bytes;
}

export async function addSessionBytes(db: Kysely<Schema>, id: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  await db
    .updateTable('sessions')
    .set({ bytes: sql<number>`bytes + ${bytes}` })
    .where('id', '=', id)
    .execute();
}

export function* inSteps<T>(items: readonly T[], size = ROWS_A_STATEMENT): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
