/** Annotations in SQL, the same on every database. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type {
  Annotation,
  AnnotationBounds,
  AnnotationSource,
  AnnotationStore,
} from '../../crash/annotation-store.ts';
import type { SqlBackend } from './backend.ts';
import type { Schema } from './schema.ts';

/** As many rows as one statement inserts; databases bound the number of its parameters. */
const ROWS_A_STATEMENT = 200;
/** So much of a value is in the index. */
const INDEXED_CHARS = 200;

export function createAnnotationStore(backend: SqlBackend): AnnotationStore {
  return {
    addAnnotations: (minidumpId, annotations, bounds) =>
      backend.write(async (db) => {
        const row = db.selectFrom('minidumps').select('id').where('id', '=', minidumpId);
        if (!(await row.executeTakeFirst())) return 0;
        const kept = (await stored(db, minidumpId)).map(cleaned);
        const { fitting, leftOut } = newOnes(kept, annotations.map(cleaned), bounds);
        await insertAnnotations(db, minidumpId, fitting);
        return leftOut;
      }),
    annotationsOf: (minidumpId) => backend.read((db) => stored(db, minidumpId)),
  };
}

/** Those whose names are new, as far as there is room for them beside the others of the same source. */
function newOnes(
  kept: readonly Annotation[],
  given: readonly Annotation[],
  { maxCount, maxBytes }: AnnotationBounds,
): { fitting: Annotation[]; leftOut: number } {
  const known = new Set(kept.map(identity));
  const used = { client: { count: 0, bytes: 0 }, dump: { count: 0, bytes: 0 } };
  const use = (annotation: Annotation): void => {
    used[annotation.source].count += 1;
    used[annotation.source].bytes += bytesOf(annotation);
  };
  kept.forEach(use);
  const fitting: Annotation[] = [];
  let leftOut = 0;
  for (const annotation of given) {
    if (known.has(identity(annotation))) continue;
    const { count, bytes } = used[annotation.source];
    if (count >= maxCount || bytes + bytesOf(annotation) > maxBytes) {
      leftOut += 1;
      continue;
    }
    known.add(identity(annotation));
    use(annotation);
    fitting.push(annotation);
  }
  return { fitting, leftOut };
}

/** Within a transaction that has the dump's row; of two with one name and source the first counts. */
export async function insertAnnotations(
  db: Kysely<Schema>,
  minidumpId: string,
  annotations: readonly Annotation[],
): Promise<void> {
  for (let start = 0; start < annotations.length; start += ROWS_A_STATEMENT) {
    const rows = annotations
      .slice(start, start + ROWS_A_STATEMENT)
      .map((annotation) => ({ minidump_id: minidumpId, ...cleaned(annotation) }));
    await db
      .insertInto('annotations')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .execute();
  }
}

/** The condition on `annotations` that one has this name, and this value where one is given. */
export function annotationMatches({
  name,
  value,
}: {
  name: string;
  value: string | null;
}): RawBuilder<unknown> {
  if (value === null) return sql`annotations.name = ${name}`;
  const indexed = sql.lit(INDEXED_CHARS);
  return sql`
    annotations.name = ${name} and annotations.value = ${value}
    and substr(annotations.value, 1, ${indexed}) = substr(${value}, 1, ${indexed})`;
}

/** The same for the annotations of one row at a time: written so that no index of names can be taken for it. */
export function annotationOfRow({
  name,
  value,
}: {
  name: string;
  value: string | null;
}): RawBuilder<unknown> {
  const named = sql`annotations.name || '' = ${name}`;
  return value === null ? named : sql`${named} and annotations.value || '' = ${value}`;
}

async function stored(db: Kysely<Schema>, minidumpId: string): Promise<Annotation[]> {
  const query = db
    .selectFrom('annotations')
    .select(['name', 'value', 'source'])
    .where('minidump_id', '=', minidumpId)
    .orderBy('source')
    .orderBy('name');
  const rows = await query.execute();
  return rows.map((row) => ({ ...row, source: row.source as AnnotationSource }));
}

/** Text that UTF-8 can write, without U+0000, which PostgreSQL refuses and at which SQLite's functions end. */
function cleaned({ name, value, source }: Annotation): Annotation {
  return { name: storable(name), value: storable(value), source };
}

function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

function identity({ source, name }: Annotation): string {
  return `${source} ${name}`;
}

function bytesOf({ name, value }: Annotation): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value);
}
