/** The tables, as the query builder sees them. How they came about is in sqlite/migrations.ts. */
import type { Generated } from 'kysely';
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

/** One module, however many dumps list it. `identity` is all of its columns that tell it from others, as one text. */
interface ModulesTable {
  id: Generated<number>;
  identity: string;
  name: string | null;
  debug_file: string | null;
  guid_key: string | null;
  age: number | null;
  time_date_stamp: number | null;
  size_of_image: number | null;
  version: string | null;
  is_system: number;
  has_pdb: number;
  has_image: number;
  /** Dumps that list it, and dumps that are debuggable only with its PDB. */
  dump_count: number;
  key_count: number;
  first_ms: number;
  last_ms: number;
}

interface MinidumpModulesTable {
  serial: number;
  module_id: number;
}

/** What clients and programs wrote beside or into a dump; `source` is `client` or `dump`. */
interface AnnotationsTable {
  minidump_id: string;
  source: string;
  name: string;
  value: string;
}

/** What debuggers asked the symbol server for, in vain. `file` is in lower case, `key` in upper case. */
interface SymbolMissesTable {
  file: string;
  key: string;
  request_count: number;
  first_ms: number;
  last_ms: number;
}

/** What happened, in order, for whoever watches. `data` is JSON. */
interface EventsTable {
  id: Generated<number>;
  at_ms: number;
  type: string;
  data: string;
}

/** When what runs once in a while ran last, whichever process did it. */
interface TasksTable {
  name: string;
  started_ms: number;
  finished_ms: number | null;
  outcome: string | null;
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

/** Log sessions. `used_at` 0 marks one that is being deleted, which nobody sees any more. */
export interface SessionsTable {
  id: string;
  created_at: number;
  timezone: string;
  hint: string | null;
  used_at: number;
  /** What its rows take altogether. */
  bytes: number;
  /** How many files it has, and their bytes on disk. */
  file_count: number;
  file_bytes: number;
  is_private: number;
  owner: string;
  directory: string | null;
}

interface SessionFilesTable {
  session_id: string;
  path: string;
  size: number;
  encoding: string;
  timestamp_format: string | null;
  compression: string;
  family_id: string | null;
  bytes: number;
  encoding_given: number;
  details: string;
}

interface SearchRecordsTable {
  serial: Generated<number>;
  id: string;
  session_id: string;
  result_count: number;
  duration_ms: number;
  created_at: number;
  /** With its hits and their facts. */
  bytes: number;
  hit_count: number;
  query_json: string;
  snapshot: string | null;
}

export interface SearchHitsTable {
  serial: Generated<number>;
  id: string;
  record_id: string;
  /** That of the record, for the index by time. */
  session_id: string;
  file: string;
  family_id: string | null;
  line_number: number;
  byte_offset: number;
  timestamp: number | null;
  truncated: number;
  content: string;
  context: string;
}

interface MemoriesTable {
  session_id: string;
  key: string;
  value: string;
}

interface FactsTable {
  serial: Generated<number>;
  id: string;
  session_id: string;
  hit_id: string;
  rule_name: string;
  fields_json: string;
}

interface SecretsTable {
  name: string;
  value: Uint8Array;
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
  modules: ModulesTable;
  minidump_modules: MinidumpModulesTable;
  annotations: AnnotationsTable;
  symbol_misses: SymbolMissesTable;
  events: EventsTable;
  tasks: TasksTable;
  tokens: TokensTable;
  sessions: SessionsTable;
  session_files: SessionFilesTable;
  search_records: SearchRecordsTable;
  search_hits: SearchHitsTable;
  memories: MemoriesTable;
  facts: FactsTable;
  secrets: SecretsTable;
}
