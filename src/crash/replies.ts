/** Rows as the replies show them: the documented fields, and what chs adds. */
import type { Annotation } from './annotation-store.ts';
import { listed } from './annotations.ts';
import { hex } from './formats/bytes.ts';
import { shownPath } from './paths.ts';
import type { ExeRow, FileRow, IdentityState, MinidumpRow, PdbRow } from './store.ts';

/** The fields that files of every kind have in replies. */
interface ShownFile {
  id: string;
  exe_version: string | null;
  exe_guid: string | null;
  file_path: string;
  state: IdentityState | null;
  size_bytes: number | null;
  sha256: string | null;
  declared: Record<string, unknown> | null;
  parsed: Record<string, unknown> | null;
  warnings: string[];
}

/** @param rootName the last segment of the storage root */
export function shownFile(row: FileRow, rootName: string): ShownFile {
  return {
    id: row.id,
    exe_version: row.exe_version,
    exe_guid: row.exe_guid,
    file_path: shownPath(row.file_path, rootName),
    state: row.state,
    size_bytes: row.size_bytes,
    sha256: row.sha256,
    declared: jsonObject(row.declared),
    parsed: jsonObject(row.parsed),
    warnings: sentences(row.warnings),
  };
}

/** @param withPdb modules whose PDB is stored */
export function shownMinidump(row: MinidumpRow, rootName: string, withPdb: ReadonlySet<number>) {
  const { id, ...rest } = shownFile(row, rootName);
  return {
    id,
    timestamp: row.timestamp,
    exe_name: row.exe_name,
    exe_age: row.exe_age,
    pid: row.pid,
    tid: row.tid,
    exception_code: row.exception_code,
    exception_address: row.exception_address,
    signature: row.signature,
    debuggable: row.key_module_id !== null && withPdb.has(row.key_module_id),
    created_at: row.created_at,
    ...rest,
  };
}

/**
 * @param kept what the store has
 * @param details of the dump, which tell its own annotations where its row is older than their table
 */
export function shownAnnotations(
  kept: readonly Annotation[],
  details: Readonly<Record<string, unknown>> | null,
): Annotation[] {
  const inside = details?.annotations;
  if (kept.some(({ source }) => source === 'dump') || typeof inside !== 'object' || inside === null)
    return [...kept];
  const texts = Object.entries(inside).filter(([, value]) => typeof value === 'string');
  return [...kept, ...listed(Object.fromEntries(texts), 'dump')];
}

export function shownPdb(row: PdbRow, rootName: string) {
  const { id, ...rest } = shownFile(row, rootName);
  return { id, pdb_filename: row.pdb_filename, exe_age: row.exe_age, uploaded_at: row.uploaded_at, ...rest };
}

export function shownExe(row: ExeRow, rootName: string) {
  const { id, ...rest } = shownFile(row, rootName);
  return {
    id,
    exe_filename: row.exe_filename,
    exe_age: row.exe_age,
    time_date_stamp: row.time_date_stamp === null ? null : hex(row.time_date_stamp, 8),
    size_of_image: row.size_of_image,
    uploaded_at: row.uploaded_at,
    ...rest,
  };
}

/** JSON that chs wrote itself; a row that something else wrote is shown without it. */
export function jsonObject(text: string | null): Record<string, unknown> | null {
  const value = text === null ? null : parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** A list of sentences in JSON. */
export function sentences(text: string | null): string[] {
  const value = text === null ? [] : parsed(text);
  return Array.isArray(value) ? value.map(String) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
