/** The rows of files of any kind: how one is found, who else names its file, and how it goes. */
import { type Kysely, sql } from 'kysely';
import type { FileKind, Removed, RowOf } from '../../crash/store.ts';
import { tellDeparture } from './crash-events.ts';
import { modulesOfExe, modulesOfPdb, whileMatching } from './module-index.ts';
import type { Schema } from './schema.ts';

/** The last characters of a path, by which an index finds it (idx_minidumps_path_end and its like). */
const PATH_END_CHARS = 32;
const pathEnd = sql`lower(substr(replace(file_path, '\\', '/'), -${sql.lit(PATH_END_CHARS)}))`;

export async function first<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  column: 'id' | 'sha256' | 'file_path',
  value: string,
): Promise<RowOf[K] | null> {
  const { rows } = await sql<RowOf[K]>`
    select * from ${sql.table(kind)} where ${sql.ref(column)} = ${value} limit 1`.execute(db);
  return rows[0] ?? null;
}

/**
 * Whether a row names this path. Rows of an earlier server may spell it otherwise (an absolute
 * path, backslashes); those have no hash, and are found by how they end.
 */
export async function isReferenced(db: Kysely<Schema>, filePath: string): Promise<boolean> {
  const documented = /^\.\/[^/]+\/((minidumps|pdbs|exes)\/.+)$/.exec(filePath);
  const [, key, kind] = documented ?? [];
  if (key === undefined || (kind !== 'minidumps' && kind !== 'pdbs' && kind !== 'exes')) return false;
  if ((await first(db, kind, 'file_path', filePath)) !== null) return true;
  const ending = `%/${key.replace(/[~%_]/g, '~$&')}`;
  // Where the path is too short for the index, all of them are looked at.
  const hasEnd =
    [...key].length < PATH_END_CHARS
      ? sql`1 = 1`
      : sql`${pathEnd} = lower(${[...key].slice(-PATH_END_CHARS).join('')})`;
  const { rows } = await sql`
    select 1 from ${sql.table(kind)}
    where sha256 is null and ${hasEnd} and '/' || replace(file_path, '\\', '/') like ${ending} escape '~' limit 1`.execute(
    db,
  );
  return rows.length > 0;
}

/**
 * Dumps that needed a PDB or an image look for another one.
 *
 * @param toldAtMs when, for those who watch; null for a deletion of thousands, of which they are told once
 */
export async function removeRow<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  id: string,
  { toldAtMs }: { readonly toldAtMs: number | null },
): Promise<Removed> {
  const row = await first(db, kind, 'id', id);
  if (!row) return { removed: false, mayShareFile: false, noLongerDebuggable: 0 };
  const modules =
    kind === 'minidumps' ? [] : await (kind === 'pdbs' ? modulesOfPdb(db, id) : modulesOfExe(db, id));
  const { difference } = await whileMatching(db, modules, async () => {
    await db.deleteFrom('declared_ids').where('kind', '=', kind).where('file_id', '=', id).execute();
    await sql`delete from ${sql.table(kind)} where id = ${id}`.execute(db);
  });
  const noLongerDebuggable = Math.max(0, -difference);
  if (toldAtMs !== null) await tellDeparture(db, kind, row, { noLongerDebuggable, atMs: toldAtMs });
  return { removed: true, mayShareFile: row.sha256 === null, noLongerDebuggable };
}
