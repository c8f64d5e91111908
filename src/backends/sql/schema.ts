/** The tables, as the query builder sees them. How they came about is in sqlite/migrations.ts. */
import type { ExeRow, MinidumpRow, PdbRow } from '../../crash/store.ts';

/** Everything that was parsed from a dump, apart from its row so that lists stay small. */
interface MinidumpDetailsTable {
  minidump_id: string;
  details: string;
}

/** Every CodeView identity of an image: some have two. */
interface ExeDebugIdsTable {
  exe_id: string;
  guid_key: string;
  age: number;
}

/** Identities that later uploads of the same bytes declared; age -1 is none. */
interface DeclaredIdsTable {
  kind: string;
  file_id: string;
  guid_key: string;
  age: number;
}

/** Rows an hour, kept by triggers, so that totals do not count a million rows one by one. */
interface MinidumpHoursTable {
  hour: number;
  row_count: number;
}

/** Rows a version, a GUID, an exception code, likewise; `kind` is `version`, `guid` or `code`, an unknown key is `''`. */
interface MinidumpTalliesTable {
  kind: string;
  key: string;
  row_count: number;
}

export interface TokensTable {
  id: string;
  name: string;
  scope: string;
  /** SHA-256 of the whole token, in hex; the token itself is nowhere. */
  hash: string;
  created_ms: number;
  expires_ms: number | null;
  last_used_ms: number | null;
  revoked_ms: number | null;
}

export interface Schema {
  minidumps: MinidumpRow;
  pdbs: PdbRow;
  exes: ExeRow;
  minidump_details: MinidumpDetailsTable;
  exe_debug_ids: ExeDebugIdsTable;
  declared_ids: DeclaredIdsTable;
  minidump_hours: MinidumpHoursTable;
  minidump_tallies: MinidumpTalliesTable;
  tokens: TokensTable;
}
