/** What is told to whoever watches, when files come and go. */
import type { Kysely } from 'kysely';
import type { FileKind, FileRow, RowOf } from '../../crash/store.ts';
import { insertEvent } from './event-store.ts';
import type { Schema } from './schema.ts';

/** Event types begin with the kind, and so does the name of its ID. */
const KIND = { minidumps: 'minidump', pdbs: 'pdb', exes: 'exe' } as const satisfies Record<FileKind, string>;

/** @param newlyDebuggable dumps that had to wait for the file */
export async function tellArrival<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  row: RowOf[K],
  newlyDebuggable: number,
): Promise<void> {
  const atMs = 'uploaded_ms' in row ? row.uploaded_ms : row.created_ms;
  const matched = kind === 'minidumps' ? {} : { newly_debuggable: newlyDebuggable };
  await insertEvent(db, {
    type: `${KIND[kind]}.uploaded`,
    atMs,
    data: { ...namesOf(kind, row), ...matched },
  });
}

/** The same bytes were uploaded under another identity, for which dumps had to wait. */
export async function tellRedeclaration<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  row: RowOf[K],
  { newlyDebuggable, atMs }: { readonly newlyDebuggable: number; readonly atMs: number },
): Promise<void> {
  const data = { ...namesOf(kind, row), deduplicated: true, newly_debuggable: newlyDebuggable };
  await insertEvent(db, { type: `${KIND[kind]}.uploaded`, atMs, data });
}

/** @param noLongerDebuggable dumps that are left without symbols */
export async function tellDeparture<K extends FileKind>(
  db: Kysely<Schema>,
  kind: K,
  row: RowOf[K],
  { noLongerDebuggable, atMs }: { readonly noLongerDebuggable: number; readonly atMs: number },
): Promise<void> {
  const matched = kind === 'minidumps' ? {} : { no_longer_debuggable: noLongerDebuggable };
  await insertEvent(db, { type: `${KIND[kind]}.deleted`, atMs, data: { ...namesOf(kind, row), ...matched } });
}

/** Enough to know which file it is, without asking. */
function namesOf(kind: FileKind, row: FileRow & Partial<RowOf[FileKind]>): Record<string, unknown> {
  const own =
    'pdb_filename' in row
      ? { pdb_filename: row.pdb_filename }
      : 'exe_filename' in row
        ? { exe_filename: row.exe_filename, exe_version: row.exe_version }
        : 'exe_name' in row
          ? {
              exe_name: row.exe_name,
              exe_version: row.exe_version,
              exception_code: row.exception_code,
              signature: row.signature,
            }
          : {};
  const { id, exe_guid, exe_age = null } = row;
  return { [`${KIND[kind]}_id`]: id, ...own, exe_guid, exe_age };
}
