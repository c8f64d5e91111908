/** What the records of a target must look like to be read, every part bounded; unknown keys stay, as they are signed. */
import * as z from 'zod';
import { backupId, databaseName } from './fields.ts';

/** Bytes of a manifest, a verification, a note. */
export const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const DATABASES_MAX = 10_000;
export const PROBLEMS_MAX = 100;
export const REMOVED_MAX = 10_000;

const text = z.string().max(32_768);
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const file = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'expected the name of a file');
const signature = z.looseObject({ key: z.string().max(64), value: z.string().max(128) });

const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, 'expected a time such as 2025-12-24T12:00:00Z')
  .refine((at) => isRealInstant(at), 'expected a time that there is');

/** Date.parse takes the 31st of any month and goes on into the next one. */
function isRealInstant(at: string): boolean {
  const ms = Date.parse(at);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(at.slice(0, 19));
}

const database = z.looseObject({
  name: databaseName,
  path: text,
  size: count,
  sha256,
  pages: count.nullable(),
  page_size: count.nullable(),
  schema_sha256: sha256.nullable(),
  foreign_key_violations: count.nullable(),
  kind: z.enum(['sqlite', 'postgres']),
  server_version: z.string().max(200).nullable(),
  file,
  file_size: count,
  file_sha256: sha256,
});

const files = z.looseObject({
  database: databaseName,
  path: text,
  count,
  size: count,
  list: file,
  list_size: count,
  list_sha256: sha256,
  missing: z.array(text).max(100),
});

export const manifestSchema = z
  .looseObject({
    timestamp: instant,
    databases: z.array(database).max(DATABASES_MAX),
    options: z.looseObject({ db: text, compact: z.boolean() }),
    id: backupId,
    version: z.literal(1),
    one_instant: z.boolean(),
    one_instant_reason: text.nullable(),
    files: files.nullable(),
    made_by: z.looseObject({ chs: z.string().max(200), host: z.string().max(1024) }),
    sequence: z.int().min(1),
    previous: z.looseObject({ id: backupId, sha256 }).nullable(),
    signature,
  })
  .refine(({ databases }) => new Set(databases.map(({ name }) => name)).size === databases.length, {
    message: 'a database is listed twice',
    path: ['databases'],
  })
  .refine(({ databases, files }) => hasOwnFiles([...databases.map((one) => one.file), files?.list]), {
    message: 'a file is listed twice',
    path: ['databases'],
  });

function hasOwnFiles(names: readonly (string | undefined)[]): boolean {
  const named = names.filter((name) => name !== undefined);
  // manifest.json and verified.json are what says so; no database may stand in their place.
  const all = [...named, 'manifest.json', 'verified.json'];
  return new Set(all).size === all.length;
}

export const verificationSchema = z.looseObject({
  id: backupId,
  manifest_sha256: sha256,
  verified_at: instant,
  depth: z.enum(['made', 'full']),
  ok: z.boolean(),
  problems: z.array(text).max(PROBLEMS_MAX),
  signature,
});

export const removedSchema = z.looseObject({
  version: z.literal(1),
  removed: z
    .array(
      z.looseObject({ id: backupId, sequence: z.int().min(1), manifest_sha256: sha256, removed_at: instant }),
    )
    .max(REMOVED_MAX),
  signature,
});

/**
 * The record in these bytes, as it stands there: nothing that was signed is left out.
 *
 * @throws Error with a reason
 */
export function readRecord<Record>(bytes: Uint8Array, schema: z.ZodType): Record {
  if (bytes.length > RECORD_BYTES_MAX) throw new Error(`it has more than ${RECORD_BYTES_MAX} bytes`);
  const raw = parseJson(bytes);
  const version = typeof raw === 'object' && raw !== null && 'version' in raw ? raw.version : 1;
  if (typeof version === 'number' && version > 1)
    throw new Error(`a newer chs wrote it (version ${version})`);
  const checked = schema.safeParse(raw);
  if (!checked.success) throw new Error(firstProblem(checked.error));
  return raw as Record;
}

function parseJson(bytes: Uint8Array): unknown {
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8');
  }
  try {
    return JSON.parse(content);
  } catch {
    throw new Error('it is not JSON');
  }
}

function firstProblem({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (!issue) return 'it is not as it should be';
  const at = issue.path.join('.').slice(0, 200);
  return at === '' ? issue.message : `${at}: ${issue.message}`;
}
