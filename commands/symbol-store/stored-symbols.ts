/** What the server has that debuggers ask symbol stores for: PDBs and images, with the folders that they go into. */

import type { CallOptions } from '../../src/connect.ts';
import { formatCodeId } from '../../src/crash/formats/pe.ts';
import { isRealStamp } from '../../src/crash/match.ts';
import { parseInstant } from '../../src/platform/clock.ts';
import type { CrashClient } from '../crash-files.ts';
import { safeFileName } from '../download.ts';
import { pdbStoreKey } from '../views/symbols.ts';

/** As many as the server gives at a time. */
const PAGE_SIZE = 100;

export interface StoredSymbol {
  readonly kind: 'pdb' | 'exe';
  readonly id: string;
  /** Safe as a name on any system; null for a file that came without one. */
  readonly fileName: string | null;
  /** GUID and age, or TimeDateStamp and SizeOfImage; null where the file has no such identity. */
  readonly key: string | null;
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  /** Where the server keeps it. */
  readonly source: string;
  readonly version: string | null;
}

export interface SymbolFilter {
  readonly version?: string | undefined;
  readonly name?: string | undefined;
  /** ISO 8601: uploaded then or later. */
  readonly since?: string | undefined;
}

type ShownPdb = Awaited<ReturnType<CrashClient['listPdbs']>>['pdbs'][number];
type ShownExe = Awaited<ReturnType<CrashClient['listExes']>>['exes'][number];

interface Page<Row> {
  readonly rows: readonly Row[];
  /** Of all pages. */
  readonly total: number;
}

/**
 * All PDBs, then all images that pass the filter, newest first; with a version, the PDBs of its images as well.
 *
 * @param call makes a request, and makes it again where that may help
 */
export async function* storedSymbols(
  client: Pick<CrashClient, 'listPdbs' | 'listExes'>,
  { since, ...filter }: SymbolFilter,
  call: <T>(ask: (options: CallOptions) => Promise<T>) => Promise<T>,
): AsyncGenerator<StoredSymbol> {
  const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : parseInstant(since);
  const asked = (page: number) => ({ ...filter, page, page_size: PAGE_SIZE });
  const pdbs = async (page: number): Promise<Page<ShownPdb>> => {
    const { pdbs: rows, total } = await call((options) => client.listPdbs(asked(page), options));
    return { rows, total };
  };
  const exes = async (page: number): Promise<Page<ShownExe>> => {
    const { exes: rows, total } = await call((options) => client.listExes(asked(page), options));
    return { rows, total };
  };
  const given = new Set<string>();
  for await (const row of pages(pdbs, sinceMs)) {
    given.add(row.id);
    yield pdbSymbol(row);
  }
  for await (const row of pages(exes, sinceMs)) {
    yield exeSymbol(row);
    if (filter.version === undefined || row.exe_guid === null) continue;
    // A PDB knows no version: that of the image is its own, whatever its upload said or left out.
    const { exe_guid: guid } = row;
    const own = await call((options) => client.listPdbs({ guid, page: 1, page_size: PAGE_SIZE }, options));
    for (const pdb of own.pdbs) if (!given.has(pdb.id)) yield pdbSymbol(pdb);
    for (const pdb of own.pdbs) given.add(pdb.id);
  }
}

/**
 * Each row once, and none left out. What is uploaded meanwhile comes first and pushes others on to the next page; what
 * is deleted draws them on to one that was read already, by no more than the total falls.
 */
async function* pages<Row extends { readonly id: string; readonly uploaded_at: string }>(
  list: (page: number) => Promise<Page<Row>>,
  sinceMs: number,
): AsyncGenerator<Row> {
  const seen = new Set<string>();
  let totalBefore = 0;
  for (let page = 1; ; page += 1) {
    const { rows, total } = await list(page);
    const fallen = totalBefore - total;
    totalBefore = total;
    if (fallen > 0 && page > 1) {
      page = Math.max(0, page - 1 - Math.ceil(fallen / PAGE_SIZE));
      continue;
    }
    for (const row of rows) {
      if (Date.parse(row.uploaded_at) < sinceMs) return;
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      yield row;
    }
    if (rows.length < PAGE_SIZE) return;
  }
}

/** Debuggers go by what the bytes say; what was declared stands in where nobody could read them. */
function pdbSymbol(pdb: ShownPdb): StoredSymbol {
  const guid = pdb.parsed ? pdb.parsed.exe_guid : pdb.exe_guid;
  const age = pdb.parsed ? pdb.parsed.exe_age : pdb.exe_age;
  const key = pdbStoreKey(guid ?? null, age ?? null, pdb.parsed?.format === 'portable');
  return { kind: 'pdb', key: usable(key), fileName: safeFileName(pdb.pdb_filename), ...shared(pdb) };
}

function exeSymbol(exe: ShownExe): StoredSymbol {
  const stamp = exe.time_date_stamp === null ? null : Number.parseInt(exe.time_date_stamp, 16);
  const key =
    stamp === null || exe.size_of_image === null || !isRealStamp(stamp)
      ? null
      : formatCodeId(stamp, exe.size_of_image);
  return { kind: 'exe', key: usable(key), fileName: safeFileName(exe.exe_filename), ...shared(exe) };
}

function shared(
  row: ShownPdb | ShownExe,
): Pick<StoredSymbol, 'id' | 'sha256' | 'sizeBytes' | 'source' | 'version'> {
  return {
    id: row.id,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    source: row.file_path,
    version: row.exe_version,
  };
}

/** A name of a folder, whatever a server says; the age is in lower case, as symstore.exe writes it. */
function usable(key: string | null): string | null {
  if (key === null || !/^[\dA-Fa-f]{9,40}$/.test(key)) return null;
  return key.length > 32 && !/F{8}$/.test(key) ? key.slice(0, 32) + key.slice(32).toLowerCase() : key;
}
