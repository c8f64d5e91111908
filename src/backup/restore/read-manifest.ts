/** Reads a manifest that comes from outside: chs's own, or the documented one of a download. */
import * as z from 'zod';
import { ChsError } from '../../platform/errors.ts';
import { databaseName } from '../fields.ts';
import type { SourceDatabase, SourceManifest } from './source.ts';

export const manifestBytesMax = 8 * 1024 * 1024;
export const databasesMax = 1000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().min(0);
/** Nothing but a plain name: it becomes one, beside the manifest and beside the target. */
const plainFile = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/);

const database = z.object({
  name: databaseName,
  path: z.string().max(10_000).default(''),
  kind: z.enum(['sqlite', 'postgres']).default('sqlite'),
  size: bytes.nullable().default(null),
  sha256: sha256.nullable().default(null),
  pages: bytes.nullable().default(null),
  page_size: bytes.nullable().default(null),
  schema_sha256: sha256.nullable().default(null),
  foreign_key_violations: bytes.nullable().default(null),
  server_version: z.string().max(100).nullable().default(null),
  file: plainFile.optional(),
  file_size: bytes.nullable().default(null),
  file_sha256: sha256.nullable().default(null),
});

const manifest = z.object({
  id: z.string().max(100).nullable().default(null),
  timestamp: z.string().max(100),
  databases: z.array(database).max(databasesMax),
  files: z
    .object({
      database: databaseName,
      path: z.string().max(10_000),
      count: bytes,
      size: bytes,
      list: plainFile,
      list_size: bytes,
      list_sha256: sha256,
      missing: z.array(z.string().max(4096)).max(100),
    })
    .nullable()
    .default(null),
});

/**
 * @param text the manifest's own bytes
 * @param fileOf the name of a database's file where the manifest names none (the documented one does not)
 * @throws ChsError BACKUP_DAMAGED
 */
export function readManifest(
  label: string,
  text: Uint8Array,
  fileOf: (name: string, kind: 'sqlite' | 'postgres') => string,
): SourceManifest {
  const parsed = manifest.safeParse(jsonOf(label, text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.map(String).join('.') ?? '';
    throw new ChsError('BACKUP_DAMAGED', { id: label, reason: `manifest.json is no manifest (at ${at})` });
  }
  const { id, timestamp, files } = parsed.data;
  const databases: SourceDatabase[] = parsed.data.databases.map((entry) => ({
    ...entry,
    file: entry.file ?? fileOf(entry.name, entry.kind),
  }));
  for (const names of [databases.map((entry) => entry.name), databases.map((entry) => entry.file)]) {
    if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
      throw new ChsError('BACKUP_DAMAGED', { id: label, reason: 'manifest.json names a database twice' });
    }
  }
  return { id, timestamp, databases, files };
}

function jsonOf(label: string, text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw new ChsError('BACKUP_DAMAGED', { id: label, reason: 'manifest.json is no JSON' }, { cause });
  }
}
